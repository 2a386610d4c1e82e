package facts_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
)

// TestNothingSecret writes a secret into all that a container says, and looks for it in all that is derived.
func TestNothingSecret(t *testing.T) {
	const secret = "hunter2"
	d := derive(t, deployment("a", `containers: [{name: c,
image: "https://robot:hunter2@registry.acme.io:5000/team/a:1.4@sha256:0123456789abcdef",
command: [sh, -c, "PGPASSWORD=hunter2 psql -h db -U app"],
args: ["--db=postgres://app:hunter2@db:5432/a", "--password", hunter2],
env: [{name: DB, value: "postgres://app:hunter2@db:5432/a?password=hunter2"}, {name: API_TOKEN, value: hunter2.acme.io}],
livenessProbe: {httpGet: {path: "/livez?token=hunter2&full=1", port: 80, httpHeaders: [{name: Authorization, value: hunter2}]}},
readinessProbe: {httpGet: {path: "http://app:hunter2@db/readyz#hunter2", host: "app:hunter2@db", port: 80}},
startupProbe: {exec: {command: [sh, -c, "curl -u app:hunter2 http://db/"]}}}]`))
	for _, name := range d.Scopes() {
		documents, _ := d.Scope(name)
		for _, document := range documents {
			packed, err := graph.EncodeDocument(document)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(packed, []byte(secret)) {
				t.Errorf("the secret is in %s: %q", name, packed)
			}
		}
	}
	c := workload(t, d, "workloads/shop/deployment/a").Containers[0]
	got := []string{c.Image, c.Readiness.Path, c.Readiness.Host, workload(t, d, "workloads/shop/deployment/a").Version}
	want := []string{"https://registry.acme.io:5000/team/a:1.4@sha256:0123456789abcdef", "http://db/readyz", "db", "1.4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestProbePaths keeps what is no secret, and tells different secrets apart.
func TestProbePaths(t *testing.T) {
	path := func(written string) string {
		d := derive(t, pod(`livenessProbe: {httpGet: {port: 80, path: "`+written+`"}}`))
		return workload(t, d, "workloads/shop/deployment/a").Containers[0].Liveness.Path
	}
	for _, same := range []string{
		"/", "/livez", "/livez?full=1", "/health?statusCode=200&verbose", "/actuator/health?include=readinessState,db", "//x@y/z", "/a?b=",
	} {
		if got := path(same); got != same {
			t.Errorf("%s becomes %s", same, got)
		}
	}
	one, other := path("/livez?apiKey=1234"), path("/livez?apiKey=4321")
	if one == other || !strings.HasPrefix(one, "/livez?apiKey=masked-") || strings.Contains(one, "1234") {
		t.Errorf("%s, %s", one, other)
	}
	if got := path("/livez?x=3fa85f64571745629b3fc2c9"); !strings.HasPrefix(got, "/livez?x=masked-") {
		t.Errorf("what looks like a secret stays: %s", got)
	}
}
