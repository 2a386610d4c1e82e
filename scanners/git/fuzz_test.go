package git_test

import (
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/scanners/git"
)

// FuzzNew holds that no URL, branch or folder makes it panic, and that an error shows no password.
func FuzzNew(f *testing.F) {
	for _, seed := range []string{
		"https://github.com/acme/a.git", "git@github.com:acme/a", "ssh://git@host:22/a", "file:///srv/a.git", "ext::sh -c x", "https://u:p@host/a", "-x", "http://[::1]/a", "%", "a:b@c",
	} {
		f.Add(seed, "main", "folder")
	}
	f.Fuzz(func(t *testing.T, text, branch, folder string) {
		cache := t.TempDir()
		_, _ = git.New(git.Config{Repositories: []string{text}, Branch: branch, Folders: []string{folder}, Cache: cache})
		const secret = "pa55w0rd"
		scheme, rest, ok := strings.Cut(text, "://")
		if !ok || strings.Contains(rest, "://") {
			return
		}
		_, err := git.New(git.Config{Repositories: []string{scheme + "://user:" + secret + "@" + rest}, Cache: cache})
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Error(err)
		}
	})
}
