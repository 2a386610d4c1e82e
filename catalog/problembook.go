package catalog

import (
	"maps"
	"slices"
)

// problemBook counts problems: one that several tell is there once, until the last of them tells it no more.
type problemBook struct {
	count  map[Problem]int32
	before map[Problem]bool // of the problems that the present change counts: whether they were there before it
}

func newProblemBook() problemBook {
	return problemBook{count: make(map[Problem]int32), before: make(map[Problem]bool)}
}

func (b *problemBook) add(p Problem, n int32) {
	count := b.count[p]
	if _, noted := b.before[p]; !noted {
		b.before[p] = count > 0
	}
	if count += n; count == 0 {
		delete(b.count, p)
	} else {
		b.count[p] = count
	}
}

// change says which problems came and went since it was asked last.
func (b *problemBook) change() (came, went []Problem) {
	for p, was := range b.before {
		switch is := b.count[p] > 0; {
		case is && !was:
			came = append(came, p)
		case was && !is:
			went = append(went, p)
		}
	}
	if len(b.before) > 0 {
		b.before = make(map[Problem]bool)
	}
	slices.SortFunc(came, CompareProblems)
	slices.SortFunc(went, CompareProblems)
	return came, went
}

func (b *problemBook) all() []Problem { return slices.SortedFunc(maps.Keys(b.count), CompareProblems) }

// tell puts a problem, or none, in the place of another.
func (m *Merger) tell(place **Problem, p *Problem) {
	if *place != nil {
		m.problems.add(**place, -1)
	}
	if *place = p; p != nil {
		m.problems.add(*p, 1)
	}
}
