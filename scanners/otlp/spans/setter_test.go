package spans_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

type said1 struct {
	key   string
	value spans.Value
}

func word(key, value string) said1          { return said1{key, spans.Text([]byte(value))} }
func number(key string, value int64) said1  { return said1{key, spans.Whole(value)} }
func float(key string, value float64) said1 { return said1{key, spans.Number(value)} }
func boolean(key string, value bool) said1  { return said1{key, spans.Bool(value)} }
func nothingSaid(key string) said1          { return said1{key: key} }
func text8(text string) []byte              { return []byte(text) }
func all(attributes ...said1) []said1       { return attributes }
func reversed(attributes []said1) (r []said1) {
	for i := range attributes {
		r = append(r, attributes[len(attributes)-1-i])
	}
	return r
}

// Each case is set in both orders: the newer name wins wherever it stands.
func TestSetter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  []said1
		want spans.Attributes
	}{
		"nothing": {
			all(word("thread.name", "main"), nothingSaid("server.address")),
			spans.Attributes{},
		},
		"server, new wins": {
			all(word("net.peer.name", "old"), word("server.address", "new"), word("net.sock.peer.name", "socket")),
			spans.Attributes{ServerAddress: text8("new")},
		},
		"an empty text says nothing": {
			all(word("server.address", ""), word("net.peer.name", "old"), word("messaging.destination.name", "")),
			spans.Attributes{ServerAddress: text8("old")},
		},
		"ports of all forms": {
			all(word("server.port", "8443"), float("network.peer.port", 6379)),
			spans.Attributes{ServerPort: 8443, NetworkPort: 6379},
		},
		"no ports": {
			all(
				word("server.port", "https"), number("net.peer.port", 5432),
				number("network.peer.port", 70000), number("net.sock.peer.port", -1),
			),
			spans.Attributes{ServerPort: 5432},
		},
		"old peers": {
			all(
				word("peer.hostname", "h"), word("peer.service", "s"),
				word("net.peer.ip", "10.0.0.1"), word("peer.ipv4", "10.0.0.2"),
			),
			spans.Attributes{ServerAddress: text8("h"), PeerService: text8("s"), NetworkAddress: text8("10.0.0.1")},
		},
		"who is called": {
			all(word("service.peer.name", "new"), word("peer.service", "old"), word("service.peer.namespace", "ns")),
			spans.Attributes{PeerService: text8("new"), PeerNamespace: text8("ns")},
		},
		"Envoy's address": {all(word("peer.address", "10.0.0.1")), spans.Attributes{}},
		"Redis, old": {
			all(word("db.system", "redis"), number("db.redis.database_index", 15)),
			spans.Attributes{DBSystem: text8("redis"), DBSystemOld: true, DBIndex: text8("15")},
		},
		"Redis, many": {
			all(number("db.redis.database_index", 123)),
			spans.Attributes{DBIndex: text8("123")},
		},
		"both systems": {
			all(word("db.system", "mssql"), word("db.system.name", "microsoft.sql_server")),
			spans.Attributes{DBSystem: text8("microsoft.sql_server")},
		},
		"Cassandra, old": {
			all(word("db.system", "cassandra"), word("db.cassandra.keyspace", "shop")),
			spans.Attributes{DBSystem: text8("cassandra"), DBSystemOld: true, DBNamespace: text8("shop")},
		},
		"MongoDB, old": {
			all(word("db.system", "mongodb"), word("db.name", "catalog"), word("db.mongodb.collection", "products")),
			spans.Attributes{DBSystem: text8("mongodb"), DBSystemOld: true, DBNamespace: text8("catalog")},
		},
		"method alone": {
			all(word("rpc.service", "bank.Ledger"), word("rpc.method", "Get")),
			spans.Attributes{RPCMethod: text8("bank.Ledger/Get")},
		},
		"method whole": {
			all(word("rpc.service", "bank.Ledger"), word("rpc.method", "bank.v2.Ledger/Get")),
			spans.Attributes{RPCMethod: text8("bank.v2.Ledger/Get")},
		},
		"gRPC by number": {all(number("rpc.grpc.status_code", 0)), spans.Attributes{HasGRPCStatus: true}},
		"gRPC by text": {
			all(word("rpc.grpc.status_code", "14")),
			spans.Attributes{HasGRPCStatus: true, GRPCStatus: 14},
		},
		"gRPC by name": {
			all(word("rpc.response.status_code", "NOT_FOUND"), number("rpc.grpc.status_code", 14)),
			spans.Attributes{HasGRPCStatus: true, GRPCStatus: 5},
		},
		"Connect by name": {
			all(word("rpc.connect_rpc.error_code", "unavailable")),
			spans.Attributes{HasGRPCStatus: true, GRPCStatus: 14},
		},
		"JSON-RPC":     {all(word("rpc.response.status_code", "-32602")), spans.Attributes{}},
		"HTTP by text": {all(word("http.status_code", "404")), spans.Attributes{HTTPStatus: 404}},
		"HTTP, new": {
			all(number("http.status_code", 500), number("http.response.status_code", 200)),
			spans.Attributes{HTTPStatus: 200},
		},
		"no status": {
			all(
				word("http.status_code", "OK"), number("http.response.status_code", 0),
				float("rpc.grpc.status_code", math.NaN()),
			),
			spans.Attributes{},
		},
		"RabbitMQ": {
			all(word("messaging.destination", ""), word("messaging.rabbitmq.routing_key", "k")),
			spans.Attributes{MessagingRoutingKey: text8("k")},
		},
		"operations": {
			all(
				word("messaging.operation", "publish"), word("messaging.operation.name", "ack"),
				word("messaging.operation.type", "settle"),
			),
			spans.Attributes{MessagingOperation: text8("settle")},
		},
		"a batch": {
			all(word("messaging.batch.message_count", "7"), word("messaging.source.name", "q")),
			spans.Attributes{MessagingBatch: 7, MessagingDestination: text8("q")},
		},
		"a batch of nothing": {all(number("messaging.batch.message_count", 0)), spans.Attributes{}},
		"an error":           {all(word("error", "true")), spans.Attributes{ErrorTag: true}},
		"an error, bool":     {all(boolean("error", true)), spans.Attributes{ErrorTag: true}},
		"no error":           {all(word("error", "false")), spans.Attributes{}},
		"texts from numbers": {
			all(
				number("db.namespace", 7), float("db.name", 1.5), boolean("db.operation", true),
				float("messaging.destination.name", 12),
			),
			spans.Attributes{DBNamespace: text8("7"), DBOperation: text8("true"), MessagingDestination: text8("12")},
		},
	} {
		for _, order := range [][]said1{test.set, reversed(test.set)} {
			got := spans.Attributes{HTTPMethod: text8("of the span before")}
			var setter spans.Setter
			setter.Begin(&got)
			for _, attribute := range order {
				setter.Set(attribute.key, attribute.value)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s: want -, got +:\n%s", name, diff)
			}
		}
	}
}

func TestResourceSetter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  []said1
		want spans.Resource
	}{
		"service": {
			all(word("service.name", "cart"), word("service.namespace", "shop")),
			spans.Resource{Service: "cart", Namespace: "shop"},
		},
		"environments": {
			all(word("deployment.environment", "old"), word("deployment.environment.name", "new")),
			spans.Resource{Environment: "new"},
		},
		"a deployment": {
			all(
				word("k8s.pod.name", "cart-1-2"), word("k8s.deployment.name", "cart"),
				word("k8s.namespace.name", "shop"), word("k8s.cluster.name", "eu"),
			),
			spans.Resource{Cluster: "eu", KubernetesNamespace: "shop", WorkloadKind: "deployment", Workload: "cart"},
		},
		"a cron job": {
			all(word("k8s.job.name", "nightly-123"), word("k8s.cronjob.name", "nightly")),
			spans.Resource{WorkloadKind: "cronjob", Workload: "nightly"},
		},
		"a deployment's pod": {all(word("k8s.pod.name", "cart-7d9f8b6c5-zx2bk")), spans.Resource{}},
		"a deployment's pod whose last letters say little": {all(word("k8s.pod.name", "x-7d9f8b6c5-abcde")), spans.Resource{}},
		"a daemon set's pod":   {all(word("k8s.pod.name", "agent-zx2bk")), spans.Resource{}},
		"a stateful set's pod": {all(word("k8s.pod.name", "cart-0")), spans.Resource{}},
		"a bare pod": {
			all(word("k8s.pod.name", "debug")),
			spans.Resource{WorkloadKind: "pod", Workload: "debug"},
		},
		"a function": {
			all(word("cloud.platform", "aws_lambda"), word("cloud.resource_id", "arn:f"), word("faas.id", "old")),
			spans.Resource{Function: "arn:f"},
		},
		"a function, old": {all(word("faas.id", "arn:f")), spans.Resource{Function: "arn:f"}},
		"a virtual machine": {
			all(word("cloud.platform", "aws_ec2"), word("cloud.resource_id", "arn:i")),
			spans.Resource{},
		},
		"no UTF-8":           {all(word("service.name", "a\xffb")), spans.Resource{Service: "a\uFFFDb"}},
		"a number as a name": {all(number("service.name", 7)), spans.Resource{Service: "7"}},
	} {
		for _, order := range [][]said1{test.set, reversed(test.set)} {
			var setter spans.ResourceSetter
			setter.Begin()
			for _, attribute := range order {
				setter.Set(attribute.key, attribute.value)
			}
			if diff := cmp.Diff(test.want, setter.Resource()); diff != "" {
				t.Errorf("%s: want -, got +:\n%s", name, diff)
			}
		}
	}
}
