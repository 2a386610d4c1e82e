package graph

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/orrery-catalog/orrery/catalog"
)

// AmbiguousError lists what a short name may mean.
type AmbiguousError struct {
	Typed      string
	Candidates []catalog.Ref // sorted, at most 100
}

func (e *AmbiguousError) Error() string { return e.Typed + " fits several entities" }

// nameIndex finds entities by less than their Ref.
type nameIndex struct {
	byName  []node          // by name, then Ref
	aliases map[string]node // in lower case
}

func (s *Snapshot) indexNames() *nameIndex {
	x := &nameIndex{byName: make([]node, s.Len()), aliases: map[string]node{}}
	names := make([]string, s.Len())
	for i, entity := range s.model.Entities {
		x.byName[i] = node(i)
		names[i] = entity.Ref.Name()
		for _, alias := range entity.Aliases {
			x.aliases[strings.ToLower(string(alias.Alias))] = node(i)
		}
	}
	slices.SortFunc(x.byName, func(a, b node) int {
		return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b))
	})
	return x
}

// from is the place of the first entity whose name is not less.
func (s *Snapshot) from(x *nameIndex, name string) int {
	return sort.Search(len(x.byName), func(i int) bool { return s.name(x.byName[i]) >= name })
}

func (s *Snapshot) name(a node) string { return s.model.Entities[a].Ref.Name() }

// Resolve reads what a person typed: a full Ref, a part of one ("payments", "shop/payments", "component:payments") in any
// case, or an alias. A short name that fits several entities is an [AmbiguousError]; one that fits none a *NotFoundError.
//
// Of those that fit, described entities are preferred to placeholders, then Components, Resources, APIs, Journeys and
// Systems to other kinds; where a kind was typed without a namespace, the one in the default namespace is meant, as in a
// catalog file.
func (s *Snapshot) Resolve(typed string) (*catalog.Entity, error) {
	lower := strings.ToLower(strings.TrimSpace(typed))
	if a := s.find(catalog.Ref(lower)); a >= 0 {
		return s.model.Entities[a], nil
	}
	index := s.names()
	if a, ok := index.aliases[lower]; ok {
		return s.model.Entities[a], nil
	}
	kind, namespace, name := cutTyped(lower)
	var fits []node
	for i := s.from(index, name); i < len(index.byName) && s.name(index.byName[i]) == name; i++ {
		ref := s.model.Entities[index.byName[i]].Ref
		if (kind == "" || ref.Kind() == kind) && (namespace == "" || ref.Namespace() == namespace) {
			fits = append(fits, index.byName[i])
		}
	}
	fits = prefer(fits, func(a node) bool { return !s.model.Entities[a].Placeholder })
	fits = prefer(fits, func(a node) bool {
		switch s.model.Entities[a].Ref.Kind() {
		case "component", "resource", "api", "journey", "system":
			return true
		}
		return false
	})
	if kind != "" {
		fits = prefer(fits, func(a node) bool { return s.model.Entities[a].Ref.Namespace() == catalog.DefaultNamespace })
	}
	switch len(fits) {
	case 0:
		return nil, s.notFound(strings.TrimSpace(typed))
	case 1:
		return s.model.Entities[fits[0]], nil
	}
	ambiguous := &AmbiguousError{Typed: typed}
	for _, a := range fits[:min(len(fits), maxAmbiguous)] {
		ambiguous.Candidates = append(ambiguous.Candidates, s.model.Entities[a].Ref)
	}
	return nil, ambiguous
}

// cutTyped splits by the grammar of Refs, leaving what is absent empty.
func cutTyped(s string) (kind, namespace, name string) {
	name = s
	if before, after, ok := strings.Cut(name, ":"); ok && !strings.Contains(before, "/") {
		kind, name = before, after
	}
	if before, after, ok := strings.Cut(name, "/"); ok {
		namespace, name = before, after
	}
	return kind, namespace, name
}

// prefer keeps those that are preferred, where there are any.
func prefer(nodes []node, preferred func(node) bool) []node {
	var kept []node
	for _, a := range nodes {
		if preferred(a) {
			kept = append(kept, a)
		}
	}
	if len(kept) == 0 {
		return nodes
	}
	return kept
}

// Bounds of the search for what a missing Ref may have meant.
const (
	maxCandidates  = 5
	maxAmbiguous   = 100
	maxCompared    = 2000 // names whose likeness is measured
	maxTypedLength = 256  // of a Ref: kind, namespace and name take at most 63 characters each
)

// notFound proposes the entities of the same name, then those whose names start alike and differ little.
func (s *Snapshot) notFound(typed string) *NotFoundError {
	missing := &NotFoundError{Ref: catalog.Ref(typed)}
	if len(typed) > maxTypedLength {
		return missing
	}
	kind, namespace, name := cutTyped(strings.ToLower(typed))
	if name == "" {
		return missing
	}
	type candidate struct {
		a        node
		distance int
	}
	var found []candidate
	index := s.names()
	middle := s.from(index, name)
	prefix := name[:min(2, len(name))]
	first, last := max(0, middle-maxCompared/2), min(len(index.byName), middle+maxCompared/2)
	for _, a := range index.byName[first:last] {
		other := s.name(a)
		if !strings.HasPrefix(other, prefix) {
			continue
		}
		tolerated := max(1, min(3, len(name)/3))
		longer := strings.HasPrefix(other, name) // maybe typed only so far
		if !longer && max(len(other)-len(name), len(name)-len(other)) > tolerated {
			continue
		}
		distance := tolerated
		if !longer || other == name {
			distance = levenshtein.ComputeDistance(name, other)
		}
		if distance > tolerated {
			continue
		}
		distance *= 4 // a slip in the name weighs more than another kind, and that more than another namespace
		ref := s.model.Entities[a].Ref
		if kind != "" && ref.Kind() != kind {
			distance += 2
		}
		if namespace != "" && ref.Namespace() != namespace {
			distance++
		}
		found = append(found, candidate{a, distance})
	}
	slices.SortFunc(found, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(x.distance, y.distance), cmp.Compare(x.a, y.a))
	})
	for _, c := range found[:min(len(found), maxCandidates)] {
		missing.Candidates = append(missing.Candidates, s.model.Entities[c.a].Ref)
	}
	return missing
}
