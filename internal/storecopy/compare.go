package storecopy

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// DifferenceError says that two stores that should be equal are not, or not any more.
type DifferenceError struct {
	Revision graph.Revision // at which they were compared
	What     string         // with which words they differ: "the source has 3 documents and the copy 2"
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("at revision %d they differ: %s", e.Revision, e.What)
}

// held is a summary of a state.
type held struct {
	documents, states int
	hash              string // equal where every document and every state is, byte for byte
	digest            string // of graph.Digest; "" = not asked for
}

// summarize reads a state. With merge, its graph is made as well, which is what takes memory.
func summarize(ctx context.Context, store graph.Store, revision graph.Revision, merge *catalog.MergeOptions) (held, error) {
	_, records := store.Load(ctx, graph.AsOf{Revision: revision})
	h, sum := held{}, sha256.New()
	var failed error
	documents := func(yield func(*catalog.Document) bool) {
		for record, err := range records {
			if err == nil {
				err = h.count(sum, record)
			}
			if err != nil {
				failed = err
				return
			}
			if record.Document != nil && !yield(record.Document) {
				return
			}
		}
	}
	if merge == nil {
		for range documents { //nolint:revive // counted on the way
		}
	} else {
		model := catalog.Merge(documents, *merge)
		if failed == nil {
			h.digest = graph.Digest(graph.Build(graph.Input{Revision: revision, Model: model}))
		}
	}
	h.hash = hex.EncodeToString(sum.Sum(nil))
	return h, failed
}

// count takes the record into the summary. Equal documents are equal when they are packed.
func (h *held) count(sum hash.Hash, record graph.Record) error {
	if record.Document != nil {
		h.documents++
		packed, err := graph.EncodeDocument(record.Document)
		put(sum, "document", packed)
		return err
	}
	h.states++
	put(sum, "state", []byte(record.State.Source), []byte(record.State.Name), record.State.Data)
	return nil
}

// put writes the parts with their lengths, so that no two lists read the same.
func put(sum hash.Hash, kind string, parts ...[]byte) {
	_, _ = sum.Write([]byte(kind)) // a hash takes everything
	for _, part := range parts {
		_, _ = sum.Write(binary.AppendUvarint(nil, uint64(len(part))))
		_, _ = sum.Write(part)
	}
}

// compareStates requires that both stores held the same at the revision.
func compareStates(revision graph.Revision, from, to held) error {
	what := ""
	switch {
	case from.documents != to.documents:
		what = fmt.Sprintf("the source has %d documents and the copy %d", from.documents, to.documents)
	case from.states != to.states:
		what = fmt.Sprintf("the source has %d states of sources and the copy %d", from.states, to.states)
	case from.hash != to.hash:
		what = "some documents or states of sources are not the same"
	case from.digest != to.digest:
		what = fmt.Sprintf("the digest of the source is %s and that of the copy %s", from.digest, to.digest)
	default:
		return nil
	}
	return &DifferenceError{revision, what}
}

// compareHistories requires that both stores tell the same of all revisions through the given one, and counts the records
// of the copy. What only the copy still tells is no difference where the source has forgotten it.
func compareHistories(ctx context.Context, from, to graph.Store, through graph.Revision) (records int, err error) {
	query := graph.HistoryQuery{Through: through}
	next, stop := iter.Pull2(from.History(ctx, query))
	defer stop()
	forgot := false
	for copied, err := range to.History(ctx, query) {
		if err != nil {
			return 0, fmt.Errorf("the copy: %w", err)
		}
		if !forgot {
			original, err, more := next()
			if err == nil && !more {
				forgot, err = forgets(ctx, from, copied.Revision)
			}
			if err != nil {
				return 0, fmt.Errorf("the source: %w", err)
			}
			if original != copied && !forgot {
				return 0, &DifferenceError{copied.Revision, "the source has " + describe(original) + ", the copy has " + describe(copied)}
			}
		}
		records++
	}
	if original, err, more := next(); err != nil {
		return 0, fmt.Errorf("the source: %w", err)
	} else if more && !forgot {
		return 0, &DifferenceError{original.Revision, "the copy has no " + describe(original)}
	}
	return records, nil
}

// forgets says whether the store no longer tells the history of the revision.
func forgets(ctx context.Context, store graph.Store, revision graph.Revision) (bool, error) {
	if revision <= 1 {
		return true, nil // it cannot be told apart from a revision that had none
	}
	kept, err := remembered(ctx, store, revision-1)
	return !kept, err
}

func describe(r graph.Recorded) string {
	if r == (graph.Recorded{}) {
		return "nothing"
	}
	return fmt.Sprintf("record %d of revision %d (%q of %q, by %q, %s)", r.Position, r.Revision, r.Field, r.Ref, r.Source, r.Time.Format(time.RFC3339Nano))
}
