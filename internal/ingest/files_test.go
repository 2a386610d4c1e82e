package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/files"
)

func filesSource(t testing.TB, id, dir string) ingest.Source {
	t.Helper()
	scanner, err := files.New(files.Config{Roots: []files.Root{{Path: dir, Display: id}}})
	if err != nil {
		t.Fatal(err)
	}
	return ingest.Source{ID: id, Kind: "files", Scanner: scanner}
}

// content is all that a snapshot says.
type content struct {
	Entities []catalog.Entity
	Edges    []catalog.Edge
	Problems []catalog.Problem
}

func contentOf(s *graph.Snapshot) content {
	var all content
	for entity := range s.Entities("") {
		all.Entities = append(all.Entities, *entity)
	}
	for edge := range s.Edges() {
		all.Edges = append(all.Edges, *edge)
	}
	for problem := range s.Problems("") {
		all.Problems = append(all.Problems, *problem)
	}
	return all
}

// TestRealCatalogs scans the whole corpus: twice gives the same, and so does a restart.
func TestRealCatalogs(t *testing.T) {
	dir := filepath.Join(testenv.Corpora(t), "catalogs")
	path := storePath(t)
	store := openStore(t, path, false)
	c := newCatalog(t, store, filesSource(t, "repos", dir))
	first := scan(t, c).Sources[0]
	once := contentOf(c.Snapshot())
	t.Logf("%d files, %d documents put, %d entities, %d edges, %d problems",
		first.Scopes, first.Put, len(once.Entities), len(once.Edges), len(once.Problems))
	if len(once.Entities) < 1000 || len(once.Edges) < 1000 {
		t.Fatal("that is too little to tell anything")
	}
	second := scan(t, c).Sources[0]
	if second.Put+second.Removed != 0 {
		t.Errorf("the second scan put %d and removed %d documents", second.Put, second.Removed)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c = newCatalog(t, openStore(t, path, false), filesSource(t, "repos", dir))
	if diff := cmp.Diff(once, contentOf(c.Snapshot())); diff != "" {
		t.Errorf("after a restart (-before +after):\n%.2000s", diff)
	}
	third := scan(t, c).Sources[0]
	if third.Put+third.Removed != 0 {
		t.Errorf("the scan after the restart put %d and removed %d documents", third.Put, third.Removed)
	}
	memory := newCatalog(t, nil, filesSource(t, "repos", dir))
	scan(t, memory)
	if diff := cmp.Diff(once, contentOf(memory.Snapshot())); diff != "" {
		t.Errorf("without a store (-with +without):\n%.2000s", diff)
	}
}

// TestCompanyOnDisk holds that a company written to files and scanned is the company.
func TestCompanyOnDisk(t *testing.T) {
	company := graphtest.Company{Services: 200, Seed: 1}
	dir := t.TempDir()
	if err := company.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	c := newCatalog(t, openStore(t, storePath(t), false), filesSource(t, "company", dir))
	scan(t, c)
	documents, described := 0, make(map[string]bool)
	for document := range company.Documents() {
		documents++
		described[string(document.Claims[0].Subject.Ref)] = true
	}
	for entity := range c.Snapshot().Entities("") {
		if described[string(entity.Ref)] == entity.Placeholder {
			t.Errorf("%s: described %v, placeholder %v", entity.Ref, described[string(entity.Ref)], entity.Placeholder)
		}
	}
	if got := c.Snapshot().Sources()[0].Documents; got != documents {
		t.Errorf("%d documents, want %d", got, documents)
	}
}

// TestDamagedFiles walks a folder through what happens to files in real life.
func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	entity := func(name string) string {
		return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: " + name + "}\nspec: {type: service, lifecycle: x, owner: user:default/me}\n"
	}
	described := func(s *graph.Snapshot) []string {
		var list []string
		for _, line := range shown(s) {
			if !strings.HasSuffix(line, "placeholder") {
				list = append(list, line)
			}
		}
		return list
	}
	c := newCatalog(t, openStore(t, storePath(t), false), filesSource(t, "repos", dir))
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"two files", func() { write("f.yaml", entity("a")+"---\n"+entity("b")); write("g.yaml", entity("c")) }, []string{refA, refB, refC}},
		{"one document breaks", func() { write("f.yaml", entity("a")+"---\n"+strings.Replace(entity("b"), "}", "", 1)) }, []string{refA, refB + " stale", refC}},
		{"the whole file breaks", func() { write("f.yaml", "apiVersion: backstage.io/v1alpha1\n\tkind: x") }, []string{refA + " stale", refB + " stale", refC}},
		{"it grows too large", func() { write("f.yaml", entity("a")+"#"+strings.Repeat("x", 6<<20)) }, []string{refA + " stale", refB + " stale", refC}},
		{"it is mended", func() { write("f.yaml", entity("a")) }, []string{refA, refC}},
		{"it is empty", func() { write("f.yaml", "") }, []string{refA + " stale", refC}},
		{"it is full of NULs", func() { write("f.yaml", strings.Repeat("\x00", 100)) }, []string{refA + " stale", refC}},
		{"it is cut off", func() { write("f.yaml", "apiVer") }, []string{refA + " stale", refC}},
		{"it grows and is of something else", func() { write("f.yaml", "#"+strings.Repeat("x", 6<<20)) }, []string{refA + " stale", refC}},
		{"it is mended again", func() { write("f.yaml", entity("a")) }, []string{refA, refC}},
		{"it is all comments", func() { write("f.yaml", "#"+strings.ReplaceAll(entity("a"), "\n", "\n# ")) }, []string{refC}},
		{"it says something", func() { write("f.yaml", entity("a")) }, []string{refA, refC}},
		{"it is no catalog file any more", func() { write("f.yaml", "hello: world\n") }, []string{refC}},
		{"it is deleted", func() { os.Remove(filepath.Join(dir, "f.yaml")); os.Remove(filepath.Join(dir, "g.yaml")) }, nil},
	}
	for _, step := range steps {
		step.do()
		scan(t, c)
		if diff := cmp.Diff(step.want, described(c.Snapshot())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	write("f.yaml", entity("a"))
	scan(t, c)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scan(t.Context()); err == nil || !strings.Contains(err.Error(), "source repos") {
		t.Errorf("the folder is gone, and the error is %v", err)
	}
	if diff := cmp.Diff([]string{refA}, described(c.Snapshot())); diff != "" {
		t.Errorf("after the folder went (-want +got):\n%s", diff)
	}
	if source := c.Snapshot().Sources()[0]; source.State != graph.SourceFailed {
		t.Errorf("the source is %+v", source)
	}
}

// TestBrokenLocation holds that what a Location named stands while it cannot be read, and goes when it is gone.
func TestBrokenLocation(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	entity := func(name string) string {
		return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: " + name + "}\nspec: {type: service, lifecycle: x, owner: me}\n"
	}
	location := func(targets string) string {
		return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec: {targets: [" + targets + "]}\n"
	}
	scanner, err := files.New(files.Config{Roots: []files.Root{{Path: dir}}, Include: []string{"all.yaml"}})
	if err != nil {
		t.Fatal(err)
	}
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "repos", Kind: "files", Scanner: scanner})
	all := []string{refA, refB, refC, "location:default/all"}
	stale := []string{refA + " stale", refB + " stale", refC + " stale", "location:default/all stale"}
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"all is well", func() {
			write("all.yaml", location("./sub/*.yaml, ./more.yaml"))
			write("sub/a.yaml", entity("a"))
			write("sub/b.yaml", entity("b"))
			write("more.yaml", entity("c"))
		}, all},
		{"it breaks", func() { write("all.yaml", strings.Replace(location("./sub/*.yaml"), "}", "", 1)) }, stale},
		{"it is empty", func() { write("all.yaml", "") }, stale},
		{
			"a file is deleted meanwhile", func() { os.Remove(filepath.Join(dir, "sub/b.yaml")) },
			[]string{refA + " stale", refC + " stale", "location:default/all stale"},
		},
		{"it is mended", func() { write("all.yaml", location("./sub/*.yaml, ./more.yaml")) }, []string{refA, refC, "location:default/all"}},
		{"it leads elsewhere", func() { write("all.yaml", location("./more.yaml")) }, []string{refC, "location:default/all"}},
	} {
		step.do()
		scan(t, c)
		var got []string
		for _, line := range shown(c.Snapshot()) {
			if !strings.HasSuffix(line, "placeholder") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		part := c.ScanParts(t.Context(), "repos", filepath.ToSlash(filepath.Join(dir, "sub/a.yaml")))
		if part.Err != nil || part.Put+part.Removed > 0 {
			t.Errorf("%s: a part that has not changed: %+v", step.name, part)
		}
	}
}

// BenchmarkFiles is the way from files on disk to answers, at first and when nothing has changed.
func BenchmarkFiles(b *testing.B) {
	for _, services := range []int{1_000, 10_000, 50_000} {
		if services > 10_000 && testing.Short() {
			continue
		}
		dir := b.TempDir()
		if err := (graphtest.Company{Services: services, Edges: 3 * services, Seed: 1}).WriteFiles(dir); err != nil {
			b.Fatal(err)
		}
		open := func() (*ingest.Catalog, func()) {
			store, cleanup := benchStore(b)
			c, err := ingest.New(b.Context(), ingest.Config{Store: store, Sources: []ingest.Source{filesSource(b, "company", dir)}})
			if err != nil {
				b.Fatal(err)
			}
			return c, cleanup
		}
		rescan := func(c *ingest.Catalog) {
			if _, err := c.Scan(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("first/services=%d", services), func(b *testing.B) {
			for b.Loop() {
				c, cleanup := open()
				rescan(c)
				s := c.Snapshot()
				edges := 0
				for range s.Edges() {
					edges++
				}
				b.ReportMetric(float64(s.Len()), "entities")
				b.ReportMetric(float64(edges), "edges")
				cleanup()
			}
		})
		b.Run(fmt.Sprintf("again/services=%d", services), func(b *testing.B) {
			c, cleanup := open()
			defer cleanup()
			rescan(c)
			for b.Loop() {
				rescan(c)
			}
		})
	}
}
