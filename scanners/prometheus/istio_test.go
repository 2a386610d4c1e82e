package prometheus_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/prometheus"
)

// shorthands of the labels of Istio's metrics.
var istioWords = strings.NewReplacer(
	"WEB", `source_workload="web", source_workload_namespace="shop", source_cluster="Kubernetes"`,
	"OUTSIDE", `source_workload="unknown", source_workload_namespace="unknown", source_cluster="unknown"`,
	"NOWHERE", `destination_workload="unknown", destination_workload_namespace="unknown", destination_cluster="unknown"`,
	"PAY", `destination_workload="pay", destination_workload_namespace="shop", destination_cluster="east", destination_service="pay.shop.svc.cluster.local"`,
	"BEHIND", `destination_service`,
)

func TestIstio(t *testing.T) {
	t.Parallel()
	const webPay = "k8s:home/shop/deployment/web calls k8s:east-1/shop/deployment/pay: "
	for name, c := range map[string]struct {
		series string
		want   []string
	}{
		"both proxies see the same requests": {
			`
istio_requests_total{reporter="source", WEB, PAY, request_protocol="http", response_code="200"} 10
istio_requests_total{reporter="destination", WEB, PAY, request_protocol="http", response_code="200"} 9
istio_request_duration_milliseconds_bucket{reporter="source", WEB, PAY, le="1000"} 0
istio_request_duration_milliseconds_bucket{reporter="source", WEB, PAY, le="2000"} 10
istio_request_duration_milliseconds_bucket{reporter="source", WEB, PAY, le="+Inf"} 10`,
			[]string{webPay + "10 requests, 0 errors, http, 1.5s"},
		},
		"the callee's proxy alone": {
			`
istio_requests_total{reporter="destination", WEB, PAY, request_protocol="grpc", response_code="200", grpc_response_status="0"} 9
istio_requests_total{reporter="destination", WEB, PAY, request_protocol="grpc", response_code="200", grpc_response_status="14"} 2
istio_requests_total{reporter="destination", WEB, PAY, request_protocol="grpc", response_code="200", grpc_response_status="5"} 3`,
			[]string{webPay + "14 requests, 2 errors, grpc"},
		},
		"a waypoint alone, and beside others": {
			`
istio_requests_total{reporter="waypoint", WEB, PAY, request_protocol="http", response_code="200"} 9
istio_requests_total{reporter="destination", WEB, PAY, request_protocol="http", response_code="200"} 30
istio_tcp_connections_opened_total{reporter="source", app="ztunnel", WEB, PAY, request_protocol="tcp"} 50
istio_tcp_connections_opened_total{reporter="source", app="ztunnel", source_workload="waypoint", source_workload_namespace="shop", PAY} 60`,
			[]string{webPay + "9 requests, 0 errors, http"},
		},
		"errors: no answer, 5xx, flags; neither 4xx nor what a rule turned away": {
			`
istio_requests_total{reporter="source", WEB, PAY, response_code="0", response_flags="DC"} 1
istio_requests_total{reporter="source", WEB, PAY, response_code="503", response_flags="UF,URX"} 2
istio_requests_total{reporter="source", WEB, PAY, response_code="404", response_flags="NR"} 4
istio_requests_total{reporter="source", WEB, PAY, response_code="404", response_flags="-"} 8
istio_requests_total{reporter="source", WEB, PAY, response_code="429", response_flags="RL"} 16
istio_requests_total{reporter="source", WEB, PAY, response_code="200", response_flags="-"} 32`,
			[]string{webPay + "63 requests, 7 errors, http"},
		},
		"what reaches nobody is meant for whom the others reach": {
			`
istio_requests_total{reporter="source", WEB, PAY, response_code="200"} 6
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="pay.shop.svc.cluster.local", response_code="503", response_flags="UH"} 2
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="cart.shop.svc.cluster.local", response_code="503", response_flags="UH"} 3`,
			[]string{
				"k8s:home/shop/deployment/web calls dns:cart.shop.svc: 3 requests, 3 errors, http",
				webPay + "8 requests, 2 errors, http",
			},
		},
		"hosts outside, and names for any number of them": {
			`
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="api.stripe.com", response_code="200"} 1
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="*.example.com", response_code="200"} 2
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="PassthroughCluster", response_code="200"} 10
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="BlackHoleCluster", response_code="502"} 20
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="10.0.0.7", response_code="200"} 40
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="10.0.0.7:8080", response_code="200"} 80
istio_requests_total{reporter="source", WEB, NOWHERE, BEHIND="unknown", response_code="200"} 160`,
			[]string{
				"k8s:home/shop/deployment/web calls host:api.stripe.com: 1 requests, 0 errors, http",
				"k8s:home/shop/deployment/web calls host:example.com: 2 requests, 0 errors, http",
				"lost unmatched_client: 310",
			},
		},
		"an unknown caller is nobody": {
			`
istio_requests_total{reporter="destination", OUTSIDE, PAY, response_code="200"} 10`,
			[]string{"lost missing_parent: 10"},
		},
		"a call of itself": {
			`
istio_requests_total{reporter="source", source_workload="pay", source_workload_namespace="shop", source_cluster="east", PAY, response_code="200"} 4
istio_requests_total{reporter="destination", source_workload="pay", source_workload_namespace="shop", source_cluster="east", PAY, response_code="200"} 4`,
			[]string{"lost self_call: 4"},
		},
		"tcp": {
			`
istio_tcp_connections_opened_total{reporter="source", WEB, PAY, request_protocol="tcp", response_flags="-"} 5
istio_tcp_connections_opened_total{reporter="destination", WEB, PAY, request_protocol="tcp", response_flags="-"} 5
istio_tcp_connections_closed_total{reporter="source", WEB, PAY, response_flags="UF,URX"} 2
istio_tcp_connections_closed_total{reporter="source", WEB, PAY, response_flags="-"} 3
istio_tcp_sent_bytes_total{reporter="source", WEB, destination_workload="db", destination_workload_namespace="data", destination_cluster="east"} 4096`,
			[]string{
				"k8s:home/shop/deployment/web calls k8s:east-1/data/deployment/db: 0 requests, 0 errors, tcp",
				webPay + "5 requests, 2 errors, tcp",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := read(t, &fake{series: grew(t, istioWords.Replace(c.series))}, prometheus.Config{
				Cluster: "home", Clusters: map[string]string{"east": "east-1"},
			})
			if diff := cmp.Diff(c.want, lines(held.Sum(prometheus.Istio))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
