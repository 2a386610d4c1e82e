package folder_test

import (
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

func TestLeads(t *testing.T) {
	for _, test := range []struct {
		glob, folder string
		want         bool
	}{
		{"**/a.yaml", "x/y", true},
		{"a/*/c.yaml", "a", true},
		{"a/*/c.yaml", "a/b", true},
		{"a/*/c.yaml", "a/b/c", false},
		{"a/*/c.yaml", "b", false},
		{"a/**/c/*.yaml", "a/x/y", true},
		{"a/**/c/*.yaml", "b/x/y", false},
		{"*.yaml", "a", false},
		{"*.yaml", ".", true},
		{"{a,b}/c.yaml", "b", true},
		{"{a/b,c}/d.yaml", "a", true},
		{"a?/[bc]/*.yaml", "ax/c", true},
		{"a?/[bc]/*.yaml", "ax/d", false},
	} {
		if got := folder.Leads(test.glob, test.folder); got != test.want {
			t.Errorf("Leads(%q, %q) = %v", test.glob, test.folder, got)
		}
	}
}

// TestLeadsToAllThatFits holds that no folder is left out on the way to a file that a glob fits.
func TestLeadsToAllThatFits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // not for secrets
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	fitting := 0
	for range 200_000 {
		var glob, name []string
		for range 1 + random.IntN(4) {
			glob = append(glob, pick("a", "b", "*", "**", "?", "[ab]", "{a,b}", "{a/b,c}", "a*"))
		}
		for range 1 + random.IntN(4) {
			name = append(name, pick("a", "b", "c", "ab"))
		}
		pattern, file := strings.Join(glob, "/"), strings.Join(name, "/")
		if !doublestar.MatchUnvalidated(pattern, file) {
			continue
		}
		fitting++
		for above := path.Dir(file); above != "."; above = path.Dir(above) {
			if !folder.Leads(pattern, above) {
				t.Fatalf("%q fits %q, and is not looked for in %q", pattern, file, above)
			}
		}
	}
	if fitting < 1000 {
		t.Errorf("only %d paths fitted", fitting)
	}
}
