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

// emptied is a configuration whose only source has been scanned, and whose files have gone since but for one.
func emptied(t *testing.T) (file, folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "files")
	if err := os.CopyFS(folder, os.DirFS(shopFolder(t))); err != nil {
		t.Fatal(err)
	}
	file = configured(t, folder)
	if got := orrery(t, "scan", "--config", file); got.status != statusDone {
		t.Fatalf("%+v", got)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return file, folder
}

// onlySource is the only source, as `sources` tells it.
func onlySource(t *testing.T, place ...string) sourceState {
	t.Helper()
	var list sourceList
	if err := json.Unmarshal([]byte(must(t, append([]string{"sources", "--format", "json"}, place...)...)), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Sources) != 1 {
		t.Fatalf("%+v", list)
	}
	return list.Sources[0]
}

// expectRun holds the status and parts of what is written.
func expectRun(t *testing.T, got outcome, status int, stdout, stderr string) {
	t.Helper()
	if got.status != status || !strings.Contains(got.stdout, stdout) || !strings.Contains(got.stderr, stderr) {
		t.Errorf("status %d, stdout %s, stderr %s; want %d, %q, %q", got.status, got.stdout, got.stderr, status, stdout, stderr)
	}
}

func TestApproveInTheStore(t *testing.T) {
	t.Parallel()
	file, _ := emptied(t)
	got := orrery(t, "scan", "--config", file)
	expectRun(t, got, statusNo, "HELD", "orrery sources approve files")
	expectRun(t, orrery(t, "sources", "--config", file), statusDone, "approve by `orrery sources approve files`", "")
	before := must(t, "list", "--config", file)
	if !strings.Contains(before, "checkout") {
		t.Errorf("what waits for removal does not stand: %s", before)
	}
	held := onlySource(t, "--config", file)
	if held.State != "HELD" || held.Held == nil || held.Held.Entities != held.Held.Of || len(held.Held.Refs) != held.Held.Entities {
		t.Fatalf("%+v", held)
	}
	shown := must(t, "sources", "show", "files", "--config", file)
	for _, want := range append([]string{held.Held.Digest}, held.Held.Refs...) {
		if !strings.Contains(shown, want) {
			t.Errorf("%s is not shown: %s", want, shown)
		}
	}

	expectRun(t, orrery(t, "sources", "approve", "files", "--config", file), statusUsage, held.Held.Refs[0], "give what is to be removed by --digest "+held.Held.Digest)
	expectRun(t, orrery(t, "sources", "approve", "files", "--config", file, "--digest", "other"), statusFailed, "", "its digest is "+held.Held.Digest)
	expectRun(t, orrery(t, "sources", "approve", "other", "--config", file), statusFailed, "", "there is no source other: there are files")
	if again := onlySource(t, "--config", file); again.Held == nil || again.Held.Digest != held.Held.Digest {
		t.Errorf("a refused approval changed what waits: %+v", again)
	}
	expectRun(t, orrery(t, "sources", "approve", "files", "--config", file, "--digest", held.Held.Digest), statusDone, "Removed ", "")
	if after := onlySource(t, "--config", file); after.State != "OK" || after.Held != nil || after.Entities != 0 {
		t.Errorf("after the approval: %+v", after)
	}
	expectRun(t, orrery(t, "sources", "approve", "files", "--config", file, "--yes"), statusFailed, "", "no removal of the source files waits for approval")
	expectRun(t, orrery(t, "scan", "--config", file), statusDone, "OK", "")
}

func TestApproveAtTheServer(t *testing.T) {
	t.Parallel()
	file, folder := emptied(t)
	server := serve(t, "--config", file)
	expectRun(t, orrery(t, "sources", "approve", "files", "--config", file, "--yes"), statusFailed, "", "ask it by --server URL")
	expectRun(t, orrery(t, "sources", "scan", "files", "--server", server.url), statusNo, "state HELD", "orrery sources show files")
	held := onlySource(t, "--server", server.url)
	if held.Held == nil {
		t.Fatalf("%+v", held)
	}
	// What comes back before the approval makes another removal of it.
	write(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: checkout}\nspec: {type: a, lifecycle: b, owner: c}\n", folder, "a.yaml")
	expectRun(t, orrery(t, "sources", "scan", "files", "--server", server.url, "--format", "json"), statusDone, `"state": "OK"`, "")
	expectRun(t, orrery(t, "sources", "approve", "files", "--server", server.url, "--digest", held.Held.Digest), statusFailed, "", "")
	if got := must(t, "list", "--server", server.url); !strings.Contains(got, "checkout") {
		t.Errorf("%s", got)
	}
	expectRun(t, orrery(t, "sources", "scan", "nothing", "--server", server.url), statusFailed, "", "there is no such source")
}

// TestApproveOfASourceThatLeft approves the last that is known of a source which is no longer configured.
func TestApproveOfASourceThatLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		write(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: "+name+"}\nspec: {type: a, lifecycle: b, owner: c}\n", dir, "files", name+".yaml")
	}
	write(t, "graph: {path: s.db}\nsources: [{id: old, kind: files, paths: [files]}]\n", dir, "orrery.yaml")
	file := filepath.Join(dir, "orrery.yaml")
	must(t, "scan", "--config", file)
	write(t, "graph: {path: s.db}\nsources: [{id: new, kind: files, paths: [files]}]\n", dir, "orrery.yaml")
	expectRun(t, orrery(t, "scan", "--config", file), statusNo, "new", "2 of 2 entities of the source old")
	expectRun(t, orrery(t, "sources", "approve", "old", "--config", file, "--yes"), statusDone, "Removed ", "")
	if got := must(t, "sources", "--config", file); strings.Contains(got, "old") {
		t.Error(got)
	}
	if got := must(t, "list", "--config", file); !strings.Contains(got, "component:default/a") {
		t.Error(got)
	}
}

func TestSourcesWithoutOperator(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"approve catalog --yes", "scan catalog"} {
		args := append([]string{"sources"}, strings.Fields(command)...)
		expectRun(t, orrery(t, append(args, "--catalog", "testdata/shop")...), statusUsage, "", "--catalog reads its folders anew each time")
		expectRun(t, orrery(t, append(args, "--at", "2h", "--server", "http://127.0.0.1:9")...), statusUsage, "", "--at asks about the past")
	}
	if got := must(t, "sources", "show", "catalog", "--catalog", "testdata/shop"); !strings.Contains(got, "production") {
		t.Error(got)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]bool{"y\n": true, "Yes\n": true, " YES ": true, "\n": false, "": false, "n\n": false, "yesterday\n": false} {
		var stderr strings.Builder
		p := &program{stdin: strings.NewReader(typed), stderr: &stderr}
		if got, err := p.confirm(t.Context(), "Remove?"); got != want || err != nil {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
		if stderr.String() != "Remove? [y/N] " {
			t.Errorf("asked %q", stderr.String())
		}
	}
}

func TestRoughly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m", 119 * time.Minute: "1h", 47 * time.Hour: "47h", 50 * time.Hour: "2d",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

// TestTimings holds what is shown of when sources are scanned.
func TestTimings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {type: a, lifecycle: b, owner: c}\n", dir, "files", "a.yaml")
	file := write(t, "listen: 127.0.0.1:0\ngraph: {path: orrery.db}\nenvironments: {staging: [stage]}\nsources:\n"+
		"  - {id: files, kind: files, paths: [files], watch: true, schedule: '@every 1h', environment: Stage}\n", dir, "orrery.yaml")
	server := serve(t, "--config", file)
	got := onlySource(t, "--server", server.url)
	if got.Schedule == nil || *got.Schedule != "@every 1h" || got.Environment == nil || *got.Environment != "staging" || got.WatchError != nil {
		t.Errorf("%+v", got)
	}
	if table := must(t, "sources", "--server", server.url); !strings.Contains(table, "on change, in ") {
		t.Errorf("%s", table)
	}
	write(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: brand-new}\nspec: {type: a, lifecycle: b, owner: c}\n", dir, "files", "new", "b.yaml")
	deadline := time.Now().Add(30 * time.Second)
	for !strings.Contains(must(t, "list", "--server", server.url), "brand-new") {
		if time.Now().After(deadline) {
			t.Fatalf("the new file is not seen: %s", server.logged)
		}
	}
	if diff := cmp.Diff("OK", onlySource(t, "--server", server.url).State); diff != "" {
		t.Error(diff)
	}
}
