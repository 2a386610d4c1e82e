package peers

import (
	"slices"
	"testing"
)

// peers are all that Orrery is compared with, in the order of the page.
var peers = append(slices.Clone(programs), kubescape)

// ourselves is the name under which a case says why Orrery goes wrong, where it does.
const ourselves = "orrery"

// A comparison is a question with what each peer makes of it, by name.
type comparison struct {
	question
	said map[string]string // one of agrees … noCheck
}

// comparisons are of all cases.
func comparisons(t *testing.T) []comparison {
	t.Helper()
	said, _ := recorded(t)
	var all []comparison
	for _, q := range questions(t) {
		c := comparison{question: q, said: map[string]string{}}
		for _, p := range programs {
			c.said[p.name] = p.answer(q, onCase(said, p.name, q.Name)).compare(q)
		}
		c.said[kubescape.name] = kubescape.answer(q, kubescape.judge(t, kubescape, "", q.manifest(t))).compare(q)
		all = append(all, c)
	}
	return all
}

func onCase(vs []verdict, tool, name string) []verdict {
	return slices.DeleteFunc(of(vs, tool), func(v verdict) bool { return v.Case != name })
}

// TestReasons holds that a case says why a peer goes wrong exactly where it does.
func TestReasons(t *testing.T) {
	for _, c := range comparisons(t) {
		for name := range c.Why {
			if _, compared := c.said[name]; !compared && name != ourselves {
				t.Errorf("%s: why names %s, which is not compared", c.Name, name)
			}
		}
		for _, p := range peers {
			differs := c.said[p.name] != agrees && c.said[p.name] != noCheck
			if reason := c.Why[p.name]; differs != (reason != "") {
				t.Errorf("%s: %s: %s; the reason given is %q", c.Name, p.name, c.said[p.name], reason)
			}
		}
	}
}
