package peers

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checks are the ids of the peer's checks that are compared, sorted.
func (p peer) checks() []string {
	var ids []string
	for _, asks := range p.asks {
		for _, a := range asks {
			ids = append(ids, a.check)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (p peer) has(check string) bool {
	_, found := slices.BinarySearch(p.checks(), check)
	return found
}

// objectName is how an object is named in questions and verdicts.
func objectName(kind, namespace, name string) string {
	return kind + " " + cmp.Or(namespace, "default") + "/" + name
}

// manifests are the YAML files of a folder and those below it.
func manifests(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".yaml") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// run is what a checker writes to stdout. They exit with 1 where they have something to report.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), program, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := command.Run(); err != nil && (!errors.As(err, &exit) || stdout.Len() == 0) {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.Bytes()
}
