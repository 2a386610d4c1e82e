package git_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/git"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func TestContract(t *testing.T) {
	remote, folder := bare(t, filepath.Join(t.TempDir(), "remote.git")), t.TempDir()
	content := tree{"broken/catalog-info.yaml": component("good") + "---\n" + component("bad!name"), "all.yaml": location("all", "./extra.txt", "./missing.yaml"), "extra.txt": component("extra")}
	for i := range 100 {
		content[fmt.Sprint("s", i, "/catalog-info.yaml")] = component(fmt.Sprint("s", i))
	}
	commit(t, remote, content)
	for i := range 5 {
		commit(t, bare(t, filepath.Join(folder, fmt.Sprint("m", i))), tree{"catalog-info.yaml": component(fmt.Sprint("m", i))})
	}
	scantest.Run(t, scantest.Subject{
		New: func(t *testing.T) scanners.Scanner {
			return newScanner(t, git.Config{Repositories: []string{"file://" + remote}, Folders: []string{folder}})
		},
		Broken: func(t *testing.T) scanners.Scanner {
			return newScanner(t, git.Config{Folders: []string{filepath.Join(t.TempDir(), "nowhere")}})
		},
		Living: func(t *testing.T) scantest.Living {
			remote, folder := bare(t, filepath.Join(t.TempDir(), "remote.git")), t.TempDir()
			world := &changing{T: t, random: rand.New(rand.NewPCG(1, 2)), files: make(map[string]tree)}
			world.repositories = []string{remote, bare(t, filepath.Join(folder, "mirror"))}
			for _, dir := range world.repositories {
				world.set(dir, tree{"catalog-info.yaml": component("first")})
			}
			config := git.Config{Repositories: []string{"file://" + remote}, Folders: []string{folder}, Cache: t.TempDir()}
			return scantest.Living{
				Scanner: remembering{&source{PartScanner: undated{newScanner(t, config)}, held: make(scantest.Held)}},
				Fresh:   func() scanners.Scanner { return undated{newScanner(t, config)} },
				Change:  world.change,
			}
		},
	})
}

func TestMistakesOfConfiguration(t *testing.T) {
	for name, config := range map[string]git.Config{
		"nothing":            {},
		"an empty folder":    {Folders: []string{""}},
		"a bad glob":         {Folders: []string{"x"}, CatalogFiles: []string{"[a"}},
		"another bad glob":   {Folders: []string{"x"}, ExcludeFiles: []string{"{a"}},
		"an option":          {Folders: []string{"x"}, Branch: "--upload-pack=x"},
		"no branch":          {Folders: []string{"x"}, Branch: "a..b"},
		"a reference":        {Folders: []string{"x"}, Branch: "main:refs/heads/other"},
		"twice":              {Repositories: []string{"https://github.com/acme/a.git", "git@github.com:acme/a"}},
		"one in another":     {Folders: []string{"/srv/git", "/srv/git/acme"}},
		"a file in a folder": {Folders: []string{"/srv/git"}, Repositories: []string{"file:///srv/git/a.git"}},
	} {
		config.Cache = t.TempDir()
		if _, err := git.New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestCosts holds what is asked of git and of the remote, first, unchanged, and after a push to one of several.
func TestCosts(t *testing.T) {
	var urls []string
	var dirs []string
	for i := range 3 {
		dir := bare(t, filepath.Join(t.TempDir(), fmt.Sprint("r", i, ".git")))
		commit(t, dir, tree{"catalog-info.yaml": component(fmt.Sprint("r", i)), ".gitignore": "x", "main.go": "package main", ".github/CODEOWNERS": "* @acme/team\n"})
		urls, dirs = append(urls, "file://"+dir), append(dirs, dir)
	}
	mirrors := t.TempDir()
	mirror := bare(t, filepath.Join(mirrors, "m.git"))
	commit(t, mirror, tree{"catalog-info.yaml": component("m")})
	calls := counting(t)
	s := newSource(t, git.Config{Repositories: urls, Folders: []string{mirrors}})
	counts := func() map[string]int {
		counts := make(map[string]int)
		for _, call := range calls() {
			word, _, _ := strings.Cut(call, " ")
			counts[word]++
		}
		return counts
	}
	s.scan(t)
	if diff := gocmp.Diff([]string{"component:default/m", "component:default/r0", "component:default/r1", "component:default/r2"}, s.refs()); diff != "" {
		t.Fatal(diff)
	}
	first := counts()
	if first["ls-remote"] != 3 || first["fetch"] != 6 { // a commit without contents, then those that are read, in one
		t.Errorf("the first scan calls %v", first)
	}
	s.scan(t)
	if diff := gocmp.Diff(map[string]int{"ls-remote": 3}, counts()); diff != "" {
		t.Errorf("an unchanged scan: %s", diff)
	}
	want := []string{"unchanged " + mirrors + "/m.git/"}
	for _, dir := range dirs {
		want = append(want, "unchanged "+dir+"/")
	}
	slices.Sort(want)
	if diff := gocmp.Diff(want, s.reports()); diff != "" {
		t.Error(diff)
	}

	commit(t, dirs[1], tree{"catalog-info.yaml": component("new")})
	s.scan(t)
	if pushed := counts(); pushed["ls-remote"] != 3 || pushed["fetch"] != 2 {
		t.Errorf("after a push: %v", pushed)
	}
	commit(t, dirs[1], tree{"catalog-info.yaml": component("newer")})
	s.parts(t, dirs[1]+"/")
	if part := counts(); part["ls-remote"] != 1 || part["fetch"] != 2 {
		t.Errorf("a part: %v", part)
	}
	commit(t, mirror, tree{"catalog-info.yaml": component("mm")})
	s.parts(t, mirrors+"/m.git/catalog-info.yaml")
	if part := counts(); part["ls-remote"] != 0 || part["fetch"] != 0 {
		t.Errorf("a part of a mirror: %v", part)
	}
	if diff := gocmp.Diff([]string{"component:default/mm", "component:default/newer", "component:default/r0", "component:default/r2"}, s.refs()); diff != "" {
		t.Error(diff)
	}
}

// TestCommits holds that a file keeps the commit at which it said first what it says, and where links lead.
func TestCommits(t *testing.T) {
	mirrors := t.TempDir()
	dir := bare(t, filepath.Join(mirrors, "m"))
	command(t, dir, "", "config", "remote.origin.url", "https://secret@github.com/Acme/Checkout.git")
	one := commit(t, dir, tree{"a/catalog-info.yaml": component("a"), "b.yaml": component("b")})
	s := newSource(t, git.Config{Folders: []string{mirrors}})
	at := func(path, commit string) *catalog.Version {
		return &catalog.Version{Repository: "github.com/Acme/Checkout", Path: path, Commit: commit, Web: "https://github.com/Acme/Checkout/blob/"}
	}
	expect := func(a, b string) {
		t.Helper()
		want := map[string]*catalog.Version{dir + "/a/catalog-info.yaml": at("a/catalog-info.yaml", a), dir + "/b.yaml": at("b.yaml", b)}
		if diff := gocmp.Diff(want, s.versions()); diff != "" {
			t.Error(diff)
		}
	}
	s.scan(t)
	expect(one, one)
	two := commit(t, dir, tree{"a/catalog-info.yaml": component("a"), "b.yaml": component("bb"), "c.txt": ""})
	s.scan(t)
	expect(one, two)
	three := commit(t, dir, tree{"a/catalog-info.yaml": "\n" + component("a"), "b.yaml": component("bb") + "# more\n"})
	s.scan(t)
	expect(three, two)
	link := s.versions()[dir+"/a/catalog-info.yaml"].URL(4)
	if want := "https://github.com/Acme/Checkout/blob/" + three + "/a/catalog-info.yaml#L4"; link != want {
		t.Errorf("%s, want %s", link, want)
	}
	// An other way of reading reads all again, and does not make files younger.
	again := newSource(t, git.Config{Folders: []string{mirrors}, ExcludeFiles: []string{"nothing"}})
	again.state = s.state
	again.scan(t)
	s = again
	expect(three, two)
}

// TestOwners holds who is said to answer for what is in a repository, and where that stands.
func TestOwners(t *testing.T) {
	mirrors := t.TempDir()
	dir := bare(t, filepath.Join(mirrors, "m"))
	command(t, dir, "", "config", "remote.origin.url", "git@gitlab.acme.example:Acme/Checkout.git")
	content := tree{"a/catalog-info.yaml": component("a"), "CODEOWNERS": "# who\n* @acme/all\n/a/ @acme/a\n", "a/CODEOWNERS": "* @nobody\n"}
	one := commit(t, dir, content)
	s := newSource(t, git.Config{Folders: []string{mirrors}})
	expect := func(owner string, line int32, commit string) {
		t.Helper()
		s.scan(t)
		hints := s.held[dir+"/a/catalog-info.yaml"].Documents[0].Claims[0].OwnerHints
		if len(hints) == 0 || hints[0].Name != owner || hints[0].Line != line || hints[0].Location != dir+"/CODEOWNERS" {
			t.Fatalf("%+v", hints)
		}
		want := &catalog.Version{Repository: "gitlab.acme.example/Acme/Checkout", Path: "CODEOWNERS", Commit: commit, Web: "https://gitlab.acme.example/Acme/Checkout/-/blob/"}
		if diff := gocmp.Diff(want, hints[0].Version); diff != "" {
			t.Error(diff)
		}
	}
	expect("@acme/a", 3, one)
	content["main.go"] = "package main"
	commit(t, dir, content)
	expect("@acme/a", 3, one)
	content["CODEOWNERS"] = "/a/ @acme/b\n"
	three := commit(t, dir, content)
	expect("@acme/b", 1, three)
}

// TestUnreachable holds that a repository which cannot be read keeps what it said and hinders no other, and that it is read
// again once it can be.
func TestUnreachable(t *testing.T) {
	good, bad := bare(t, filepath.Join(t.TempDir(), "good.git")), bare(t, filepath.Join(t.TempDir(), "bad.git"))
	commit(t, good, tree{"a.yaml": component("good")})
	commit(t, bad, tree{"a.yaml": component("bad"), "b.yaml": component("b")})
	s := newSource(t, git.Config{Repositories: []string{"file://" + good, "file://" + bad}})
	s.scan(t)
	if err := os.Rename(bad, bad+"-gone"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.scan(t)
		found := s.reports()
		if len(found) != 2 || !slices.Contains(found, "unchanged "+good+"/") || !strings.Contains(strings.Join(found, "\n"), "unreadable "+bad+"/ this repository cannot be read: git ls-remote: fatal: ") {
			t.Errorf("%q", found)
		}
	}
	problem := s.held[bad+"/"].Documents[0].Problems[0]
	if problem.Severity != catalog.Error || problem.Code != "unreadable-repository" || problem.Location != bad || problem.Fix == "" {
		t.Errorf("%+v", problem)
	}
	if err := os.Rename(bad+"-gone", bad); err != nil {
		t.Fatal(err)
	}
	s.parts(t, bad+"/b.yaml") // what was said of the repository itself goes, too
	if diff := gocmp.Diff([]string{"read " + bad + "/", "read " + bad + "/a.yaml", "read " + bad + "/b.yaml"}, s.reports()); diff != "" {
		t.Error(diff)
	}
	s.scan(t)
	want := []string{"unchanged " + bad + "/", "unchanged " + good + "/"}
	slices.Sort(want)
	if diff := gocmp.Diff(want, s.reports()); diff != "" {
		t.Error(diff)
	}
	for _, dir := range []string{good, bad} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	before := s.state
	if err := s.try(t.Context()); err == nil || !strings.Contains(err.Error(), "none of 2 git repositories can be read") {
		t.Errorf("nothing can be read: %v", err)
	}
	if diff := gocmp.Diff(before, s.state); diff != "" {
		t.Error(diff)
	}
}

// TestFoldersOfMirrors holds what is found in a folder, and that a folder which is gone or empty is no empty source.
func TestFoldersOfMirrors(t *testing.T) {
	outside, mirrors := t.TempDir(), t.TempDir()
	commit(t, bare(t, filepath.Join(outside, "other.git")), tree{"a.yaml": component("other")})
	commit(t, bare(t, filepath.Join(mirrors, "group", "deep", "a.git")), tree{"a.yaml": component("a")})
	command(t, "", "", "init", "--quiet", "--initial-branch=main", filepath.Join(mirrors, "tree"))
	tree1 := commit(t, filepath.Join(mirrors, "tree"), tree{"catalog-info.yaml": component("tree")})
	command(t, filepath.Join(mirrors, "tree"), "", "worktree", "add", "--quiet", "--detach", "../worktree", tree1)
	for link, target := range map[string]string{"out": filepath.Join(outside, "other.git"), "in": "tree", "plain": outside, "broken": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(mirrors, link)); err != nil {
			t.Skip(err)
		}
	}
	if err := os.WriteFile(filepath.Join(mirrors, "tree", "uncommitted.yaml"), []byte(component("no")), 0o644); err != nil {
		t.Fatal(err)
	}
	s := newSource(t, git.Config{Folders: []string{mirrors}})
	s.scan(t)
	want := []string{
		"read " + mirrors + "/group/deep/a.git/a.yaml",
		"unreadable " + mirrors + "/out/ this repository cannot be read: it is a symbolic link that leads out of the folder",
		"read " + mirrors + "/tree/catalog-info.yaml",
		"unreadable " + mirrors + "/worktree/ this repository cannot be read: it is the working tree of a repository that is elsewhere",
	}
	if diff := gocmp.Diff(want, s.reports()); diff != "" {
		t.Error(diff)
	}
	// A repository that is gone is no longer reported, one that came is found by its name.
	if err := os.Rename(filepath.Join(mirrors, "group"), filepath.Join(mirrors, "new")); err != nil {
		t.Fatal(err)
	}
	s.parts(t, mirrors+"/new/", mirrors+"/group/deep/a.git/")
	if _, gone := s.held[mirrors+"/group/deep/a.git/a.yaml"]; gone || len(s.held) != 4 {
		t.Errorf("%q", s.held.Names())
	}
	for _, change := range []func() error{
		func() error { return os.Rename(mirrors, mirrors+"-gone") },
		func() error { return os.Mkdir(mirrors, 0o755) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if err := s.try(t.Context()); err == nil || !strings.Contains(err.Error(), mirrors) {
			t.Errorf("the folder is gone or empty: %v", err)
		}
	}
}

// undated is a scanner without the word of the commit, which depends on what was read before.
type undated struct{ scanners.PartScanner }

func (u undated) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	return u.PartScanner.Scan(ctx, previous, undating(sink))
}

func (u undated) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) ([]byte, error) {
	return u.PartScanner.ScanParts(ctx, previous, names, undating(sink))
}
