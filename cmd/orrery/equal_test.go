package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// questions are query subcommands on the demo company, each with something to find.
var questions = []string{
	"owner checkout-service", "owner group:payments", "owner gift-cards",
	"show payments", "show group:payments", "show tracking-service", "show journey:buy", "show resource:ledger-db",
	"deps checkout-service", "deps ledger-db --direction needed-by", "deps journey:buy --kind Resource --depth 4",
	"deps payments --depth 1 --evidence declared", "deps checkout-service --environment staging --include-stale",
	"blast-radius ledger-db", "blast-radius psp-stripe psp-adyen", "blast-radius kafka", "blast-radius system:checkout",
	"blast-radius ledger-db --max-distance 1",
	"path checkout-web payments-db", "path checkout-web checkout-web",
	"cycles", "list", "list --kind Component --owner payments --tier 1", "list --unowned --order name", "list --placeholders",
	"search chekout", "search payments database kind:resource --limit 3", "search tier:1",
	"problems", "problems --severity ERROR", "problems --owner storefront",
}

// TestEqualAnswers holds that the answer is the same wherever the data is read from.
func TestEqualAnswers(t *testing.T) {
	t.Parallel()
	company := demoFolder(t)
	file := configured(t, company)
	server := serve(t, "--config", file)
	places := map[string][]string{
		"--config": {"--config", file}, // while the server runs
		"--server": {"--server", server.url},
	}
	for _, question := range questions {
		for _, format := range []string{"json", "table", "dot", "mermaid"} {
			args := append(strings.Fields(question), "--format", format)
			if drawable := args[0] == "deps" || args[0] == "blast-radius" || args[0] == "path"; !drawable && (format == "dot" || format == "mermaid") {
				continue
			}
			want := must(t, append([]string{"--catalog", company}, args...)...)
			if len(want) < 2 {
				t.Errorf("%s: there is no answer", question)
			}
			for name, place := range places {
				if diff := cmp.Diff(want, must(t, append(place, args...)...)); diff != "" {
					t.Errorf("%s --format %s differs between --catalog and %s:\n%s", question, format, name, diff)
				}
			}
		}
	}
	for _, question := range []string{"sources --format json", "export", "export --format jsonl"} {
		args := strings.Fields(question)
		want := must(t, append(places["--config"], args...)...)
		if diff := cmp.Diff(want, must(t, append(places["--server"], args...)...)); diff != "" {
			t.Errorf("%s differs between --config and --server:\n%s", question, diff)
		}
	}
	want := must(t, "export", "--digest", "--catalog", company)
	for name, place := range places {
		if got := must(t, append(place, "export", "--digest")...); got != want {
			t.Errorf("the digest of %s is %s, not %s", name, got, want)
		}
	}
	if len(strings.TrimSpace(want)) != 64 {
		t.Errorf("the digest is %q", want)
	}
}

// TestManyPages holds that answers are whole that do not fit into one page.
func TestManyPages(t *testing.T) {
	t.Parallel()
	const services, users = 1203, 1001
	var files strings.Builder
	files.WriteString("apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: db}\nspec: {type: database, owner: big}\n")
	files.WriteString("---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: big}\nspec: {type: team, children: []}\n")
	for i := range services {
		fmt.Fprintf(&files, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d}\n"+
			"spec: {type: service, lifecycle: production, owner: big, dependsOn: ['component:s%d', 'resource:db'], system: none}\n", i, (i+1)%services)
	}
	for i := range users {
		fmt.Fprintf(&files, "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: u%d}\nspec: {memberOf: [big]}\n", i)
	}
	dir := t.TempDir()
	write(t, files.String(), dir, "catalog-info.yaml")
	lengths := func(args ...string) map[string]int {
		return lengthsOf(t, must(t, append(args, "--catalog", dir, "--format", "json")...))
	}
	for question, want := range map[string]map[string]int{
		"list":               {"entities": services + users + 2},
		"deps s7":            {"entities": services, "edges": 2 * services},
		"deps db":            {"entities": 0, "edges": 0},
		"blast-radius db":    {"impacted": services + 1, "failed": 1}, // with the system
		"owner db":           {"owner.members": users},
		"cycles":             {"cycles": 1, "cycles[0].entities": services},
		"show group:big":     {"members": users, "owns": services + 1},
		"show resource:db":   {"dependents": services},
		"path s1200 s5":      {"path": 9, "edges": 8},
		"problems":           {"problems": 0},
		"deps s7 --depth 10": {"entities": 11},
	} {
		got := lengths(strings.Fields(question)...)
		for list, length := range want {
			if got[list] != length {
				t.Errorf("%s: %s has %d elements, want %d", question, list, got[list], length)
			}
		}
	}
}
