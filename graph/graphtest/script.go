package graphtest

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// RunScripts runs every *.graph file in the root of fsys as a subtest. The language is explained in testdata/README.md.
func RunScripts(t *testing.T, fsys fs.FS) {
	names, err := fs.Glob(fsys, "*.graph")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts found (%v)", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(name, ".graph"), func(t *testing.T) {
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{T: t, name: name}
			s.run(string(text))
		})
	}
}

// script is one file under way.
type script struct {
	*testing.T
	name     string
	snapshot *graph.Snapshot
	question string // of the eval that waits for its expect; "" = none
	asked    int    // line of it
	answers  int
}

// block is a word at the start of a line, with what stands behind it and the indented lines below.
type block struct {
	word, rest string
	number     int
	lines      []line
}

type line struct {
	number int
	text   string
}

func (s *script) run(text string) {
	for _, b := range s.blocks(text) {
		switch b.word {
		case "load":
			s.load(b)
		case "eval":
			if s.question != "" {
				s.fail(s.asked, "eval has no expect")
			}
			s.question, s.asked = b.rest, b.number
		case "expect":
			s.expect(b)
		default:
			s.fail(b.number, "%q is none of load, eval, expect", b.word)
		}
	}
	if s.question != "" || s.answers == 0 {
		s.fail(s.asked, "an eval without expect, or none at all")
	}
}

func (s *script) fail(number int, format string, args ...any) {
	s.Helper()
	s.Fatalf("%s:%d: %s", s.name, number, fmt.Sprintf(format, args...))
}

// blocks splits the text; # starts a comment.
func (s *script) blocks(text string) []block {
	var blocks []block
	for i, raw := range strings.Split(text, "\n") {
		content, _, _ := strings.Cut(raw, "#")
		content = strings.TrimRight(content, " \t\r")
		switch {
		case content == "":
		case content[0] != ' ' && content[0] != '\t':
			word, rest, _ := strings.Cut(content, " ")
			blocks = append(blocks, block{word: word, rest: strings.TrimSpace(rest), number: i + 1})
		case len(blocks) == 0:
			s.fail(i+1, "an indented line before the first word")
		default:
			last := &blocks[len(blocks)-1]
			last.lines = append(last.lines, line{i + 1, strings.Join(strings.Fields(content), " ")})
		}
	}
	return blocks
}

func (s *script) expect(b block) {
	switch {
	case s.question == "":
		s.fail(b.number, "expect without an eval before it")
	case s.snapshot == nil:
		s.fail(s.asked, "eval without a load before it")
	}
	var want []string
	for _, line := range b.lines {
		want = append(want, line.text)
	}
	if b.rest != "" {
		want = append(want, b.rest)
	}
	got, err := s.answer(s.question)
	if notFound := (*graph.NotFoundError)(nil); errors.As(err, &notFound) {
		got = []string{err.Error()}
	} else if err != nil {
		s.fail(s.asked, "%v", err)
	}
	if len(got) == 0 {
		got = []string{"nothing"}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s:%d: eval %s (-expected +got):\n%s", s.name, s.asked, s.question, diff)
	}
	s.question = ""
	s.answers++
}

// refOf reads a name as scripts write it: "checkout" is a Component, "api:orders" of another kind, both in the default
// namespace.
func refOf(word string) (catalog.Ref, error) {
	return catalog.ParseRef(word, catalog.KindComponent, "")
}

// short is the opposite of refOf.
func short(ref catalog.Ref) string {
	switch {
	case ref.Namespace() != catalog.DefaultNamespace:
		return string(ref)
	case ref.Kind() == "component":
		return ref.Name()
	default:
		return ref.Kind() + ":" + ref.Name()
	}
}

// words are read from left to right.
type words struct {
	left []string
	err  error
}

func (w *words) next() string {
	if len(w.left) == 0 {
		if w.err == nil {
			w.err = fmt.Errorf("the line ends too early")
		}
		return ""
	}
	word := w.left[0]
	w.left = w.left[1:]
	return word
}

// accept takes the next word if it is this one.
func (w *words) accept(word string) bool {
	if len(w.left) > 0 && w.left[0] == word {
		w.left = w.left[1:]
		return true
	}
	return false
}

func (w *words) ref() catalog.Ref {
	ref, err := refOf(w.next())
	if err != nil && w.err == nil {
		w.err = err
	}
	return ref
}

func (w *words) number() int {
	n, err := strconv.Atoi(w.next())
	if err != nil && w.err == nil {
		w.err = err
	}
	return n
}

// done is the error of the line, also where words are left that nothing has read.
func (w *words) done() error {
	if w.err == nil && len(w.left) > 0 {
		return fmt.Errorf("%q is not understood", w.left[0])
	}
	return w.err
}

// join tells refs the short way.
func join(refs []catalog.Ref, separator string) string {
	names := slices.Collect(func(yield func(string) bool) {
		for _, ref := range refs {
			if !yield(short(ref)) {
				return
			}
		}
	})
	return strings.Join(names, separator)
}
