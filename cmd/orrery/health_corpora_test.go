package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// comparedChecks are those that the corpora tell of.
var comparedChecks = []string{"no-probes", "no-liveness", "no-readiness", "identical-liveness-readiness", "probe-port-undeclared"}

// TestHealthOfCorpora compares what fails in real systems with what people have found there by hand.
func TestHealthOfCorpora(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testenv.Corpora(t), "kubernetes", "*", "health.tsv"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d systems, %v", len(files), err)
	}
	compared := 0
	for _, file := range files {
		system := filepath.Dir(file)
		var got healthReport
		if err := json.Unmarshal([]byte(must(t, "health", "--catalog", filepath.Join(system, "manifests"), "--format", "json")), &got); err != nil {
			t.Fatal(err)
		}
		failed := map[string][]string{} // by workload and container, without namespace
		for _, s := range got.Services {
			for _, c := range s.Checks {
				if c.Workload == nil || c.Container == nil {
					continue
				}
				_, name, _ := strings.Cut((*c.Workload)[strings.LastIndex(*c.Workload, "/")+1:], ".") // of cluster.kind.name
				_, name, _ = strings.Cut(name, ".")
				key := name + " " + *c.Container
				if _, there := failed[key]; !there {
					failed[key] = []string{}
				}
				if c.Outcome == "FAIL" && slices.Contains(comparedChecks, c.ID) {
					failed[key] = append(failed[key], c.ID)
				}
			}
		}
		written := writtenProbes(t, filepath.Join(system, "manifests"))
		for _, row := range tsv(t, file) {
			key := row["workload"] + " " + row["container"]
			found, there := failed[key]
			findings := strings.Join(found, ",")
			if findings == "" {
				findings = "ok"
			}
			t.Logf("%-18s %-42s %-30s %s", filepath.Base(system), key, row["findings"], findings)
			compared++
			if want := fmt.Sprint(row["liveness"], row["readiness"], row["startup"], row["declared_ports"]); written[key] != want {
				t.Errorf("%s %s has the probes and ports %s, by hand %s", filepath.Base(system), key, written[key], want)
			}
			if !there || !sameFindings(findings, row["findings"]) {
				t.Errorf("%s %s: %s (judged: %v), by hand %s", filepath.Base(system), key, findings, there, row["findings"])
			}
		}
	}
	if compared < 46 {
		t.Errorf("only %d rows were compared", compared)
	}
}

// writtenProbes are the probes and ports of each container, as the corpora write them, by workload and container.
func writtenProbes(t *testing.T, folder string) map[string]string {
	t.Helper()
	place, err := (&program{env: lookup(nil)}).open(t.Context(), &data{catalog: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	defer place.close()
	probe := func(p *catalog.Probe) string {
		switch {
		case p == nil:
			return "none"
		case p.Handler == catalog.ProbeHTTP:
			return "http:" + p.Port + p.Path
		case p.Handler == catalog.ProbeExec:
			return "exec:" + p.Command
		default:
			return strings.ToLower(string(p.Handler)) + ":" + p.Port
		}
	}
	written := map[string]string{}
	for entity := range place.snapshot.Entities("") {
		if entity.Facts == nil || entity.Facts.Workload == nil {
			continue
		}
		for _, c := range entity.Facts.Workload.Containers {
			var ports []string
			for _, port := range c.Ports {
				ports = append(ports, fmt.Sprint(port.Number))
			}
			if ports == nil {
				ports = []string{"none"}
			}
			written[entity.Facts.Workload.Name+" "+c.Name] = fmt.Sprint(probe(c.Liveness), probe(c.Readiness), probe(c.Startup), strings.Join(ports, ","))
		}
	}
	return written
}

// tsv reads a table with a head.
func tsv(t *testing.T, file string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	head := strings.Split(lines[0], "\t")
	var rows []map[string]string
	for i, line := range lines[1:] {
		row := map[string]string{}
		for k, field := range strings.Split(line, "\t") {
			if k >= len(head) {
				t.Fatal(fmt.Errorf("%s:%d has too many fields", file, i+2))
			}
			row[head[k]] = strings.TrimSpace(field)
		}
		rows = append(rows, row)
	}
	return rows
}

// sameFindings compares lists of words in any order.
func sameFindings(a, b string) bool {
	words := func(s string) []string {
		return slices.Sorted(slices.Values(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", ;", r) })))
	}
	return slices.Equal(words(a), words(b))
}
