package graph_test

import "github.com/orrery-catalog/orrery/catalog"

// fullFacts sets every field of all facts.
func fullFacts() *catalog.Facts {
	number, yes := int32(3), true
	probe := func(handler catalog.ProbeHandler) *catalog.Probe {
		return &catalog.Probe{
			Handler: handler, Port: "http", Path: "/livez", Scheme: "HTTPS", Host: "cart", Headers: []string{"Cookie=1a2b3c4d"},
			Service: "cart.v1", Command: "sh 1a2b3c4d", Calls: []string{"db"}, InitialDelay: 1, Period: 10, Timeout: 2,
			SuccessThreshold: 1, FailureThreshold: 3, Line: 21,
		}
	}
	return &catalog.Facts{
		Workload: &catalog.Workload{
			Cluster: "eu", Namespace: "shop", Kind: "deployment", Name: "cart", Version: "1.2", Wanted: &number, Ready: &number,
			Containers: []catalog.Container{{
				Name: "server", Image: "acme/cart:1.2", Role: catalog.SidecarContainer,
				Ports:    []catalog.ContainerPort{{Name: "http", Number: 8080, Protocol: "TCP"}},
				Liveness: probe(catalog.ProbeHTTP), Readiness: probe(catalog.ProbeGRPC), Startup: probe(catalog.ProbeExec), Line: 20,
			}},
			Spread: []catalog.Spread{{TopologyKey: "topology.kubernetes.io/zone", Required: true, MaxSkew: 1}},
			Zones:  2, Nodes: 3, Recreate: true, HostNetwork: true, GracePeriod: 30,
		},
		Node: &catalog.Node{Cluster: "eu", Name: "n1", Zone: "eu-1a", Region: "eu-1", Ready: &yes},
		Services: []catalog.Service{{
			Namespace: "shop", Name: "cart", Type: "ClusterIP", Headless: true, ReadyEndpoints: &number, PublishNotReady: true,
			Ports:    []catalog.ServicePort{{Name: "http", Port: 80, Target: "8080", Protocol: "TCP", AppProtocol: "h2c"}},
			Location: "svc.yaml", Line: 1,
		}},
		Routes: []catalog.Route{{
			Kind: "Ingress", Namespace: "shop", Name: "cart", Hosts: []string{"cart.example.com"}, Paths: []string{"/"},
			Services: []string{"shop/cart"}, Location: "ing.yaml", Line: 2,
		}},
		Autoscalers: []catalog.Autoscaler{{Name: "cart", Min: 2, Max: 5}},
		Budgets:     []catalog.DisruptionBudget{{Name: "cart", MinAvailable: "1", MaxUnavailable: "50%"}},
		Probed: []catalog.ProbeResult{{
			Container: "server", Purpose: "READINESS", Endpoint: "http://10.0.0.1:8080/readyz", Healthy: true,
			Failures: []string{"no JSON"}, Status: 200, LatencyUnder: 30,
		}},
		Logs: []catalog.LogSample{{Container: "server", Format: "json", Missing: []string{"level"}, Unreadable: "forbidden"}},
		LooseEnds: []catalog.LooseEnd{{
			Kind: "Service", Namespace: "shop", Name: "old", Code: "service-selects-nothing", Message: "m", Location: "svc.yaml", Line: 9,
		}},
	}
}
