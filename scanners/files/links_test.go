package files_test

import (
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/files"
)

func TestSymbolicLinks(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, map[string]string{"secret.yaml": component("secret"), "d/catalog-info.yaml": component("secret-too")})
	tests := []struct {
		name     string
		files    map[string]string
		links    map[string]string // name to target; "ROOT" stands for the root
		want     []string
		problems []string
	}{
		{
			name: "a file that is read anyway", files: map[string]string{"a.yaml": component("a")},
			links: map[string]string{"b.yaml": "a.yaml", "0.yaml": "./a.yaml"}, want: []string{"a.yaml"},
		},
		{
			name: "a file that is not read otherwise", files: map[string]string{"a.txt": component("a")},
			links: map[string]string{"x/b.yaml": "../a.txt", "x/c.yaml": "../a.txt"}, want: []string{"x/b.yaml"},
		},
		{
			name: "a folder that is read anyway", files: map[string]string{"d/a.yaml": component("a")},
			links: map[string]string{"0": "d", "e": "d"}, want: []string{"d/a.yaml"},
		},
		{
			name: "a folder that is ignored under its own name", files: map[string]string{".gitignore": "d/\n", "d/a.yaml": component("a"), "d/e/b.yaml": component("b")},
			links: map[string]string{"link": "d"}, want: []string{"link/a.yaml", "link/e/b.yaml"},
		},
		{
			name: "loops", files: map[string]string{"d/a.yaml": component("a")},
			links: map[string]string{"d/up": "..", "d/self": ".", "x.yaml": "y.yaml", "y.yaml": "x.yaml", "d/d/d": "../../d"},
			want:  []string{"d/a.yaml"}, problems: []string{"x.yaml WARNING refused-link", "y.yaml WARNING refused-link"},
		},
		{
			name: "absolute, inside", files: map[string]string{"d/a.txt": component("a")},
			links: map[string]string{"b.yaml": "ROOT/d/a.txt"}, want: []string{"b.yaml"},
		},
		{
			name: "out of the root", files: map[string]string{"a.yaml": component("a")},
			links: map[string]string{
				"catalog-info.yaml": filepath.Join(outside, "secret.yaml"), "b.yaml": filepath.Join(outside, "secret.yaml"),
				"up.yaml": "../../../../../../../../etc/passwd", "folder": outside, "notes.txt": "/etc/passwd", "x/catalog-info.yaml": "nowhere", "gone.yaml": "nowhere",
			},
			want: []string{"a.yaml"},
			problems: []string{
				"b.yaml WARNING refused-link", "catalog-info.yaml ERROR refused-link", "up.yaml WARNING refused-link", "x/catalog-info.yaml ERROR refused-link",
			},
		},
		{
			name: "out by a folder and in again", files: map[string]string{"a.txt": component("a")},
			links: map[string]string{"folder": outside, "x.yaml": "folder/secret.yaml"}, want: []string{}, problems: []string{"x.yaml WARNING refused-link"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, test.files)
			for name, target := range test.links {
				if rest, ok := cutRoot(target); ok {
					target = dir + rest
				}
				symlink(t, target, filepath.Join(dir, filepath.FromSlash(name)))
			}
			found := scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}})
			if diff := gocmp.Diff(test.want, found.names()); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if test.problems == nil {
				test.problems = []string{}
			}
			if diff := gocmp.Diff(test.problems, found.problems()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRootIsALink holds that the root itself may be named by a link: the operator did that.
func TestRootIsALink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"real/a.yaml": component("a"), "real/b.txt": component("b")})
	symlink(t, "real", filepath.Join(dir, "link"))
	symlink(t, filepath.Join(dir, "real", "b.txt"), filepath.Join(dir, "real", "c.yaml"))
	found := scanned(t, files.Config{Roots: []files.Root{{Path: filepath.Join(dir, "link"), Display: "."}}})
	if diff := gocmp.Diff([]string{"a.yaml", "c.yaml"}, found.names()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func cutRoot(target string) (string, bool) {
	if len(target) > 4 && target[:4] == "ROOT" {
		return target[4:], true
	}
	return "", false
}
