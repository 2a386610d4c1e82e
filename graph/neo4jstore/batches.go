package neo4jstore

import (
	"cmp"
	"iter"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The bounds of a transaction that writes. Batches of some hundred rows are the fastest, and one must end long before its
// timeout on a busy server.
const (
	batchRows  = 1000
	batchBytes = 4 << 20
)

// batch is what one transaction writes of a change.
type batch struct {
	ids      [len(kinds)][]string  // of what is replaced or removed
	versions [len(kinds)][]version // that are new
	fields   []map[string]any      // of the history
	rows     int
	bytes    int
}

func (b *batch) full() bool { return b.rows >= batchRows || b.bytes >= batchBytes }

func (b *batch) put(k kind, v version, bytes int) {
	b.ids[k] = append(b.ids[k], v["id"].(string))
	b.versions[k] = append(b.versions[k], v)
	b.rows++
	b.bytes += bytes
}

func (b *batch) remove(k kind, id string) {
	b.ids[k] = append(b.ids[k], id)
	b.rows++
	b.bytes += len(id)
}

// batches packs the change piece by piece; there is one batch at least, and each is the reader's.
func batches(revision int64, change *graph.Change) iter.Seq2[*batch, error] {
	return func(yield func(*batch, error) bool) {
		b, any := new(batch), false
		pass := func() bool {
			if !b.full() {
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
		if len(b.ids[k]) == 0 {
			continue
		}
		record, err := tx.single(`UNWIND $ids AS id MATCH (v:`+k.label()+` {until: $forever, id: id})
			SET v.until = $revision RETURN sum(v.bytes) AS bytes`,
			map[string]any{"ids": b.ids[k], "forever": int64(forever), "revision": revision})
		if err != nil {
			return 0, err
		}
		bytes, err := value[int64](record, "bytes")
		if err != nil {
			return 0, err
		}
		replaced += bytes
		if len(b.versions[k]) > 0 {
			err := tx.run(`UNWIND $rows AS row CREATE (v:`+k.label()+`) SET v = row`, map[string]any{"rows": rowsOf(b.versions[k])})
			if err != nil {
				return 0, err
			}
		}
	}
	if len(b.fields) > 0 {
		err = tx.run(`UNWIND $rows AS row CREATE (f:@FieldChange) SET f = row`, map[string]any{"rows": b.fields})
	}
	return replaced, err
}

// rowsOf gives the versions the type that the driver takes.
func rowsOf(versions []version) []map[string]any {
	rows := make([]map[string]any, len(versions))
	for i, v := range versions {
		rows[i] = v
	}
	return rows
}
