package edges_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// told writes what is inferred of all namespaces, one a line and sorted: "from -> to [protocol] [STRENGTH] [(group)] [@location]"
// and "problem of: code message". The location is told where it is not that of the source.
func told(inv *inventory.Inventory) []string {
	var all []string
	for _, namespace := range inv.Namespaces() {
		for _, i := range edges.Infer(inv, namespace) {
			for n, document := range i.Documents {
				for _, claim := range document.Claims {
					for _, edge := range claim.Edges {
						all = append(all, line(claim.Subject.Alias, &edge, n, document.Location))
					}
				}
				for _, p := range document.Problems {
					message, _, _ := strings.Cut(p.Message, ",")
					all = append(all, fmt.Sprintf("problem of %s at %s: %s %s", p.Ref.Name(), p.Field, p.Code, message))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func line(from catalog.Alias, edge *catalog.EdgeClaim, n int, location string) string {
	s := name(from) + " -> " + name(edge.Target.Alias)
	if edge.Protocol != "" {
		s += " " + edge.Protocol
	}
	if edge.Strength != catalog.Unstated {
		s += " " + edge.Strength.String()
	}
	if edge.AnyOf != "" {
		s += " (" + edge.AnyOf + ")"
	}
	if n > 0 {
		s += " @" + location
	}
	return s
}

// workload writes a Deployment with a Service of its name and port 80. env is that of the container in YAML, one variable a
// line; what else follows is added to its pod.
func workload(name, containers string) string {
	return fmt.Sprintf(`---
{apiVersion: v1, kind: Service, metadata: {name: %[1]s}, spec: {selector: {app: %[1]s}, ports: [{port: 80}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
%[2]s
`, name, containers)
}

func env(pairs ...string) string {
	s := "      containers:\n      - name: main\n        env:\n"
	for i := 0; i < len(pairs); i += 2 {
		s += fmt.Sprintf("        - {name: %s, value: %q}\n", pairs[i], pairs[i+1])
	}
	return s
}

const bare = "      containers: [{name: main}]"

func TestInfer(t *testing.T) {
	for _, test := range []struct {
		name      string
		manifests []string
		want      []string
	}{
		{
			"by name",
			[]string{
				workload("a", env("B_HOST", "b", "C_URL", "http://c.default", "D", "d.default.svc.cluster.local:80", "E_ADDR", "E.default.svc.corp.internal.")),
				workload("b", bare), workload("c", bare), workload("d", bare), workload("e", bare),
			},
			[]string{"a -> b", "a -> c http", "a -> d", "a -> e"},
		},
		{"words that are no hosts", []string{
			workload("a", env("DB_NAME", "b", "TOPIC", "b", "B", "b", "SERVICE_NAME", "b", "LOG", "b", "B_USER", "b", "B_ENABLED", "b", "TAG", "b:80.1")),
			workload("b", bare),
		}, nil},
		{"lists that name nobody who is called", []string{
			workload("a", env("NO_PROXY", "b,.svc", "CORS_ORIGINS", "http://b", "ALLOWED_HOSTS", "b", "LISTEN_ADDR", "b:80", "PASSWORD", "http://b", "EXAMPLE_URL", "http://b")),
			workload("b", bare),
		}, nil},
		{
			"a port that the Service does not have",
			[]string{workload("a", env("IMAGE_TAG", "b:7", "LEVELS", "b:7", "C_HOST", "c:7")), workload("b", bare), workload("c", bare)},
			[]string{"a -> c"},
		},
		{"itself", []string{workload("a", env("A_URL", "http://a", "SELF", "http://a.default.svc/x"))}, nil},
		{"what is switched off", []string{workload("a", env("B", "b:80", "B_ENABLED", "false", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:80", "OTEL_SDK_DISABLED", "true",
			"JAVA_OPTS", "-Dspring.c.enabled=false -Dspring.c.url=http://c", "C_HOST", "c")), workload("b", bare), workload("c", bare)}, nil},
		{"variables", []string{
			workload("a", env("NAME", "b", "URL", "http://$(NAME):80/", "OTHER", "$$(NAME)", "C_URL", "http://$(C_SERVICE_HOST):$(C_SERVICE_PORT)/", "LATER", "http://$(X)", "X", "c")),
			workload("b", bare), workload("c", bare),
		}, []string{"a -> b http", "a -> c http"}},
		{
			"injected",
			[]string{
				workload("a", env("KUBERNETES_SERVICE_HOST", "10.0.0.1", "B_SERVICE_HOST", "10.0.0.9", "B_PORT", "tcp://10.0.0.9:80", "B_PORT_80_TCP_ADDR", "10.0.0.9", "C_SERVICE_HOST", "c")),
				`{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {clusterIP: 10.0.0.9, selector: {app: b2}, ports: [{port: 80}]}}`, workload("b2", bare), workload("c", bare),
			},
			[]string{"a -> c"},
		},
		{"addresses", []string{
			workload("a", env("B", "http://10.0.0.9/", "C", "http://lb.example.info/", "D", "http://10.0.0.10/")),
			`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {clusterIP: 10.0.0.9, selector: {app: b}, ports: [{port: 80}]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: lb}, spec: {selector: {app: c}, ports: [{port: 80}]}, status: {loadBalancer: {ingress: [{hostname: lb.example.info}]}}}`,
			workload("b", bare), workload("c", bare),
		}, []string{"a -> b http", "a -> c http"}},
		{
			"pods of a headless Service",
			[]string{
				workload("a", env("DB", "db-0.pg:5432", "DB2", "db-1.pg.default.svc:5432", "DB3", "x.pg:5432")),
				`{apiVersion: v1, kind: Service, metadata: {name: pg}, spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db}]}}}}`,
			},
			[]string{"a -> db postgresql"},
		},
		{"other names and ends outside", []string{
			workload("a", env("B", "http://alias", "C", "http://outside:443", "L", "http://loop", "S", "http://split")),
			`{apiVersion: v1, kind: Service, metadata: {name: alias}, spec: {type: ExternalName, externalName: b.default.svc.cluster.local}}
---
{apiVersion: v1, kind: Service, metadata: {name: outside}, spec: {type: ExternalName, externalName: api.stripe.com}}
---
{apiVersion: v1, kind: Service, metadata: {name: loop}, spec: {type: ExternalName, externalName: loop.default.svc.cluster.local}}
---
{apiVersion: v1, kind: Service, metadata: {name: split}, spec: {ports: [{port: 80}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: split-1, labels: {kubernetes.io/service-name: split}}, addressType: FQDN, endpoints: [{addresses: [db.corp.example.info]}]}`,
			workload("b", bare),
		}, []string{"a -> b http", "a -> external:api.stripe.com http", "a -> external:db.corp.example.info http"}},
		{
			"public names",
			[]string{
				workload("a", env("PAY", "https://api.stripe.com/v1", "SMTP_HOST", "smtp.gmail.com", "BUCKET", "media.acme.com", "META", "http://metadata.google.internal",
					"REACT_APP_API", "https://api.acme.com", "HEALTH", "http://127.0.0.1/", "NS", "http://orders.shop:80", "P", "http://partner.corp/", "RDS", "db.x.eu-west-1.rds.amazonaws.com:5432")),
				`{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: p}, spec: {hosts: [partner.corp], location: MESH_EXTERNAL}}`,
			},
			[]string{"a -> external:api.stripe.com http", "a -> external:db.x.eu-west-1.rds.amazonaws.com postgresql", "a -> external:partner.corp http", "a -> external:smtp.gmail.com smtp"},
		},
		{
			"names that nothing answers",
			[]string{workload("a", env("B_URL", "http://b:80", "C_HOST", "c", "D", "d.default.svc.cluster.local", "WORD", "e", "F_HOST", "localhost", "G_NAME", "g", "H", "h:5432", "I", "i:8080")), ""},
			[]string{
				"problem of test.deployment.a at spec.template.spec.containers[0].env[0].value: dangling-host B_URL names the host b",
				"problem of test.deployment.a at spec.template.spec.containers[0].env[1].value: dangling-host C_HOST names the host c",
				"problem of test.deployment.a at spec.template.spec.containers[0].env[2].value: dangling-host D names the host d.default.svc.cluster.local",
				"problem of test.deployment.a at spec.template.spec.containers[0].env[6].value: dangling-host H names the host h",
			},
		},
		{
			"several behind one Service",
			[]string{
				workload("a", env("B_HOST", "b", "C_HOST", "c")),
				workload("b", bare), strings.ReplaceAll(strings.Split(workload("b", bare), "---")[2], "{name: b}", "{name: b-canary}"),
				workload("c", bare), strings.ReplaceAll(strings.Split(workload("c", bare), "---")[2], "{name: c}", "{name: c-canary}"),
				`{apiVersion: v1, kind: Service, metadata: {name: one}, spec: {selector: {app: one}}}`,
			},
			[]string{"a -> b (service default/b)", "a -> b-canary (service default/b)", "a -> c (service default/c)", "a -> c-canary (service default/c)"},
		},
		{
			"what ends, or is only for tests",
			[]string{
				workload("a", env("B_HOST", "b", "K", "https://kubernetes.default.svc/", "NODES", "a-0,a-1")), workload("b", bare),
				`{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {template: {metadata: {labels: {app: b}}, spec: {containers: [{name: m, args: ["http://b"]}]}}}}`,
				`{apiVersion: v1, kind: Pod, metadata: {name: t, annotations: {helm.sh/hook: test-success}}, spec: {containers: [{name: t, args: ["http://b"]}]}}`,
			},
			[]string{"a -> b", "migrate -> b http"},
		},
		{
			"by a host of its own",
			[]string{
				workload("a", env("PICTURES", "https://shop.acme.com/pictures", "PAY", "https://pay.acme.com/")),
				`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: shop}, spec: {rules: [{host: shop.acme.com, http: {paths: [{backend: {service: {name: b, port: {number: 80}}}}]}}]}}`,
				workload("b", bare),
			},
			[]string{"a -> external:pay.acme.com http"},
		},
		{
			"in a namespace that only names state",
			[]string{
				workload("a", env("B", "http://b.shop.svc.cluster.local", "D", "d-0.d.shop.svc:80", "C", "http://c.data.svc.cluster.local")), workload("b", bare), workload("c", bare), workload("e", bare),
				`{apiVersion: v1, kind: Service, metadata: {name: d}, spec: {clusterIP: None, selector: {app: d}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {template: {metadata: {labels: {app: d}}, spec: {containers: [{name: d}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: x, namespace: data}, spec: {ports: [{port: 80}]}}`,
			},
			[]string{
				"a -> b http", "a -> d",
				"problem of test.deployment.a at spec.template.spec.containers[0].env[2].value: dangling-host C names the host c.data.svc.cluster.local",
			},
		},
		{
			"who waits",
			[]string{
				workload("a", `
      initContainers:
      - {name: wait, command: [sh, -c, "until nc -z b 80; do echo waiting for d:80; sleep 1; done"]}
      - {name: split, command: [nc], args: [-z, e, "80"]}
      - {name: proxy, restartPolicy: Always, args: ["--upstream=http://c"]}
      containers: [{name: main, env: [{name: KAFKA, value: "k:80"}, {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://f:80"}]}]`),
				workload("b", bare), workload("c", bare), workload("d", bare), workload("e", bare), workload("k", bare), workload("f", bare),
			},
			[]string{"a -> b HARD", "a -> c http", "a -> e HARD", "a -> f otlp ASYNC", "a -> k kafka ASYNC"},
		},
		{"arguments", []string{
			workload("a", `
      containers: [{name: main, command: [java, "-Dspring.datasource.url=jdbc:postgresql://u:p@b/x"], args: ["--redis-host", c, "--name", d, "--dry-run"]}]`),
			workload("b", bare), workload("c", bare), workload("d", bare),
		}, []string{"a -> b postgresql", "a -> c"}},
		{"protocols", []string{
			workload("a", env("B_URL", "http://b:9411/", "C_ADDR", "c:50051", "D_HOST", "d", "E_HOST", "e", "GRPC_F_HOST", "f")),
			`{apiVersion: v1, kind: Service, metadata: {name: c}, spec: {selector: {app: x}, ports: [{port: 50051, name: grpc-api}, {port: 1}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {selector: {app: x2}, ports: [{port: 9411}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: d}, spec: {selector: {app: x3}, ports: [{port: 1, appProtocol: kubernetes.io/h2c}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: e}, spec: {selector: {app: x4}, ports: [{port: 1433, name: http}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: f}, spec: {selector: {app: x5}, ports: [{port: 8080, name: http}]}}`,
			workload("x", bare), workload("x2", bare), workload("x3", bare), workload("x4", bare), workload("x5", bare),
		}, []string{"a -> x grpc", "a -> x2 zipkin ASYNC", "a -> x3 http", "a -> x4 mssql", "a -> x5 grpc"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := inventory.New("test")
			put(t, inv, "test.yaml", []byte(strings.Join(test.manifests, "\n---\n")))
			if diff := cmp.Diff(test.want, told(inv)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
