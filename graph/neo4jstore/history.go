package neo4jstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The history is numbered so that a greater sequence is told first: the newest revision, and of one revision the first
// position. The lower bits count the positions of a revision down.
const (
	positionBits = 27
	maxPosition  = 1<<positionBits - 1
)

func sequence(revision int64, position int) int64 {
	return revision<<positionBits | int64(maxPosition-position)
}

// lastSequence is the greatest of a revision.
func lastSequence(revision int64) int64 { return sequence(min(revision, maxRevision), 0) }

// maxRefsInQuery is how many Refs are looked up by index. Above it, the rows of the time asked for are read and sieved:
// who asks for so many wants a large part of them anyway.
const maxRefsInQuery = 500

// historyPage is how many rows are read in a transaction.
const historyPage = 1000

// fieldProperties is a record of the history as a node, and about how many bytes it takes. What the database cannot hold
// as it is, is kept beside: the strings of the node are for people then.
func fieldProperties(revision int64, position int, at time.Time, field graph.FieldChange) (map[string]any, int) {
	all := []string{string(field.Ref), field.Field, field.Old, field.New, field.Source}
	properties := map[string]any{
		"sequence": sequence(revision, position), "revision": revision, "position": int64(position),
		"time": readableTime(at), "micros": at.UnixMicro(), "ref": refKey(field.Ref),
		"field": field.Field, "old": field.Old, "new": field.New, "source": field.Source,
	}
	bytes := 0
	exact := refKey(field.Ref) == string(field.Ref)
	for _, s := range all {
		bytes += len(s)
		exact = exact && utf8.ValidString(s)
	}
	if !exact {
		for name, s := range map[string]string{"field": field.Field, "old": field.Old, "new": field.New, "source": field.Source} {
			properties[name] = strings.ToValidUTF8(s, "\uFFFD")
		}
		properties["exact"], _ = cbor.Marshal(all) // a list of strings can always be packed
	}
	return properties, bytes
}

// refKey is the Ref as it is in the index: itself where that can be, and otherwise a hash.
func refKey(ref catalog.Ref) string {
	const mark = "\x01"
	if len(ref) <= maxReadable && utf8.ValidString(string(ref)) && !strings.HasPrefix(string(ref), mark) {
		return string(ref)
	}
	sum := sha256.Sum256([]byte(ref))
	return mark + hex.EncodeToString(sum[:])
}

// History implements [graph.Store].
func (s *Store) History(ctx context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		newest, err := s.visible(ctx)
		if err == nil && query.After > 0 && query.After < graph.Revision(newest.forgotten) {
			err = historyForgotten(newest.forgotten, query.After)
		}
		if err != nil {
			yield(graph.Recorded{}, err)
			return
		}
		pages := newHistoryPages(newest.revision, query)
		wanted := refsToSieve(query.Refs)
		for n := 0; !pages.done; {
			var page []graph.Recorded
			err := s.read(ctx, func(tx *transaction) (err error) {
				if page, err = pages.next(tx); err != nil {
					return err
				}
				return tx.requireRemembered(query.After)
			})
			if err != nil {
				yield(graph.Recorded{}, err)
				return
			}
			pages.advance(page)
			for _, recorded := range page {
				if _, ok := wanted[recorded.Ref]; wanted != nil && !ok {
					continue
				}
				if err := s.interrupted(ctx); err != nil {
					yield(graph.Recorded{}, err)
					return
				}
				if !yield(recorded, nil) {
					return
				}
				if n++; n == query.Limit {
					return
				}
			}
		}
	}
}

func historyForgotten(forgotten int64, after graph.Revision) error {
	return fmt.Errorf("%w: history begins after revision %d, and what is after %d was asked for", graph.ErrCompacted, forgotten, after)
}

// requireRemembered is graph.ErrCompacted where the history after the given revision was forgotten meanwhile.
func (tx *transaction) requireRemembered(after graph.Revision) error {
	if after == 0 {
		return nil
	}
	now, err := tx.head()
	if err == nil && after < graph.Revision(now.forgotten) {
		err = historyForgotten(now.forgotten, after)
	}
	return err
}

func refsToSieve(refs []catalog.Ref) map[catalog.Ref]struct{} {
	if len(refs) <= maxRefsInQuery {
		return nil
	}
	wanted := make(map[catalog.Ref]struct{}, len(refs))
	for _, ref := range refs {
		wanted[ref] = struct{}{}
	}
	return wanted
}

// historyPages reads the history from its newest record on, a page a transaction.
type historyPages struct {
	statement  string
	parameters map[string]any
	done       bool
}

// newHistoryPages narrows by the sequence first, which lies in the order of revisions. Times may come out of order, so
// that each record's own time decides.
func newHistoryPages(newest int64, query graph.HistoryQuery) *historyPages {
	through, below := newest, 0
	if query.Through > 0 && query.Through <= graph.Revision(newest) {
		through, below = int64(query.Through), min(max(query.From, 0), maxPosition)
	}
	after := int64(min(query.After, math.MaxInt64))
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !query.Since.IsZero() {
		since = graph.CeilMicro(query.Since)
	}
	if !query.Until.IsZero() {
		until = graph.CeilMicro(query.Until)
	}
	p := &historyPages{done: after >= newest, parameters: map[string]any{
		"after": lastSequence(after), "before": sequence(through, below) + 1, "since": since, "until": until,
		"limit": int64(historyPage),
	}}
	if n := query.Limit; n > 0 && n < historyPage && len(query.Refs) <= maxRefsInQuery {
		p.parameters["limit"] = int64(n)
	}
	index, narrow := "sequence", ""
	if n := len(query.Refs); n > 0 && n <= maxRefsInQuery {
		seen, refs := make(map[string]bool, n), make([]string, 0, n)
		for _, ref := range query.Refs {
			if k := refKey(ref); !seen[k] {
				seen[k], refs = true, append(refs, k)
			}
		}
		p.parameters["refs"] = refs
		index, narrow = "ref, sequence", "f.ref IN $refs AND "
	}
	p.statement = `MATCH (f:@FieldChange) USING INDEX f:@FieldChange(` + index + `) WHERE ` + narrow + `f.sequence > $after AND f.sequence < $before
		AND f.micros >= $since AND f.micros < $until
		RETURN f.sequence AS sequence, f.micros AS micros, f.ref AS ref, f.field AS field, f.old AS old, f.new AS new,
		f.source AS source, f.exact AS exact ORDER BY f.sequence DESC LIMIT $limit`
	return p
}

// next reads the page that comes next, and reads it again until advance is called.
func (p *historyPages) next(tx *transaction) ([]graph.Recorded, error) {
	var page []graph.Recorded
	for record, err := range tx.stream(p.statement, p.parameters) {
		if err != nil {
			return nil, err
		}
		recorded, err := recordedOf(record)
		if err != nil {
			return nil, err
		}
		page = append(page, recorded)
	}
	return page, nil
}

// advance goes on behind the records, which are the page that was read last.
func (p *historyPages) advance(page []graph.Recorded) {
	if p.done = int64(len(page)) < p.parameters["limit"].(int64); !p.done {
		last := page[len(page)-1]
		p.parameters["before"] = sequence(int64(last.Revision), last.Position)
	}
}

func recordedOf(record *neo4j.Record) (graph.Recorded, error) {
	r := reader{record: record}
	number := r.number("sequence")
	all := []string{r.text("ref"), r.text("field"), r.text("old"), r.text("new"), r.text("source")}
	if exact := r.bytes("exact"); exact != nil && r.err == nil {
		decoding, err := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
		if err == nil {
			err = decoding.Unmarshal(exact, &all)
		}
		if err != nil || len(all) != 5 {
			return graph.Recorded{}, fmt.Errorf("the record %d of the history is damaged: %w", number, errorOr(err, errBadKey))
		}
	}
	return graph.Recorded{
		FieldChange: graph.FieldChange{Ref: catalog.Ref(all[0]), Field: all[1], Old: all[2], New: all[3], Source: all[4]},
		Revision:    graph.Revision(number >> positionBits), Position: maxPosition - int(number&maxPosition),
		Time: time.UnixMicro(r.number("micros")).UTC(),
	}, r.err
}
