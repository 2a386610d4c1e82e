package graphtest_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// readAll is the whole content of a folder as one text: paths and contents in order.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, path)
		all.WriteString(path + "\n" + string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
