package neo4jstore

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// randomPart is made of few bytes, so that equal beginnings are frequent, with all that is escaped or not ASCII.
func randomPart(random *rand.Rand) string {
	part := make([]byte, random.IntN(5))
	for i := range part {
		part[i] = []byte{0, 1, 2, 3, 4, ' ', 'a', 'b', 0x7f, 0x80, 0xc3, 0xff}[random.IntN(12)]
	}
	return string(part)
}

// TestKeysStandForAnyBytes holds that keys come back as they were, and have their order.
func TestKeysStandForAnyBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	names := make([][]string, 3000)
	for i := range names {
		names[i] = []string{randomPart(random), randomPart(random), randomPart(random)}
		written := key(names[i]...)
		if !utf8.ValidString(written) {
			t.Fatalf("the key of %q is no valid UTF-8", names[i])
		}
		if back, err := parts(written); err != nil || !slices.Equal(back, names[i]) {
			t.Fatalf("the key of %q comes back as %q, %v", names[i], back, err)
		}
	}
	for i, a := range names {
		b := names[(i*7+1)%len(names)]
		want := cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]), cmp.Compare(a[2], b[2]))
		if got := strings.Compare(indexed(a...), indexed(b...)); got != want {
			t.Fatalf("the keys of %q and %q compare as %d, want %d", a, b, got, want)
		}
	}
	if got := key("repos", "a/catalog-info.yaml", "component:default/a"); got != "repos\x01a/catalog-info.yaml\x01component:default/a" {
		t.Errorf("a plain key is %q", got)
	}
}

// TestLongKeysAreCut holds that what is cut stays apart, fits into an index and comes after what it begins with.
func TestLongKeysAreCut(t *testing.T) {
	seen := make(map[string]int)
	for n := 6900; n < 7100; n++ {
		for _, fill := range []string{"a", "\xff", "\x00"} {
			written := indexed("s", strings.Repeat(fill, n), "k")
			if len(written) > maxIndexed+65 || !utf8.ValidString(written) {
				t.Fatalf("a name of %d bytes %q has a key of %d", n, fill, len(written))
			}
			if seen[written]++; seen[written] > 1 {
				t.Fatalf("two names share the key of %d bytes %q", n, fill)
			}
			if written < indexed("s", fill, "k") {
				t.Fatalf("a name of %d bytes %q comes before what it begins with", n, fill)
			}
		}
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	for _, bad := range []string{"a\x02", "\u0100", "🪐"} {
		if got, err := parts(bad); err == nil {
			t.Errorf("%q was read as %q", bad, got)
		}
	}
}

// TestURI holds that the mistakes people make are told, and no password ever.
func TestURI(t *testing.T) {
	for uri, says := range map[string]string{
		"neo4j://host":                       "",
		"neo4j://host:7687":                  "",
		"neo4j+s://x.databases.neo4j.io":     "",
		"neo4j+ssc://host":                   "",
		"neo4j://host:7687?policy=eu":        "",
		"bolt://[::1]:7687/":                 "",
		"bolt+s://host":                      "",
		"bolt+ssc://host":                    "",
		"":                                   "no URI",
		"localhost:7687":                     "neo4j://",
		"localhost":                          "neo4j://",
		"http://host:7474":                   "neo4j://host:7687",
		"https://host":                       "browser",
		"postgres://host":                    "postgres",
		"neo4j://":                           "host",
		"neo4j://host/orrery":                "database",
		"bolt://host?policy=eu":              "parameters",
		"neo4j://host#x":                     "fragment",
		"neo4j://neo4j:secret@host:7687":     "password",
		"neo4j://neo4j:se/cret#@host:7687":   "password",
		"http://neo4j:secret@host":           "password",
		"neo4j://neo4j:secret%zz@host:76x87": "password",
	} {
		err := checkURI(uri)
		switch {
		case (err == nil) != (says == ""):
			t.Errorf("%s: %v", uri, err)
		case err != nil && !strings.Contains(err.Error(), says):
			t.Errorf("%s: %q does not say %q", uri, err, says)
		case err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret#")):
			t.Errorf("%s: %q tells the password", uri, err)
		}
	}
}
