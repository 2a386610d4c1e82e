package peers

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A peer is a checker that Orrery is compared with.
type peer struct {
	name string
	// find gives the path of the program and its version; a program that is not there skips the test.
	find func(t *testing.T) (program, version string)
	// judge runs the program on all manifests of a folder.
	judge func(t *testing.T, p peer, program, dir string) []verdict
	// asks are, by the id of a check of ours, the checks of the peer that ask the same; none = it has none.
	asks map[string][]ask
}

// An ask is a check of a peer, or that part of it whose message names a word.
type ask struct {
	check, word string
	// kind is of the objects that the check reports, where it is not the kind that the question is about.
	kind string
}

func asks(checks ...string) []ask {
	all := make([]ask, len(checks))
	for i, check := range checks {
		all[i].check = check
	}
	return all
}

// asksBy says whether a check of the peer asks what a check of ours asks.
func (p peer) asksBy(ours, theirs string) bool {
	return slices.ContainsFunc(p.asks[ours], func(a ask) bool { return a.check == theirs })
}

// onPath finds a program, and what it says of its version.
func onPath(name, arg string) func(t *testing.T) (string, string) {
	return func(t *testing.T) (string, string) {
		t.Helper()
		program, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not on PATH: what it was recorded to say is used", name)
		}
		out, err := exec.CommandContext(t.Context(), program, arg).Output()
		if err != nil {
			t.Fatalf("%s %s: %v", name, arg, err)
		}
		words := strings.FieldsFunc(string(out), func(r rune) bool { return r == ':' || r == ' ' || r == '\n' })
		return program, "v" + strings.TrimPrefix(words[len(words)-1], "v")
	}
}

// answer is what a peer says to a question: whether it reports the object, in which grade and words; asked is false where
// it has no check of that.
type answer struct {
	asked, flagged bool
	grade, message string
}

func (p peer) answer(q question, said []verdict) answer {
	checks, asked := p.asks[q.Check]
	a := answer{asked: asked}
	for _, v := range said {
		if v.Outcome != "FAIL" || v.Container != "" && v.Container != q.Container && q.Container != "" {
			continue
		}
		if !slices.ContainsFunc(checks, func(c ask) bool { return c.reports(v, q.Workload) }) {
			continue
		}
		if !a.flagged || v.Grade == "CRITICAL" {
			a.flagged, a.grade, a.message = true, v.Grade, v.Message
		}
	}
	return a
}

func (c ask) reports(v verdict, object string) bool {
	same := v.Object == object
	if c.kind != "" {
		same = strings.HasPrefix(v.Object, c.kind+" ")
	}
	return same && c.check == v.Check && strings.Contains(v.Message, c.word)
}

// How a peer's answer compares with the right one.
const (
	agrees     = "agrees"
	misses     = "misses it"
	falseAlarm = "false alarm"
	tooGrave   = "too grave"
	noCheck    = "no check"
)

func (a answer) compare(q question) string {
	switch {
	case !a.asked:
		return noCheck
	case a.flagged && !q.flagged():
		return falseAlarm
	case !a.flagged && q.flagged():
		return misses
	case a.flagged && q.Severity == "WARNING" && a.grade == "CRITICAL":
		return tooGrave
	}
	return agrees
}
