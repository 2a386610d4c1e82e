package onboard

import (
	"path"
	"strings"
)

// store is a piece of infrastructure that programs need: what it is called by a protocol, an image, a chart.
type store struct {
	word   string // for names: postgresql
	title  string // for people: PostgreSQL
	sort   string // the spec.type of the Resource
	shared bool   // it is run for many as a rule, so that no repository describes it
}

// stores by the protocols that package hosts tells.
var stores = map[string]store{
	"postgresql":    {"postgresql", "PostgreSQL", "database", false},
	"mysql":         {"mysql", "MySQL", "database", false},
	"mariadb":       {"mariadb", "MariaDB", "database", false},
	"mongodb":       {"mongodb", "MongoDB", "database", false},
	"mssql":         {"mssql", "SQL Server", "database", false},
	"oracle":        {"oracle", "Oracle", "database", false},
	"cassandra":     {"cassandra", "Cassandra", "database", false},
	"clickhouse":    {"clickhouse", "ClickHouse", "database", false},
	"cockroachdb":   {"cockroachdb", "CockroachDB", "database", false},
	"couchdb":       {"couchdb", "CouchDB", "database", false},
	"neo4j":         {"neo4j", "Neo4j", "database", false},
	"influxdb":      {"influxdb", "InfluxDB", "database", false},
	"dynamodb":      {"dynamodb", "DynamoDB", "database", false},
	"redis":         {"redis", "Redis", "cache", false},
	"valkey":        {"valkey", "Valkey", "cache", false},
	"memcached":     {"memcached", "Memcached", "cache", false},
	"elasticsearch": {"elasticsearch", "Elasticsearch", "search-index", false},
	"opensearch":    {"opensearch", "OpenSearch", "search-index", false},
	"minio":         {"object-store", "an object store", "object-store", false},
	"kafka":         {"kafka", "Kafka", "message-broker", true},
	"amqp":          {"rabbitmq", "RabbitMQ", "message-broker", true},
	"nats":          {"nats", "NATS", "message-broker", true},
	"pulsar":        {"pulsar", "Pulsar", "message-broker", true},
	"mqtt":          {"mqtt-broker", "an MQTT broker", "message-broker", true},
	"stomp":         {"activemq", "ActiveMQ", "message-broker", true},
}

// protocolOfImage is the key in stores of what the last element of an image's or chart's name says.
var protocolOfImage = map[string]string{
	"postgres": "postgresql", "postgresql": "postgresql", "postgis": "postgresql", "timescaledb": "postgresql", "pgvector": "postgresql",
	"postgresql-ha": "postgresql", "mysql": "mysql", "mysql-server": "mysql", "percona": "mysql", "mariadb": "mariadb",
	"mongo": "mongodb", "mongodb": "mongodb", "mongodb-community-server": "mongodb",
	"redis": "redis", "redis-stack": "redis", "redis-stack-server": "redis", "redis-cluster": "redis", "keydb": "redis", "valkey": "valkey",
	"memcached": "memcached", "elasticsearch": "elasticsearch", "opensearch": "opensearch",
	"cassandra": "cassandra", "scylla": "cassandra", "clickhouse": "clickhouse", "clickhouse-server": "clickhouse",
	"cockroach": "cockroachdb", "cockroachdb": "cockroachdb", "couchdb": "couchdb", "neo4j": "neo4j", "influxdb": "influxdb",
	"dynamodb-local": "dynamodb", "azure-sql-edge": "mssql", "mssql-server": "mssql", "oracle-xe": "oracle", "oracle-free": "oracle",
	"minio": "minio", "kafka": "kafka", "cp-kafka": "kafka", "kafka-native": "kafka", "redpanda": "kafka", "rabbitmq": "amqp",
	"nats": "nats", "nats-streaming": "nats", "pulsar": "pulsar", "eclipse-mosquitto": "mqtt", "emqx": "mqtt", "hivemq4": "mqtt", //nolint:misspell // it is called so
	"activemq": "stomp", "activemq-classic": "stomp", "activemq-artemis": "stomp",
}

// images that people run beside programs while they develop; nobody's service needs them as such.
var besides = map[string]bool{
	"zookeeper": true, "cp-zookeeper": true, "cp-schema-registry": true, "kafka-ui": true, "kafdrop": true, "akhq": true, "adminer": true,
	"pgadmin4": true, "phpmyadmin": true, "mongo-express": true, "redisinsight": true, "redis-commander": true, "mailhog": true,
	"mailpit": true, "maildev": true, "localstack": true, "jaeger": true, "all-in-one": true, "zipkin": true, "prometheus": true,
	"grafana": true, "loki": true, "tempo": true, "promtail": true, "alertmanager": true, "cadvisor": true, "node-exporter": true,
	"opentelemetry-collector": true, "opentelemetry-collector-contrib": true, "nginx": true, "traefik": true, "envoy": true,
	"haproxy": true, "caddy": true, "httpd": true, "busybox": true, "alpine": true, "ubuntu": true, "debian": true, "curl": true,
	"wait-for-it": true, "docker-compose-wait": true, "flyway": true, "liquibase": true, "migrate": true, "node": true, "python": true,
	"golang": true, "maven": true, "gradle": true, "openjdk": true, "ruby": true, "php": true, "dotnet": true, "rust": true, "pause": true,
	"wiremock": true, "mockserver": true, "swagger-ui": true, "portainer": true, "watchtower": true, "selenium": true,
}

// imageName is an image without its registry's port, version and digest, in lower case.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return strings.ToLower(image)
}

// storeOfImage tells which store an image or a chart is.
func storeOfImage(image string) (store, bool) {
	name := imageName(image)
	if strings.HasSuffix(name, "mssql/server") {
		return stores["mssql"], true
	}
	s, known := stores[protocolOfImage[path.Base(name)]]
	return s, known
}

// isPublic says whether an image is one that somebody publishes for everybody, rather than a company for itself.
func isPublic(image string) bool {
	name := imageName(image)
	first, rest, ok := strings.Cut(name, "/")
	if !ok {
		return true
	}
	if !strings.ContainsAny(first, ".:") && first != "localhost" {
		rest, first = name, "docker.io"
	}
	owner, _, ok := strings.Cut(rest, "/")
	switch first {
	case "docker.io", "index.docker.io", "quay.io", "mcr.microsoft.com", "registry.k8s.io", "k8s.gcr.io", "public.ecr.aws", "docker.elastic.co":
		return !ok || publishers[owner] || first == "mcr.microsoft.com" || first == "registry.k8s.io" || first == "k8s.gcr.io"
	}
	return false
}

// publishers are accounts that publish images for everybody.
var publishers = map[string]bool{
	"library": true, "bitnami": true, "bitnamilegacy": true, "confluentinc": true, "grafana": true, "prom": true, "prometheus": true,
	"jaegertracing": true, "openzipkin": true, "otel": true, "hashicorp": true, "elastic": true, "istio": true, "envoyproxy": true,
	"argoproj": true, "jetstack": true, "minio": true, "keycloak": true, "strimzi": true, "percona": true, "redis": true, "nginxinc": true,
	"mysql": true, "postgis": true, "linuxserver": true, "google": true, "weaveworks": true, "kubernetes": true,
}
