package main

import (
	"regexp"
	"strings"
	"testing"
)

// seenTimes are when facts were seen, which is when a folder is read.
var seenTimes = regexp.MustCompile(`"(first|last)Seen":"[^"]*"`)

// TestGolden holds what people and scripts see, on a small catalog.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"owner.txt":          "owner checkout --catalog testdata/shop",
		"owner.json":         "owner checkout --catalog testdata/shop --format json",
		"owner-nobody.txt":   "owner scoring --catalog testdata/shop",
		"show.txt":           "show checkout --catalog testdata/shop",
		"show.json":          "show checkout --catalog testdata/shop --format json",
		"show-group.txt":     "show group:payments --catalog testdata/shop",
		"show-running.txt":   "show cart --catalog testdata/placed",
		"show-workload.txt":  "show workload:shop/manifests.statefulset.cart --catalog testdata/placed",
		"show-workload.json": "show workload:shop/manifests.statefulset.cart --catalog testdata/placed --format json",
		"show-node.txt":      "show node:manifests.n2 --catalog testdata/placed",
		"blast-node.txt":     "blast-radius node:manifests.n2 --catalog testdata/placed",
		"blast-zone.txt":     "blast-radius zone:eu-1a --catalog testdata/placed",
		"blast-zones.txt":    "blast-radius zone:eu-1a zone:eu-1b --catalog testdata/placed",
		"blast-cluster.txt":  "blast-radius cluster:manifests --catalog testdata/placed",
		"deps.txt":           "deps journey:buy --catalog testdata/shop",
		"deps.json":          "deps checkout --depth 1 --catalog testdata/shop --format json",
		"deps.dot":           "deps checkout --catalog testdata/shop --format dot",
		"deps-needed-by.txt": "deps ledger-db --direction needed-by --catalog testdata/shop",
		"deps-none.txt":      "deps ledger-db --catalog testdata/shop",
		"blast.txt":          "blast-radius ledger-db --catalog testdata/shop",
		"blast.json":         "blast-radius ledger-db --catalog testdata/shop --format json",
		"blast.dot":          "blast-radius ledger-db --catalog testdata/shop --format dot",
		"blast.mermaid":      "blast-radius ledger-db --catalog testdata/shop --format mermaid",
		"blast-system.txt":   "blast-radius system:shop --catalog testdata/shop",
		"blast-none.txt":     "blast-radius journey:buy --catalog testdata/shop",
		"path.txt":           "path journey:buy ledger-db --catalog testdata/shop",
		"path.json":          "path checkout fraud --catalog testdata/shop --format json",
		"path.mermaid":       "path journey:buy ledger-db --catalog testdata/shop --format mermaid",
		"cycles.txt":         "cycles --catalog testdata/shop",
		"list.txt":           "list --catalog testdata/shop",
		"list-filtered.txt":  "list --kind component --owner payments --catalog testdata/shop",
		"search.txt":         "search paymnt --catalog testdata/shop",
		"search.json":        "search ledgr owner:payments --limit 2 --catalog testdata/shop --format json",
		"problems.txt":       "problems --catalog testdata/shop",
		"problems.json":      "problems --catalog testdata/shop --format json",
		"export.json":        "export --catalog testdata/shop",
		"export.jsonl":       "export --catalog testdata/shop --format jsonl",
		"help.txt":           "--help",
		"help-config.txt":    "config --help",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, seenTimes.ReplaceAllString(must(t, strings.Fields(command)...), `"${1}Seen":"2026-01-31T12:00:00Z"`))
		})
	}
	got := orrery(t, "validate", "testdata/shop")
	golden(t, "validate.txt", got.stdout)
	got = orrery(t, "validate", "testdata/shop/services.yaml", "--format", "json")
	golden(t, "validate.json", got.stdout)
}
