package onboard_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"testing"
	"testing/fstest"

	"github.com/orrery-catalog/orrery/internal/onboard"
)

// pieces are what random repositories are made of: names of files with some of the contents that they may have.
func pieces(t testing.TB) map[string][][]byte {
	all := make(map[string][][]byte)
	for _, files := range repositories(t) {
		for name, file := range files {
			base := path.Base(name)
			all[base] = append(all[base], file.Data)
		}
	}
	hostile := [][]byte{
		nil, []byte("\xff\xfe\x00"), []byte("{"), []byte("[[[[[["), []byte("a: &a [*a, *a]\nservices: *a\n"), []byte("# \u202e\u0000 `\n---\n...\n"),
		[]byte("name: |\n  a\n  b\n"), []byte(`{"name": "---\n# x: y", "description": "a: b # c\n- d\u0085e", "main": "x"}`),
		[]byte("[project]\nname = '''\n- a: b\n'''\ndescription = \"\\u2028: # {{ x }}\"\n[build-system]\n"),
		[]byte("services:\n  '../../x: #':\n    build: {context: ../../.., dockerfile: /etc/passwd}\n    image: ':::///@@'\n    depends_on: ['', '---', x]\n  x: {image: acme.io/---:1}\n"),
		[]byte("# " + string(make([]byte, 300)) + "\n\n\u00e4\u00f6\u00fc \u4e16\u754c\n"),
	}
	for base := range all {
		all[base] = append(all[base], hostile...)
	}
	all["catalog-info.yaml"] = [][]byte{nil}
	return all
}

// folders of random repositories, some of which make odd names.
var folders = []string{
	".", "services/a", "services/b", "services/A", "api", "web", "frontend", "cmd/x", "src/Foo.Bar", "---", "a b/c\u00fc", "k8s", "charts/a",
	"docs", "deeply/nested/service", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x/api", "y/api", "line\nbreak",
}

// TestRandomDrafts holds that any draft is accepted, and equal when it is made again.
func TestRandomDrafts(t *testing.T) {
	t.Parallel()
	contents := pieces(t)
	var names []string
	for name := range contents {
		names = append(names, name)
	}
	known := fakeCatalog()
	seeds := uint64(300)
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 8))
		files := fstest.MapFS{}
		for range 1 + r.IntN(14) {
			name := names[r.IntN(len(names))]
			some := contents[name]
			files[path.Join(folders[r.IntN(len(folders))], name)] = &fstest.MapFile{Data: some[r.IntN(len(some))]}
		}
		options := onboard.Options{
			Repository: []string{"", "github.com/Acme/Checkout", "git.acme.io/a/b/c", "github.com/---/...", "github.com/acme/pricing"}[r.IntN(5)],
			Folder:     []string{"", "checkout", "\u00fc", "a b"}[r.IntN(4)],
		}
		if r.IntN(2) == 0 {
			options.Catalog = known
		}
		if _, err := onboard.New(t.Context(), files, options); errors.Is(err, onboard.ErrDescribed) {
			continue
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { accept(t, files, options) })
		if t.Failed() {
			return
		}
	}
}

// FuzzDraft holds the same for any content of any build file, beside others.
func FuzzDraft(f *testing.F) {
	for base, some := range pieces(f) {
		for _, data := range some {
			f.Add(base, data, "checkout")
		}
	}
	f.Fuzz(func(t *testing.T, base string, data []byte, folder string) {
		files := fstest.MapFS{"services/a/" + path.Base("/"+base): {Data: data}, "go.mod": {Data: []byte("module a\n")}}
		if base != "go.mod" {
			files[path.Base("/"+base)] = &fstest.MapFile{Data: data}
		}
		delete(files, "/")
		delete(files, "services/a/")
		for name := range files {
			if path.Clean(name) != name || name == "." || name == "services/a" {
				return
			}
		}
		options := onboard.Options{Folder: folder}
		if _, err := onboard.New(t.Context(), files, options); errors.Is(err, onboard.ErrDescribed) {
			return
		}
		accept(t, files, options)
	})
}
