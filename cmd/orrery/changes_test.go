package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// changedCompany is a store of the demo company that has changed since the moment.
func changedCompany(t *testing.T) (file string, answers map[string]string, moment string) {
	t.Helper()
	dir := demoFolder(t)
	file = configured(t, dir)
	must(t, "scan", "--config", file)
	answers = make(map[string]string)
	for _, question := range append(pastQuestions(), "changes --since 1d") {
		answers[question] = must(t, append(strings.Fields(question), "--config", file)...)
	}
	moment = time.Now().UTC().Format(time.RFC3339Nano)
	payments := filepath.Join(dir, "payments", "catalog-info.yaml")
	text, err := os.ReadFile(payments)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.NewReplacer("  title: Payments\n", "  title: Money\n", "  owner: payments\n", "  owner: checkout\n",
		"    - {ref: component:psp-stripe, anyOf: psp}\n", "").Replace(string(text))
	write(t, edited, payments)
	if err := os.RemoveAll(filepath.Join(dir, "wishlist-service")); err != nil {
		t.Fatal(err)
	}
	must(t, "scan", "--config", file)
	return file, answers, moment
}

// pastQuestions are all that can be asked as of a past moment.
func pastQuestions() []string {
	asked := []string{"sources --format json", "export", "export --format jsonl", "export --digest"}
	for _, question := range questions {
		asked = append(asked, question+" --format json")
	}
	return asked
}

// TestAsOf holds that every question is answered as of a moment as it was answered then, from the store and by a server.
func TestAsOf(t *testing.T) {
	t.Parallel()
	file, answers, moment := changedCompany(t)
	server := serve(t, "--config", file)
	for name, place := range map[string][]string{"--config": {"--config", file}, "--server": {"--server", server.url}} {
		differ := 0
		for question, want := range answers {
			args := append(strings.Fields(question), place...)
			if diff := cmp.Diff(want, must(t, append(args, "--at", moment)...)); diff != "" {
				t.Errorf("%s %s is not answered as it was:\n%s", question, name, diff)
			}
			if got := orrery(t, args...); got.stdout != want {
				differ++
			}
		}
		if differ < 5 {
			t.Errorf("only %d answers are others by now", differ)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	file, _, moment := changedCompany(t)
	var got struct{ Changes []map[string]any }
	ask := func(args ...string) []map[string]any {
		t.Helper()
		got.Changes = nil
		text := must(t, append([]string{"changes", "--config", file, "--format", "json"}, args...)...)
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		return got.Changes
	}
	var told []string
	for _, c := range ask("--since", moment, "--of", "payments", "--upstream") {
		if _, err := time.Parse(time.RFC3339, c["time"].(string)); err != nil || c["revision"] != 2. {
			t.Errorf("%v", c)
		}
		delete(c, "time")
		delete(c, "revision")
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, string(text))
	}
	want := []string{
		`{"field":"title","new":"Money","old":"Payments","ref":"component:default/payments","source":"files"}`,
		`{"field":"owner","new":"group:default/checkout","old":"group:default/payments","ref":"component:default/payments","source":"files"}`,
		`{"field":"dependsOn component:default/psp-stripe","new":null,"old":"HARD, any of psp","ref":"component:default/payments","source":"files"}`,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all := ask()
	if first := ask("--limit", "3"); len(all) < 100 || !cmp.Equal(all[:3], first) {
		t.Errorf("of %d changes the first 3 are %v", len(all), first)
	}
	if none := ask("--until", "1w"); len(none) != 0 {
		t.Errorf("long ago there was %v", none)
	}
	if births := ask("--until", moment, "--of", "wishlist-service"); len(births) != 1 || births[0]["field"] != nil || births[0]["new"] != "DESCRIBED" {
		t.Errorf("what is gone came by %v", births)
	}
	table := must(t, "changes", "--config", file, "--since", moment, "--limit", "2")
	for _, text := range []string{"ENTITY", "component:default/payments", "Money", "2 changes, and more"} {
		if !strings.Contains(table, text) {
			t.Errorf("the table has no %q:\n%s", text, table)
		}
	}
}

func TestMomentsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	file, _, _ := changedCompany(t)
	store := []string{"--config", file}
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"list", "--catalog", "testdata/shop", "--at", "2h"}, statusUsage, "needs a store"},
		{[]string{"export", "--catalog", "testdata/shop", "--at", "2h"}, statusUsage, "needs a store"},
		{[]string{"changes", "--catalog", "testdata/shop"}, statusUsage, "store"},
		{append([]string{"list", "--at", "soon"}, store...), statusUsage, "--at soon is not understood"},
		{append([]string{"list", "--at", "-2h"}, store...), statusUsage, "in the future"},
		{append([]string{"list", "--at", "2999-01-01"}, store...), statusUsage, "in the future"},
		{append([]string{"export", "--at", "2999-01-01"}, store...), statusUsage, "in the future"},
		{append([]string{"list", "--at", "2001-01-01T00:00:00Z"}, store...), statusFailed, "no revision then"},
		{append([]string{"export", "--at", "2001-01-01T00:00:00Z"}, store...), statusFailed, "no revision then"},
		{append([]string{"changes", "--upstream"}, store...), statusUsage, "--upstream needs --of"},
		{append([]string{"changes", "--limit", "-1"}, store...), statusUsage, "--limit"},
		{append([]string{"changes", "--since", "99999999d"}, store...), statusUsage, "--since"},
		{append([]string{"changes", "--of", "nobody-knows-it"}, store...), statusFailed, "not in the catalog"},
	} {
		got := orrery(t, test.args...)
		if got.status != test.status || !strings.Contains(got.stderr, test.says) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %q; want %d with %q", strings.Join(test.args, " "), got.status, got.stderr, test.status, test.says)
		}
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2h": "2026-01-31T10:00:00Z", "90m": "2026-01-31T10:30:00Z", "0s": "2026-01-31T12:00:00Z", "7d": "2026-01-24T12:00:00Z",
		"2w": "2026-01-17T12:00:00Z", "2026-01-30": "2026-01-30T00:00:00Z", "2026-01-30 08:15": "2026-01-30T08:15:00Z",
		"2026-01-30T08:15:10": "2026-01-30T08:15:10Z", "2026-01-30T08:15:10+02:00": "2026-01-30T06:15:10Z",
		"": "", "d": "", "1.5d": "", "36501d": "", "9999999999999999999h": "", "yesterday": "", "2026-13-01": "",
	} {
		got, err := moment("--at", text, now)
		if shown := got.Format(time.RFC3339); (err == nil) != (want != "") || err == nil && shown != want {
			t.Errorf("%q is %s, %v, want %s", text, shown, err, want)
		}
	}
}

func TestAsOfReachesEveryRootField(t *testing.T) {
	t.Parallel()
	got, err := asOf(`query($x: String!) { a: entity(ref: $x) { ref changes { totalCount } } ... on Query { cycles { totalCount } } ...f ...f __typename }
		fragment f on Query { snapshot { revision } }`, time.Date(2026, 1, 31, 12, 0, 0, 5, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	const at = `at: "2026-01-31T12:00:00.000000005Z"`
	if n := strings.Count(got, at); n != 4 || !strings.Contains(got, "a: entity(ref: $x, "+at+")") ||
		!strings.Contains(got, "asOf: snapshot("+at+")") {
		t.Errorf("%d fields are asked as of the moment:\n%s", n, got)
	}
	if _, err := asOf("{", time.Now()); err == nil {
		t.Error("what is no query gave no error")
	}
}
