package testenv

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// customResource is a kind whose objects may hold anything: what they mean is not checked.
type customResource struct {
	group, kind, plural string
	versions            []string // all are served; the first is the one that is stored
	clusterWide         bool
	annotations         map[string]string
}

// definition is the manifest of its CustomResourceDefinition.
func (r customResource) definition() ([]byte, error) {
	scope := "Namespaced"
	if r.clusterWide {
		scope = "Cluster"
	}
	var versions []any
	for number, name := range r.versions {
		versions = append(versions, map[string]any{
			"name": name, "served": true, "storage": number == 0, "subresources": map[string]any{"status": map[string]any{}},
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		})
	}
	return json.Marshal(map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": r.plural + "." + r.group, "annotations": r.annotations},
		"spec": map[string]any{
			"group": r.group, "scope": scope, "versions": versions,
			"names": map[string]any{"kind": r.kind, "plural": r.plural, "singular": strings.ToLower(r.kind), "listKind": r.kind + "List"},
		},
	})
}

const (
	gatewayAPI = "gateway.networking.k8s.io"
	istio      = "networking.istio.io"
)

// notApproved is what the server wants of a definition in a group of the project Kubernetes.
var notApproved = map[string]string{"api-approved.kubernetes.io": "unapproved, for tests only"}

var meshResources = []customResource{
	{gatewayAPI, "GatewayClass", "gatewayclasses", []string{"v1", "v1beta1"}, true, notApproved},
	{gatewayAPI, "Gateway", "gateways", []string{"v1", "v1beta1"}, false, notApproved},
	{gatewayAPI, "HTTPRoute", "httproutes", []string{"v1", "v1beta1"}, false, notApproved},
	{gatewayAPI, "GRPCRoute", "grpcroutes", []string{"v1"}, false, notApproved},
	{istio, "VirtualService", "virtualservices", []string{"v1", "v1beta1", "v1alpha3"}, false, nil},
	{istio, "ServiceEntry", "serviceentries", []string{"v1", "v1beta1", "v1alpha3"}, false, nil},
	{istio, "DestinationRule", "destinationrules", []string{"v1", "v1beta1", "v1alpha3"}, false, nil},
	{istio, "Gateway", "gateways", []string{"v1", "v1beta1", "v1alpha3"}, false, nil},
}

// ApplyMeshCRDs defines the routes and gateways of the Gateway API and of Istio, by the names and versions of the real
// definitions, but without their schemas. They stay in the cluster after the test: what is to be tested without them needs
// an [OwnKube].
func ApplyMeshCRDs(t testing.TB, cluster KubeCluster) {
	t.Helper()
	if err := define(t.Context(), cluster, meshResources...); err != nil {
		t.Fatal(err)
	}
}

func define(ctx context.Context, cluster KubeCluster, resources ...customResource) error {
	var manifests [][]byte
	for _, resource := range resources {
		manifest, err := resource.definition()
		if err != nil {
			return err
		}
		manifests = append(manifests, manifest)
	}
	return apply(ctx, cluster, "default", manifests...)
}
