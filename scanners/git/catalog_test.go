package git_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners/git"
)

// TestInACatalog holds what becomes of entities in a catalog while their repositories cannot be reached, come back, lose files
// and go, and that nothing is written where nothing changed.
func TestInACatalog(t *testing.T) {
	folder := t.TempDir()
	var urls []string
	for _, name := range []string{"one", "two", "three"} {
		dir := bare(t, filepath.Join(folder, name))
		commit(t, dir, tree{"a.yaml": component(name), "b/b.yaml": component(name + "-b")})
		urls = append(urls, "file://"+dir)
	}
	c, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{
		ID: "git", Kind: "git", Scanner: newScanner(t, git.Config{Repositories: urls}), Priority: catalog.DefaultPriorityFiles,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(what string, fresh, stale []string) (written int) {
		t.Helper()
		result, err := c.Scan(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var is, was []string
		for entity := range c.Snapshot().Entities("") {
			switch {
			case entity.Kind != catalog.KindComponent:
			case entity.Stale:
				was = append(was, entity.Name)
			default:
				is = append(is, entity.Name)
			}
		}
		slices.Sort(is)
		slices.Sort(was)
		if diff := gocmp.Diff([][]string{fresh, stale}, [][]string{is, was}); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		return result.Sources[0].Put + result.Sources[0].Removed
	}
	all := []string{"one", "one-b", "three", "three-b", "two", "two-b"}
	expect("the first scan", all, nil)
	if n := expect("nothing changed", all, nil); n != 0 {
		t.Errorf("%d documents were written of nothing", n)
	}
	two := filepath.Join(folder, "two")
	if err := os.Rename(two, two+"-gone"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		expect("out of reach", []string{"one", "one-b", "three", "three-b"}, []string{"two", "two-b"})
	}
	if err := os.Rename(two+"-gone", two); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		expect("back again", all, nil)
	}
	commit(t, two, tree{"moved/a.yaml": component("two")})
	commit(t, filepath.Join(folder, "one"), tree{"a.yaml": component("one"), "b/b.yaml": component("new")})
	for range 2 {
		expect("changed", []string{"new", "one", "three", "three-b", "two"}, nil)
	}
}
