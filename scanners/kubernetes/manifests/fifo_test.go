//go:build unix

package manifests_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func TestNothingWaitsForAFIFO(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yaml": deployment("shop", "cart")})
	if err := syscall.Mkfifo(filepath.Join(dir, "b.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	held := make(scantest.Held)
	if err := held.Whole(t.Context(), newScanner(t, manifests.Config{Roots: []folder.Root{{Path: dir}}})); err != nil {
		t.Fatal(err)
	}
	if _, read := held["workloads/shop/deployment/cart"]; !read {
		t.Errorf("the scopes are %q", held.Names())
	}
}
