package files

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/tidwall/btree"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

// known is what scans leave behind in memory, so that a part can be read alone. Whoever takes it from the Scanner owns it.
type known struct {
	roots  []knownRoot
	opened int // files, at most
}

// knownRoot is what is known of one root. Names in it are those in the tree, without links.
type knownRoot struct {
	base, only string
	scopes     *btree.Set[string] // shown names of all that was reported
	*relations
}

// relations say which files say something because of others.
type relations struct {
	locations map[string]*location       // by file: where its Locations lead
	reads     map[string][]string        // by file: what its placeholders read, or tried to
	readers   map[string]map[string]file // by what is read: the files whose placeholders do
	owners    map[string]bool            // CODEOWNERS files that were read
	links     map[string][]string        // by symbolic link: what it leads to, step by step or at once
}

// location is a file that names others.
type location struct {
	file     file
	targets  []string // as written
	patterns []pattern
}

// pattern is what a target names.
type pattern struct {
	name string
	glob bool
}

func newRelations() *relations {
	return &relations{
		locations: make(map[string]*location), reads: make(map[string][]string), readers: make(map[string]map[string]file),
		links: make(map[string][]string), owners: make(map[string]bool),
	}
}

// newKnown is what whole scans of all roots leave behind; nil = parts cannot be read alone.
func newKnown(runs []*run, opened int) *known {
	k := &known{opened: opened}
	for i, r := range runs {
		for _, other := range runs[:i] {
			if folder.Below(r.tree.Base, other.tree.Base) || folder.Below(other.tree.Base, r.tree.Base) {
				return nil // who reads a file first depends on all that came before
			}
		}
		if r.listings.spent > maxGlobWork {
			return nil // what is looked at depends on all that was looked at before
		}
		if len(r.broken) > 0 {
			return nil // what a Location leads to is not known
		}
		scopes := new(btree.Set[string])
		for _, scope := range slices.Sorted(maps.Keys(r.reported)) {
			scopes.Insert(scope)
		}
		k.roots = append(k.roots, knownRoot{base: r.tree.Base, only: r.tree.Only, scopes: scopes, relations: r.found})
	}
	return k
}

// in yields the scopes whose name begins with the prefix.
func (k *knownRoot) in(prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		k.scopes.Ascend(prefix, func(scope string) bool { return strings.HasPrefix(scope, prefix) && yield(scope) })
	}
}

// holds says whether there is a scope whose name begins with the prefix.
func (k *knownRoot) holds(prefix string) bool {
	for range k.in(prefix) {
		return true
	}
	return false
}

// same says whether a file names the same others; nil names none.
func (l *location) same(other *location) bool {
	if l == nil || other == nil {
		return l == other
	}
	return slices.Equal(l.targets, other.targets)
}

// take hands over what is known, for a scan that will know better; nil = nothing. By the number the scan gives it back.
func (s *Scanner) take() (k *known, scan int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans++
	k, s.known = s.known, nil
	return k, s.scans
}

// learn takes over what is known at the good end of a scan, unless another began meanwhile. The watch hears of what was
// found in each root, nil where nothing was.
func (s *Scanner) learn(k *known, scan int, found []*relations) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scan != s.scans {
		return
	}
	s.known = k
	for i, r := range found {
		if s.watch != nil && r != nil {
			s.watch.Also(i, r.needed())
		}
	}
}

// noteLocation remembers that a file names another.
func (r *run) noteLocation(f file, target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.found.locations[f.real]
	if l == nil {
		l = &location{file: f}
		r.found.locations[f.real] = l
	}
	l.targets = append(l.targets, target)
}

// noteTarget remembers what a target of a file means; real is "" where it leads nowhere.
func (r *run) noteTarget(f file, name, real string, glob bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.found.locations[f.real]
	l.patterns = append(l.patterns, pattern{name, glob})
	if real != "" && real != name {
		l.patterns = append(l.patterns, pattern{name: real})
	}
}

// noteRead remembers that a placeholder of a file reads another; real is "" where it leads nowhere.
func (r *run) noteRead(f file, name, real string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.read(f, name)
	if real != "" && real != name {
		r.found.read(f, real)
	}
}

func (r *relations) read(f file, name string) {
	if r.readers[name] == nil {
		r.readers[name] = make(map[string]file)
	}
	if _, twice := r.readers[name][f.real]; !twice {
		r.readers[name][f.real] = f
		r.reads[f.real] = append(r.reads[f.real], name)
	}
}

// noteLink remembers where a symbolic link leads. Only the walk does that, in one goroutine, while files are read.
func (r *run) noteLink(link string) {
	leads := r.tree.Leads(link)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.links[link] = leads
}

// linked says whether a name is that of a link, passes one, or lies where one leads to or on the way there.
func (r *relations) linked(name string) bool {
	for link, leads := range r.links {
		if folder.Near(name, link) || slices.ContainsFunc(leads, func(lead string) bool { return folder.Near(name, lead) }) {
			return true
		}
	}
	return false
}

// naming lists the files whose Locations may lead to the name or, with all, to something in it.
func (r *relations) naming(name string, all bool) []file {
	var files []file
	for _, l := range r.locations {
		if slices.ContainsFunc(l.patterns, func(p pattern) bool { return p.names(name, all) }) {
			files = append(files, l.file)
		}
	}
	return files
}

func (p pattern) names(name string, all bool) bool {
	if !p.glob {
		return p.name == name || all && folder.Below(p.name, name) || folder.Below(name, p.name)
	}
	base, _ := doublestar.SplitPattern(p.name)
	if all {
		return folder.Near(base, name)
	}
	return doublestar.ValidatePattern(p.name) && doublestar.MatchUnvalidated(p.name, name) || folder.Below(base, name)
}

// reading lists the files whose placeholders read the name or, with all, something in it.
func (r *relations) reading(name string, all bool) []file {
	files := slices.Collect(maps.Values(r.readers[name]))
	if all {
		for read, by := range r.readers {
			if read != name && folder.Below(read, name) {
				files = slices.AppendSeq(files, maps.Values(by))
			}
		}
	}
	return files
}

// replace takes over what was found when the files were read again.
func (r *relations) replace(again map[string]bool, now *relations) {
	for real := range again {
		delete(r.locations, real)
		for _, name := range r.reads[real] {
			if delete(r.readers[name], real); len(r.readers[name]) == 0 {
				delete(r.readers, name)
			}
		}
		delete(r.reads, real)
	}
	maps.Copy(r.locations, now.locations)
	maps.Copy(r.owners, now.owners)
	for name, by := range now.readers {
		for _, f := range by {
			r.read(f, name)
		}
	}
}
