package neo4jstore

import (
	"cmp"
	"iter"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The bounds of a transaction that writes. Batches of some hundred rows are the fastest, and one should end long before its
// timeout on a busy server; where it does not, it is split.
const (
	batchRows  = 500
	batchBytes = 4 << 20
)

// batch is what one transaction writes of a change.
type batch struct {
	versions [len(kinds)][]version // that are new, in the place of what was
	removed  [len(kinds)][]string  // ids
	fields   []map[string]any      // of the history
	rows     int
	bytes    int
}

func (b *batch) put(k kind, v version, bytes int) {
	b.versions[k] = append(b.versions[k], v)
	b.rows++
	b.bytes += bytes
}

func (b *batch) remove(k kind, id string) {
	b.removed[k] = append(b.removed[k], id)
	b.rows++
	b.bytes += len(id)
}

// minSplit is the number of rows that are not split any more.
const minSplit = 8

// split makes two batches of one, which together are the same.
func (b *batch) split() (first, second *batch) {
	first, second = new(batch), new(batch)
	for _, k := range kinds {
		first.versions[k], second.versions[k] = halves(b.versions[k])
		first.removed[k], second.removed[k] = halves(b.removed[k])
	}
	first.fields, second.fields = halves(b.fields)
	for _, half := range []*batch{first, second} {
		half.rows = len(half.fields)
		for _, k := range kinds {
			half.rows += len(half.versions[k]) + len(half.removed[k])
		}
	}
	return first, second
}

func halves[T any](all []T) (first, second []T) { return all[:len(all)/2], all[len(all)/2:] }

// batches packs the change piece by piece, each of so many rows or batchBytes; there is one at least.
func batches(revision int64, change *graph.Change, rows int) iter.Seq2[*batch, error] {
	return func(yield func(*batch, error) bool) {
		b, any := new(batch), false
		pass := func() bool {
			if b.rows < rows && b.bytes < batchBytes {
				return true
			}
			full := b
			b, any = new(batch), true
			return yield(full, nil)
		}
		// In the order of the index, where rows are found and written fastest.
		for _, document := range slices.SortedFunc(slices.Values(change.Put), func(a, b *catalog.Document) int {
			return cmp.Or(cmp.Compare(a.ID.Source, b.ID.Source), cmp.Compare(a.ID.Scope, b.ID.Scope), cmp.Compare(a.ID.Key, b.ID.Key))
		}) {
			v, bytes, err := documentVersion(revision, document)
			if err != nil {
				yield(nil, err)
				return
			}
			if b.put(documents, v, bytes); !pass() {
				return
			}
		}
		for _, id := range change.Remove {
			if b.remove(documents, indexed(id.Source, id.Scope, id.Key)); !pass() {
				return
			}
		}
		for _, state := range change.States {
			if state.Data == nil {
				b.remove(states, indexed(state.Source, state.Name))
			} else {
				b.put(states, stateVersion(revision, state), len(state.Data))
			}
			if !pass() {
				return
			}
		}
		for position, field := range change.Recorded {
			properties, bytes := fieldProperties(revision, position, change.Time, field)
			b.fields = append(b.fields, properties)
			b.rows++
			if b.bytes += bytes; !pass() {
				return
			}
		}
		if b.rows > 0 || !any {
			yield(b, nil)
		}
	}
}

// write writes the batch as part of the revision, and returns about how many bytes it replaced.
func (b *batch) write(tx *transaction, revision int64) (replaced int64, err error) {
	for _, k := range kinds {
		versions, ids := make([]map[string]any, len(b.versions[k])), slices.Clone(b.removed[k])
		for i, v := range b.versions[k] {
			versions[i], ids = v, append(ids, v.id())
		}
		if len(ids) == 0 {
			continue
		}
		record, err := tx.single(`UNWIND $ids AS id MATCH (v:`+k.label()+` {until: $forever, id: id})
			USING INDEX v:`+k.label()+`(until, id) SET v.until = $revision RETURN sum(v.bytes) AS bytes`,
			map[string]any{"ids": ids, "forever": int64(forever), "revision": revision})
		if err != nil {
			return 0, err
		}
		bytes, err := value[int64](record, "bytes")
		if err != nil {
			return 0, err
		}
		replaced += bytes
		if len(versions) > 0 {
			if err := tx.run(`UNWIND $rows AS row CREATE (v:`+k.label()+`) SET v = row`, map[string]any{"rows": versions}); err != nil {
				return 0, err
			}
		}
	}
	if len(b.fields) > 0 {
		err = tx.run(`UNWIND $rows AS row CREATE (f:@FieldChange) SET f = row`, map[string]any{"rows": b.fields})
	}
	return replaced, err
}
