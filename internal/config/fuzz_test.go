package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/config"
)

// FuzzParse holds that any bytes give a configuration or located errors, and that an accepted configuration, shown, is
// accepted again and says the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "listen: 127.0.0.1:1\ngraph: {engine: sqlite, path: /x}\nsources:\n  - {id: a, kind: files, paths: [/x, '$${a}']}\n",
		"a: &a [*a]", "sources: &s [*s]", "? {a: b}\n: c", "listen: ${A:-127.0.0.1:5}", "%YAML 1.1\n---\n", "\xff", "listen: !!binary aGk=",
		"sources: [{id: !!str 5, kind: files, paths: [\"/\\u2028\"], priority: 0x5}]", "<<: {listen: x}", "insecure: True",
		"graph: {history: 90d}\nhosts: [a]\nenvironments: {production: [prod]}\nidentity: {rewrites: [{match: 'a(.)', replace: 'api:$1'}]}",
		"sources: [{id: a, kind: files, paths: [x], schedule: 'CRON_TZ=UTC 1-5/2 * * * *', jitter: 5m, timeout: 1h30m, watch: true}]",
		"graph: {engine: neo4j, uri: 'neo4j+s://h:7687?a=b', username: u, password: p, database: d, labelPrefix: L_1}",
		"sources: [{id: a, kind: files, paths: [x], schedule: TZ=, timezone: x}, {id: b, kind: files, paths: [x], schedule: '@every 1h'}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("f.yaml", data, environment(nil))
		if err != nil {
			var found config.Errors
			if !errors.As(err, &found) || len(found) == 0 {
				t.Fatalf("%T %v", err, err)
			}
			for _, one := range found {
				if one.Line < 0 || one.Line > strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+2 || one.Message == "" {
					t.Fatalf("%+v", one)
				}
			}
			return
		}
		shown, err := c.Show()
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("f.yaml", shown, environment(nil))
		if err != nil {
			t.Fatalf("%v\n%s", err, shown)
		}
		const masked = "********" // what is shown of a secret
		if c.Graph.Password != "" {
			c.Graph.Password = masked
		}
		for i := range c.Sources {
			if c.Sources[i].Token != "" {
				c.Sources[i].Token = masked
			}
		}
		if diff := cmp.Diff(c, again, ignoreShown); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzExpand holds Expand against what the rule says, part by part: a text is made of parts with a known outcome.
func FuzzExpand(f *testing.F) {
	f.Add("a", "X", "b", "fallback")
	f.Add("$", "PASSWORD", "}", "")
	f.Add("$$", "a b", "{", "${")
	f.Fuzz(func(t *testing.T, before, name, value, fallback string) {
		lookup := func(asked string) (string, bool) { return value, asked == name }
		if value, masked, err := config.Expand(before, lookup); !strings.Contains(before, "${") {
			if value != before || masked != before || err != nil {
				t.Fatalf("plain %q became %q, %q, %v", before, value, masked, err)
			}
		}
		if got, _, err := config.Expand("$${"+name, lookup); !strings.Contains(name, "${") && (err != nil || got != "${"+name) {
			t.Fatalf("an escape became %q, %v", got, err)
		}
		if strings.ContainsAny(before, "${") || !isName(name) || strings.ContainsAny(fallback, "}$") {
			return
		}
		want, fails := value, value == ""
		got, masked, err := config.Expand(before+"${"+name+"}", lookup)
		if (err != nil) != fails || err == nil && got != before+want {
			t.Fatalf("%q with %q=%q became %q, %v", before, name, value, got, err)
		}
		if strings.Contains(name, "PASSWORD") && err == nil && masked != before+"********" {
			t.Fatalf("a secret is shown: %q", masked)
		}
		if want == "" {
			want = fallback
		}
		if got, _, err = config.Expand("${"+name+":-"+fallback+"}"+before, lookup); err != nil || got != want+before {
			t.Fatalf("default: %q, %v", got, err)
		}
	})
}

func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
