package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/onboard"
)

// payouts makes a small repository, and returns its folder.
func payouts(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "payouts")
	write(t, "[remote \"origin\"]\n\turl = git@github.com:acme/payouts.git\n", dir, ".git", "config")
	write(t, "module payouts\n", dir, "go.mod")
	write(t, "package main\n", dir, "main.go")
	write(t, "* @acme/payments\n", dir, "CODEOWNERS")
	write(t, "LEDGER_URL=http://ledger:8080\n", dir, ".env.example")
	write(t, "FROM scratch\n", dir, "worker", "Dockerfile")
	return dir
}

// TestInit holds that a draft is written, is valid, and is not written over.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := payouts(t)
	file := filepath.Join(dir, onboard.FileName)
	got := orrery(t, "init", dir, "--offline")
	if got.status != statusDone || got.stdout != "" || !strings.Contains(got.stderr, "Written: "+file) || !strings.Contains(got.stderr, "No catalog was asked") {
		t.Fatalf("%+v", got)
	}
	first, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(first), "owner: group:payments") {
		t.Fatalf("%s, %v", first, err)
	}
	must(t, "validate", file)
	for _, args := range [][]string{{}, {"--stdout"}, {"--output", filepath.Join(dir, "other.yaml")}, {"--format", "json"}} {
		got := orrery(t, append([]string{"init", dir, "--offline"}, args...)...)
		if got.status != statusNo || !strings.Contains(got.stdout+got.stderr, onboard.FileName) || strings.Contains(got.stdout, "apiVersion") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if err := os.WriteFile(file, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := orrery(t, "init", dir, "--offline", "--force"); got.status != statusDone {
		t.Errorf("%+v", got)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(first) {
		t.Errorf("%s, %v", again, err)
	}
}

// TestInitOutput holds where a draft goes.
func TestInitOutput(t *testing.T) {
	t.Parallel()
	dir := payouts(t)
	toStdout := orrery(t, "init", dir, "--offline", "--output", "-")
	if toStdout.status != statusDone || !strings.HasPrefix(toStdout.stdout, "# ") || strings.Contains(toStdout.stderr, "Written") {
		t.Fatalf("%+v", toStdout)
	}
	if same := orrery(t, "init", dir, "--offline", "--stdout"); same.stdout != toStdout.stdout {
		t.Error("--stdout is not --output -")
	}
	elsewhere := filepath.Join(dir, "draft.yaml")
	if got := orrery(t, "init", dir, "--offline", "--output", elsewhere); got.status != statusDone {
		t.Errorf("%+v", got)
	}
	if content, err := os.ReadFile(elsewhere); err != nil || string(content) != toStdout.stdout {
		t.Errorf("%s, %v", content, err)
	}
	if got := orrery(t, "init", dir, "--offline", "--output", elsewhere); got.status != statusNo || !strings.Contains(got.stderr, "draft.yaml") {
		t.Errorf("a file was written over: %+v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, onboard.FileName)); err == nil {
		t.Error("the usual file was written, too")
	}
	var answer initialised
	asJSON := orrery(t, "init", dir, "--offline", "--stdout", "--format", "json")
	if err := json.Unmarshal([]byte(asJSON.stdout), &answer); err != nil {
		t.Fatalf("%+v: %v", asJSON, err)
	}
	if answer.YAML != toStdout.stdout || answer.File != nil || answer.Asked != nil || answer.Written || len(answer.Entities) == 0 ||
		answer.Entities[0].Ref != "component:default/payouts" || len(answer.Questions) == 0 || answer.Notes == nil || answer.Existing == nil {
		t.Errorf("%s", asJSON.stdout)
	}
}

// TestInitOfAFolder holds that a folder of a repository has the repository's owners and its remote.
func TestInitOfAFolder(t *testing.T) {
	t.Parallel()
	dir := payouts(t)
	write(t, "* @acme/payments\n/worker/ @acme/workers\n", dir, "CODEOWNERS")
	got := orrery(t, "init", filepath.Join(dir, "worker"), "--offline", "--stdout")
	for _, want := range []string{"name: worker #", "owner: group:workers #", "github.com/project-slug: acme/payouts #"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is missing: %s%s", want, got.stdout, got.stderr)
		}
	}
}

// TestInitAsks holds that the catalog that is named is asked, and is told.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	dir := payouts(t)
	offline := orrery(t, "init", dir, "--offline", "--stdout")
	got := orrery(t, "init", dir, "--catalog", "testdata/shop", "--stdout")
	if got.status != statusDone || !strings.Contains(got.stderr, "Asked: the catalog") {
		t.Fatalf("%+v", got)
	}
	if got.stdout != offline.stdout || !strings.Contains(got.stdout, "owner: group:payments # @acme/payments in CODEOWNERS:1 (*)\n") {
		t.Errorf("the catalog has the group, as the name says: %s", got.stdout)
	}
	write(t, "* @acme/strangers\n", dir, "CODEOWNERS")
	if got := orrery(t, "init", dir, "--catalog", "testdata/shop", "--stdout"); !strings.Contains(got.stdout, "whom the catalog does not know") {
		t.Errorf("%s", got.stdout)
	}
	must(t, "validate", write(t, got.stdout, t.TempDir(), onboard.FileName))
}

// TestInitFails holds how wrong use and what is missing are told.
func TestInitFails(t *testing.T) {
	t.Parallel()
	dir := payouts(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close()
	for _, c := range []struct {
		args   []string
		status int
		tells  string
	}{
		{[]string{filepath.Join(dir, "nowhere")}, statusFailed, "nowhere"},
		{[]string{filepath.Join(dir, "go.mod")}, statusFailed, "go.mod"},
		{[]string{dir, dir}, statusUsage, "one DIR"},
		{[]string{dir, "--offline", "--server", nobody}, statusUsage, "--offline"},
		{[]string{dir, "--at", "2h"}, statusUsage, "--at"},
		{[]string{dir, "--stdout", "--output", "x"}, statusUsage, "--stdout"},
		{[]string{dir, "--format", "yaml"}, statusUsage, "--format"},
		{[]string{dir, "--server", nobody}, statusFailed, nobody},
		{[]string{dir, "--offline", "--output", filepath.Join(dir, "no", "folder.yaml")}, statusFailed, "cannot be written"},
	} {
		got := orrery(t, append([]string{"init"}, c.args...)...)
		if got.status != c.status || !strings.Contains(got.stderr, c.tells) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, onboard.FileName)); err == nil {
		t.Error("something was written")
	}
}

// undeclared is a manifest of something that no catalog file describes.
const undeclared = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: payouts, namespace: money}
spec:
  selector: {matchLabels: {app: payouts}}
  template:
    metadata: {labels: {app: payouts}}
    spec: {containers: [{name: main, image: "ghcr.io/acme/payouts:1", env: [{name: API_URL, value: "https://api.stripe.com/v1"}]}]}
`

// TestAskedEqual holds that a catalog that is asked by GraphQL answers what the snapshot itself does.
func TestAskedEqual(t *testing.T) {
	t.Parallel()
	manifests := t.TempDir()
	write(t, undeclared, manifests, "money.yaml")
	for _, folder := range []string{"testdata/shop", "testdata/running", "testdata/placed", manifests} {
		p := &program{env: lookup(nil)}
		src, err := p.open(t.Context(), &data{catalog: []string{folder}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(src.close)
		asked, direct := &askedCatalog{client: src.client}, onboard.OfSnapshot(src.snapshot)
		equal := func(what string, a, b any) {
			if diff := cmp.Diff(a, b, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s: %s", folder, what, diff)
			}
		}
		texts := []string{"nothing", "component:nothing", "repo:github.com/a/b", "group:payments", "host:api.stripe.com", "a:b:c/d"}
		needs := 0
		for entity := range src.snapshot.Entities("") {
			texts = append(texts, string(entity.Ref), entity.Ref.Name(), entity.Ref.Kind()+":"+entity.Ref.Name())
			for _, alias := range entity.Aliases {
				texts = append(texts, string(alias.Alias))
			}
			a, errA := asked.Needs(t.Context(), entity.Ref)
			b, errB := direct.Needs(t.Context(), entity.Ref)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			equal("needs of "+string(entity.Ref), a, b)
			needs += len(a)
		}
		for _, text := range texts {
			a, errA := asked.Find(t.Context(), text)
			b, errB := direct.Find(t.Context(), text)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			equal(text, a, b)
		}
		a, errA := asked.Groups(t.Context())
		b, errB := direct.Groups(t.Context())
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		equal("groups", a, b)
		if folder == manifests && needs == 0 {
			t.Error("nothing needs anything")
		}
	}
}

// TestInitTakesOver holds that with its draft in the catalog, what runs is no longer undeclared.
func TestInitTakesOver(t *testing.T) {
	t.Parallel()
	running := t.TempDir()
	write(t, undeclared, running, "money.yaml")
	dir := payouts(t)
	discovered := func(folders ...string) (found []string) {
		p := &program{env: lookup(nil)}
		snapshot, err := p.readFolders(context.Background(), folders, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		for entity := range snapshot.Entities("") {
			if entity.Discovered && entity.Ref.Kind() != catalog.NewRef("external", "", "x").Kind() {
				found = append(found, string(entity.Ref))
			}
		}
		return found
	}
	if got := discovered(running); len(got) == 0 {
		t.Fatal("nothing runs undeclared")
	}
	if got := orrery(t, "init", dir, "--catalog", running); got.status != statusDone {
		t.Fatalf("%+v", got)
	}
	content, err := os.ReadFile(filepath.Join(dir, onboard.FileName))
	if err != nil || !strings.Contains(string(content), "external:api.stripe.com # configuration of ") {
		t.Errorf("%s, %v", content, err)
	}
	if got := discovered(running, dir); len(got) > 0 {
		t.Errorf("still undeclared: %v\n%s", got, content)
	}
}
