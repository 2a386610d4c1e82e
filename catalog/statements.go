package catalog

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The records below are all claims in a compact form. Refs and aliases are numbers; a subject is the number of a Ref, or,
// below zero, the complement of that of an alias.

// documentRecord is a document.
type documentRecord struct {
	id                DocumentID
	ordinal, priority int
	stale, held       bool    // what is held is stale, too
	lastSeen          Instant // 0 where it is not stale
	origin            *Origin
	claims            []claimRecord
	problems          []Problem
}

// claimRecord is a claim. It counts unless it describes a Ref that another describes before it.
type claimRecord struct {
	document   *documentRecord
	descriptor *Descriptor   // nil = a contribution
	more       *claimDetails // nil for most
	edges      []edgeRecord
	aliases    []statedAlias
	subject    int32
	owner      int32 // of the descriptor; none
	line       int32
	index      int32 // in the document
	place      int32 // in the list of its subject: contributed or subjects
	firstSeen  Instant
	lastSeen   Instant // 0 where that is when the document was read
	counted    bool
	found      bool // of a contribution about a Ref
	stale      bool // of itself, whatever its document is
	yields     bool // see Claim
	entry      Entry
}

func (c *claimRecord) isStale() bool { return c.stale || c.document.stale }

// seenLast is when the subject was seen last; 0 = in the last good scan, or unknown.
func (c *claimRecord) seenLast() Instant { return cmp.Or(c.lastSeen, c.document.lastSeen) }

func (c *claimRecord) isEdgeStale(i int32) bool { return c.edges[i].stale() || c.document.stale }

// edgeSeenLast is the same for an edge.
func (c *claimRecord) edgeSeenLast(i int32) Instant {
	return cmp.Or(c.edges[i].lastSeen, c.document.lastSeen)
}

type claimDetails struct {
	facts     *Facts
	links     []Link
	hints     []Hint
	owners    []OwnerHint
	labels    []labelRecord
	selectors []selectorRecord
}

// statedAlias is an AliasClaim.
type statedAlias struct {
	alias, line int32
	place       int32 // in the list of the alias: declared or stated
}

// edgeRecord is an EdgeClaim. There are millions, so it is kept to 32 bytes.
type edgeRecord struct {
	details             *edgeDetails // nil for most
	target              int32
	line                int32
	place               int32 // in the list of the target; not used for a forward edge to a Ref
	firstSeen, lastSeen Instant
	relation            RelationType
	strength            Strength
	role                Role
	how                 uint8 // an EvidenceKind, isStale, isReverse, isDetailed
}

const (
	isStale    = 1 << 5
	isReverse  = 1 << 6
	isDetailed = 1 << 7
)

func (e *edgeRecord) evidence() EvidenceKind {
	return EvidenceKind(e.how &^ (isStale | isReverse | isDetailed))
}
func (e *edgeRecord) stale() bool    { return e.how&isStale != 0 }
func (e *edgeRecord) reverse() bool  { return e.how&isReverse != 0 }
func (e *edgeRecord) detailed() bool { return e.how&isDetailed != 0 }

type edgeDetails struct {
	anyOf, fallback, protocol string
	calls                     float64
	timeout                   time.Duration
	flow                      FlowID
}

// occurrence is an edge, stated alias, label or selector of a claim, by its place there.
type occurrence struct {
	claim *claimRecord
	index int32
}

const none = -1

// precedence puts documents in order: the higher priority, then what its source still says before what is held, then the
// smaller location, then the earlier document. What is left of ties, between sources that read one place, their ids decide.
// Claims of one document stand as they do there.
func precedence(a, b *claimRecord) int {
	x, y := a.document, b.document
	if x == y {
		return cmp.Compare(a.index, b.index)
	}
	if x.priority != y.priority {
		return cmp.Compare(y.priority, x.priority)
	}
	if x.held != y.held { // a source that was renamed must not speak for the present one
		if x.held {
			return 1
		}
		return -1
	}
	return cmp.Or(
		cmp.Compare(x.origin.Location, y.origin.Location), cmp.Compare(x.ordinal, y.ordinal),
		cmp.Compare(x.id.Source, y.id.Source), cmp.Compare(x.id.Scope, y.id.Scope), cmp.Compare(x.id.Key, y.id.Key),
		cmp.Compare(a.index, b.index), // of a document and the one in its place
	)
}

func compareOccurrences(a, b occurrence) int {
	return cmp.Or(precedence(a.claim, b.claim), cmp.Compare(a.index, b.index))
}

func (m *Merger) addDocument(document *Document) {
	if len(document.Claims)+len(document.Problems) == 0 {
		return
	}
	d := &documentRecord{
		id: document.ID, ordinal: document.Ordinal, priority: document.Priority,
		stale: document.Stale || document.Held, held: document.Held,
		problems: document.Problems,
		origin: &Origin{
			document.ID.Source, document.Location, m.rules.environment(document.Environment), document.Version,
		},
	}
	if d.stale {
		d.lastSeen = document.LastSeen
	}
	m.documents[d.id] = d
	m.countProblems(d, true)
	d.claims = make([]claimRecord, 0, len(document.Claims)) // never grows: others point into it
	for i := range document.Claims {
		m.addClaim(d, &document.Claims[i])
	}
}

func (m *Merger) removeDocument(id DocumentID) {
	d := m.documents[id]
	if d == nil {
		return
	}
	delete(m.documents, id)
	m.countProblems(d, false)
	for i := range d.claims {
		m.removeClaim(&d.claims[i])
	}
}

func (m *Merger) countProblems(d *documentRecord, come bool) {
	for _, problem := range d.problems {
		if problem.Version == nil && problem.Location == d.origin.Location {
			problem.Version = d.origin.Version
		}
		more := int32(1)
		if come {
			m.problems.add(problem)
		} else {
			m.problems.remove(problem)
			more = -1
		}
		if problem.Code != CodeSelfDependency {
			continue
		}
		told := m.toldSelf[problem.Ref] + more
		m.toldSelf[problem.Ref] = told
		if told == 0 {
			delete(m.toldSelf, problem.Ref)
		}
		if id, ok := m.refIDs[problem.Ref]; ok {
			m.mark(id, markRow)
		}
	}
}

// addClaim passes over a claim about nothing.
func (m *Merger) addClaim(d *documentRecord, claim *Claim) {
	subject, ok := m.subjectID(claim.Subject)
	if !ok {
		return
	}
	d.claims = append(d.claims, claimRecord{
		document: d, subject: subject, owner: none, line: claim.Line, index: int32(len(d.claims)), firstSeen: claim.FirstSeen,
		stale: claim.Stale, yields: claim.Yields, entry: claim.Entry,
	})
	c := &d.claims[len(d.claims)-1]
	if c.isStale() {
		c.lastSeen = claim.LastSeen
	}
	for _, stated := range claim.Aliases {
		c.aliases = append(c.aliases, statedAlias{alias: m.aliasID(stated.Alias), line: stated.Line})
	}
	if len(claim.Links)+len(claim.Hints)+len(claim.Labels)+len(claim.Selectors)+len(claim.OwnerHints) > 0 || claim.Facts != nil {
		c.more = readDetails(claim)
	}
	c.edges = m.readEdges(claim)
	if claim.Descriptor == nil || subject < 0 {
		c.found = claim.Found && subject >= 0
		m.count(c, true)
		return
	}
	c.descriptor = claim.Descriptor
	if c.descriptor.Owner != "" {
		c.owner = m.refID(c.descriptor.Owner)
	}
	r := m.refs.at(subject)
	at, _ := slices.BinarySearchFunc(r.described, c, precedence)
	r.described = slices.Insert(r.described, at, c)
	m.mark(subject, markElection)
}

func readDetails(claim *Claim) *claimDetails {
	more := &claimDetails{links: claim.Links}
	if claim.Subject.Ref != "" {
		more.facts, more.owners = claim.Facts, claim.OwnerHints
		for _, selector := range claim.Selectors {
			more.selectors = append(more.selectors, selectorRecord{Selector: selector})
		}
		return more
	}
	more.hints = claim.Hints
	for _, key := range slices.Sorted(maps.Keys(claim.Labels)) {
		more.labels = append(more.labels, labelsOf(claim.Subject.Alias, key, claim.Labels[key])...)
	}
	return more
}

// readEdges passes over what is no relation: one without a target, or of a type or evidence that is not known here.
func (m *Merger) readEdges(claim *Claim) []edgeRecord {
	if len(claim.Edges) == 0 {
		return nil
	}
	edges := make([]edgeRecord, 0, len(claim.Edges))
	for i := range claim.Edges {
		edge := &claim.Edges[i]
		if edge.Type.String() == "" || edge.Evidence.String() == "" {
			continue
		}
		target, ok := m.subjectID(edge.Target)
		if !ok {
			continue
		}
		record := edgeRecord{
			target: target, line: cmp.Or(edge.Line, claim.Line), relation: edge.Type, strength: edge.Strength, role: edge.Role,
			firstSeen: edge.FirstSeen, lastSeen: edge.LastSeen, how: uint8(edge.Evidence),
		}
		if edge.Stale {
			record.how |= isStale
		}
		if edge.Reverse {
			record.how |= isReverse
		}
		if edge.Detailed {
			record.how |= isDetailed
		}
		details := edgeDetails{edge.AnyOf, edge.Fallback, edge.Protocol, edge.CallsPerRequest, edge.Timeout, edge.Flow}
		if details != (edgeDetails{}) {
			kept := details // a copy, so that the edges without details need no memory for any
			record.details = &kept
		}
		edges = append(edges, record)
	}
	return edges
}

func (m *Merger) removeClaim(c *claimRecord) {
	if c.counted {
		m.count(c, false)
	}
	if c.descriptor != nil {
		r := m.refs.at(c.subject)
		if r.winner == c {
			r.winner = nil
		}
		at := slices.Index(r.described, c)
		r.described = slices.Delete(r.described, at, at+1)
		m.mark(c.subject, markElection)
	}
	m.release(c.subject)
	for i := range c.edges {
		m.release(c.edges[i].target)
	}
	if c.owner != none {
		m.release(c.owner)
	}
	for _, stated := range c.aliases {
		m.release(^stated.alias)
	}
}
