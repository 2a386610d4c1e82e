package hosts

import "strings"

// Tables of words. Nobody changes them.
var (
	// extensions end the names of files, and hardly ever those of hosts.
	extensions = set(`js mjs json jar war yml yaml conf properties txt log html htm css png svg ico jpg gif sh bash xml
		pem crt cer key csr sql so cfg ini md csv toml zip gz tgz tar sqlite sock pid jks p12 pfx keystore tsx java kt rb
		php exe dll bin bak tpl tmpl erb j2 lua groovy wasm proto rules hcl cnf rdb aof xsd xsl ftl vcl`)
	// packages begin the names of programs' parts: the end of a domain stands first.
	packages = set("com org net io java javax jakarta kotlin scala")
	// noWords are no names of hosts, even where one is asked for.
	noWords     = set("true false yes no on off null none nil debug info warn error trace undefined")
	reservedTLD = set("invalid test example onion localhost")
	hostKeys    = set("server host hostname address addr networkaddress datasource endpoint servername")
)

// protocolOfScheme is the protocol that a URL's scheme stands for, whether such a URL may list several hosts, and whether
// a host stands in it at all.
func protocolOfScheme(scheme string) (protocol string, several, ok bool) {
	scheme = strings.Trim(scheme, ".-+:")
	if rest, jdbc := strings.CutPrefix(scheme, "jdbc:"); jdbc {
		scheme, _, _ = strings.Cut(strings.TrimPrefix(rest, "tracing:"), ":")
		several = true
	} else if rest, r2dbc := strings.CutPrefix(scheme, "r2dbc:"); r2dbc {
		scheme = rest[strings.LastIndexByte(rest, ':')+1:]
		several = true
	}
	scheme = strings.Trim(scheme[strings.LastIndexByte(scheme, ':')+1:], ".-+")
	scheme, _, _ = strings.Cut(strings.TrimPrefix(scheme, "db+"), "+")
	switch scheme {
	case "", "file", "classpath", "jar", "data", "mailto", "urn", "unix", "s3", "s3a", "s3n", "gs", "gcs", "wasb", "wasbs", "abfs",
		"abfss", "docker", "oci", "sqlite", "sqlite3", "h2", "mem", "arn", "secret", "configmap", "docker-pullable", "containerd",
		"chrome-extension", "vscode", "about", "app", "fd", "npipe", "cid", "tag", "spiffe", "k8s":
		return "", false, false
	case "http", "https", "lb", "ws", "wss", "h2c":
		return "http", several, true
	case "postgres", "postgresql", "pgsql":
		return "postgresql", true, true
	case "mysql", "mysqlx", "mysql2":
		return "mysql", true, true
	case "mariadb":
		return "mariadb", true, true
	case "mongodb", "mongo":
		return "mongodb", true, true
	case "redis", "rediss", "redis-sentinel", "redis-cluster", "valkey":
		return "redis", true, true
	case "amqp", "amqps", "rabbitmq":
		return "amqp", true, true
	case "kafka", "plaintext", "sasl_plaintext", "sasl_ssl":
		return "kafka", true, true
	case "mqtt", "mqtts":
		return "mqtt", true, true
	case "nats", "pulsar", "stomp":
		return scheme, true, true
	case "sqlserver", "mssql":
		return "mssql", several, true
	case "grpc", "grpcs", "dns", "xds", "kubernetes", "passthrough":
		return "grpc", true, true
	case "memcached", "memcache":
		return "memcached", true, true
	case "zk", "zookeeper":
		return "zookeeper", true, true
	case "neo4j", "bolt", "neo4js", "neo4j-s":
		return "neo4j", true, true
	case "ldap", "ldaps":
		return "ldap", true, true
	case "smtp", "smtps":
		return "smtp", true, true
	case "tcp", "udp", "ssl", "tls", "sb", "plain", "static", "discovery", "tcp4", "tcp6":
		return "", true, true
	case "elasticsearch", "cassandra", "clickhouse", "couchbase", "etcd", "statsd", "zipkin", "jaeger", "otlp", "db2", "snowflake",
		"hive2", "trino", "presto", "vertica", "oracle":
		return scheme, true, true
	}
	return "", true, true
}

// ProtocolOfPort is the protocol of a port that hardly anybody uses for another one, "" for the rest.
func ProtocolOfPort(port int32) string {
	switch port {
	case 5432:
		return "postgresql"
	case 3306:
		return "mysql"
	case 27017:
		return "mongodb"
	case 6379, 26379:
		return "redis"
	case 5672, 5671:
		return "amqp"
	case 9092: // 9093 is also Alertmanager's
		return "kafka"
	case 4222:
		return "nats"
	case 11211:
		return "memcached"
	case 1433:
		return "mssql"
	case 1521:
		return "oracle"
	case 9042:
		return "cassandra"
	case 2181:
		return "zookeeper"
	case 9411:
		return "zipkin"
	case 14268, 6831, 6832, 14250:
		return "jaeger"
	case 4317, 4318:
		return "otlp"
	case 8125:
		return "statsd"
	case 2379:
		return "etcd"
	case 1883, 8883:
		return "mqtt"
	case 7687:
		return "neo4j"
	case 389, 636:
		return "ldap"
	case 25, 465, 587:
		return "smtp"
	case 6650:
		return "pulsar"
	}
	return ""
}
