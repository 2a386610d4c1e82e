package edges

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// protocol is by what a target is called: as the value says, else the Service's port, else the name of the setting.
// A scheme that says only how bytes travel, http among them, is less than a port that names what is carried.
func (in *inference) protocol(f *finding) string {
	said := f.Protocol
	if said != "" && said != "http" && said != "grpc" {
		return said
	}
	byPort, byName := in.portProtocol(f), ""
	for _, word := range hosts.Words(f.name) {
		if protocol := protocolWords[word]; protocol != "" {
			byName = protocol
			break
		}
	}
	if carried := carries(byPort, byName); carried != "" {
		return carried
	}
	if said == "" && byPort == "http" && byName == "grpc" { // which travels by it
		return byName
	}
	for _, protocol := range []string{said, byPort, byName} {
		if protocol != "" {
			return protocol
		}
	}
	return ""
}

// carries is the first of the protocols for telemetry, which travel over others.
func carries(protocols ...string) string {
	for _, protocol := range protocols {
		if telemetry[protocol] {
			return protocol
		}
	}
	return ""
}

// portProtocol is what the port of the Service says: its appProtocol, or its name, of which the first word counts as
// service meshes have it.
func (in *inference) portProtocol(f *finding) string {
	if f.service == nil {
		return ""
	}
	service, ok := f.service.Value.(*corev1.Service)
	if !ok {
		return ""
	}
	at := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == f.Port })
	if at < 0 {
		if f.Port != 0 || len(service.Spec.Ports) != 1 {
			return ""
		}
		at = 0
	}
	port := service.Spec.Ports[at]
	if port.AppProtocol != nil {
		app := (*port.AppProtocol)[strings.LastIndexByte(*port.AppProtocol, '/')+1:]
		if protocol := protocolWords[strings.ToLower(app)]; protocol != "" {
			return protocol
		}
	}
	known := hosts.ProtocolOfPort(port.Port)
	for _, word := range hosts.Words(port.Name) {
		// Charts call every port http; a number that hardly anybody uses for that says more.
		if protocol := protocolWords[word]; protocol != "" && (protocol != "http" || known == "") {
			return protocol
		}
	}
	return known
}

// strength is what an edge states: messages and telemetry can wait.
func strength(protocol string) catalog.Strength {
	if messages[protocol] || telemetry[protocol] {
		return catalog.Async
	}
	return catalog.Unstated
}

// Tables of protocols. Nobody changes them.
var (
	messages  = map[string]bool{"amqp": true, "kafka": true, "nats": true, "mqtt": true, "pulsar": true, "stomp": true}
	telemetry = map[string]bool{"zipkin": true, "jaeger": true, "otlp": true, "statsd": true, "prometheus": true}
	// protocolWords are the words by which settings and ports of Services tell a protocol.
	protocolWords = map[string]string{
		"http": "http", "https": "http", "http2": "http", "h2c": "http", "web": "http", "grpc": "grpc",
		"redis": "redis", "valkey": "redis", "sentinel": "redis", "memcached": "memcached", "memcache": "memcached", "memc": "memcached",
		"postgres": "postgresql", "postgresql": "postgresql", "pg": "postgresql", "mysql": "mysql", "mariadb": "mysql",
		"mongo": "mongodb", "mongodb": "mongodb", "mssql": "mssql", "oracle": "oracle", "cassandra": "cassandra", "cql": "cassandra",
		"elasticsearch": "elasticsearch", "opensearch": "opensearch", "neo4j": "neo4j", "bolt": "neo4j", "etcd": "etcd",
		"zookeeper": "zookeeper", "ldap": "ldap", "smtp": "smtp",
		"amqp": "amqp", "rabbitmq": "amqp", "rabbit": "amqp", "kafka": "kafka", "nats": "nats", "mqtt": "mqtt", "pulsar": "pulsar",
		"zipkin": "zipkin", "jaeger": "jaeger", "otlp": "otlp", "otel": "otlp", "opentelemetry": "otlp", "statsd": "statsd",
	}
)
