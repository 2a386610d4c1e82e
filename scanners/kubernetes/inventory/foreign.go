package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// The types below have what is needed of kinds whose own packages are large, by the names of the fields there; what else
// an object says is passed over.

// ConfigMap keeps of a ConfigMap the names of its keys and the hosts in its values, never the values.
type ConfigMap struct {
	v1.ObjectMeta `json:"metadata"`
	Hosts         map[string][]hosts.Reference `json:"-"` // by key; a key without hosts has none
	// Off are, by key, the features that its value switches off, as [hosts.Off] gives them.
	Off map[string][]string `json:"-"`
}

// Gateway is one of the Gateway API: where requests come in.
type Gateway struct {
	v1.ObjectMeta `json:"metadata"`
	Spec          struct {
		Listeners []struct {
			Name     string `json:"name"`
			Hostname string `json:"hostname"`
			Port     int32  `json:"port"`
		} `json:"listeners"`
	} `json:"spec"`
}

// HTTPRoute is an HTTPRoute or a GRPCRoute of the Gateway API.
type HTTPRoute struct {
	v1.ObjectMeta `json:"metadata"`
	Spec          struct {
		ParentRefs []struct {
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"parentRefs"`
		Hostnames []string `json:"hostnames"`
		Rules     []struct {
			Matches []struct {
				Path *struct {
					Value string `json:"value"`
				} `json:"path"`
				Method *RPC `json:"-"` // of a GRPCRoute; in an HTTPRoute a word, which is passed over, has its place
			} `json:"matches"`
			BackendRefs []struct {
				Group     string `json:"group"`
				Kind      string `json:"kind"`
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
				Port      int32  `json:"port"`
				Weight    *int32 `json:"weight"`
			} `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

// RPC is which calls a rule of a GRPCRoute matches; "" = any.
type RPC struct {
	Service string `json:"service"`
	Method  string `json:"method"`
}

// VirtualService is how Istio routes requests for hosts.
type VirtualService struct {
	v1.ObjectMeta `json:"metadata"`
	Spec          struct {
		Hosts    []string           `json:"hosts"`
		Gateways []string           `json:"gateways"`
		HTTP     []VirtualHTTPRoute `json:"http"`
		TLS      []VirtualTCPRoute  `json:"tls"`
		TCP      []VirtualTCPRoute  `json:"tcp"`
	} `json:"spec"`
}

// VirtualHTTPRoute is a rule of a VirtualService.
type VirtualHTTPRoute struct {
	Match []struct {
		URI          map[string]string `json:"uri"` // exact, prefix or regex
		SourceLabels map[string]string `json:"sourceLabels"`
		Gateways     []string          `json:"gateways"`
	} `json:"match"`
	Route   []VirtualDestination `json:"route"`
	Mirror  *Destination         `json:"mirror"`
	Timeout string               `json:"timeout"`
}

// VirtualTCPRoute is a rule of a VirtualService for connections.
type VirtualTCPRoute struct {
	Match []struct {
		SNIHosts     []string          `json:"sniHosts"`
		SourceLabels map[string]string `json:"sourceLabels"`
		Gateways     []string          `json:"gateways"`
	} `json:"match"`
	Route []VirtualDestination `json:"route"`
}

// VirtualDestination is a destination with its share.
type VirtualDestination struct {
	Destination Destination `json:"destination"`
	Weight      int32       `json:"weight"`
}

// Destination is a Service, or another host, of a mesh.
type Destination struct {
	Host   string `json:"host"`
	Subset string `json:"subset"`
	Port   *struct {
		Number int32 `json:"number"`
	} `json:"port"`
}

// ServiceEntry adds hosts to a mesh.
type ServiceEntry struct {
	v1.ObjectMeta `json:"metadata"`
	Spec          struct {
		Hosts    []string `json:"hosts"`
		Location string   `json:"location"` // MESH_EXTERNAL or MESH_INTERNAL
		Ports    []struct {
			Number   int32  `json:"number"`
			Name     string `json:"name"`
			Protocol string `json:"protocol"`
		} `json:"ports"`
		WorkloadSelector *struct {
			Labels map[string]string `json:"labels"`
		} `json:"workloadSelector"`
		ExportTo []string `json:"exportTo"`
	} `json:"spec"`
}

// DestinationRule names subsets of a host.
type DestinationRule struct {
	v1.ObjectMeta `json:"metadata"`
	Spec          struct {
		Host    string `json:"host"`
		Subsets []struct {
			Name   string            `json:"name"`
			Labels map[string]string `json:"labels"`
		} `json:"subsets"`
	} `json:"spec"`
}

// IstioGateway is where requests come into a mesh: the workloads that its selector matches.
type IstioGateway struct {
	v1.ObjectMeta `json:"metadata"`
	Spec          struct {
		Selector map[string]string `json:"selector"`
		Servers  []struct {
			Hosts []string `json:"hosts"`
		} `json:"servers"`
	} `json:"spec"`
}
