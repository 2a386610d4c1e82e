package githubtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestObjectIDs compares ids with those that git itself computes over the same files.
func TestObjectIDs(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git to compare with")
	}
	files := githubtest.Files{
		"a": "1", "a.b/c": "2", "a-b": "3", "a0": "4", "docs/x/y/z.md": "text\n", "docs/x.md": "", "ünï/çode": "5", "run.sh": "#!/bin/sh\n",
	}
	folder := t.TempDir()
	for path, content := range files {
		at := filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(folder, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), git, append([]string{"-C", folder, "-c", "core.fileMode=true"}, arguments...)...)
		out, err := command.Output()
		if err != nil {
			t.Fatalf("git %v: %v", arguments, err)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q")
	run("add", "-A")

	hub := githubtest.New(githubtest.Options{})
	r := hub.AddRepository("acme/checkout", nil, githubtest.Settings{})
	r.Push(githubtest.Push{Files: githubtest.Files{"old": "x", "docs/old": "y", "gone/a/b": "z"}})
	r.Push(githubtest.Push{
		Files: files, Delete: []string{"old", "docs/old", "gone/a/b"}, Modes: map[string]string{"run.sh": "100755"},
	})
	if got, want := r.Tree(""), run("write-tree"); got != want {
		t.Errorf("the tree is %s, and git says %s", got, want)
	}
	if got, want := githubtest.BlobID("text\n"), run("rev-parse", ":docs/x/y/z.md"); got != want {
		t.Errorf("the blob is %s, and git says %s", got, want)
	}
}
