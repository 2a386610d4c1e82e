package onboard_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/orrery-catalog/orrery/internal/onboard"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// undescribed are the files of a folder without those named like catalog files, so that there is something to draft.
func undescribed(t *testing.T, dir string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasPrefix(strings.ToLower(entry.Name()), "catalog-info") {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestCorpora holds that real repositories are drafted, each with a file that is accepted.
func TestCorpora(t *testing.T) {
	t.Parallel()
	corpora := testenv.Corpora(t)
	drafted := 0
	for _, pattern := range []string{"catalogs/*", "kubernetes/*", "codeowners/*", "catalogs"} {
		dirs, err := filepath.Glob(filepath.Join(corpora, pattern))
		if err != nil || len(dirs) == 0 {
			t.Fatalf("%s: %d folders, %v", pattern, len(dirs), err)
		}
		for _, dir := range dirs {
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				continue
			}
			name := filepath.Base(dir)
			owner, repository, ok := strings.Cut(name, "+")
			options := onboard.Options{Folder: name}
			if ok {
				options.Repository = "github.com/" + owner + "/" + repository
			}
			if _, err := onboard.New(t.Context(), os.DirFS(dir), options); err != nil && !errors.Is(err, onboard.ErrDescribed) {
				t.Errorf("%s: %v", name, err)
			}
			accept(t, undescribed(t, dir), options)
			drafted++
		}
	}
	if drafted < 90 {
		t.Errorf("only %d repositories were drafted", drafted)
	}
}
