package graph

import (
	"cmp"
	"slices"
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

// Resolve reads what a person typed: a full Ref, a part of one ("payments", "shop/payments", "component:payments") in any
// case, an alias, or a Ref that the entity had before a descriptor took it over. A short name that fits several entities is an [AmbiguousError]; one that fits none a *NotFoundError.
//
// Of those that fit, described entities are preferred to placeholders, then Components, Resources, APIs, Journeys and
// Systems to other kinds; where a kind was typed without a namespace, the one in the default namespace is meant, as in a
// catalog file. A name that nothing has is looked for among those that workloads have in their clusters.
func (s *Snapshot) Resolve(typed string) (*catalog.Entity, error) {
	lower := strings.ToLower(strings.TrimSpace(typed))
	if a := s.find(catalog.Ref(lower)); a >= 0 {
		return s.entity(a), nil
	}
	if a := s.byAlias(lower); a >= 0 {
		return s.entity(a), nil
	}
	kind, namespace, name := cutTyped(lower)
	var fits []*catalog.Entity
	for entity := range s.named(name) {
		if entity.Ref.Name() != name {
			break
		}
		if (kind == "" || entity.Ref.Kind() == kind) && (namespace == "" || entity.Ref.Namespace() == namespace) {
			fits = append(fits, entity)
		}
	}
	if len(fits) == 0 && (kind == "" || kind == "workload") {
		fits = s.workloadsCalled(namespace, name)
	}
	fits = prefer(fits, func(e *catalog.Entity) bool { return !e.Placeholder })
	fits = prefer(fits, func(e *catalog.Entity) bool {
		switch e.Ref.Kind() {
		case "component", "resource", "api", "journey", "system":
			return true
		}
		return false
	})
	if kind != "" {
		fits = prefer(fits, func(e *catalog.Entity) bool { return e.Ref.Namespace() == catalog.DefaultNamespace })
	}
	switch len(fits) {
	case 0:
		if kind != "" {
			if a := s.byFormer(catalog.NewRef(kind, namespace, name)); a >= 0 {
				return s.entity(a), nil
			}
		}
		return nil, s.notFound(strings.TrimSpace(typed))
	case 1:
		return fits[0], nil
	}
	ambiguous := &AmbiguousError{Typed: typed}
	for _, entity := range fits[:min(len(fits), maxAmbiguous)] {
		ambiguous.Candidates = append(ambiguous.Candidates, entity.Ref)
	}
	return nil, ambiguous
}

// workloadsCalled lists the workloads that have a name in their clusters, where it is only the end of their Ref's name. It
// looks at all workloads.
func (s *Snapshot) workloadsCalled(namespace, name string) []*catalog.Entity {
	var called []*catalog.Entity
	for entity := range s.Entities("workload:") {
		if entity.Ref.Kind() != "workload" {
			break
		}
		if f := entity.Facts; f != nil && f.Workload != nil && f.Workload.Name == name && (namespace == "" || f.Workload.Namespace == namespace) {
			called = append(called, entity)
		}
	}
	return called
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
func prefer(entities []*catalog.Entity, preferred func(*catalog.Entity) bool) []*catalog.Entity {
	var kept []*catalog.Entity
	for _, entity := range entities {
		if preferred(entity) {
			kept = append(kept, entity)
		}
	}
	if len(kept) == 0 {
		return entities
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
		ref      catalog.Ref
		distance int
	}
	var found []candidate
	prefix := name[:min(2, len(name))]
	for _, ref := range s.namesAround(name, maxCompared/2) {
		other := ref.Name()
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
		if kind != "" && ref.Kind() != kind {
			distance += 2
		}
		if namespace != "" && ref.Namespace() != namespace {
			distance++
		}
		found = append(found, candidate{ref, distance})
	}
	slices.SortFunc(found, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(x.distance, y.distance), cmp.Compare(x.ref, y.ref))
	})
	for _, c := range found[:min(len(found), maxCandidates)] {
		missing.Candidates = append(missing.Candidates, c.ref)
	}
	return missing
}
