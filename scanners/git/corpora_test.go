package git_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/git"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// TestCorpora holds that real repositories say as remotes and as mirrors what the scanner of files says of them in a folder.
func TestCorpora(t *testing.T) {
	corpora := filepath.Join(testenv.Corpora(t), "catalogs")
	entries, err := os.ReadDir(corpora)
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		entries = entries[:min(20, len(entries))]
	}
	folder := t.TempDir()
	want := make(scantest.Held)
	var urls []string
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir := bare(t, filepath.Join(folder, entry.Name()))
		urls = append(urls, "file://"+filepath.ToSlash(dir))
		from := filepath.Join(corpora, entry.Name())
		command(t, from, "", "--git-dir="+dir, "--work-tree="+from, "-c", "core.autocrlf=false", "add", "--all", "--force", ".")
		command(t, from, "", "--git-dir="+dir, "--work-tree="+from, "commit", "--quiet", "--allow-empty", "--message=x")
		scanner, err := files.New(files.Config{Roots: []files.Root{{Path: from, Display: filepath.ToSlash(dir)}}})
		if err != nil {
			t.Fatal(err)
		}
		held := make(scantest.Held)
		if err := held.Whole(t.Context(), scanner); err != nil {
			t.Fatal(err)
		}
		maps.Copy(want, held)
	}
	if len(want) < 10 {
		t.Fatalf("only %d scopes, so that little was tested", len(want))
	}
	for kind, config := range map[string]git.Config{"remotes": {Repositories: urls}, "mirrors": {Folders: []string{folder}}} {
		s := newSource(t, config)
		s.PartScanner = undated{s.PartScanner}
		s.scan(t)
		if diff := gocmp.Diff(want, s.held); diff != "" {
			t.Errorf("%s (-files +git):\n%s", kind, diff)
		}
	}
	t.Logf("%d scopes of %d repositories", len(want), len(urls))
}
