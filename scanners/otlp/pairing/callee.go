package pairing

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

func digits(port uint16) string { return strconv.Itoa(int(port)) }

// databaseSystem is the system by its present name.
func databaseSystem(written string, old bool) string {
	written = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(clean(written))), ":", "_")
	if now, renamed := renamedSystems[written]; renamed && (old || written != "cache") {
		return now
	}
	return strings.ReplaceAll(written, "/", "_")
}

// renamedSystems are the values of db.system that db.system.name has others for. It is never written to.
var renamedSystems = map[string]string{
	"mssql": "microsoft.sql_server", "mssqlcompact": "microsoft.sql_server", "oracle": "oracle.db", "dynamodb": "aws.dynamodb",
	"redshift": "aws.redshift", "cosmosdb": "azure.cosmosdb", "spanner": "gcp.spanner", "db2": "ibm.db2",
	"informix": "ibm.informix", "netezza": "ibm.netezza", "hanadb": "sap.hana", "maxdb": "sap.maxdb",
	"adabas": "softwareag.adabas", "ingres": "actian.ingres", "firebird": "firebirdsql", "h2": "h2database",
	"cache": "intersystems.cache",
}

// defaultPorts are those that say nothing. It is never written to.
var defaultPorts = map[string][]string{
	"postgresql": {"5432"}, "cockroachdb": {"26257"}, "mysql": {"3306"}, "mariadb": {"3306"}, "tidb": {"4000"},
	"microsoft.sql_server": {"1433"}, "oracle.db": {"1521"}, "ibm.db2": {"50000"}, "mongodb": {"27017"}, "redis": {"6379"},
	"valkey": {"6379"}, "memcached": {"11211"}, "cassandra": {"9042"}, "elasticsearch": {"9200"}, "opensearch": {"9200"},
	"couchdb": {"5984"}, "couchbase": {"8091", "11210"}, "neo4j": {"7687"}, "clickhouse": {"9000", "8123"},
	"influxdb": {"8086"}, "aws.dynamodb": {"443", "80"}, "aws.redshift": {"5439"}, "azure.cosmosdb": {"443"},
	"gcp.spanner": {"443"}, "firebirdsql": {"3050"}, "qdrant": {"6333", "6334"}, "milvus": {"19530"}, "hive": {"10000"},
	"vertica": {"5433"}, "teradata": {"1025"}, "trino": {"8080"}, "hbase": {"16000"}, "sap.hana": {"30015"},
	"sap.maxdb": {"7210"}, "actian.ingres": {"21071"}, "intersystems.cache": {"1972"}, "geode": {"40404"}, "solr": {"8983"},
	"weaviate": {"8080"}, "etcd": {"2379"}, "rethinkdb": {"28015"}, "arangodb": {"8529"}, "h2database": {"9092"},
	"hsqldb": {"9001"}, "derby": {"1527"}, "sybase": {"5000"},
}

func isRedis(system string) bool { return system == "redis" || system == "valkey" }

// databaseNameOf is what tells databases of one host apart.
func databaseNameOf(system string, span *spans.Span) string {
	text := func(b []byte) string { return strings.TrimSpace(clean(string(b[:min(len(b), maxText)]))) }
	switch {
	case system == "aws.dynamodb" && len(span.DBTable) > 0:
		return text(span.DBTable)
	case len(span.DBNamespace) > 0:
		return text(span.DBNamespace)
	case isRedis(system):
		return text(span.DBIndex)
	}
	return ""
}

// noSystem is the word for the system of a topic where nobody names it.
const noSystem = "messaging"

// systemOf is the system of a topic; "" = nobody names it.
func systemOf(topic catalog.Alias) string {
	system, _, _ := strings.Cut(strings.TrimPrefix(string(topic), catalog.WorldTopic+":"), ":")
	if system == noSystem {
		return ""
	}
	return system
}

// databaseAlias names a database as the caller sees it: the caller's own host is another one for each caller.
func databaseAlias(system string, at place, name string, caller catalog.Alias) catalog.Alias {
	host := at.host
	if isLoopback(host) {
		host = localhost + "@" + serviceName(caller)
	} else if address, err := netip.ParseAddr(host); err == nil && address.Is6() {
		host = "[" + host + "]"
	}
	for _, usual := range defaultPorts[system] {
		if at.port == usual {
			at.port = ""
		}
	}
	if at.port != "" {
		host += ":" + at.port
	}
	if name != "" {
		host += "/" + name
	}
	return aliasOf(catalog.WorldDatabase, system+":"+host)
}

// peerAlias names a service by what its peer calls it. Without a namespace it is of the peer's own.
func (p *profile) peerAlias(namespace string) catalog.Alias {
	if p.peer == "" {
		return ""
	}
	if p.peerNamespace != "" {
		namespace = p.peerNamespace
	} else if before, name, ok := strings.Cut(p.peer, "/"); ok && before != "" {
		return serviceAlias(before, name)
	}
	return serviceAlias(namespace, p.peer)
}

// callee names whom a span calls by its attributes, or "".
func (p *profile) callee(caller *service) catalog.Alias {
	switch p.target {
	case targetDatabase:
		return databaseAlias(p.database, p.place, p.databaseName, caller.Alias)
	case targetTopic:
		return p.topic
	case targetPeer:
		return p.peerAlias(caller.namespace)
	case targetHost:
		return aliasOf(catalog.WorldHost, withoutBucket(p.place.host))
	}
	return ""
}

// sameForAll says whether the callee is the same whoever calls it.
func (p *profile) sameForAll() bool {
	switch p.target {
	case targetDatabase:
		return !isLoopback(p.place.host)
	case targetPeer:
		return p.peerNamespace != ""
	}
	return true
}

// nodeOf is the number of the callee.
func (s *shard) nodeOf(p *profile, caller uint32) uint32 {
	if p.node != 0 && p.epoch == s.names.epoch && (p.caller == caller || p.sameForAll()) {
		return p.node
	}
	p.caller, p.epoch = caller, s.names.epoch
	p.node = s.names.node(p.callee(&s.names.services[caller]))
	return p.node
}

// sameCall says whether what a span calls within a call is that call, by what both name.
func sameCall(outer, inner *profile) bool {
	switch inner.target {
	case targetNone:
		return true
	case targetHost:
		return transports(outer, inner.place.host)
	case targetPeer:
		return outer.target == targetPeer && outer.peer == inner.peer && outer.peerNamespace == inner.peerNamespace ||
			outer.target == targetHost && sameHost(outer.place.host, strings.ToLower(inner.peer))
	case targetDatabase:
		return outer.target == targetHost && outer.place.host == inner.place.host ||
			outer.target == targetDatabase && outer.database == inner.database && outer.place.host == inner.place.host &&
				(outer.databaseName == inner.databaseName || outer.databaseName == "" || inner.databaseName == "") ||
			outer.database == inner.database && outer.place.host == "" && outer.target != targetTopic
	case targetTopic:
		return outer.target == targetTopic && outer.topic == inner.topic ||
			outer.target == targetHost && (outer.role == roleSend || outer.place.host == inner.place.host)
	}
	return false
}

// transports says whether a call of that host may be how the outer call reaches what it names: by the address that the name
// stands for, say.
func transports(outer *profile, host string) bool {
	switch {
	case outer.place.host != "":
		return sameHost(outer.place.host, host) || isAddress(outer.place.host) != isAddress(host)
	case isAddress(host):
		return outer.target != targetTopic
	}
	switch outer.target {
	case targetTopic:
		for _, cloud := range []string{"aws", "amazon", "gcp", "google", "azure", "servicebus", "eventhubs", "eventgrid"} {
			if strings.HasPrefix(outer.messaging, cloud) {
				return true
			}
		}
		return false
	case targetPeer:
		return sameHost(strings.ToLower(outer.peer), host)
	}
	return false
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// sameHost says whether two names of hosts may be one host: the short name of another is the same.
func sameHost(a, b string) bool {
	if a == b {
		return true
	}
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	return !isPublic(long) && strings.HasPrefix(long, short+".")
}

// tellsMore says whether the inner span of one call names the callee better than the outer.
func tellsMore(outer, inner *profile) bool {
	switch inner.target {
	case targetDatabase:
		return outer.target != targetDatabase || outer.databaseName == "" && inner.databaseName != ""
	case targetTopic, targetPeer:
		return outer.target == targetHost
	case targetHost:
		return outer.target == targetHost && isAddress(outer.place.host) && !isAddress(inner.place.host)
	}
	return false
}
