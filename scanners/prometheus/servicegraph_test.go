package prometheus_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/prometheus"
)

func TestServiceGraphs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		series string
		want   []string
	}{
		"tempo": {
			`
traces_service_graph_request_total{client="web", server="pay", job="a"} 5
traces_service_graph_request_total{client="web", server="pay", job="b"} 3
traces_service_graph_request_failed_total{client="web", server="pay", job="a"} 2
traces_service_graph_request_client_seconds_bucket{client="web", server="pay", le="0.1"} 0
traces_service_graph_request_client_seconds_bucket{client="web", server="pay", le="0.2"} 8
traces_service_graph_request_client_seconds_bucket{client="web", server="pay", le="+Inf"} 8
traces_service_graph_request_server_seconds_bucket{client="web", server="pay", le="0.1"} 8
traces_service_graph_request_server_seconds_bucket{client="web", server="pay", le="+Inf"} 8`,
			[]string{"otel:web calls otel:pay: 8 requests, 2 errors, 0.1s"},
		},
		"the latency of the callee, where the caller has none": {
			`
traces_service_graph_request_total{client="web", server="pay"} 8
traces_service_graph_request_server_seconds_bucket{client="web", server="pay", le="1"} 0
traces_service_graph_request_server_seconds_bucket{client="web", server="pay", le="2"} 8
traces_service_graph_request_server_seconds_bucket{client="web", server="pay", le="+Inf"} 8`,
			[]string{"otel:web calls otel:pay: 8 requests, 0 errors, 1.5s"},
		},
		"the connector: failed as a label, namespaces, environment and workloads": {
			`
traces_service_graph_request_total{client="web", server="pay", failed="false", client_service_namespace="shop", server_service_namespace="money", client_deployment_environment="staging"} 6
traces_service_graph_request_total{client="web", server="pay", failed="true", client_service_namespace="shop", server_service_namespace="money", client_deployment_environment="staging"} 2
traces_service_graph_request_failed_total{client="web", server="pay", failed="true", client_service_namespace="shop", server_service_namespace="money", client_deployment_environment="staging"} 2
traces_service_graph_request_total{client="web", server="cart", client_k8s_namespace_name="ns", client_k8s_deployment_name="web-app", client_k8s_cluster_name="c1", server_k8s_namespace_name="ns", server_k8s_statefulset_name="cart-app"} 1`,
			[]string{
				"otel:cart is k8s:home/ns/statefulset/cart-app",
				"otel:shop/web calls otel:money/pay: 8 requests, 2 errors, in staging",
				"otel:web calls otel:cart: 1 requests, 0 errors",
				"otel:web is k8s:c1/ns/deployment/web-app",
			},
		},
		"names without and with twice the suffix, and failures by the label alone": {
			`
traces_service_graph_request{client="a", server="b", failed="true"} 2
traces_service_graph_request{client="a", server="b", failed="false"} 2
traces_service_graph_request_total_total{client="c", server="d"} 5
traces_service_graph_request_failed_total_total{client="c", server="d"} 1
traces_service_graph_request_client_milliseconds_bucket{client="a", server="b", le="1000"} 0
traces_service_graph_request_client_milliseconds_bucket{client="a", server="b", le="3000"} 4`,
			[]string{"otel:a calls otel:b: 4 requests, 2 errors, 1.8s", "otel:c calls otel:d: 5 requests, 1 errors"},
		},
		"beyla: its own names of namespaces, histograms without a unit, no nodes for what it cannot name": {
			`
traces_service_graph_request_total{client="web", client_namespace="shop", server="pay", server_namespace="money", source="beyla"} 4
traces_service_graph_request_client_bucket{client="web", client_namespace="shop", server="pay", server_namespace="money", source="beyla", le="1"} 0
traces_service_graph_request_client_bucket{client="web", client_namespace="shop", server="pay", server_namespace="money", source="beyla", le="3"} 4
traces_service_graph_request_total{client="web", client_namespace="shop", server="outgoing", source="beyla"} 10
traces_service_graph_request_total{client="incoming", server="pay", server_namespace="money", source="beyla"} 20
traces_service_graph_request_total{client="unresolved", server="unresolved", source="beyla"} 30`,
			[]string{
				"lost missing_parent: 20", "lost no_service_name: 30", "lost unmatched_client: 10",
				"otel:shop/web calls otel:money/pay: 4 requests, 0 errors, 1.8s",
			},
		},
		"two observers of the same calls": {
			`
traces_service_graph_request_total{client="web", server="pay", source="beyla"} 9
traces_service_graph_request_total{client="web", server="pay"} 8
traces_service_graph_request_total{client="web", server="cart"} 3`,
			[]string{"otel:web calls otel:cart: 3 requests, 0 errors", "otel:web calls otel:pay: 9 requests, 0 errors"},
		},
		"whoever is outside is an entry, and no node": {
			`
traces_service_graph_request_total{client="user", server="web", connection_type="virtual_node", virtual_node="client"} 7
traces_service_graph_request_total{client="user", server="cart"} 2
traces_service_graph_request_total{client="partner", server="web", connection_type="virtual_node", virtual_node="client"} 1
traces_service_graph_request_total{client="user", server="unknown", connection_type="virtual_node"} 4`,
			[]string{
				"lost no_service_name: 4", "otel:cart is entered 2 times", "otel:partner calls otel:web: 1 requests, 0 errors",
				"otel:web is entered 7 times",
			},
		},
		"what is called and sends nothing": {
			`
traces_service_graph_request_total{client="web", server="api.stripe.com", connection_type="virtual_node", virtual_node="server"} 1
traces_service_graph_request_total{client="web", server="mail.example.com:587", connection_type="virtual_node", virtual_node="server"} 2
traces_service_graph_request_total{client="web", server="https://maps.example.com/v1", connection_type="virtual_node", virtual_node="server"} 3
traces_service_graph_request_total{client="web", server="cart.shop.svc.cluster.local", connection_type="virtual_node", virtual_node="server"} 4
traces_service_graph_request_total{client="web", server="legacy", connection_type="virtual_node", virtual_node="server"} 5
traces_service_graph_request_total{client="web", server="redis", connection_type="virtual_node", virtual_node="server"} 100
traces_service_graph_request_total{client="web", server="localhost:8080", connection_type="virtual_node", virtual_node="server"} 200
traces_service_graph_request_total{client="web", server="unknown", connection_type="virtual_node", virtual_node="server"} 400
traces_service_graph_request_total{client="web", server="unknown", connection_type="virtual_node", virtual_node="server", client_server_address="tax.example.com"} 6`,
			[]string{
				"lost unmatched_client: 700",
				"otel:web calls dns:cart.shop.svc: 4 requests, 0 errors",
				"otel:web calls host:api.stripe.com: 1 requests, 0 errors",
				"otel:web calls host:mail.example.com: 2 requests, 0 errors",
				"otel:web calls host:maps.example.com: 3 requests, 0 errors",
				"otel:web calls host:tax.example.com: 6 requests, 0 errors",
				"otel:web calls otel:legacy: 5 requests, 0 errors",
			},
		},
		"databases, as far as the labels tell them apart": {
			`
traces_service_graph_request_total{client="web", server="postgresql", connection_type="database"} 100
traces_service_graph_request_total{client="web", server="orders", connection_type="database", client_db_system="postgresql", client_db_name="orders", client_server_address="PG.prod", client_server_port="5432"} 1
traces_service_graph_request_total{client="web", server="orders", connection_type="database", client_db_system="mssql", client_db_namespace="orders", client_server_address="sql.prod", client_server_port="1500"} 2
traces_service_graph_request_total{client="web", server="cache.prod:6379", connection_type="database", db_system="redis"} 3
traces_service_graph_request_total{client="web", server="10.1.2.3:3306", connection_type="database"} 4
traces_service_graph_request_total{client="web", server="ledger-db", connection_type="database"} 5
traces_service_graph_request_total{client="web", server="ledger-db", connection_type="database", client_db_system_name="mysql"} 6
traces_service_graph_request_total{client="web", server="[2001:db8::1]:5433", connection_type="database", client_db_system_name="postgresql", client_db_namespace="a"} 7
traces_service_graph_request_total{client="web", server="localhost", connection_type="database", client_db_system_name="postgresql", client_server_address="127.0.0.1"} 200`,
			[]string{
				"lost unmatched_client: 100",
				"otel:web calls db:microsoft.sql_server:sql.prod:1500/orders: 2 requests, 0 errors, microsoft.sql_server",
				"otel:web calls db:mysql:ledger-db: 6 requests, 0 errors, mysql",
				"otel:web calls db:postgresql:[2001:db8::1]:5433/a: 7 requests, 0 errors, postgresql",
				"otel:web calls db:postgresql:localhost@web: 200 requests, 0 errors, postgresql",
				"otel:web calls db:postgresql:pg.prod/orders: 1 requests, 0 errors, postgresql",
				"otel:web calls db:redis:cache.prod/0: 3 requests, 0 errors, redis",
				"otel:web calls host:10.1.2.3: 4 requests, 0 errors",
				"otel:web calls otel:ledger-db: 5 requests, 0 errors",
			},
		},
		"messages: the consumer needs the producer, or both the topic": {
			`
traces_service_graph_request_total{client="orders", server="mail", connection_type="messaging_system"} 4
traces_service_graph_request_failed_total{client="orders", server="mail", connection_type="messaging_system"} 1
traces_service_graph_request_total{client="orders", server="stock", connection_type="messaging_system", client_messaging_system="kafka", client_messaging_destination_name="placed"} 3
traces_service_graph_request_total{client="user", server="stock", connection_type="messaging_system"} 10
traces_service_graph_request_total{client="orders", server="unknown", connection_type="messaging_system"} 20`,
			[]string{
				"lost unlinked_consumer: 10", "lost unmatched_client: 20",
				"otel:mail receives from otel:orders: 4 requests, 1 errors",
				"otel:orders publishes to topic:kafka:placed: 3 requests, 0 errors, kafka",
				"otel:stock consumes topic:kafka:placed: 3 requests, 0 errors, kafka",
				"otel:stock gets 3 from otel:orders by topic:kafka:placed",
			},
		},
		"calls of itself, and names that are none": {
			`
traces_service_graph_request_total{client="web", server="web"} 3
traces_service_graph_request_total{client="a/b", server="web"} 2
traces_service_graph_request_total{client="", server="web"} 4`,
			[]string{"lost missing_parent: 4", "lost self_call: 3", "otel:a/b calls otel:web: 2 requests, 0 errors"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := read(t, &fake{series: grew(t, c.series)}, prometheus.Config{Cluster: "home"})
			if diff := cmp.Diff(c.want, lines(held.Sum(prometheus.ServiceGraph))); diff != "" {
				t.Error(diff)
			}
			if problems := held.Problems(); len(problems) > 0 {
				t.Error(problems)
			}
		})
	}
}
