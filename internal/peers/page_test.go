package peers

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// The generated part of the page.
const (
	pageBegin = "<!-- written by: make peers -->\n"
	pageEnd   = "<!-- end -->\n"
)

// TestPage holds that the page shows what the cases say and the programs were recorded to say.
func TestPage(t *testing.T) {
	file := filepath.Join(testenv.ProjectRoot(t), "docs", "health-compared.md")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(content), pageBegin)
	shown, after, ended := strings.Cut(rest, pageEnd)
	if !begun || !ended {
		t.Fatalf("%s has no part between %q and %q", file, pageBegin, pageEnd)
	}
	_, by := recorded(t)
	want := page(comparisons(t), by)
	if *update {
		if err := os.WriteFile(file, []byte(before+pageBegin+want+pageEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(shown, want); diff != "" {
		t.Errorf("%s is not current (make peers writes it; -shown +want):\n%s", file, diff)
	}
}

// page is the generated part: the totals, then each case under the check of ours that answers it.
func page(all []comparison, by map[string]asked) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d cases. Of these:\n\n| | right | misses it | false alarm | too grave | has no check |\n|---|---|---|---|---|---|\n", len(all))
	wrong := map[string]int{}
	for _, c := range all {
		wrong[c.ourselves()]++
	}
	fmt.Fprintf(&b, "| Orrery | %d | %d | %d | %d | 0 |\n", wrong[agrees], wrong[misses], wrong[falseAlarm], wrong[tooGrave])
	for _, p := range peers {
		count := map[string]int{}
		for _, c := range all {
			count[c.said[p.name]]++
		}
		fmt.Fprintf(&b, "| %s", strings.TrimSpace(p.name+" "+by[p.name].Version))
		for _, word := range []string{agrees, misses, falseAlarm, tooGrave, noCheck} {
			fmt.Fprintf(&b, " | %d", count[word])
		}
		b.WriteString(" |\n")
	}
	for _, check := range checksAsked(all) {
		fmt.Fprintf(&b, "\n### `%s`\n\n| case | right, and why | Orrery | %s |\n|---|---|---|%s\n", check, strings.Join(peerNames(), " | "), strings.Repeat("---|", len(peers)))
		for _, c := range all {
			if c.Check != check {
				continue
			}
			fmt.Fprintf(&b, "| [%s](../internal/peers/testdata/cases/%s.yaml) | %s: %s |", c.Title, c.Name, outcome(c.Right, c.Severity), c.Rule)
			fmt.Fprintf(&b, " %s |", c.cell(c.ourselves(), ourselves))
			for _, p := range peers {
				fmt.Fprintf(&b, " %s |", c.cell(c.said[p.name], p.name))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
	return b.String()
}

// ourselves is how Orrery's answer compares, by what the case says; TestOrrery holds it.
func (c comparison) ourselves() string {
	switch {
	case c.Why[ourselves] == "":
		return agrees
	case c.flagged():
		return misses
	default:
		return falseAlarm
	}
}

func (c comparison) cell(how, who string) string {
	switch how {
	case agrees:
		return "✓"
	case noCheck:
		return "–"
	}
	return "**" + how + "**: " + c.Why[who]
}

func outcome(right, severity string) string {
	words := strings.ToLower(strings.ReplaceAll(right, "_", " "))
	if severity == "" {
		return words
	}
	return words + ", " + strings.ToLower(severity)
}

// sections are the checks of ours in the order of the page; others come behind.
var sections = []string{
	"no-probes", "no-readiness", "no-liveness", "identical-liveness-readiness", "probe-port-unresolved", "slow-start-unprotected",
	"liveness-before-readiness", "timeout-over-period", "health-path-unconventional", "probe-calls-dependency",
	"liveness-on-dependency-endpoint", "probe-asks-node", "too-few-replicas",
	"no-disruption-budget", "disruption-budget-blocks", "no-spread", "recreate-strategy", "service-selects-nothing", "service-port-unresolved",
	"route-to-nowhere", "autoscaler-without-target", "budget-selects-nothing",
}

// checksAsked are the checks of ours that the cases ask about, in the order of the page.
func checksAsked(all []comparison) []string {
	place := func(check string) int {
		if i := slices.Index(sections, check); i >= 0 {
			return i
		}
		return len(sections)
	}
	var checks []string
	for _, c := range all {
		checks = append(checks, c.Check)
	}
	slices.SortFunc(checks, func(a, b string) int { return cmp.Or(place(a)-place(b), strings.Compare(a, b)) })
	return slices.Compact(checks)
}

func peerNames() []string {
	names := make([]string, len(peers))
	for i, p := range peers {
		names[i] = p.name
	}
	return names
}
