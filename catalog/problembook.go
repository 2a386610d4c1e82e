package catalog

import "slices"

// problemBook counts problems: one that several tell is there once, until the last of them tells it no more. It stands at
// the first of the versions that they tell.
type problemBook struct {
	told   map[Problem][]*Version // who tells it; the keys have no Version
	before map[Problem]standing   // of the problems that the present change counts: how they stood before it
}

// standing is whether a problem is there, and at which version.
type standing struct {
	version *Version
	there   bool
}

func newProblemBook() problemBook {
	return problemBook{told: make(map[Problem][]*Version), before: make(map[Problem]standing)}
}

func (b *problemBook) standing(p Problem) standing {
	told := b.told[p]
	if len(told) == 0 {
		return standing{}
	}
	return standing{slices.MinFunc(told, compareVersions), true}
}

// note remembers how a problem stood before the present change, and gives its key.
func (b *problemBook) note(p Problem) (key Problem) {
	p.Version = nil
	if _, noted := b.before[p]; !noted {
		b.before[p] = b.standing(p)
	}
	return p
}

func (b *problemBook) add(p Problem) {
	key := b.note(p)
	b.told[key] = append(b.told[key], p.Version)
}

// remove takes back what add was given.
func (b *problemBook) remove(p Problem) {
	key := b.note(p)
	told := b.told[key]
	i := slices.IndexFunc(told, func(v *Version) bool { return compareVersions(v, p.Version) == 0 })
	if i < 0 {
		return
	}
	told, _ = take(told, int32(i))
	keep(b.told, key, told)
}

// change says which problems came, went and moved to another version since it was asked last.
func (b *problemBook) change() (came, went, moved []Problem) {
	for p, was := range b.before {
		is := b.standing(p)
		switch p.Version = is.version; {
		case is.there && !was.there:
			came = append(came, p)
		case was.there && !is.there:
			went = append(went, p)
		case is.there && compareVersions(was.version, is.version) != 0:
			moved = append(moved, p)
		}
	}
	if len(b.before) > 0 {
		b.before = make(map[Problem]standing)
	}
	slices.SortFunc(came, CompareProblems)
	slices.SortFunc(went, CompareProblems)
	slices.SortFunc(moved, CompareProblems)
	return came, went, moved
}

func (b *problemBook) all() []Problem {
	var all []Problem
	for p := range b.told {
		p.Version = b.standing(p).version
		all = append(all, p)
	}
	slices.SortFunc(all, CompareProblems)
	return all
}

// tell puts a problem, or none, in the place of another.
func (m *Merger) tell(place **Problem, p *Problem) {
	if *place != nil {
		m.problems.remove(**place)
	}
	if *place = p; p != nil {
		m.problems.add(*p)
	}
}
