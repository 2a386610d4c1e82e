package manifests

import (
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

// known is what scans leave behind in memory, so that a part can be read alone. Whoever takes it from the Scanner owns it.
type known struct {
	world  *world
	roots  []knownRoot
	opened int // files, at most
}

// knownRoot is what is known of one root.
type knownRoot struct {
	base, only string
	links      map[string][]string // by symbolic link: what it leads to
}

// add takes in what a scan of a root found.
func (k *known) add(r *run) {
	k.roots = append(k.roots, knownRoot{base: r.root.Base, only: r.root.Only, links: r.links})
	for location, file := range r.files {
		k.world.put(location, file)
	}
}

// remember notes what a file has, for the next scan, once all files have been read; where something in it cannot be read
// now, also what it had before.
func (w *world) remember(before history, location string) {
	if dir, isFolder := strings.CutSuffix(location, "/"); isFolder {
		for _, inside := range before.below(dir) {
			w.history.Files[inside] = before.Files[inside]
			w.miss(before.Files[inside])
		}
		return
	}
	file := w.files[location]
	has := hadIn(file.objects)
	if file.lost {
		was := before.of(location)
		w.miss(was)
		has.add(was)
	}
	if delete(w.history.Files, location); len(has) > 0 {
		w.history.Files[location] = has
	}
}

// take hands over what is known, for a scan that will know better; nil = nothing. By the number the scan gives it back.
func (s *Scanner) take() (k *known, scan int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans++
	k, s.known = s.known, nil
	return k, s.scans
}

// learn takes over what is known at the good end of a scan, unless another began meanwhile.
func (s *Scanner) learn(k *known, scan int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scan == s.scans {
		s.known = k
		s.follow()
	}
}

// follow makes the watch hear of what links lead to. The caller holds the lock.
func (s *Scanner) follow() {
	if s.watch == nil || s.known == nil {
		return
	}
	for i, root := range s.known.roots {
		for _, leads := range root.links {
			s.watch.Also(i, slices.Values(leads))
		}
	}
}

// apart says whether parts of the roots can be read alone: unless who reads a file first depends on all that came before,
// or a folder could not be read, or something is kept as it was.
func (k *known) apart() bool {
	for i, one := range k.roots {
		for _, other := range k.roots[:i] {
			if folder.Near(one.base, other.base) {
				return false
			}
		}
	}
	for location := range maps.Keys(k.world.files) {
		if strings.HasSuffix(location, "/") {
			return false
		}
	}
	return len(k.world.missing) == 0
}

// linked says whether a name is that of a link, passes one, or lies where one leads to or on the way there.
func (r *knownRoot) linked(name string) bool {
	for link, leads := range r.links {
		if folder.Near(name, link) || slices.ContainsFunc(leads, func(lead string) bool { return folder.Near(name, lead) }) {
			return true
		}
	}
	return false
}
