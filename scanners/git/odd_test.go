package git_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/git"
)

// TestOddRepositories holds what a repository says that is not as most are, as a remote and as a mirror.
func TestOddRepositories(t *testing.T) {
	for name, test := range map[string]struct {
		make   func(t *testing.T, dir string)
		config git.Config
		want   []string // of the scopes, with the folder of the repository as DIR
	}{
		"empty": {make: func(t *testing.T, dir string) { bare(t, dir) }, want: []string{}},
		"a branch": {
			make: func(t *testing.T, dir string) {
				bare(t, dir)
				commit(t, dir, tree{"a.yaml": component("main")})
				commit(t, dir, tree{"b.yaml": component("other")}, "release/1")
			},
			config: git.Config{Branch: "release/1"}, want: []string{"read DIR/b.yaml"},
		},
		"no such branch": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{"a.yaml": component("main")})
				commit(t, dir, tree{"a.yaml": component("main")}, "production/eu")
			},
			config: git.Config{Branch: "production"}, want: []string{"unreadable DIR/ this repository cannot be read: it has no such branch: production"},
		},
		"a branch of an empty one": {make: func(t *testing.T, dir string) { bare(t, dir) }, config: git.Config{Branch: "production"}, want: []string{}},
		"HEAD names no branch": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{"a.yaml": component("main")})
				command(t, dir, "", "symbolic-ref", "HEAD", "refs/heads/gone")
			},
			want: []string{"unreadable DIR/ this repository cannot be read: its HEAD names a branch that it does not have"},
		},
		"HEAD is a commit": {
			make: func(t *testing.T, dir string) {
				first := commit(t, bare(t, dir), tree{"a.yaml": component("main")})
				commit(t, dir, tree{"b.yaml": component("main")})
				command(t, dir, "", "update-ref", "--no-deref", "HEAD", first)
			},
			want: []string{"read DIR/a.yaml"},
		},
		"packed references": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{"a.yaml": component("main")})
				command(t, dir, "", "pack-refs", "--all")
			},
			want: []string{"read DIR/a.yaml"},
		},
		"sha256": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir, "--object-format=sha256"), tree{"a.yaml": component("main"), "b.txt": "x"})
			},
			want: []string{"read DIR/a.yaml"},
		},
		"a commit without files": {
			make: func(t *testing.T, dir string) { commit(t, bare(t, dir), tree{}) }, want: []string{},
		},
		"nothing but a history": {
			make: func(t *testing.T, dir string) {
				bare(t, dir)
				for i := range 10 {
					commit(t, dir, tree{"a.yaml": component(fmt.Sprint("n", i))})
				}
			},
			want: []string{"read DIR/a.yaml"},
		},
		"submodules": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{
					"a.yaml": component("a"), "sub": "submodule " + strings.Repeat("1", 40), ".gitmodules": "[submodule \"sub\"]\n\tpath = sub\n\turl = file:///etc\n",
					"all.yaml": location("all", "./sub/b.yaml"),
				})
			},
			want: []string{"read DIR/a.yaml", "read DIR/all.yaml"},
		},
		"symbolic links": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{
					"real/a.yaml": component("a"), "zlink": "-> real", "catalog-info.yaml": "-> real/a.yaml", "passwd.yaml": "-> /etc/passwd", "up.yaml": "-> ../../x.yaml",
					"loop": "-> loop", "b.yaml": strings.Replace(component("b"), "  name", "  description: {$text: ./text}\n  name", 1), "text": "-> real/deep/text", "real/deep/text": "words",
				})
			},
			want: []string{
				"read DIR/b.yaml", "unreadable DIR/passwd.yaml the symbolic link is not followed: it leads out of the scanned folder",
				"read DIR/real/a.yaml", "unreadable DIR/up.yaml the symbolic link is not followed: it leads out of the scanned folder",
			},
		},
		"large files elsewhere": {
			make: func(t *testing.T, dir string) {
				pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 12345\n"
				commit(t, bare(t, dir), tree{"catalog-info.yaml": pointer, "data.json": pointer, "a.yaml": component("a")})
			},
			want: []string{
				"read DIR/a.yaml", "unreadable DIR/catalog-info.yaml this file cannot be read: its content is kept by Git LFS, which is not read",
			},
		},
		"large files": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{"catalog-info.yaml": component("a") + strings.Repeat("# long\n", 200_000), "data.json": `["` + strings.Repeat("x", 2<<20) + `"]`})
			},
			config: git.Config{MaxFileBytes: 1 << 20},
			want:   []string{"unreadable DIR/catalog-info.yaml this file is larger than 1048576 bytes and was not read"},
		},
		"names": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{
					"a\nb/catalog-info.yaml": component("a"), "b\xff.yaml": component("b"), "c \"d\" é\\.yaml": component("c"), "-x.yaml": component("d"),
					"\x1b[31m.yaml": component("e"),
				})
			},
			want: []string{
				"read DIR/%1B[31m.yaml", "read DIR/-x.yaml", "read DIR/a%0Ab/catalog-info.yaml", "read DIR/b%FF.yaml", "read DIR/c \"d\" é\\.yaml",
			},
		},
		"trees that no checkout could hold": {
			make: func(t *testing.T, dir string) {
				bare(t, dir)
				raw := func(kind, data string) string {
					return command(t, dir, data, "hash-object", "-t", kind, "-w", "--stdin", "--literally")
				}
				binary := func(oid string) string {
					data, err := hex.DecodeString(oid)
					if err != nil {
						t.Fatal(err)
					}
					return string(data)
				}
				blob := binary(raw("blob", component("a")))
				inner := binary(raw("tree", "100644 a.yaml\x00"+blob))
				var top strings.Builder
				for _, name := range []string{".", "..", ".git", ".GIT", "a.yaml", "a.yaml", "d/e.yaml", "../up.yaml", "/etc.yaml"} {
					top.WriteString("100644 " + name + "\x00" + blob)
				}
				for _, name := range []string{"..", "a.yaml", "in", "x/y"} {
					top.WriteString("40000 " + name + "\x00" + inner)
				}
				at := raw("tree", top.String())
				head := raw("commit", "tree "+at+"\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n")
				command(t, dir, "", "update-ref", "refs/heads/main", head)
			},
			want: []string{"read DIR/a.yaml", "read DIR/in/a.yaml"},
		},
		"which files": {
			make: func(t *testing.T, dir string) {
				commit(t, bare(t, dir), tree{"catalog-info.yaml": component("a"), "x/catalog-info.yaml": component("b"), "test/catalog-info.yaml": component("c"), "d.yaml": component("d")})
			},
			config: git.Config{CatalogFiles: []string{"**/catalog-info.yaml"}, ExcludeFiles: []string{"test"}},
			want:   []string{"read DIR/catalog-info.yaml", "read DIR/x/catalog-info.yaml"},
		},
		"one leads to the other": {
			make: func(t *testing.T, dir string) {
				files := tree{"all.yaml": location("all", "./0.txt")}
				for i := range 10 {
					files[fmt.Sprint(i, ".txt")] = location(fmt.Sprint("l", i), fmt.Sprint("./", i+1, ".txt"))
				}
				files["10.txt"] = strings.Replace(component("last"), "  name", "  description: {$text: ./words}\n  name", 1)
				files["words"] = "words"
				commit(t, bare(t, dir), files)
			},
			want: []string{
				"read DIR/0.txt", "read DIR/1.txt", "read DIR/10.txt", "read DIR/2.txt", "read DIR/3.txt", "read DIR/4.txt", "read DIR/5.txt", "read DIR/6.txt",
				"read DIR/7.txt", "read DIR/8.txt", "read DIR/9.txt", "read DIR/all.yaml",
			},
		},
	} {
		for _, kind := range []string{"remote", "mirror"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "one.git")
				test.make(t, dir)
				good := filepath.Join(t.TempDir(), "good.git") // so that not all of the source fails
				commit(t, bare(t, good), tree{"a.yaml": component("good")}, "main")
				for _, branch := range []string{"release/1", "production"} {
					commit(t, good, tree{"a.yaml": component("good")}, branch)
				}
				config := test.config
				if config.Folders = []string{filepath.Dir(good), filepath.Dir(dir)}; kind == "remote" {
					config.Folders, config.Repositories = nil, []string{"file://" + dir, "file://" + good}
				}
				s := newSource(t, config)
				for _, again := range []bool{false, true} { // and by another scanner with the same state
					if again {
						s = &source{PartScanner: newScanner(t, config), held: s.held, state: s.state}
					}
					s.scan(t)
					got := []string{}
					if !again {
						for _, line := range s.reports() {
							if !strings.Contains(line, good) {
								got = append(got, strings.ReplaceAll(line, dir, "DIR"))
							}
						}
						if diff := gocmp.Diff(test.want, got); diff != "" {
							t.Error(diff)
						}
					}
				}
				wrong := len(test.want) == 1 && strings.Contains(test.want[0], "DIR/ this")
				if report := strings.Join(s.reports(), "\n"); len(test.want) > 0 && !wrong && !strings.Contains(report, "unchanged "+dir+"/") {
					t.Errorf("the second scan: %s", report)
				}
			})
		}
	}
}

// TestManyFiles holds that more scopes than are kept of one repository are reported all the same, each once.
func TestManyFiles(t *testing.T) {
	dir := bare(t, filepath.Join(t.TempDir(), "many.git"))
	files := make(tree)
	for i := range 5200 {
		files[fmt.Sprintf("%d/%d.yaml", i%50, i)] = component(fmt.Sprint("n", i))
	}
	commit(t, dir, files)
	s := newSource(t, git.Config{Repositories: []string{"file://" + dir}})
	s.scan(t)
	if len(s.held) != len(files) || len(s.last) != len(files) {
		t.Errorf("%d scopes, reported by %d, want %d", len(s.held), len(s.last), len(files))
	}
	s.scan(t)
	if diff := gocmp.Diff([]string{"unchanged " + dir + "/"}, s.reports()); diff != "" {
		t.Error(diff)
	}
}

// TestReftable holds that git is asked for references where they are not kept in files.
func TestReftable(t *testing.T) {
	folder := t.TempDir()
	for name, branch := range map[string]string{"one": "main", "two": "trunk", "three": ""} {
		dir := bare(t, filepath.Join(folder, name))
		if branch != "" {
			commit(t, dir, tree{"a.yaml": component("a")}, branch)
		}
		if err := os.Mkdir(filepath.Join(dir, "reftable"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	calls := counting(t)
	s := newSource(t, git.Config{Folders: []string{folder}})
	s.scan(t)
	want := []string{
		"read " + folder + "/one/a.yaml",
		"unreadable " + folder + "/two/ this repository cannot be read: its HEAD names a branch that it does not have",
	}
	if diff := gocmp.Diff(want, s.reports()); diff != "" {
		t.Error(diff)
	}
	if asked := strings.Join(calls(), "\n"); strings.Count(asked, "rev-parse") != 3 {
		t.Error(asked)
	}
}

// TestBrokenMirrors holds that a mirror which is broken, in whatever way, hinders no other.
func TestBrokenMirrors(t *testing.T) {
	for name, breaks := range map[string]func(dir string) error{
		"no objects": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "objects")), os.Mkdir(filepath.Join(dir, "objects"), 0o755))
		},
		"head is cut":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "HEAD"), nil, 0o644) },
		"head is data": func(dir string) error { return os.WriteFile(filepath.Join(dir, "HEAD"), []byte{0, 1, 2, 0xff}, 0o644) },
		"head leads up": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/../../good.git/HEAD"), 0o644)
		},
		"head is long": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "HEAD"), []byte(strings.Repeat("x", 1<<20)), 0o644)
		},
		"head is round": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "refs", "heads", "main"), []byte("ref: refs/heads/main"), 0o644)
		},
		"no commit": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "refs", "heads", "main"), []byte(strings.Repeat("1", 40)), 0o644)
		},
		"a pack is cut": func(dir string) error {
			packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
			if err != nil || len(packs) == 0 {
				return fmt.Errorf("no pack: %w", err)
			}
			return errors.Join(os.Chmod(packs[0], 0o644), os.Truncate(packs[0], 40))
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			dir, good := bare(t, filepath.Join(folder, "bad.git")), bare(t, filepath.Join(folder, "good.git"))
			commit(t, dir, tree{"a.yaml": component("a"), "b.yaml": component("b")})
			command(t, dir, "", "repack", "-adq")
			commit(t, good, tree{"a.yaml": component("good")})
			if err := breaks(dir); err != nil {
				t.Fatal(err)
			}
			s := newSource(t, git.Config{Folders: []string{folder}})
			s.scan(t)
			got := s.reports()
			if len(got) != 2 || !strings.HasPrefix(got[0], "unreadable "+dir+"/ this repository cannot be read: ") || got[1] != "read "+good+"/a.yaml" {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestMirrorThatLacksContents holds that what a mirror lacks is told, is not fetched, and is read once it is there.
func TestMirrorThatLacksContents(t *testing.T) {
	origin, folder := bare(t, filepath.Join(t.TempDir(), "origin.git")), t.TempDir()
	commit(t, origin, tree{"a.yaml": component("a"), "catalog-info.yaml": component("b")})
	dir, mark := filepath.Join(folder, "partial.git"), filepath.Join(folder, "ran")
	command(t, "", "", "clone", "--quiet", "--bare", "--filter=blob:none", "file://"+origin, dir)
	upload := command(t, dir, "", "config", "remote.origin.url")
	command(t, dir, "", "config", "remote.origin.uploadpack", "touch '"+mark+"'; git-upload-pack")
	command(t, dir, "", "config", "core.fsmonitor", "touch '"+mark+"'")
	s := newSource(t, git.Config{Folders: []string{folder}})
	s.scan(t)
	if _, err := os.Stat(mark); err == nil {
		t.Error("what the configuration of a mirror names was run")
	}
	why := " this file cannot be read: its content is not in this repository"
	want := []string{"unreadable " + dir + "/a.yaml" + why, "unreadable " + dir + "/catalog-info.yaml" + why}
	if diff := gocmp.Diff(want, s.reports()); diff != "" {
		t.Error(diff)
	}
	command(t, dir, "", "config", "--unset", "remote.origin.uploadpack")
	command(t, dir, "", "fetch", "--quiet", "--refetch", "--no-filter", upload)
	s.scan(t)
	if diff := gocmp.Diff([]string{"read " + dir + "/a.yaml", "read " + dir + "/catalog-info.yaml"}, s.reports()); diff != "" {
		t.Error(diff)
	}
}
