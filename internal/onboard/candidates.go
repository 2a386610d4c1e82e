package onboard

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// candidate is a repository that runs something that nobody declares.
type candidate struct {
	Repository
	runs []undeclared
}

func (c *candidate) refs() []catalog.Ref {
	var refs []catalog.Ref
	for _, u := range c.runs {
		refs = append(refs, u.ref)
	}
	return refs
}

// undeclared is something that runs, with why it is believed to be of the repository.
type undeclared struct {
	ref    catalog.Ref
	reason string
}

// maxRunning is how much of what a repository runs is told.
const maxRunning = 20

// candidates are the repositories that a proposal is for, by name. What somebody describes, wherever that stands, is none.
func (p *Proposer) candidates(s *graph.Snapshot) []candidate {
	known := places{byName: make(map[string][]int), byFull: make(map[string]int)}
	var all []candidate
	for _, r := range p.config.Reader.Repositories() {
		full := strings.ToLower(r.FullName)
		if _, twice := known.byFull[full]; twice || !legalFullName.MatchString(r.FullName) {
			continue
		}
		at := len(all)
		if r.HasCatalog || r.Archived || r.Fork {
			at = noCandidate // but what is of it is not of another of its name
		} else {
			all = append(all, candidate{Repository: r})
		}
		known.byFull[full] = at
		known.byName[path.Base(full)] = append(known.byName[path.Base(full)], at)
	}
	described := make(map[int]bool)
	names := make(map[string]int) // how many undeclared things have a name
	var running []*catalog.Entity
	prefix := catalog.WorldRepository + ":" + strings.ToLower(p.config.Host) + "/"
	for entity := range s.Entities("") {
		if isUndeclared(entity) {
			running = append(running, entity)
			names[entity.Ref.Kind()+" "+plainName(entity)]++
			continue
		}
		if entity.Placeholder || entity.Discovered || entity.Found {
			continue
		}
		for _, alias := range entity.Aliases {
			if full, ok := strings.CutPrefix(string(alias.Alias), prefix); ok {
				if i, ok := known.byFull[full]; ok {
					described[i] = true
				}
			}
		}
	}
	for _, entity := range running {
		unique := names[entity.Ref.Kind()+" "+plainName(entity)] == 1
		i, reason := known.of(s, entity, prefix, unique)
		if i >= 0 && !described[i] && len(all[i].runs) < maxRunning {
			all[i].runs = append(all[i].runs, undeclared{entity.Ref, reason})
		}
	}
	all = slices.DeleteFunc(all, func(c candidate) bool { return len(c.runs) == 0 })
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(strings.ToLower(a.FullName), strings.ToLower(b.FullName)) })
	return all
}

// isUndeclared says whether an entity runs, and nobody declares or owns it.
func isUndeclared(e *catalog.Entity) bool {
	kind := e.Ref.Kind()
	return e.Discovered && e.Owner == "" && !e.Stale && (kind == "component" || kind == "workload")
}

// plainName is what an entity is called where it runs, in lower case.
func plainName(e *catalog.Entity) string {
	if e.Facts != nil && e.Facts.Workload != nil {
		return strings.ToLower(e.Facts.Workload.Name)
	}
	return e.Ref.Name()
}

// places find repositories by their names in lower case; a number is that of a candidate.
type places struct {
	byName map[string][]int // by the name alone
	byFull map[string]int   // by owner/name
}

const (
	noCandidate = -1 // a repository that nothing is proposed to
	nowhere     = -2 // no repository, or none that is sure
)

// of finds the repository of something that runs, by its alias, its image, or a name that nothing else has. What its image
// says counts more than its name.
func (k *places) of(s *graph.Snapshot, e *catalog.Entity, prefix string, unique bool) (at int, reason string) {
	for _, alias := range e.Aliases {
		if full, ok := strings.CutPrefix(string(alias.Alias), prefix); ok {
			if at, ok := k.byFull[full]; ok {
				return at, "it says that it is of this repository"
			}
		}
	}
	public := false
	for _, image := range imagesOf(s, e) {
		if isPublic(image) {
			public = true
		} else if at := k.ofImage(imageName(image)); at != nowhere {
			return at, "it runs the image " + imageName(image)
		}
	}
	name := plainName(e)
	if only := k.byName[name]; !public && unique && len(only) == 1 {
		return only[0], "it is called like this repository, and nothing else is"
	}
	return nowhere, ""
}

// ofImage finds the repository in the name of an image, which has neither version nor digest: in that of its registry's
// account, as ghcr.io/acme/checkout and ghcr.io/acme/checkout/worker, else by an end that only one repository has.
func (k *places) ofImage(name string) int {
	parts := strings.Split(name, "/")
	for i := len(parts) - 2; i >= 1; i-- {
		if at, ok := k.byFull[parts[i]+"/"+parts[i+1]]; ok {
			return at
		}
	}
	if only := k.byName[path.Base(name)]; len(only) == 1 && strings.ContainsAny(parts[0], ".:") {
		return only[0]
	}
	return nowhere
}

// imagesOf are those of the containers that a workload, or what runs on it, keeps running.
func imagesOf(s *graph.Snapshot, e *catalog.Entity) []string {
	var images []string
	add := func(e *catalog.Entity) {
		if e.Facts == nil || e.Facts.Workload == nil {
			return
		}
		for _, c := range e.Facts.Workload.Containers {
			if c.Role == catalog.MainContainer && c.Image != "" {
				images = append(images, c.Image)
			}
		}
	}
	add(e)
	out, _ := s.Relations(e.Ref)
	for edge := range out {
		if edge.Type != catalog.RunsOn {
			continue
		}
		if w, err := s.Entity(edge.To); err == nil {
			add(w)
		}
	}
	return images
}
