package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
	"github.com/orrery-catalog/orrery/internal/storecopy"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// livingCompany is the configuration of the demo company, scanned, changed, and scanned again.
func livingCompany(t *testing.T) (file, folder string) {
	t.Helper()
	folder = demoFolder(t)
	file = configured(t, folder)
	for _, owner := range []string{"first", "second", "third"} {
		write(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: copied}\nspec: {type: service, lifecycle: production, owner: "+
			owner+"}\n", folder, "copied", "catalog-info.yaml")
		must(t, "scan", "--config", file)
	}
	return file, folder
}

// readOf writes a configuration whose store is this one.
func readOf(t *testing.T, graph string) string {
	t.Helper()
	return write(t, "graph: "+graph+"\nsources: []\n", t.TempDir(), "orrery.yaml")
}

// TestStoreCopy copies a store that a server uses, and holds that every question gets the same answer from the copy.
func TestStoreCopy(t *testing.T) {
	t.Parallel()
	file, folder := livingCompany(t)
	before := time.Now().UTC().Format(time.RFC3339Nano)
	write(t, "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: late}\nspec: {type: cache, owner: payments}\n", folder, "late", "catalog-info.yaml")
	serve(t, "--config", file)
	backup := filepath.Join(t.TempDir(), "backup.db")
	var summary struct {
		Revisions, Documents, States, Records, Revision, Behind int
		Digest                                                  string
	}
	if err := json.Unmarshal([]byte(must(t, "store", "copy", file, backup, "--format", "json")), &summary); err != nil {
		t.Fatal(err)
	}
	copied := readOf(t, fmt.Sprintf("{path: %q}", backup))
	if summary.Revisions != summary.Revision || summary.Revision < 4 || summary.Documents < 50 || summary.Records < 50 || summary.States == 0 {
		t.Errorf("%+v", summary)
	}
	for _, question := range []string{"export --digest", "export --digest --at " + before, "changes --since 1d --format json", "list --format json", "sources --format json"} {
		args := strings.Fields(question)
		want, got := must(t, append(args, "--config", file)...), must(t, append(args, "--config", copied)...)
		if question == "export --digest" && strings.TrimSpace(got) != summary.Digest {
			t.Errorf("the copy has the digest %s, and the summary says %s", got, summary.Digest)
		}
		if want != got && !strings.HasPrefix(question, "sources") {
			t.Errorf("%s differs in the copy:\n%s\n%s", question, want, got)
		}
	}
	if got := must(t, "store", "copy", file, backup); !strings.Contains(got, "0 revisions copied from ") || !strings.Contains(got, "digest "+summary.Digest) {
		t.Errorf("a copy that is there already: %s", got)
	}
	info := must(t, "store", "info", backup, "--format", "json")
	var said storeInfo
	if err := json.Unmarshal([]byte(info), &said); err != nil || said.Engine != "sqlite" || int(said.Revision) != summary.Revision || *said.OldestRevision != 1 || *said.HistoryAfter != 0 {
		t.Errorf("%s, %v", info, err)
	}
	if got := must(t, "store", "info", backup); !strings.Contains(got, "history        since revision 1\n") {
		t.Error(got)
	}
	// The server writes the source: nobody else can copy into it.
	got := orrery(t, "store", "copy", backup, file)
	if got.status != statusFailed || !strings.Contains(got.stderr, "is in use") && !strings.Contains(got.stderr, "is held") {
		t.Errorf("%+v", got)
	}
}

// TestStoreCopyCorpora copies all real catalogs to the other engine and back.
func TestStoreCopyCorpora(t *testing.T) {
	t.Parallel()
	file := configured(t, filepath.Join(testenv.Corpora(t), "catalogs"))
	must(t, "scan", "--config", file)
	want := must(t, "export", "--digest", "--config", file)
	there, back := readOf(t, neo4jGraph(t)), filepath.Join(t.TempDir(), "back.db")
	must(t, "store", "copy", file, there)
	must(t, "store", "copy", there, back)
	for _, copied := range []string{there, readOf(t, fmt.Sprintf("{path: %q}", back))} {
		if got := must(t, "export", "--digest", "--config", copied); got != want {
			t.Errorf("the digest is %s, not %s", got, want)
		}
	}
}

// TestStoreCopyRefused holds the statuses, and that an error is one line that says what to do.
func TestStoreCopyRefused(t *testing.T) {
	t.Parallel()
	file, _ := livingCompany(t)
	dir := t.TempDir()
	other, unfinished, empty := filepath.Join(dir, "other.db"), filepath.Join(dir, "unfinished.db"), filepath.Join(dir, "empty.db")
	must(t, "scan", "--into", other, "testdata/shop")
	for path, holder := range map[string]string{unfinished: storecopy.Holder, empty: "nobody"} {
		store, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		_, err = store.Lease(t.Context(), graph.LeaseScans, holder, time.Hour)
		if err := errors.Join(err, store.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for command, want := range map[string]struct {
		status int
		stderr string
	}{
		"store copy " + file:                              {2, "wants two stores"},
		"store cpy":                                       {2, "did you mean copy?"},
		"store info":                                      {2, "wants one store"},
		"store info " + dir + "/no.db":                    {3, "there is no store " + dir + "/no.db"},
		"store info " + dir + "/no.yaml":                  {3, "there is no configuration file"},
		"store info http://host":                          {2, "write neo4j://host:7687"},
		"store info neo4j://u:s3cr3t@host":                {2, "NEO4J_USERNAME and NEO4J_PASSWORD"},
		"store info bolt://127.0.0.1:1":                   {3, "127.0.0.1:1"},
		"store copy " + other + " " + other:               {2, "are the same store"},
		"store copy " + dir + "/no.db " + dir + "/new.db": {3, "there is no store " + dir + "/no.db"},
		"store copy " + empty + " " + dir + "/new.db":     {3, "there is nothing to copy"},
		"store copy " + file + " " + dir + "/no/x.db":     {3, "make it first"},
		"store copy " + file + " " + other:                {3, "cannot be the copy of"},
		"store copy " + file + " " + empty:                {3, "stop what scans into it"},
		"scan --into " + unfinished + " testdata/shop":    {3, "the same command again finishes"},
	} {
		got := orrery(t, strings.Fields(command)...)
		if got.status != want.status || !strings.Contains(got.stderr, want.stderr) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
			t.Errorf("%s: %+v, want status %d and %q", command, got, want.status, want.stderr)
		}
		if strings.Contains(got.stderr, "s3cr3t") {
			t.Errorf("%s: a secret is shown: %s", command, got.stderr)
		}
	}
	if _, err := os.Stat(dir + "/new.db"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy that was refused left a file: %v", err)
	}
	must(t, "store", "copy", file, unfinished)
	if got := orrery(t, "scan", "--into", unfinished, "testdata/shop"); got.status == statusFailed {
		t.Errorf("a finished copy cannot be scanned into: %+v", got)
	}
}

// TestStoreCopyExplains holds what is said about copies that did not come to their end.
func TestStoreCopyExplains(t *testing.T) {
	t.Parallel()
	from, to := storePlace{name: "a.db"}, storePlace{name: "b.db"}
	ended := func(err error) error { return &storecopy.UnfinishedError{At: 7, Through: 9, Err: err} }
	for want, err := range map[string]error{
		"b.db is unfinished, at revision 7 of 9: the same command again finishes it: interrupted":                    ended(context.Canceled),
		"b.db is unfinished, at revision 7 of 9: the same command again finishes it: the copy: the store is unavail": ended(fmt.Errorf("the copy: %w", graph.ErrUnavailable)),
		"b.db was written by somebody else meanwhile: empty it and copy again":                                       ended(graph.ErrConflict),
		"a.db forgot old revisions faster than they were copied: empty b.db and copy again":                          ended(graph.ErrCompacted),
		"b.db is not equal to a.db: at revision 3 they differ: x: empty it and copy again":                           ended(&storecopy.DifferenceError{Revision: 3, What: "x"}),
		"copy a.db to b.db: the store is closed":                                                                     graph.ErrClosed,
	} {
		got := explainCopy(err, from, to)
		if !strings.HasPrefix(got.Error(), want) || errors.Is(got, context.Canceled) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
