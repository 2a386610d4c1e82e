package catalog

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// statements are all claims in a compact form. Refs and aliases are numbered as they come; a subject is the number of a
// Ref, or, below zero, the complement of that of an alias.
type statements struct {
	documents []documentRecord // in order of precedence
	claims    []claimRecord
	targets   []edgeRecord
	refs      []Ref
	aliases   []Alias
	refIDs    map[Ref]int32
	aliasIDs  map[Alias]int32
	problems  []Problem
	// toldSelf holds the entities whose documents tell already that they refer to themselves.
	toldSelf map[Ref]bool
}

// documentRecord is a document without its claims, which are claims[firstClaim:endClaim].
type documentRecord struct {
	id                   DocumentID
	ordinal, priority    int
	stale                bool
	origin               *Origin
	firstClaim, endClaim int32
}

// claimRecord is a claim without its edges, which are targets[firstEdge:endEdge].
type claimRecord struct {
	descriptor         *Descriptor
	more               *claimDetails // nil for most
	subject, line      int32
	firstEdge, endEdge int32
}

type claimDetails struct {
	aliases []AliasClaim
	links   []Link
	hints   []Hint
}

// edgeRecord is an EdgeClaim.
type edgeRecord struct {
	details  *edgeDetails // nil for most
	target   int32
	line     int32
	relation RelationType
	strength Strength
	role     Role
	evidence EvidenceKind
	reverse  bool
	detailed bool
}

type edgeDetails struct {
	anyOf, fallback string
	calls           float64
	timeout         time.Duration
}

const none = -1

// gather reads the documents and puts them in order of precedence: the higher priority, then the smaller location, then
// the earlier document. What is left of ties, between sources that read one place, their ids decide.
func gather(documents iter.Seq[*Document]) *statements {
	s := &statements{refIDs: make(map[Ref]int32), aliasIDs: make(map[Alias]int32), toldSelf: make(map[Ref]bool)}
	for document := range documents {
		s.add(document)
	}
	slices.SortFunc(s.documents, func(a, b documentRecord) int {
		return cmp.Or(
			cmp.Compare(b.priority, a.priority), cmp.Compare(a.origin.Location, b.origin.Location),
			cmp.Compare(a.ordinal, b.ordinal), cmp.Compare(a.id.Source, b.id.Source),
			cmp.Compare(a.id.Scope, b.id.Scope), cmp.Compare(a.id.Key, b.id.Key),
		)
	})
	return s
}

func (s *statements) add(document *Document) {
	s.problems = append(s.problems, document.Problems...)
	for i := range document.Problems {
		if problem := &document.Problems[i]; problem.Code == CodeSelfDependency {
			s.toldSelf[problem.Ref] = true
		}
	}
	first := int32(len(s.claims))
	for i := range document.Claims {
		s.addClaim(&document.Claims[i])
	}
	if len(document.Claims) == 0 {
		return
	}
	s.documents = append(s.documents, documentRecord{
		id: document.ID, ordinal: document.Ordinal, priority: document.Priority, stale: document.Stale,
		origin:     &Origin{document.ID.Source, document.Location, document.Environment},
		firstClaim: first, endClaim: int32(len(s.claims)),
	})
}

func (s *statements) addClaim(claim *Claim) {
	subject, ok := s.subject(claim.Subject)
	if !ok {
		return
	}
	record := claimRecord{
		descriptor: claim.Descriptor, subject: subject, line: claim.Line, firstEdge: int32(len(s.targets)),
	}
	if len(claim.Aliases) > 0 || len(claim.Links) > 0 || len(claim.Hints) > 0 {
		record.more = &claimDetails{claim.Aliases, claim.Links, claim.Hints}
	}
	for i := range claim.Edges {
		s.addEdge(&claim.Edges[i], claim.Line)
	}
	record.endEdge = int32(len(s.targets))
	s.claims = append(s.claims, record)
}

// addEdge passes over what is no relation: one without a target, or of a type or evidence that is not known here.
func (s *statements) addEdge(edge *EdgeClaim, line int32) {
	target, ok := s.subject(edge.Target)
	if !ok || edge.Type.String() == "" || edge.Evidence.String() == "" {
		return
	}
	record := edgeRecord{
		target: target, line: cmp.Or(edge.Line, line), relation: edge.Type, strength: edge.Strength, role: edge.Role,
		evidence: edge.Evidence, reverse: edge.Reverse, detailed: edge.Detailed,
	}
	if edge.AnyOf != "" || edge.Fallback != "" || edge.CallsPerRequest != 0 || edge.Timeout != 0 {
		record.details = &edgeDetails{edge.AnyOf, edge.Fallback, edge.CallsPerRequest, edge.Timeout}
	}
	s.targets = append(s.targets, record)
}

func (s *statements) subject(subject Subject) (id int32, ok bool) {
	switch {
	case subject.Ref != "":
		return s.refID(subject.Ref), true
	case subject.Alias != "":
		return ^s.aliasID(subject.Alias), true
	}
	return 0, false
}

func (s *statements) refID(ref Ref) int32 {
	id, ok := s.refIDs[ref]
	if !ok {
		id = int32(len(s.refs))
		s.refIDs[ref] = id
		s.refs = append(s.refs, ref)
	}
	return id
}

func (s *statements) aliasID(alias Alias) int32 {
	id, ok := s.aliasIDs[alias]
	if !ok {
		id = int32(len(s.aliases))
		s.aliasIDs[alias] = id
		s.aliases = append(s.aliases, alias)
	}
	return id
}
