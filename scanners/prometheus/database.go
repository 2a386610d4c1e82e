package prometheus

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// databaseSystem is the name of a system by the present conventions of OpenTelemetry.
func databaseSystem(name string) string {
	switch name = strings.ToLower(name); name {
	case "mssql":
		return "microsoft.sql_server"
	case "oracle":
		return "oracle.db"
	case "dynamodb":
		return "aws.dynamodb"
	}
	return name
}

// defaultPort is the one that a name of the system leaves out; 0 = it has none.
func defaultPort(system string) uint64 {
	switch system {
	case "postgresql":
		return 5432
	case "mysql", "mariadb":
		return 3306
	case "mongodb":
		return 27017
	case "redis":
		return 6379
	case "memcached":
		return 11211
	case "microsoft.sql_server":
		return 1433
	case "oracle.db":
		return 1521
	case "cassandra":
		return 9042
	case "elasticsearch", "opensearch":
		return 9200
	case "clickhouse":
		return 8123
	case "couchdb":
		return 5984
	case "cockroachdb":
		return 26257
	case "neo4j":
		return 7687
	}
	return 0
}

// isSystem says whether the name is that of a product, which does not say which of its instances is meant.
func isSystem(name string) bool {
	system := databaseSystem(name)
	if defaultPort(system) != 0 {
		return true
	}
	switch system {
	case "postgres", "mongo", "sqlite", "db2", "ibm.db2", "aws.dynamodb", "other_sql", "sql", "h2", "hsqldb", "derby", "hive", "hbase",
		"spanner", "gcp.spanner", "cosmosdb", "azure.cosmosdb", "couchbase", "influxdb", "snowflake", "trino", "presto", "redshift",
		"aws.redshift", "firebird", "teradata", "vertica", "geode", "valkey", "database", "db",
		"kafka", "rabbitmq", "activemq", "pulsar", "rocketmq", "nats", "jms", "aws_sqs", "aws_sns", "aws.sns", "gcp_pubsub", "servicebus",
		"eventhubs", "eventgrid":
		return true
	}
	return false
}

// database is the alias of a database: where it is, and which of those there.
func database(system, host, port, name string) catalog.Alias {
	if strings.Contains(host, ":") {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	if number, err := strconv.ParseUint(port, 10, 16); err == nil && number != 0 && number != defaultPort(system) {
		host += ":" + port
	}
	if name == "" && system == "redis" {
		name = "0" // which is used unless another is chosen
	}
	if name != "" {
		host += "/" + name
	}
	return polled.Alias(catalog.WorldDatabase, system+":"+host)
}

// hostOf takes the host and port out of a name that has the look of one: an address, a name with dots, with a port, or a URL.
func hostOf(name string) (host, port string, ok bool) {
	if strings.Contains(name, "://") {
		if address, err := url.Parse(name); err == nil && address.Hostname() != "" {
			return address.Hostname(), address.Port(), true
		}
		return "", "", false
	}
	if address, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return address.String(), "", true
	}
	host, port, hasPort := strings.Cut(name, ":")
	if i := strings.LastIndex(name, "]:"); i > 0 && strings.HasPrefix(name, "[") {
		host, port, hasPort = name[1:i], name[i+2:], true
	}
	if _, err := strconv.ParseUint(port, 10, 16); hasPort && err != nil {
		return "", "", false
	}
	if host == "localhost" || hasPort || strings.Contains(strings.Trim(host, "."), ".") {
		return host, port, host != "" && polled.Alias(catalog.WorldHost, host) != ""
	}
	return "", "", false
}
