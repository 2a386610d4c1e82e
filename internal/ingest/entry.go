package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The codes of the problems that tell why a document is stale.
const (
	codeStale = "stale"
	// codeUnreached is of a document that would still say what it said, as far as its source knows: what is around its scope
	// could not be read.
	codeUnreached = "unreached"
	codeHeld      = "removal-held"
)

// entry is one held document: what the scanner said, and beside it what the Catalog knows of it, so that whether a
// scanner says something new is seen by comparing bytes.
type entry struct {
	key string
	// said is the document without anything that marks are for, by graph.EncodeDocument and S2, which halves it. Equal
	// documents give equal bytes. It is never written to.
	said    []byte
	subject string           // whom the first claim is about; "" without claims
	first   catalog.Instant  // since when the first claim is made; 0 = unknown
	marks   *marks           // nil = none; never written to
	lost    map[string]int64 // errors in it, by code; nil = none
}

// marks are what the Catalog adds to a document.
type marks struct {
	// stamps are the FirstSeen of each claim, each followed by those of its edges. nil = every claim has entry.first, and
	// no edge has one of its own.
	stamps      []catalog.Instant
	stale, held bool
	lastSeen    catalog.Instant
	why         *catalog.Problem // tells why the document is stale; nil = there is no room for it
}

// newEntry packs a document, which is the same afterwards. The error wraps [graph.ErrTooLarge].
func newEntry(document *catalog.Document) (entry, error) {
	e, _, err := pack(document)
	return e, err
}

// pack packs a document, and tells how many bytes a store would keep of it without its marks.
func pack(document *catalog.Document) (entry, int, error) {
	e := entry{key: document.ID.Key, lost: errorsOf(document)}
	if len(document.Claims) > 0 {
		e.subject = keyPart(e.key, subjectOf(document.Claims[0].Subject))
		e.first = document.Claims[0].FirstSeen
	}
	e.marks = takeMarks(document)
	packed, err := graph.EncodeDocument(document)
	e.mark(document)
	if err != nil {
		return entry{}, 0, err
	}
	e.said = bytes.Clone(s2.EncodeBetter(nil, packed))
	return e, len(packed), nil
}

// unpack is the document without marks, and how many bytes a store would keep of it.
func (e entry) unpack() (*catalog.Document, int, error) {
	packed, err := s2.Decode(nil, e.said)
	if err != nil {
		return nil, 0, err
	}
	document, err := graph.DecodeDocument(packed)
	return document, len(packed), err
}

// keyPart is the subject, in the memory of the key where the key begins with it.
func keyPart(key, subject string) string {
	if len(key) >= len(subject) && key[:len(subject)] == subject {
		return key[:len(subject)]
	}
	return subject
}

func errorsOf(document *catalog.Document) map[string]int64 {
	var lost map[string]int64
	for i := range document.Problems {
		if document.Problems[i].Severity == catalog.Error {
			if lost == nil {
				lost = make(map[string]int64)
			}
			lost[document.Problems[i].Code]++
		}
	}
	return lost
}

// takeMarks takes everything off a document that a scanner does not say.
func takeMarks(document *catalog.Document) *marks {
	m := marks{stale: document.Stale, held: document.Held, lastSeen: document.LastSeen}
	if last := len(document.Problems) - 1; m.stale && last >= 0 && isWhy(document.Problems[last].Code) {
		why := document.Problems[last]
		m.why, document.Problems = &why, document.Problems[:last]
	}
	document.Stale, document.Held, document.LastSeen = false, false, 0
	own := false
	for i := range document.Claims {
		claim := &document.Claims[i]
		own = own || claim.FirstSeen != document.Claims[0].FirstSeen ||
			slices.ContainsFunc(claim.Edges, func(e catalog.EdgeClaim) bool { return e.FirstSeen != 0 })
	}
	if own {
		for stamp := range stampsOf(document) {
			m.stamps = append(m.stamps, *stamp)
		}
	}
	for stamp := range stampsOf(document) {
		*stamp = 0
	}
	if !m.stale && !m.held && m.lastSeen == 0 && !own {
		return nil
	}
	return &m
}

func isWhy(code string) bool { return code == codeStale || code == codeUnreached || code == codeHeld }

// stampsOf yields the FirstSeen of each claim, each followed by those of its edges.
func stampsOf(document *catalog.Document) func(yield func(*catalog.Instant) bool) {
	return func(yield func(*catalog.Instant) bool) {
		for i := range document.Claims {
			claim := &document.Claims[i]
			if !yield(&claim.FirstSeen) {
				return
			}
			for j := range claim.Edges {
				if !yield(&claim.Edges[j].FirstSeen) {
					return
				}
			}
		}
	}
}

// document is the whole of it, marks included.
func (e entry) document() (*catalog.Document, error) {
	document, _, err := e.unpack()
	if err != nil {
		return nil, err
	}
	e.mark(document)
	return document, nil
}

// mark puts the marks on a document that has none.
func (e entry) mark(document *catalog.Document) {
	if e.marks == nil || e.marks.stamps == nil {
		for i := range document.Claims {
			document.Claims[i].FirstSeen = e.first
		}
	}
	if e.marks == nil {
		return
	}
	i := 0
	for stamp := range stampsOf(document) {
		if i < len(e.marks.stamps) {
			*stamp = e.marks.stamps[i]
		}
		i++
	}
	document.Stale, document.Held, document.LastSeen = e.marks.stale, e.marks.held, e.marks.lastSeen
	if e.marks.why != nil {
		document.Problems = append(document.Problems, *e.marks.why)
	}
}

func (e entry) stale() bool { return e.marks != nil && e.marks.stale }
func (e entry) held() bool  { return e.marks != nil && e.marks.held }

// unreached says whether the document is stale only because something around its scope could not be read.
func (e entry) unreached() bool {
	return e.stale() && e.marks.why != nil && e.marks.why.Code == codeUnreached
}

func (e entry) equal(other entry) bool {
	return e.key == other.key && e.first == other.first && bytes.Equal(e.said, other.said) && e.marks.equal(other.marks)
}

func (m *marks) equal(other *marks) bool {
	if m == nil || other == nil || m == other {
		return m == other
	}
	return m.stale == other.stale && m.held == other.held && m.lastSeen == other.lastSeen &&
		(m.why == nil) == (other.why == nil) && (m.why == nil || *m.why == *other.why) &&
		slices.Equal(m.stamps, other.stamps)
}

func equal(a, b []entry) bool { return slices.EqualFunc(a, b, entry.equal) }

// fresh is the document as its source says it now: no longer stale.
func (e entry) fresh() entry {
	switch {
	case !e.stale() && !e.held():
	case e.marks.stamps == nil:
		e.marks = nil
	default:
		e.marks = &marks{stamps: e.marks.stamps}
	}
	return e
}

// like is the entry of a held document in place of a new one, if it says the same; otherwise the new one.
func (e entry) like(held entry) entry {
	if bytes.Equal(e.said, held.said) {
		return held.fresh()
	}
	return e
}

// asStale is the document when it could not be read again, for a reason in one line. seen is when it was read last.
func (e entry) asStale(reason string, seen catalog.Instant) (entry, error) {
	return e.outdated(false, seen, catalog.Problem{
		Code: codeStale, Message: "what was read last stands, as it could not be read again: " + reason,
		Fix: "mend the file, or what keeps it from being read",
	})
}

// asUnreached is the document when a folder around its scope could not be read again. What is stale by itself stays so.
func (e entry) asUnreached(reason string, seen catalog.Instant) (entry, error) {
	if e.stale() && !e.unreached() {
		return e, nil
	}
	return e.outdated(false, seen, catalog.Problem{
		Code: codeUnreached, Message: "what was read last stands, as it could not be read again: " + reason,
		Fix: "mend what keeps it from being read",
	})
}

// asHeld is the document when its source does not say it any more, and its removal waits for a person.
func (e entry) asHeld(source string, seen catalog.Instant) (entry, error) {
	return e.outdated(true, seen, catalog.Problem{
		Code:    codeHeld,
		Message: fmt.Sprintf("source %s no longer has it; it stands until a person approves its removal, as too much would go at once", source),
		Fix:     fmt.Sprintf("bring it back, or approve the removal by `orrery sources approve %s`", source),
	})
}

func (e entry) outdated(held bool, seen catalog.Instant, why catalog.Problem) (entry, error) {
	cutText(&why.Message)
	if e.stale() && e.held() == held && e.marks.why != nil && e.marks.why.Code == why.Code && e.marks.why.Message == why.Message {
		return e, nil
	}
	document, size, err := e.unpack()
	if err != nil {
		return entry{}, err
	}
	why.Severity = catalog.Warning
	why.Location, why.Line, why.Ref = document.Location, document.Claims[0].Line, document.Claims[0].Subject.Ref
	now := marks{stale: true, held: held, lastSeen: max(seen, e.first), why: &why}
	if e.marks != nil {
		now.stamps = e.marks.stamps
		if e.stale() {
			now.lastSeen = e.marks.lastSeen
		}
	}
	e.marks = &now
	if size+room(document) > graph.MaxDocumentBytes {
		// What it says goes before why it is stale.
		e.mark(document)
		if _, err := graph.EncodeDocument(document); errors.Is(err, graph.ErrTooLarge) {
			now.why = nil
		}
	}
	return e, nil
}

// room is what marks may add to a document.
func room(document *catalog.Document) int {
	const (
		why   = 16 << 10
		stamp = 8 // with its number
	)
	stamps := 3 // for what the document has of its own
	for range stampsOf(document) {
		stamps++
	}
	return why + stamps*stamp + len(document.Location)
}
