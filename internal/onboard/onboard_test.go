package onboard_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/internal/onboard"
)

var update = flag.Bool("update", false, "write the golden files anew")

// archived are the files of an archive, in memory.
func archived(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, file := range archive.Files {
		files[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	return files
}

// repositories are those of testdata, by name.
func repositories(t testing.TB) map[string]fstest.MapFS {
	t.Helper()
	found, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(found) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	all := make(map[string]fstest.MapFS)
	for _, name := range found {
		all[strings.TrimSuffix(filepath.Base(name), ".txtar")] = archived(t, name)
	}
	return all
}

// accept holds that a draft is accepted by the reader of catalog files without a word, and says the same when it is made
// again. It returns the file.
func accept(t testing.TB, files fs.FS, options onboard.Options) (*onboard.Draft, string) {
	t.Helper()
	draft, err := onboard.New(context.Background(), files, options)
	if err != nil {
		t.Fatal(err)
	}
	text := string(draft.YAML())
	parsed := descriptor.Parse([]byte(text), descriptor.Options{Location: onboard.FileName})
	if len(parsed.Documents) != len(draft.Documents) {
		t.Errorf("%d documents were drafted and %d are read:\n%s", len(draft.Documents), len(parsed.Documents), text)
	}
	seen := make(map[catalog.Ref]bool)
	for i, document := range parsed.Documents {
		for _, problem := range document.Problems {
			t.Errorf("%s\n%s", problem, text)
		}
		if document.Document == nil || i < len(draft.Documents) && document.Ref != draft.Documents[i].Ref() {
			t.Errorf("document %d is %q\n%s", i, document.Ref, text)
		}
		if seen[document.Ref] {
			t.Errorf("%s is described twice\n%s", document.Ref, text)
		}
		seen[document.Ref] = true
	}
	again, err := onboard.New(context.Background(), files, options)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(again.YAML())); diff != "" {
		t.Errorf("the same files give another draft: %s", diff)
	}
	return draft, text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// notes are what a draft says besides the file.
func notes(draft *onboard.Draft) string {
	text := ""
	for _, note := range draft.Notes {
		text += fmt.Sprintf("# note: %s\n", note)
	}
	return text
}

// TestDrafts holds what is drafted for repositories of many kinds.
func TestDrafts(t *testing.T) {
	t.Parallel()
	for name, files := range repositories(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draft, text := accept(t, files, onboard.Options{Folder: "Some Folder"})
			golden(t, name+".yaml", text+notes(draft))
		})
	}
}

// TestSecretsStay holds that nothing of a setting but the names of hosts gets into a draft.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	for name, files := range repositories(t) {
		_, text := accept(t, files, onboard.Options{})
		for _, secret := range []string{"secret-password", "hunter2", "token-host", "app:app"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %q is in the draft", name, secret)
			}
		}
	}
}

// TestDescribed holds that a repository with a catalog file at its root is left alone, whatever its name's case.
func TestDescribed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"catalog-info.yaml", "catalog-info.yml", "Catalog-Info.yaml", "catalog-info.prod.yaml"} {
		files := fstest.MapFS{name: {}, "go.mod": {}}
		draft, err := onboard.New(t.Context(), files, onboard.Options{})
		if !errors.Is(err, onboard.ErrDescribed) || len(draft.Existing) != 1 || draft.Existing[0] != name {
			t.Errorf("%s: %v, %v", name, draft, err)
		}
	}
}

// TestBoundedReading holds that of a repository without end little is opened.
func TestBoundedReading(t *testing.T) {
	t.Parallel()
	files := &counted{FS: fstest.MapFS{}, opened: map[string]int{}}
	inner := files.FS.(fstest.MapFS)
	for i := range 3000 {
		inner[fmt.Sprintf("k8s/%d.yaml", i)] = &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")}
		inner[fmt.Sprintf("services/s%d/package.json", i)] = &fstest.MapFile{Data: []byte(`{"scripts": {"start": "x"}}`)}
	}
	inner["large/go.mod"] = &fstest.MapFile{Data: []byte("module " + strings.Repeat("a", 2<<20))}
	draft, err := onboard.New(t.Context(), files, onboard.Options{MaxReads: 200})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for name, n := range files.opened {
		if !strings.HasPrefix(name, ".git/") {
			total += n
		}
	}
	if total > 200 {
		t.Errorf("%d files were opened", total)
	}
	if len(draft.Documents) == 0 || len(draft.Documents) > 400 || len(draft.Notes) == 0 {
		t.Errorf("%d documents, notes %q", len(draft.Documents), draft.Notes)
	}
}

type counted struct {
	fs.FS
	opened map[string]int
}

func (c *counted) Open(name string) (fs.File, error) {
	file, err := c.FS.Open(name)
	if err == nil {
		if info, err := file.Stat(); err == nil && !info.IsDir() {
			c.opened[name]++
		}
	}
	return file, err
}

// TestUnreadable holds that a file that should be readable and is not ends the draft: it would say less than it should.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	broken := errors.New("the connection broke")
	files := failing{fstest.MapFS{"go.mod": {Data: []byte("module a")}, "CODEOWNERS": {Data: []byte("* @a/b")}}, broken}
	if _, err := onboard.New(t.Context(), files, onboard.Options{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	files.err = fs.ErrPermission
	if _, err := onboard.New(t.Context(), files, onboard.Options{}); err != nil {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := onboard.New(ctx, files, onboard.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

type failing struct {
	fs.FS
	err error
}

func (f failing) Open(name string) (fs.File, error) {
	if name == "CODEOWNERS" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
	}
	return f.FS.Open(name)
}

// afar counts what is opened without having been fetched.
type afar struct {
	counted
	fetches int
	fetched map[string]bool
}

func (a *afar) Fetch(_ context.Context, names []string) error {
	a.fetches++
	for _, name := range names {
		a.fetched[name] = true
	}
	return nil
}

// TestFetched holds that what lies elsewhere is got together, and gives the same draft.
func TestFetched(t *testing.T) {
	t.Parallel()
	for name, files := range repositories(t) {
		elsewhere := &afar{counted: counted{files, map[string]int{}}, fetched: map[string]bool{}}
		options := onboard.Options{Repository: "github.com/acme/a"}
		got, err := onboard.New(t.Context(), elsewhere, options)
		if err != nil {
			t.Fatal(err)
		}
		for file := range elsewhere.opened {
			if !elsewhere.fetched[file] {
				t.Errorf("%s: %s was opened by itself", name, file)
			}
		}
		if elsewhere.fetches > 1 {
			t.Errorf("%s: %d fetches", name, elsewhere.fetches)
		}
		want, err := onboard.New(t.Context(), files, options)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want.YAML()), string(got.YAML())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestHostile holds that neither many files nor what stands for many make a draft take long.
func TestHostile(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 []\n"
	for i := range 20 {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i, i, i)
	}
	files := fstest.MapFS{
		"chart/Chart.yaml": {Data: []byte("name: a\ndependencies: *x\n")}, "chart/values.yaml": {Data: []byte(bomb)},
		"docker-compose.yml": {Data: []byte("services:\n  a: &a {depends_on: *a}\n")}, "openapi.yaml": {Data: []byte(bomb + "info: *a20\nopenapi: *a20\n")},
		"deep/openapi.json":  {Data: []byte(`{"openapi": ` + strings.Repeat("[", 100_000) + `"info"`)},
		"pom.xml":            {Data: []byte(strings.Repeat("<a>", 100_000))},
		"x/pyproject.toml":   {Data: []byte("a = " + strings.Repeat("[", 100_000))},
		"values/values.yaml": {Data: []byte(strings.Repeat("[", 100_000))},
	}
	for i := range 3000 {
		files[fmt.Sprintf("s%d/x/y/Dockerfile", i)] = &fstest.MapFile{}
		files[fmt.Sprintf("s%d/go.mod", i)] = &fstest.MapFile{}
	}
	draft, _ := accept(t, files, onboard.Options{Repository: "github.com/acme/a"})
	if len(draft.Documents) < 100 {
		t.Errorf("%d documents", len(draft.Documents))
	}
}
