// Package databases knows the names of database systems, so that every reader of telemetry names a database alike.
package databases

import (
	"slices"
	"strings"
)

// System is the name of a system by the present conventions of OpenTelemetry (db.system.name). old says that the name was
// given by the conventions before (db.system), where it may mean something else.
func System(name string, old bool) string {
	name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), ":", "_")
	if now, renamed := renamed[name]; renamed && (old || name != "cache") {
		return now
	}
	return strings.ReplaceAll(name, "/", "_")
}

// renamed are the values of db.system that db.system.name has others for. It is never written to.
var renamed = map[string]string{
	"mssql": "microsoft.sql_server", "mssqlcompact": "microsoft.sql_server", "oracle": "oracle.db", "dynamodb": "aws.dynamodb",
	"redshift": "aws.redshift", "cosmosdb": "azure.cosmosdb", "spanner": "gcp.spanner", "db2": "ibm.db2",
	"informix": "ibm.informix", "netezza": "ibm.netezza", "hanadb": "sap.hana", "maxdb": "sap.maxdb",
	"adabas": "softwareag.adabas", "ingres": "actian.ingres", "firebird": "firebirdsql", "h2": "h2database",
	"cache": "intersystems.cache",
}

// IsDefaultPort says whether the system uses the port unless another is chosen, so that names leave it out.
func IsDefaultPort(system, port string) bool { return slices.Contains(defaultPorts[system], port) }

// IsRedis says whether databases of the system are numbered, from 0, which is used unless another is chosen.
func IsRedis(system string) bool { return system == "redis" || system == "valkey" }

// IsProduct says whether the name is that of a database or broker as a product, or of databases at large, which does not tell
// which of its instances is meant.
func IsProduct(name string) bool {
	system := System(name, true)
	return defaultPorts[system] != nil || slices.Contains(others, system)
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

// others have no port of their own, or are no databases. It is never written to.
var others = []string{
	"postgres", "mongo", "sqlite", "snowflake", "presto", "ibm.informix", "ibm.netezza", "softwareag.adabas",
	"db", "database", "sql", "other_sql", "kafka", "rabbitmq", "activemq", "pulsar", "rocketmq", "nats", "jms", "aws_sqs", "aws.sns",
	"aws_sns", "gcp_pubsub", "servicebus", "eventhubs", "eventgrid",
}
