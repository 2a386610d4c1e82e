package onboard

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

const (
	maxServices = 100  // components that one draft describes
	maxPrograms = 1000 // that are told from one another
)

// aside are folders whose programs are tools of those who work there, where there are others.
var aside = map[string]bool{
	"docs": true, "doc": true, "documentation": true, "scripts": true, "tools": true, "tool": true, "hack": true, "ci": true,
	"tooling": true, "loadtest": true, "load-test": true, ".github": true,
}

func (u *unit) isAside() bool {
	first, _, _ := strings.Cut(u.dir, "/")
	return aside[first]
}

// services chooses what is a component of its own.
func (d *drafter) services(all []*unit) []*unit {
	var programs []*unit
	for _, u := range all {
		if u.isProgram() && (!u.members || u.find(packs) != nil) && !u.isAside() {
			programs = append(programs, u)
		}
	}
	if len(programs) == 0 {
		for _, u := range all {
			if u.isProgram() && !u.members {
				programs = append(programs, u)
			}
		}
	}
	if len(programs) == 0 {
		return []*unit{whole(all)}
	}
	slices.SortFunc(programs, func(a, b *unit) int {
		return cmp.Or(cmp.Compare(depth(a.dir), depth(b.dir)), strings.Compare(a.dir, b.dir))
	})
	found := len(programs)
	programs = apart(programs[:min(len(programs), maxPrograms)])
	if found > maxPrograms || len(programs) > maxServices {
		programs = programs[:min(len(programs), maxServices)]
		d.note("%d programs were found; the first %d services are drafted", found, len(programs))
	}
	for _, u := range programs {
		inherit(u, all)
	}
	return programs
}

// whole is a repository in which nothing runs by itself: one component of all its parts.
func whole(all []*unit) *unit {
	u := &unit{dir: "."}
	for _, part := range all {
		if part.dir == "." {
			u.take(part)
		}
	}
	if u.find(language) == nil && u.find(provisions) == nil {
		for _, part := range all {
			if !part.isAside() {
				u.take(part)
			}
		}
	}
	return u
}

// apart tells programs that are services of their own from those that are parts of one around them. A part that has an
// image of its own, or that is shown in a browser while the other serves, is one of its own; of a program without an image
// around several that have one, nothing else is deployed. They come by depth.
func apart(programs []*unit) []*unit {
	var own []*unit
	parts := make(map[*unit][]*unit)
	for _, u := range programs {
		var around *unit
		for _, other := range own {
			if below(u.dir, other.dir) {
				around = other // the nearest, since they come by depth
			}
		}
		switch {
		case around == nil:
			own = append(own, u)
		case u.find(packs) != nil && around.find(language) != nil, u.find(shows) != nil && around.find(serves) != nil && u.find(language) != nil:
			own = append(own, u)
			parts[around] = append(parts[around], u)
		default:
			around.take(u)
		}
	}
	dropped := make(map[*unit]bool)
	for _, u := range own {
		packed := 0
		for _, part := range parts[u] {
			if part.find(packs) != nil {
				packed++
			}
		}
		switch {
		case u.find(packs) != nil:
		case packed == 1 && len(parts[u]) == 1: // the image is that of the program around it
			u.take(parts[u][0])
			dropped[parts[u][0]] = true
		case packed > 1:
			dropped[u] = true
		}
	}
	return slices.DeleteFunc(own, func(u *unit) bool { return dropped[u] })
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

// inherit gives a unit without a language what the folders around it say: the image of a program of a module above.
func inherit(u *unit, all []*unit) {
	if u.find(language) != nil {
		return
	}
	var from *unit
	for _, other := range all {
		if other != u && other.find(language) != nil && !other.isAside() &&
			(below(u.dir, other.dir) && (from == nil || depth(other.dir) > depth(from.dir))) {
			from = other
		}
	}
	if from == nil {
		for _, other := range all { // what is below it, when nothing is above
			if other != u && other.find(language) != nil && below(other.dir, u.dir) {
				for _, m := range other.marks {
					if m.trait == language {
						u.mark(m.trait, m.text, m.file, m.why)
					}
				}
			}
		}
		return
	}
	for _, m := range from.marks {
		if m.trait == language {
			u.mark(m.trait, m.text, m.file, m.why)
		}
	}
}

// component is a service in the making.
type component struct {
	*Document
	unit *unit
	// called are names by which others may call it: of its folder, its image, its workloads.
	called map[string]bool
	needs  map[catalog.Ref]*Dependency
	twins  map[catalog.Ref]bool // discovered entities that are the component
}

// name names the components: the only one after the repository, others after their folders.
func (d *drafter) name(chosen []*unit) {
	repository := d.repositoryName()
	taken, folders := make(map[string]bool), make(map[string]int)
	for _, u := range chosen {
		folders[legal(path.Base(u.dir))]++
	}
	for _, u := range chosen {
		c := &component{
			Document: &Document{Kind: catalog.KindComponent, Folder: u.dir}, unit: u, called: make(map[string]bool),
			needs: make(map[catalog.Ref]*Dependency), twins: make(map[catalog.Ref]bool),
		}
		base := legal(path.Base(u.dir))
		switch {
		case d.single || u.dir == ".":
			c.Name = repository
			if name := firstName(u); d.single && d.repository == "" && name.Text != "" {
				c.Name = name
			}
		case base == "" || generic[base]:
			c.Name = Value{Text: legal(repository.Text + "-" + d.folderName(u.dir)), Reason: "the repository, and the folder " + u.dir}
			if runtime := d.runtimeName(u.dir); runtime != "" && !generic[runtime] {
				c.Name = Value{Text: runtime, Reason: "what it is called in " + d.compose.file}
			}
		default:
			c.Name = Value{Text: base, Reason: "the folder " + u.dir}
		}
		if c.Name.Text == "" {
			c.Name = Value{Text: "unnamed", Reason: "nothing names it: write what people call it", Ask: true}
		}
		for n := 2; taken[c.Name.Text]; n++ {
			next := legal(fmt.Sprintf("%s-%s", c.Name.Text, legal(path.Base(path.Dir(u.dir)))))
			if next == "" || taken[next] || n > 2 {
				next = fmt.Sprintf("%s-%d", strings.TrimRight(c.Name.Text[:min(len(c.Name.Text), maxName-4)], "-_"), n)
			}
			c.Name.Text = next
			c.Name.Reason = "the folder " + u.dir + "; others have the shorter name"
		}
		taken[c.Name.Text] = true
		c.called[c.Name.Text] = true
		if base != "" && (!generic[base] || folders[base] == 1) { // in its repository it is known by that alone
			c.called[base] = true
		}
		d.components = append(d.components, c)
	}
}

// firstName is the first name that the build files of a unit state, without what says that others are below it.
func firstName(u *unit) Value {
	for _, name := range u.names {
		text := legal(name.Text)
		for _, end := range []string{"-parent", "-root", "-monorepo", "-workspace", "-aggregator"} {
			text = strings.TrimSuffix(text, end)
		}
		if text != "" && !generic[text] {
			return Value{Text: text, Reason: name.Reason}
		}
	}
	return Value{}
}

// folderName is a folder without the parts that say nothing.
func (d *drafter) folderName(dir string) string {
	parts := strings.Split(dir, "/")
	for len(parts) > 1 && generic[parts[0]] {
		parts = parts[1:]
	}
	return strings.Join(parts, "-")
}

// repositoryName is what the repository is called.
func (d *drafter) repositoryName() Value {
	if name := legal(path.Base(d.options.Path)); d.options.Path != "" && name != "" {
		return Value{Text: name, Reason: "the name of the folder"}
	}
	if name := legal(path.Base(d.repository)); d.repository != "" && name != "" {
		return Value{Text: name, Reason: "the name of the repository"}
	}
	if d.stated.Text != "" {
		return d.stated
	}
	if name := legal(d.options.Folder); name != "" {
		return Value{Text: name, Reason: "the name of the folder"}
	}
	return Value{Text: "unnamed", Reason: "nothing names it: write what people call it", Ask: true}
}
