//go:build unix

package files_test

import (
	"path/filepath"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/files"
)

// TestIrregularFiles holds that nothing is opened that could make the scan wait for ever.
func TestIrregularFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yaml": component("a"), "l.yaml": location("l", "./pipe.txt"), "p.yaml": describedBy("p", "./pipe.txt")})
	for _, name := range []string{"catalog-info.yaml", "pipe.yaml", "pipe.txt"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Skipf("this file system has no FIFOs: %v", err)
		}
	}
	symlink(t, "pipe.txt", filepath.Join(dir, "link.yaml"))
	symlink(t, "/dev/zero", filepath.Join(dir, "zero.yaml"))
	found := scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}})
	if diff := gocmp.Diff([]string{"a.yaml", "l.yaml", "p.yaml"}, found.names()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	want := []string{
		"catalog-info.yaml ERROR unreadable-file",
		"l.yaml spec.targets[0] WARNING refused-target",
		"p.yaml metadata.description WARNING unresolved-placeholder",
		"zero.yaml WARNING refused-link",
	}
	if diff := gocmp.Diff(want, found.problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
