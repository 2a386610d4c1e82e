package codeowners_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	hmarr "github.com/hmarr/codeowners"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/codeowners"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

func names(owners []codeowners.Owner) string {
	var list []string
	for _, owner := range owners {
		list = append(list, owner.Name)
	}
	return strings.Join(list, " ")
}

func TestOwners(t *testing.T) {
	for name, test := range map[string]struct {
		file string
		want map[string]string // by folder
	}{
		"the file that describes is not what is described": {
			"/services/a/ @acme/team-a\ncatalog-info.yaml @acme/platform\n*.yaml @acme/platform\n",
			map[string]string{"services/a": "@acme/team-a", "services/a/deploy": "@acme/team-a", "services/ab": "", ".": ""},
		},
		"the last counts": {
			"* @acme/all\n/services @acme/services\n/services/a/ @acme/a @jane a@acme.com\n",
			map[string]string{".": "@acme/all", "docs": "@acme/all", "services": "@acme/services", "services/a": "@acme/a @jane a@acme.com"},
		},
		"nobody, on purpose":    {"* @acme/all\n/vendor/\n", map[string]string{"vendor/x": "", "a": "@acme/all"}},
		"files of a folder":     {"/services/* @acme/x\n/docs/** @acme/d\n", map[string]string{"services": "@acme/x", "services/a": "", "docs/a/b": "@acme/d"}},
		"anywhere":              {"charts/ @acme/helm\n**/web @acme/web\n", map[string]string{"a/charts/b": "@acme/helm", "charts": "@acme/helm", "x/web": "@acme/web"}},
		"in a folder":           {"apps/web @acme/web\n", map[string]string{"apps/web": "@acme/web", "x/apps/web": ""}},
		"words beside":          {"/a/ @acme/a # keeps it\n# /b/ @acme/b\n\n   \n\t/c/\t@acme/c\n", map[string]string{"a": "@acme/a", "b": "", "c": "@acme/c"}},
		"wrong lines":           {"* @acme/all\n/a/ team-a\n/b/ @acme/b, @acme/c\n!/c/ @acme/c\n", map[string]string{"a": "@acme/all", "b": "@acme/all", "c": "@acme/all"}},
		"nothing is meant":      {"/ @acme/root\n// @x\n", map[string]string{".": "", "a": ""}},
		"written elsewhere":     {"\ufeff* @acme/a\r\n/b/ @acme/b\r\n", map[string]string{".": "@acme/a", "b": "@acme/b"}},
		"a space in a name":     {"/my\\ app/ @acme/app\n", map[string]string{"my app": "@acme/app"}},
		"no line break":         {"* @acme/a", map[string]string{".": "@acme/a"}},
		"nothing":               {"", map[string]string{".": ""}},
		"groups in groups":      {"* @acme/shop/payments @@maintainer @j.doe\n", map[string]string{".": "@acme/shop/payments @@maintainer @j.doe"}},
		"names that look alike": {"/serv/ @acme/x\n/service @acme/y\n", map[string]string{"services": "", "service/a": "@acme/y"}},
		"sections": {
			"* @acme/all\n[Code][2] @acme/code\n/services/\n/services/a/ @acme/a\n^[Security] @acme/security\n/services/a/\n!/services/a/x/\n[code]\n/services/b/ @acme/b\n",
			map[string]string{
				".": "@acme/all", "services": "@acme/all @acme/code", "services/a": "@acme/all @acme/a @acme/security",
				"services/a/x": "@acme/all @acme/a", "services/b": "@acme/all @acme/b",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file, _ := codeowners.Parse([]byte(test.file))
			for folder, want := range test.want {
				if got := names(file.Owners(folder)); got != want {
					t.Errorf("%s: %q, want %q", folder, got, want)
				}
			}
		})
	}
}

func TestHints(t *testing.T) {
	file, _ := codeowners.Parse([]byte("# who\n* @acme/all\n[Security]\n/a/ @sec\n"))
	want := []catalog.OwnerHint{
		{Name: "@acme/all", Location: "shop/CODEOWNERS", Line: 2, Reason: "CODEOWNERS names it for *"},
		{Name: "@sec", Location: "shop/CODEOWNERS", Line: 4, Reason: "CODEOWNERS names it for /a/ in the section Security"},
	}
	if diff := cmp.Diff(want, file.Hints("a", "shop/CODEOWNERS")); diff != "" {
		t.Error(diff)
	}
}

func TestProblems(t *testing.T) {
	lines := func(problems []catalog.Problem) (lines []int32) {
		for _, p := range problems {
			if p.Severity != catalog.Warning || p.Code != codeowners.CodeInvalid || p.Message == "" || p.Fix == "" {
				t.Errorf("problem %+v", p)
			}
			lines = append(lines, p.Line)
		}
		return lines
	}
	for name, test := range map[string]struct {
		file string
		want []int32
	}{
		"fine":      {"* @a\n/b/\n[S] @c\n!/x/\n", nil},
		"wrong":     {"/a team-a\n* @b\n/ @c\n/d/ @e,\n!/x/ @y\n", []int32{1, 3, 4, 5}},
		"section":   {"[S] group\n* @a\n", []int32{1}},
		"long line": {"* " + strings.Repeat("@a ", 10_000) + "\n* @b\n", []int32{1}},
		"many":      {strings.Repeat("x y\n", 50), []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0}},
		"too large": {strings.Repeat("#", codeowners.MaxBytes+1), []int32{0}},
		"globs":     {strings.Repeat("a*b?c*d @x\n", 40_000), []int32{37450}},
		"rules":     {strings.Repeat("/a @x\n", 200_000), []int32{100_001}},
		"headers":   {strings.Repeat("[a] @x\n", 200_000), []int32{100_001}},
	} {
		if _, problems := codeowners.Parse([]byte(test.file)); !slices.Equal(lines(problems), test.want) {
			t.Errorf("%s: problems on %v, want %v", name, problems, test.want)
		}
	}
}

func TestRepository(t *testing.T) {
	for _, folder := range []string{".", "shop", "a/shop"} {
		for _, place := range codeowners.Places() {
			if got, ok := codeowners.Repository(path.Join(folder, place)); !ok || got != folder {
				t.Errorf("%s in %s: %q, %t", place, folder, got, ok)
			}
		}
	}
	if _, ok := codeowners.Repository("a/OWNERS"); ok {
		t.Error("OWNERS is taken for a CODEOWNERS file")
	}
}

// TestBoundedMemory sees that the worst file costs little.
func TestBoundedMemory(t *testing.T) {
	worst := bytes.Repeat([]byte("**/a*b?c*d/**/e* @x\n"), codeowners.MaxBytes/20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	file, _ := codeowners.Parse(worst)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 200<<20 {
		t.Errorf("%d MiB", grown>>20)
	} else {
		t.Logf("%d MiB", grown>>20)
	}
	runtime.KeepAlive(file)
}

// TestCorpora reads the CODEOWNERS files of real repositories, and compares whom it names with what the library says of the
// whole file.
func TestCorpora(t *testing.T) {
	root := filepath.Join(testenv.Corpora(t), "codeowners")
	files, compared := 0, 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		file, problems := codeowners.Parse(data)
		if len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
		whole, err := hmarr.ParseFile(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		folders := []string{".", "a", "docs", "src/main"}
		for _, r := range whole {
			folder := strings.Trim(strings.NewReplacer("*", "x", "?", "y").Replace(r.RawPattern()), "/")
			folders = append(folders, folder, folder+"/in/it", "above/"+folder)
		}
		for _, folder := range folders {
			var want []string
			if r, err := whole.Match(path.Join(folder, "some file")); err == nil && r != nil {
				for _, owner := range r.Owners {
					want = append(want, owner.String())
				}
			}
			compared++
			if got := names(file.Owners(folder)); got != strings.Join(want, " ") {
				t.Errorf("%s: %s: %q, want %q", name, folder, got, want)
			}
		}
		return nil
	})
	if err != nil || files < 40 || compared < 500 {
		t.Errorf("%d files, %d folders: %v", files, compared, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("* @acme/all\n[Code][2] @acme/code\n!/services/\n/a\\ b/ x@y.z # why\n/ @x\n\\"), "services/a")
	f.Fuzz(func(t *testing.T, data []byte, folder string) {
		file, problems := codeowners.Parse(data)
		again, _ := codeowners.Parse(data)
		owners := file.Owners(folder)
		if diff := cmp.Diff(owners, again.Owners(folder)); diff != "" {
			t.Error(diff)
		}
		lines := int32(bytes.Count(data, []byte("\n")) + 1)
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || strings.Contains(p.Message, "\n") {
				t.Errorf("problem %+v of %d lines", p, lines)
			}
		}
		for _, owner := range owners {
			if owner.Line < 1 || owner.Line > int(lines) || !strings.Contains(owner.Name, "@") {
				t.Errorf("owner %+v", owner)
			}
		}
	})
}
