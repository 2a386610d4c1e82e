package ingest

import (
	"bytes"

	"github.com/orrery-catalog/orrery/catalog"
)

// maxWitnesses is how many other documents about a subject are asked since when its source says something.
const maxWitnesses = 64

// stamper knows since when one source has said what, from the documents that it holds before a change.
type stamper struct {
	held  *holding
	now   catalog.Instant
	known map[string]map[string]saidSince // by the subject of the document, then by that of the claim
}

// saidSince are the times of one subject's facts, which count as said as long as any of its documents says them.
type saidSince struct {
	claim catalog.Instant
	edges map[edgeFact]catalog.Instant
}

type edgeFact struct {
	target   catalog.Subject
	relation catalog.RelationType
	reverse  bool
	evidence catalog.EvidenceKind
}

func factOf(e *catalog.EdgeClaim) edgeFact { return edgeFact{e.Target, e.Type, e.Reverse, e.Evidence} }

func newStamper(held *holding, now catalog.Instant) *stamper {
	return &stamper{held, now, make(map[string]map[string]saidSince)}
}

// stamp sets since when the facts of a new or changed document of a scope are said: what the source said before keeps its
// time, also when it said so elsewhere. The document that is returned has all marks.
func (s *stamper) stamp(scope string, e entry) (entry, *catalog.Document, error) {
	before := s.held.scope(scope)
	if at, found := findKey(before, e.key); found && bytes.Equal(before[at].said, e.said) {
		document, err := e.document() // only its marks have changed
		return e, document, err
	}
	document, _, err := e.unpack()
	if err != nil {
		return entry{}, nil, err
	}
	for i := range document.Claims {
		claim := &document.Claims[i]
		since, known, err := s.since(e.subject, subjectOf(claim.Subject), scope)
		if err != nil {
			return entry{}, nil, err
		}
		claim.FirstSeen = s.now
		if known {
			claim.FirstSeen = since.claim
		}
		for j := range claim.Edges {
			edge := &claim.Edges[j]
			if first, known := since.edges[factOf(edge)]; !known {
				edge.FirstSeen = s.now
			} else {
				edge.FirstSeen = first
			}
			if edge.FirstSeen == claim.FirstSeen {
				edge.FirstSeen = 0
			}
		}
	}
	stamped := e
	if len(document.Claims) > 0 {
		stamped.first = document.Claims[0].FirstSeen
		stamps := takeMarks(document)
		switch {
		case e.marks != nil:
			with := *e.marks
			with.stamps = nil
			if stamps != nil {
				with.stamps = stamps.stamps
			}
			stamped.marks = &with
		default:
			stamped.marks = stamps
		}
	}
	stamped.mark(document)
	return stamped, document, nil
}

// since is what the source has said about a claim's subject, in documents about the same subject as the present one, or
// else about the claim's own.
func (s *stamper) since(document, claim, scope string) (saidSince, bool, error) {
	for _, about := range []string{document, claim} {
		facts, err := s.facts(about, scope)
		if err != nil {
			return saidSince{}, false, err
		}
		if since, known := facts[claim]; known {
			return since, true, nil
		}
	}
	return saidSince{}, false, nil
}

// facts gathers what documents about a subject say. The scope's own come first, so that they are among the witnesses.
func (s *stamper) facts(subject, scope string) (map[string]saidSince, error) {
	if facts, done := s.known[subject]; done {
		return facts, nil
	}
	if !s.held.has(subject) {
		return nil, nil
	}
	facts := make(map[string]saidSince)
	scopes := []string{scope}
	for at := range s.held.about(subject) {
		if len(scopes) > maxWitnesses {
			break
		}
		if at.scope != scope {
			scopes = append(scopes, at.scope)
		}
	}
	witnesses := 0
	for _, scope := range scopes {
		entries := s.held.scope(scope)
		first, _ := findKey(entries, subject)
		for _, e := range entries[first:] {
			if len(e.key) < len(subject) || e.key[:len(subject)] != subject || witnesses == maxWitnesses {
				break
			}
			if e.subject != subject {
				continue
			}
			witnesses++
			document, err := e.document()
			if err != nil {
				return nil, err
			}
			gather(facts, document)
		}
	}
	s.known[subject] = facts
	return facts, nil
}

// gather takes the earliest time of each fact. An unknown time is the earliest: it was before times were kept.
func gather(facts map[string]saidSince, document *catalog.Document) {
	for i := range document.Claims {
		claim := &document.Claims[i]
		subject := subjectOf(claim.Subject)
		since, known := facts[subject]
		if !known {
			since = saidSince{claim: claim.FirstSeen, edges: make(map[edgeFact]catalog.Instant, len(claim.Edges))}
		}
		since.claim = min(since.claim, claim.FirstSeen)
		for j := range claim.Edges {
			edge := &claim.Edges[j]
			first := edge.FirstSeen
			if first == 0 {
				first = claim.FirstSeen
			}
			if earlier, known := since.edges[factOf(edge)]; known {
				first = min(first, earlier)
			}
			since.edges[factOf(edge)] = first
		}
		facts[subject] = since
	}
}
