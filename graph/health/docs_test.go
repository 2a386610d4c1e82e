package health_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph/health"
)

var update = flag.Bool("update", false, "write the documented checks anew")

// TestDocumented holds that the documentation has every check as it is.
func TestDocumented(t *testing.T) {
	const file, begin, end = "../../docs/health.md", "<!-- written by: go test ./graph/health -update -->\n", "<!-- end -->\n"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("the marks are gone")
	}
	var b strings.Builder
	b.WriteString("\n| check | severity | the defect |\n|---|---|---|\n")
	for _, c := range health.Checks() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", c.ID, c.ID, c.Severity, c.Title)
	}
	for _, c := range health.Checks() {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n%s\n\n**What to do:** %s\n\n*%s*\n", c.ID, c.Title, c.Rationale, c.Fix, c.Reference)
	}
	b.WriteString("\n")
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/health.md (go test ./graph/health -update writes it anew):\n%s", diff)
	}
}
