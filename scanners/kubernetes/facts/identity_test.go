package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

// TestTelemetryNames reads the names under which a workload reports.
func TestTelemetryNames(t *testing.T) {
	hints := func(names ...string) (list []catalog.Hint) {
		for _, name := range names {
			list = append(list, catalog.Hint{Name: name, Namespace: "shop"}, catalog.Hint{Name: name})
		}
		return list
	}
	for name, test := range map[string]struct {
		labels, marks, env string
		aliases            []catalog.Alias
		hints              []catalog.Hint
	}{
		"nothing":                {},
		"only an id":             {labels: "backstage.io/kubernetes-id: x"},
		"a variable":             {env: "{name: OTEL_SERVICE_NAME, value: web}", aliases: []catalog.Alias{"otel:web"}, hints: hints("web")},
		"an id before":           {labels: "backstage.io/kubernetes-id: x", env: "{name: OTEL_SERVICE_NAME, value: web}", aliases: []catalog.Alias{"otel:web"}, hints: hints("x", "web")},
		"in upper case":          {env: "{name: OTEL_SERVICE_NAME, value: Web}", aliases: []catalog.Alias{"otel:web"}, hints: hints("Web")},
		"with a slash":           {env: "{name: OTEL_SERVICE_NAME, value: shop/web}", aliases: []catalog.Alias{"otel:shop/web"}, hints: hints("shop/web")},
		"attributes":             {env: `{name: OTEL_RESOURCE_ATTRIBUTES, value: "a=b, service.name=web,service.namespace=eu%20west"}`, aliases: []catalog.Alias{"otel:eu west/web"}, hints: hints("web")},
		"a variable wins":        {env: `{name: OTEL_RESOURCE_ATTRIBUTES, value: "service.name=other,service.namespace=eu"}, {name: OTEL_SERVICE_NAME, value: web}`, aliases: []catalog.Alias{"otel:eu/web"}, hints: hints("web")},
		"only a namespace":       {env: `{name: OTEL_RESOURCE_ATTRIBUTES, value: "service.namespace=eu"}`},
		"another variable in it": {env: `{name: OTEL_SERVICE_NAME, value: "$(NAME)"}, {name: OTEL_RESOURCE_ATTRIBUTES, value: "service.name=$(NAME)"}`},
		"a label of the pod": {
			labels: "component: web", env: `{name: OTEL_SERVICE_NAME, valueFrom: {fieldRef: {fieldPath: "metadata.labels['component']"}}}`,
			aliases: []catalog.Alias{"otel:web"}, hints: hints("web"),
		},
		"a secret":               {env: `{name: OTEL_SERVICE_NAME, valueFrom: {secretKeyRef: {name: s, key: k}}}`},
		"an annotation":          {marks: "resource.opentelemetry.io/service.name: web", aliases: []catalog.Alias{"otel:web"}, hints: hints("web")},
		"a variable before that": {marks: "resource.opentelemetry.io/service.name: other", env: "{name: OTEL_SERVICE_NAME, value: web}", aliases: []catalog.Alias{"otel:web"}, hints: hints("web")},
		"a label of Datadog":     {labels: "tags.datadoghq.com/service: web", hints: hints("web")},
		"no name at all":         {env: `{name: OTEL_SERVICE_NAME, value: " "}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := derive(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: shop}
spec:
  template:
    metadata: {labels: {`+test.labels+`}, annotations: {`+test.marks+`}}
    spec: {containers: [{name: c, env: [`+test.env+`]}, {name: other}]}
`)
			documents, _ := d.Scope("workloads/shop/deployment/a")
			claim := documents[0].Claims[1]
			var aliases []catalog.Alias
			for _, a := range claim.Aliases {
				aliases = append(aliases, a.Alias)
			}
			if diff := cmp.Diff(test.aliases, aliases); diff != "" {
				t.Errorf("aliases (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.hints, claim.Hints); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}
