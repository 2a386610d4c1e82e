package catalog

import (
	"cmp"
	"iter"
	"slices"
)

// Merge computes the Model of a set of documents. The order in which they come makes no difference. It keeps strings of
// the documents, and the maps and lists of their descriptors, which must not be changed afterwards; nothing else of a
// document is needed once the next one is asked for.
//
// What an entity becomes follows from the claims about its Ref and from the aliases that stand for it; what an edge
// becomes follows from the claims about its two ends. Nothing else of the set is looked at, but for names where an alias
// is matched by name.
func Merge(documents iter.Seq[*Document], options MergeOptions) *Model {
	m := &merger{statements: gather(documents)}
	m.elect()
	m.identify(options)
	facts := m.facts()
	m.arrange()
	entities, edges := m.entities(), m.edges(facts)
	slices.SortFunc(m.problems, CompareProblems)
	return &Model{Entities: entities, Edges: edges, Problems: slices.Compact(m.problems)}
}

// merger holds what becomes known step by step.
type merger struct {
	*statements
	elections []election              // by Ref
	identity  []resolution            // by alias
	known     map[int32][]EntityAlias // by Ref
	links     map[int32][]Link        // contributed, by Ref
	found     map[int32]bool          // Refs that come from an alias alone → a document that is not stale mentions it
	mentioned []bool                  // by Ref: there is an entity for it
	sorted    []int32                 // the mentioned Refs in their order
	rank      []int32                 // by Ref: place in sorted
}

// refID interns a Ref that becomes known after the documents were gathered.
func (m *merger) refID(ref Ref) int32 {
	id := m.statements.refID(ref)
	for len(m.elections) < len(m.refs) {
		m.elections = append(m.elections, election{claim: none})
		m.mentioned = append(m.mentioned, false)
	}
	return id
}

// counted yields the claims that count, in order of precedence, each with the document it stands in: contributions, and
// of the claims that describe one Ref the first.
func (m *merger) counted(yield func(document, claim int32) bool) {
	for d := range m.documents {
		for c := m.documents[d].firstClaim; c < m.documents[d].endClaim; c++ {
			claim := &m.claims[c]
			if claim.descriptor != nil && claim.subject >= 0 && m.elections[claim.subject].claim != c {
				continue
			}
			if !yield(int32(d), c) {
				return
			}
		}
	}
}

// refOf is the Ref that a subject stands for.
func (m *merger) refOf(subject int32) int32 {
	if subject >= 0 {
		return subject
	}
	return m.identity[^subject].ref
}

// arrange sorts the Refs that have an entity.
func (m *merger) arrange() {
	for ref := range m.refs {
		if m.mentioned[ref] {
			m.sorted = append(m.sorted, int32(ref))
		}
	}
	slices.SortFunc(m.sorted, func(a, b int32) int { return cmp.Compare(m.refs[a], m.refs[b]) })
	m.rank = make([]int32, len(m.refs))
	for i, ref := range m.sorted {
		m.rank[ref] = int32(i)
	}
}

// entities makes the entities, in the order of their Refs.
func (m *merger) entities() []*Entity {
	entities := make([]*Entity, len(m.sorted))
	spelling := make(map[string]string)
	for i, ref := range m.sorted {
		entities[i] = m.entity(ref, spelling)
	}
	return entities
}

func (m *merger) entity(id int32, spelling map[string]string) *Entity {
	e := &Entity{}
	ref := m.refs[id]
	fresh, found := m.found[id]
	switch won := m.elections[id]; {
	case won.claim != none:
		document := &m.documents[won.document]
		e.Descriptor = *m.claims[won.claim].descriptor
		e.Origin, e.Line, e.Stale = document.origin, m.claims[won.claim].line, document.stale
	case found:
		e.Discovered, e.Lifecycle, e.Stale = true, LifecycleDiscovered, !fresh
	default:
		e.Placeholder = true
	}
	e.Ref = ref
	if e.Kind == "" || e.Namespace == "" || e.Name == "" {
		kind, namespace, name := ref.parts()
		if spelling[kind] == "" {
			spelling[kind] = KindSpelling(kind)
		}
		e.Kind, e.Namespace, e.Name = cmp.Or(e.Kind, spelling[kind]), cmp.Or(e.Namespace, namespace), cmp.Or(e.Name, name)
	}
	e.Links = unite(e.Links, m.links[id])
	e.Aliases = m.known[id]
	slices.SortFunc(e.Aliases, func(a, b EntityAlias) int { return cmp.Compare(a.Alias, b.Alias) })
	return e
}

// unite adds contributed links behind those of the descriptor. A link is the same where it leads to the same place for
// the same purpose; the descriptor's words for it stand.
func unite(own, contributed []Link) []Link {
	if len(contributed) == 0 {
		return own
	}
	slices.SortFunc(contributed, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.URL, b.URL), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Title, b.Title),
			cmp.Compare(a.Icon, b.Icon))
	})
	type purpose struct{ url, is string }
	seen := make(map[purpose]bool, len(own)+len(contributed))
	for _, link := range own {
		seen[purpose{link.URL, link.Type}] = true
	}
	links := slices.Clone(own)
	for _, link := range contributed {
		if p := (purpose{link.URL, link.Type}); !seen[p] {
			seen[p] = true
			links = append(links, link)
		}
	}
	return links
}
