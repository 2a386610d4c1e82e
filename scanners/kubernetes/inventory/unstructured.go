package inventory

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
)

// FromUnstructured makes the object of a kind whose [Resource] has no New, trimmed. Fields that are not kept may be of any
// type.
func FromUnstructured(kind Kind, object *unstructured.Unstructured) (v1.Object, error) {
	data, err := json.Marshal(object.Object)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, object.GetName(), err)
	}
	return Decode(kind, data)
}

// Decode reads the JSON of an object and trims it. Fields that are not known are passed over. Where one is of a wrong type
// the error wraps what the decoder of encoding/json says.
func Decode(kind Kind, data []byte) (v1.Object, error) {
	object := blank(kind)
	if object == nil {
		return nil, fmt.Errorf("an inventory holds no %s", kind)
	}
	if err := json.Unmarshal(data, object); err != nil {
		return nil, err
	}
	if route, ok := object.(*HTTPRoute); ok && kind == GRPCRoutes {
		if err := methods(route, data); err != nil {
			return nil, err
		}
	}
	return Trim(object)
}

// blank makes an empty object of a kind; nil = there is no such kind.
func blank(kind Kind) v1.Object {
	switch kind {
	case Gateways:
		return new(Gateway)
	case HTTPRoutes, GRPCRoutes:
		return new(HTTPRoute)
	case VirtualServices:
		return new(VirtualService)
	case ServiceEntries:
		return new(ServiceEntry)
	case DestinationRules:
		return new(DestinationRule)
	case IstioGateways:
		return new(IstioGateway)
	}
	if resource := ResourceOf(kind); resource != nil {
		return resource.New()
	}
	return nil
}

// methods reads what the rules of a GRPCRoute match, where those of an HTTPRoute have a word.
func methods(route *HTTPRoute, data []byte) error {
	var grpc struct {
		Spec struct {
			Rules []struct {
				Matches []struct {
					Method *RPC `json:"method"`
				} `json:"matches"`
			} `json:"rules"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(data, &grpc); err != nil {
		return err
	}
	for i, rule := range grpc.Spec.Rules {
		for j, match := range rule.Matches {
			route.Spec.Rules[i].Matches[j].Method = match.Method
		}
	}
	return nil
}
