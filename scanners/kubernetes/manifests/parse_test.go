package manifests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

const whole = `apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - name: main
        image: cart:1
        env:
        - name: A
          value: "1"
        - {name: B, value: "2"}
        livenessProbe:
          httpGet: {path: /livez, port: 8080}
`

// TestParse tells what is found in a file, as kind namespace/name@line, and the problems.
func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		objects    []string
		problems   []string
		lost       bool
	}{
		{name: "an object", text: whole, objects: []string{"deployments default/cart@1"}},
		{name: "nothing", text: ""},
		{name: "values of a chart", text: "replicas: 1\nimage: {repository: x}\nname: '{{ .Values.x }}'\n"},
		{name: "a chart's own broken values", text: "apiVersion: v2\nname: {{ x }}\n"},
		{name: "a catalog file", text: "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: x}\n"},
		{name: "a broken catalog file", text: "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: x\n"},
		{name: "a workflow", text: "on: push\njobs: {x: {steps: [{run: 'kind: Deployment', env: {apiVersion: x}}]}}\n"},
		{
			name: "a kind of somebody else", text: "apiVersion: acme.example/v1\nkind: Deployment\nmetadata: {name: x}\n",
			objects: []string{"operated default/Deployment.acme.example/x@0"},
		},
		{
			name: "a controller of somebody else", text: strings.Replace(whole, "apps/v1", "apps.kruise.io/v1beta1", 1),
			objects: []string{"controllers default/cart@1"},
		},
		{
			name: "a controller of somebody else without an image", text: "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: x}\n" +
				"spec: {template: {spec: {containers: [{name: m}]}}}\n",
			objects: []string{"operated default/Rollout.argoproj.io/x@0"},
		},
		{
			name: "a controller of somebody else with a field of a wrong type", text: "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n" +
				"metadata: {name: x}\nspec: {template: {spec: {containers: [{name: m, image: [1]}]}}}\n",
			objects: []string{"operated default/Rollout.argoproj.io/x@0"},
		},
		{
			name: "a Service of Knative", text: "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n" +
				"spec: {template: {spec: {containers: [{image: m}]}}}\n",
			objects: []string{"controllers default/x@1"},
		},
		{
			name: "a ReplicationController", text: "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: x}\n" +
				"spec: {template: {spec: {containers: [{name: m, image: m}]}}}\n",
			objects: []string{"replicationcontrollers default/x@1"},
		},
		{name: "a patch of somebody else", text: "apiVersion: acme.example/v1\nkind: X\nmetadata: {name: x}\n$patch: delete\n"},
		{name: "a template of somebody else", text: "apiVersion: acme.example/v1\nkind: X\nmetadata: {name: '{{ x }}'}\n"},
		{name: "what selects pods", text: "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: x}\n"},
		{
			name: "a broken workflow with a manifest in it",
			text: "on: push\njobs:\n  x: [{run: |\n  cat <<EOF\n    apiVersion: apps/v1\n    kind: Deployment\n    EOF\n",
		},
		{name: "a secret", text: "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {password: c2VjcmV0}\n"},
		{name: "a kustomization", text: "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n"},
		{
			name: "several", text: "# first\n---\n" + whole + "...\n--- # third\nkind: Namespace\napiVersion: v1\nmetadata:\n  name: shop\n",
			objects: []string{"deployments default/cart@3", "namespaces /shop@23"},
		},
		{
			name: "lines of Windows", text: strings.ReplaceAll("---\n"+whole, "\n", "\r\n"), objects: []string{"deployments default/cart@2"},
		},
		{
			name: "a list of lists",
			text: `{"kind": "List", "apiVersion": "v1", "items": [{"kind": "NamespaceList", "apiVersion": "v1", "items": [
				{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "a"}}]},
				{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "b"}}, null, 7]}`,
			objects: []string{"namespaces /a@2", "namespaces /b@3"},
		},
		{
			name: "broken", text: whole + "---\n" + "apiVersion: v1\nkind: Service\nmetadata: {name: x\n", lost: true,
			objects:  []string{"deployments default/cart@1"},
			problems: []string{"f.yaml:22: error: this is not valid YAML: did not find expected ',' or '}' (mend it; quote values that hold special characters) [broken-manifest]"},
		},
		{
			name: "a template", lost: true,
			text: "{{- if .Values.x }}\napiVersion: apps/v1\nkind: Deployment\n{{- end }}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: {{ x }}}\n",
			problems: []string{"f.yaml:1: warning: this is a template of manifests and is not read" +
				" (render it first, for example by helm template, and scan the result; leave the template out by exclude) [manifest-template]"},
		},
		{
			name: "a template that is YAML", lost: true, text: strings.Replace(whole, "name: cart", `name: "{{ .Release.Name }}"`, 1),
			problems: []string{"f.yaml:3: warning: this is a template of manifests and is not read" +
				" (render it first, for example by helm template, and scan the result; leave the template out by exclude) [manifest-template]"},
		},
		{
			name: "a template in a number", lost: true, text: strings.Replace(whole, "replicas: 2", "replicas: '{{ .Values.replicas }}'", 1),
			problems: []string{"f.yaml:5: warning: this is a template of manifests and is not read" +
				" (render it first, for example by helm template, and scan the result; leave the template out by exclude) [manifest-template]"},
		},
		{
			name: "braces in a value", text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {rule: '{{ $labels.x }}'}\n",
			objects: []string{"configmaps default/x@1"},
		},
		{
			name: "a number as a value", lost: true, text: strings.Replace(whole, `value: "1"`, "value: 1", 1),
			problems: []string{"f.yaml:15: error: spec.template.spec.containers[0].env[0].value:" +
				" this field of the Deployment is a number, and must be text (put it into quotes) [wrong-type]"},
		},
		{
			name: "yes as a value", lost: true, text: strings.Replace(whole, `value: "2"`, "value: yes", 1),
			problems: []string{"f.yaml:16: error: spec.template.spec.containers[0].env[1].value:" +
				" this field of the Deployment is true or false, and must be text (put it into quotes) [wrong-type]"},
		},
		{
			name: "a list in place of a map", lost: true, text: strings.Replace(whole, "      - name: main", "      - - name: main", 1),
			problems: []string{"f.yaml:12: error: this is not valid YAML: did not find expected '-' indicator" +
				" (mend it; quote values that hold special characters) [broken-manifest]"},
		},
		{
			name: "a map in place of a list", lost: true, text: strings.Replace(whole, "        env:\n        - name: A\n          value: \"1\"\n        - {name: B, value: \"2\"}\n", "        env: {A: x}\n", 1),
			problems: []string{"f.yaml:13: error: spec.template.spec.containers[0].env: this field of the Deployment" +
				" is a map, and must be a list (begin each of its elements with a dash) [wrong-type]"},
		},
		{
			name: "a port that is none", lost: true, text: strings.Replace(whole, "port: 8080", "port: true", 1),
			problems: []string{"f.yaml:18: error: spec.template.spec.containers[0].livenessProbe.httpGet.port:" +
				" this field of the Deployment is true or false, and must be a whole number" +
				" (write a number, without quotes) [wrong-type]"},
		},
		{
			name: "a password that looks like an alias", lost: true, text: strings.Replace(whole, `value: "1"`, "value: *hunter2", 1),
			problems: []string{"f.yaml:15: error: this is not valid YAML: what begins with an asterisk is an alias, and nothing" +
				" before it is named so (mend it; quote values that hold special characters) [broken-manifest]"},
		},
		{
			name: "a secret in place of a time", lost: true, text: strings.Replace(whole, "name: cart", "name: cart, creationTimestamp: hunter2", 1),
			problems: []string{"f.yaml:1: error: this Deployment cannot be read: a time, an amount or an encoded value in it is not" +
				" written as one (mend it; kubectl apply --dry-run=server tells which) [wrong-type]"},
		},
		{
			name: "a bad name", lost: true, text: strings.Replace(whole, "name: cart", "name: My Cart", 1),
			problems: []string{`f.yaml:1: error: metadata.name: no API server takes the name "My Cart" in the namespace "default"` +
				` (use lower-case letters, digits and dashes, and begin and end with a letter or digit) [invalid-name]`},
		},
		{
			name: "a version of the future", lost: true, text: strings.Replace(whole, "apps/v1", "apps/v3", 1),
			problems: []string{`f.yaml:1: warning: apiVersion: Deployment of the version "apps/v3" is not known, and not read (state apps/v1) [unknown-api-version]`},
		},
		{
			name: "a patch", text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec: {replicas: 3}\n",
			problems: []string{"f.yaml:1: warning: spec.selector: this Deployment is a part of one, and is not read: it has no spec.selector" +
				" (render the whole first, for example by kubectl kustomize, and scan the result; leave patches out by exclude) [partial-manifest]"},
		},
		{
			name: "a patch of a container",
			text: "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: m}]}}}}}\n",
			problems: []string{"f.yaml:1: warning: spec.jobTemplate.spec.template.spec.containers.image: this CronJob is a part of one, and is not read:" +
				" it has no spec.jobTemplate.spec.template.spec.containers.image" +
				" (render the whole first, for example by kubectl kustomize, and scan the result; leave patches out by exclude) [partial-manifest]"},
		},
		{name: "made anew each time", text: "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: x-}\n"},
		{
			name: "no name", text: "apiVersion: v1\nkind: Service\nspec: {}\n",
			problems: []string{"f.yaml:1: warning: metadata.name: this Service is a part of one, and is not read: it has no metadata.name" +
				" (render the whole first, for example by kubectl kustomize, and scan the result; leave patches out by exclude) [partial-manifest]"},
		},
		{
			name: "null everywhere", text: "apiVersion: v1\nkind: Service\nmetadata: {name: x, labels: null}\nspec: {selector: {app: null}, ports: [null]}\n",
			objects: []string{"services default/x@1"},
		},
		{name: "a list of nothing", text: "apiVersion: v1\nkind: List\nitems:\n"},
		{
			name: "the control characters of a binary", text: "apiVersion: v1\nkind: Service\n\x00\x01\n", lost: true,
			problems: []string{"f.yaml:3: error: the document holds a NUL byte" +
				" (mend it; quote values that hold special characters) [broken-manifest]"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := parse([]byte(test.text), "f.yaml", allForms())
			var objects, problems []string
			for _, o := range got.objects {
				objects = append(objects, fmt.Sprintf("%s %s/%s@%d", o.Kind, o.Namespace, o.Name, o.Line("")))
			}
			for _, problem := range got.problems {
				problems = append(problems, problem.String())
			}
			if diff := cmp.Diff(test.objects, objects); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if got.lost != test.lost {
				t.Errorf("lost is %t", got.lost)
			}
		})
	}
}

func TestLines(t *testing.T) {
	o := parse([]byte("---\n"+whole), "f.yaml", allForms()).objects[0]
	for field, want := range map[string]int32{
		"": 2, "metadata.name": 4, "spec.replicas": 6, "spec.template.spec.containers[0]": 12,
		"spec.template.spec.containers[0].env[1].value": 17, "spec.template.spec.containers[0].livenessProbe.httpGet.port": 19,
		"spec.template.spec.containers[0].readinessProbe.httpGet": 12, "spec.template.spec.containers[7]": 11, "nothing": 2,
	} {
		if got := o.Line(field); got != want {
			t.Errorf("%s is on line %d, want %d", field, got, want)
		}
	}
	config := parse([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  app: a\n  app.yaml: b\n  app.yaml[0]: c\n"), "f", allForms()).objects[0]
	for field, want := range map[string]int32{"data.app": 5, "data.app.yaml": 6, "data.app.yaml[0]": 7, "data.app.yaml[1]": 6} {
		if got := config.Line(field); got != want {
			t.Errorf("%s is on line %d, want %d", field, got, want)
		}
	}
}

// TestFormerVersions holds that old manifests say what the present ones say.
func TestFormerVersions(t *testing.T) {
	for _, version := range []string{"extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"} {
		want := parse([]byte(whole), "f", allForms()).objects[0].Value.(*appsv1.Deployment)
		got := parse([]byte(strings.Replace(whole, "apps/v1", version, 1)), "f", allForms()).objects
		if len(got) != 1 {
			t.Fatalf("%s is not read", version)
		}
		if diff := cmp.Diff(want, got[0].Value); diff != "" {
			t.Errorf("%s (-apps/v1 +%[1]s):\n%s", version, diff)
		}
	}
	old := `apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: x}
spec:
  backend: {serviceName: all, servicePort: http}
  tls: [{hosts: [a.example]}]
  rules: [{host: a.example, http: {paths: [{path: /x, backend: {serviceName: x, servicePort: 80}}]}}]
`
	now := `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: x}
spec:
  defaultBackend: {service: {name: all, port: {name: http}}}
  tls: [{hosts: [a.example]}]
  rules: [{host: a.example, http: {paths: [{path: /x, backend: {service: {name: x, port: {number: 80}}}}]}}]
`
	want := parse([]byte(now), "f", allForms()).objects[0].Value.(*networkingv1.Ingress)
	if diff := cmp.Diff(want, parse([]byte(old), "f", allForms()).objects[0].Value); diff != "" {
		t.Errorf("Ingress (-present +former):\n%s", diff)
	}
	for _, text := range []string{
		"apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x}\nspec: {minAvailable: 1}\n",
		"apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\nspec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: x}, targetCPUUtilizationPercentage: 80}\n",
		"apiVersion: autoscaling/v2beta1\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\nspec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: x}, metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 80}}]}\n",
		"apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: x}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: m, image: i}]}}}}}\n",
		"apiVersion: v1\nkind: Endpoints\nmetadata: {name: x}\nsubsets: [{addresses: [{ip: 10.0.0.1, targetRef: {kind: Pod, name: p}}], ports: [{port: 80}]}]\n",
		"apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: GRPCRoute\nmetadata: {name: x}\nspec: {rules: [{matches: [{method: {service: a}}]}]}\n",
		"apiVersion: networking.istio.io/v1alpha3\nkind: Gateway\nmetadata: {name: x}\nspec: {selector: {istio: ingressgateway}}\n",
	} {
		if got := parse([]byte(text), "f", allForms()); len(got.objects) != 1 || len(got.problems) > 0 {
			t.Errorf("%d objects, problems %v, from:\n%s", len(got.objects), got.problems, text)
		}
	}
}

// TestAliases holds that what aliases and merges stand for is taken, and that it is bounded.
func TestAliases(t *testing.T) {
	text := `apiVersion: v1
kind: Service
metadata: &m {name: x, labels: &l {app: x, tier: back}}
spec:
  selector: {<<: *l, tier: front}
  ports: [&p {port: 80, name: a}, {<<: [*p], name: b}]
`
	e := encoded(t, text)
	want := `{"apiVersion":"v1","kind":"Service","metadata":{"name":"x","labels":{"app":"x","tier":"back"}},` +
		`"spec":{"selector":{"tier":"front","app":"x"},"ports":[{"port":80,"name":"a"},{"name":"b","port":80}]}}`
	if diff := cmp.Diff(want, string(e.out)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	bomb := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\na: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'm'; c++ {
		bomb += fmt.Sprintf("%c: &%[1]c [*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c]\n", c, c-1)
	}
	merges := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\na: &a {k: v}\n"
	lists := "apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: List, items: [" + strings.Repeat("*b,", 3000) + "]}\n"
	lists = strings.Replace(lists, "items:\n", "b: &b {apiVersion: v1, kind: Namespace, metadata: {name: x}}\nitems:\n", 1) + strings.Repeat("- *a\n", 3000)
	wide := "apiVersion: v1\nkind: List\nb: &b {l: [" + strings.Repeat("x,", 100_000) + "]}\nitems:\n" +
		strings.Repeat("- {apiVersion: v1, kind: Namespace, metadata: {name: x}, b: *b}\n", 5000)
	for c := 'b'; c < 'm'; c++ {
		merges += fmt.Sprintf("%c: &%[1]c {<<: [*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c]}\n", c, c-1)
	}
	for name, text := range map[string]string{
		"merges": merges, "bomb": bomb, "deep": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\na: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"itself": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\na: &a [*a]\n",
		"merge":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\na: &a {<<: *a}\n",
	} {
		got := parse([]byte(text), "f", allForms())
		if len(got.objects) > 0 || len(got.problems) != 1 {
			t.Errorf("%s: %d objects, problems %v", name, len(got.objects), got.problems)
		}
	}
	for name, text := range map[string]string{"lists": lists, "wide": wide} {
		if got := parse([]byte(text), "f", allForms()); len(got.objects) > maxObjects || len(got.problems) != 1 || !got.full() {
			t.Errorf("%s: %d objects, problems %v", name, len(got.objects), got.problems)
		}
	}
}

func (p parsed) full() bool { return p.lost && p.problems[0].Code == codeLarge }

func encoded(t *testing.T, text string) *encoder {
	t.Helper()
	root, err := decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e, err := encode(root, 0)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// same says how the JSON of a text differs from what the converter of Kubernetes makes of it.
func same(t *testing.T, text string) string {
	t.Helper()
	converted, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	read := func(data []byte) any {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%v in:\n%s", err, data)
		}
		return value
	}
	return cmp.Diff(read(converted), read(encoded(t, text).out))
}

func TestScalarsAsKubernetesReadsThem(t *testing.T) {
	for _, scalar := range []string{
		"yes", "No", "on", "OFF", "y", "n", "true", "False", "~", "null", "", "1", "-1", "+1", "0x1F", "0o17", "017", "1_000", "1.5", "1e3", ".5",
		"'yes'", `"1"`, "1.2.3", "8080/tcp", "2024-01-01", "12:30:45", "0.0", "1.0", "9223372036854775807", "1e100", "a b", "é", `"\u2028"`,
		"|\n  a\n  b\n", ">\n  a\n  b\n", "!!str 1", "0b11",
	} {
		if diff := same(t, "a: "+scalar+"\n"); diff != "" {
			t.Errorf("%q (-Kubernetes +here):\n%s", scalar, diff)
		}
	}
}

// TestRealFilesAsKubernetesReadsThem compares all manifests that there are.
func TestRealFilesAsKubernetesReadsThem(t *testing.T) {
	compared := 0
	err := filepath.WalkDir(filepath.Join(testenv.Corpora(t), "kubernetes"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, d := range split(data) {
			if root, err := decode(d.text); err != nil || root == nil || child(root, "kind") == nil || child(root, "status") != nil {
				continue
			}
			compared++
			if diff := same(t, string(d.text)); diff != "" {
				t.Errorf("%s:%d (-Kubernetes +here):\n%s", path, d.line, diff)
			}
		}
		return nil
	})
	if err != nil || compared < 100 {
		t.Errorf("%d compared, error %v", compared, err)
	}
}

// FuzzManifest holds that whatever stands in a file is read without harm: bounded, with lines that are there, and each time
// in the same way.
func FuzzManifest(f *testing.F) {
	f.Add(whole)
	f.Add("apiVersion: v1\nkind: List\nitems: [&a {apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 1}]}}, *a]\n")
	f.Add("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: 'http://b', <<: {c: d}}\n")
	f.Add("{{ if }}\napiVersion: v1\nkind: Pod\n")
	f.Add("apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: x}\nspec: {rules: [{matches: [{method: {service: a}}]}], rules: []}\n")
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: {name: x, ownerReferences: [{controller: true}]}\nspec: null\n")
	forms := allForms()
	f.Fuzz(func(t *testing.T, text string) {
		first, second := parse([]byte(text), "f.yaml", forms), parse([]byte(text), "f.yaml", forms)
		if diff := cmp.Diff(first.problems, second.problems); diff != "" || len(first.objects) != len(second.objects) {
			t.Errorf("read twice, it differs: %s", diff)
		}
		last := int32(1 + strings.Count(text, "\n"))
		for _, problem := range first.problems {
			if problem.Line < 0 || problem.Line > last || problem.Message == "" || problem.Fix == "" || strings.ContainsAny(problem.Message, "\r\n") {
				t.Errorf("a problem of %d lines: %+v", last, problem)
			}
		}
		w := newWorld("prod")
		w.put("f.yaml", first)
		for _, o := range first.objects {
			if line := o.Line("spec.template.spec.containers[0].image"); line < 1 || line > last {
				t.Errorf("%v is on line %d of %d", o.Key, line, last)
			}
			if resource := inventory.ResourceOf(o.Kind); o.Name == "" || (o.Namespace == "") != resource.Cluster {
				t.Errorf("the key %v", o.Key)
			}
		}
		w.deriver.Derive()
		w.put("f.yaml", parsed{})
		w.deriver.Derive()
		for _, scope := range w.deriver.Scopes() {
			if scope != "cluster" {
				t.Errorf("the scope %s stays behind", scope)
			}
		}
	})
}
