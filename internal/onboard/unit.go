package onboard

import (
	"path"
	"slices"
	"strings"
)

// unit is a folder that something is built in.
type unit struct {
	dir     string // "." for the root
	file    string // the first build file
	marks   []mark
	names   []Value // that build files state
	texts   []Value // descriptions that they state
	images  []string
	members bool // it only binds others together: a workspace, a parent
}

// trait is something that a build file tells.
type trait uint8

const (
	language   trait = iota // its text is a tag
	framework               // the same
	serves                  // it has a server
	shows                   // it is seen in a browser
	runs                    // it is a program, of whatever sort
	commands                // it is a program for a command line
	packs                   // it is made into an image
	lends                   // others build with it
	provisions              // it describes infrastructure
	documents               // it holds documentation alone
)

// mark is a trait with its reason.
type mark struct {
	trait trait
	text  string
	file  string
	why   string
}

func (u *unit) mark(t trait, text, file, why string) {
	if !slices.ContainsFunc(u.marks, func(m mark) bool { return m.trait == t && m.text == text }) {
		u.marks = append(u.marks, mark{t, text, file, why})
	}
}

func (u *unit) find(t trait) *mark {
	for i := range u.marks {
		if u.marks[i].trait == t {
			return &u.marks[i]
		}
	}
	return nil
}

// isProgram says whether something in the unit runs by itself.
func (u *unit) isProgram() bool {
	return u.find(packs) != nil || u.find(serves) != nil || u.find(shows) != nil || u.find(runs) != nil
}

// sort is the spec.type, by the words that Backstage has for it.
func (u *unit) sort() Value {
	serving, shown, packed := u.find(serves), u.find(shows), u.find(packs)
	running, lent, command := u.find(runs), u.find(lends), u.find(commands)
	of := func(text string, m *mark) Value { return Value{Text: text, Reason: m.reason()} }
	switch {
	case serving != nil:
		return of("service", serving)
	case shown != nil:
		return of("website", shown)
	case packed != nil:
		return of("service", packed)
	case command != nil:
		return of("tool", command)
	case running != nil:
		return of("service", running)
	case lent != nil:
		return of("library", lent)
	}
	for _, other := range []struct {
		trait trait
		text  string
	}{{provisions, "infrastructure"}, {documents, "documentation"}} {
		if m := u.find(other.trait); m != nil {
			return of(other.text, m)
		}
	}
	return Value{Text: "service", Reason: "nothing here says what it is; other usual types are website and library", Ask: true}
}

func (m *mark) reason() string {
	if m.file == "" {
		return m.why
	}
	return m.why + " (" + m.file + ")"
}

const maxTags = 8

// tags are languages, then frameworks.
func (u *unit) tags() []Value {
	var tags []Value
	for _, t := range []trait{language, framework} {
		for i := range u.marks {
			if m := &u.marks[i]; m.trait == t && len(tags) < maxTags {
				tags = append(tags, Value{Text: m.text, Reason: m.reason()})
			}
		}
	}
	return tags
}

// take unites a unit with one below it, which is a part of it.
func (u *unit) take(part *unit) {
	for _, m := range part.marks {
		u.mark(m.trait, m.text, m.file, m.why)
	}
	u.names, u.texts, u.images = append(u.names, part.names...), append(u.texts, part.texts...), append(u.images, part.images...)
	if u.file == "" {
		u.file = part.file
	}
}

// units finds what is built, by folder.
func (d *drafter) units() []*unit {
	byDir := make(map[string]*unit)
	var all []*unit
	for _, file := range d.tree.files {
		read := builderOf(path.Base(file))
		if read == nil || strings.HasPrefix(file, ".github/") {
			continue
		}
		dir := path.Dir(file)
		u := byDir[dir]
		if u == nil {
			u = &unit{dir: dir}
			byDir[dir], all = u, append(all, u)
		}
		if u.file == "" {
			u.file = file
		}
		read(d.tree, u, file)
	}
	slices.SortFunc(all, func(a, b *unit) int { return strings.Compare(a.dir, b.dir) })
	return all
}
