package github_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// everyFile are the files that the scanner of files opens.
var everyFile = []string{"**/*.yaml", "**/*.yml", "**/*.json"}

// TestCorporaAsFiles holds that real repositories say the same whether they are read here or lie in a folder.
func TestCorporaAsFiles(t *testing.T) {
	root := filepath.Join(testenv.Corpora(t), "catalogs")
	for name, change := range map[string]func(*hub){
		"GraphQL": func(*hub) {},
		"REST":    func(h *hub) { h.NoGraphQL(404) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			if _, err := h.AddFolders(root, ""); err != nil {
				t.Fatal(err)
			}
			change(h)
			h.Limits.Core = 100_000
			h.pass(time.Hour)
			owners, roots := corpora(t, root)
			s := h.scanner(t, func(c *github.Config) { c.Organizations, c.CatalogFiles = owners, everyFile })
			got, want := make(scantest.Held), make(scantest.Held)
			if err := got.Whole(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			folders, err := files.New(files.Config{Roots: roots})
			if err != nil {
				t.Fatal(err)
			}
			if err := want.Whole(t.Context(), folders); err != nil {
				t.Fatal(err)
			}
			for _, scope := range got {
				for _, document := range scope.Documents {
					if v := document.Version; v != nil && "github.com/"+strings.TrimPrefix(v.Repository, "github.com/")+"/"+v.Path != document.Location {
						t.Errorf("%s stands at %+v", document.Location, v)
					}
					document.Version = nil
					document.Problems = slices.DeleteFunc(document.Problems, func(p catalog.Problem) bool {
						return strings.HasPrefix(p.Message, `the target "https://`) // files leave URLs alone
					})
					if len(document.Problems) == 0 {
						document.Problems = nil
					}
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("(-folder +GitHub):\n%s", diff)
			}
			t.Logf("%d repositories, %d files; %v", len(roots), len(got), h.Calls().ByEndpoint())
		})
	}
}

// corpora are the owners of the repositories in a folder, and their folders by the names that they have at GitHub.
func corpora(t *testing.T, root string) (owners []string, roots []files.Root) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		owner, name, is := strings.Cut(entry.Name(), "+")
		if !entry.IsDir() || !is {
			continue
		}
		owners = append(owners, owner)
		roots = append(roots, files.Root{Path: filepath.Join(root, entry.Name()), Display: "github.com/" + owner + "/" + name})
	}
	slices.Sort(owners)
	return slices.Compact(owners), roots
}
