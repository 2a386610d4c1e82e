package main

import (
	"os"
	"strings"
	"testing"
)

// TestStaleIsTold holds that a file which is broken later keeps its entity, and that everybody who asks is told why.
func TestStaleIsTold(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := write(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: till}\n"+
		"spec: {type: service, lifecycle: production, owner: shop}\n", folder, "catalog-info.yaml")
	config := configured(t, folder)
	must(t, "scan", "--config", config)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, string(good)+"  broken: [\n", file)
	scanned := must(t, "scan", "--config", config)
	for question, want := range map[string][]string{
		"sources":               {"STALE", "1 could not be read again"},
		"show till":             {"could not be renewed", "not valid YAML", "[stale]"},
		"list --with-problems":  {"component:default/till"},
		"owner till":            {"group:default/shop"},
		"problems --ref till":   {"[stale]", "0 errors, 1 warning"},
		"problems --code stale": {"could not be read again: line"},
	} {
		got := must(t, append(strings.Fields(question), "--config", config)...)
		for _, words := range want {
			if !strings.Contains(got, words) {
				t.Errorf("%s does not say %q:\n%s", question, words, got)
			}
		}
	}
	if !strings.Contains(scanned, "STALE") {
		t.Errorf("scan says\n%s", scanned)
	}
}
