package peers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

// kubescape is not run: it fetches its rules from the internet. Its two controls on probes are short, and are stated here
// from the text of github.com/kubescape/regolibrary, rules configured-liveness-probe and configured-readiness-probe:
//
//   - C-0056 reports every container of a Pod, Deployment, ReplicaSet, DaemonSet, StatefulSet, Job or CronJob that has no
//     livenessProbe, with the score 4; C-0018 the same of readinessProbe, with the score 3.
//   - Only spec.containers of the pod is read, no initContainers. Nothing else is looked at: no port, no handler, no
//     Service. No other control is about probes, Services, budgets or spread.
var kubescape = peer{
	name: "kubescape",
	asks: map[string][]ask{
		"no-probes":    asks("C-0018", "C-0056"),
		"no-readiness": asks("C-0018"),
		"no-liveness":  asks("C-0056"),
	},
	judge: judgeByKubescape,
}

// kubescapePods is where the controls find the pod, by kind.
var kubescapePods = map[string][]string{
	"Pod":         {"spec"},
	"Deployment":  {"spec", "template", "spec"},
	"ReplicaSet":  {"spec", "template", "spec"},
	"DaemonSet":   {"spec", "template", "spec"},
	"StatefulSet": {"spec", "template", "spec"},
	"Job":         {"spec", "template", "spec"},
	"CronJob":     {"spec", "jobTemplate", "spec", "template", "spec"},
}

func judgeByKubescape(t *testing.T, _ peer, _, dir string) []verdict {
	t.Helper()
	var said []verdict
	for _, file := range manifests(t, dir) {
		for _, object := range objects(t, file) {
			kind, _ := object["kind"].(string)
			path, known := kubescapePods[kind]
			if !known {
				continue
			}
			meta, _ := object["metadata"].(map[string]any)
			name, _ := meta["name"].(string)
			namespace, _ := meta["namespace"].(string)
			pod := object
			for _, field := range path {
				pod, _ = pod[field].(map[string]any)
			}
			containers, _ := pod["containers"].([]any)
			for _, c := range containers {
				container, _ := c.(map[string]any)
				named, _ := container["name"].(string)
				for _, control := range []struct{ id, field, score string }{{"C-0018", "readinessProbe", "3"}, {"C-0056", "livenessProbe", "4"}} {
					v := verdict{Tool: "kubescape", Check: control.id, Object: objectName(kind, namespace, name), Container: named, Outcome: "PASS"}
					if container[control.field] == nil {
						v.Outcome, v.Grade, v.Message = "FAIL", control.score, "no "+control.field
					}
					said = append(said, v)
				}
			}
		}
	}
	return said
}

// objects are the documents of a manifest, those of a List one by one.
func objects(t *testing.T, file string) []map[string]any {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for decoder := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", file, err))
		}
		items, list := object["items"].([]any)
		if !list {
			all = append(all, object)
		}
		for _, item := range items {
			if object, ok := item.(map[string]any); ok {
				all = append(all, object)
			}
		}
	}
}
