package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProbing holds that health endpoints are called where a source says so, and only those: here by a name that nothing
// resolves, which is a finding and stands in the history.
func TestProbing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, `apiVersion: apps/v1
kind: Deployment
metadata: {name: till, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec:
      containers:
        - name: server
          image: till:1
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /readyz, port: http}}
---
apiVersion: v1
kind: Service
metadata: {name: no-such-till, namespace: shop}
spec:
  selector: {app: till}
  ports: [{port: 80, targetPort: http}]
`, folder, "till.yaml")
	config := filepath.Join(t.TempDir(), "orrery.yaml")
	source := "graph: {path: " + filepath.Join(t.TempDir(), "orrery.db") + "}\nsources:\n" +
		"  - {id: till, kind: kubernetes, paths: [" + folder + "], cluster: prod}\n"
	if err := os.WriteFile(config, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "scan", "--config", config)
	question := []string{"health", "workload:shop/prod.deployment.till", "--check", "live-probe-failed", "--config", config}
	if got := must(t, question...); strings.Contains(got, "FAIL") {
		t.Errorf("without a source that calls, health says\n%s", got)
	}
	if err := os.WriteFile(config, []byte(source+"  - {id: calls, kind: probe, cluster: prod}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "scan", "--config", config)
	must(t, "scan", "--config", config)
	const said = "readiness at http://no-such-till.shop.svc:80/readyz: its name does not resolve"
	if got := must(t, question...); !strings.Contains(got, "FAIL") || !strings.Contains(got, said) {
		t.Errorf("health says\n%s", got)
	}
	if got := must(t, "changes", "--since", "1h", "--of", "workload:shop/prod.deployment.till", "--config", config); !strings.Contains(got, "unhealthy: its name does not resolve") {
		t.Errorf("the history says\n%s", got)
	}
}
