package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The kinds of records.
const (
	kindDocument = 0
	kindState    = 1
)

const selectHead = "SELECT coalesce(max(revision), 0) FROM revisions"

// Apply implements [graph.Store].
func (s *Store) Apply(ctx context.Context, change graph.Change) (graph.Revision, error) {
	if err := s.usable(); err != nil {
		return 0, err
	}
	if s.write == nil {
		return 0, graph.ErrReadOnly
	}
	if err := change.Check(); err != nil {
		return 0, err
	}
	var revision int64
	err := s.write.do(ctx, func(tx *transaction) (err error) {
		if err := checkFence(tx, change.Lease, change.Fence); err != nil {
			return err
		}
		if err := checkBase(tx, change); err != nil {
			return err
		}
		revision = int64(change.Base) + 1
		return s.put(tx, revision, change)
	})
	if err != nil {
		return 0, s.explain(err)
	}
	s.announce()
	return graph.Revision(revision), nil
}

// checkBase refuses a change that does not rest on what there is.
func checkBase(tx *transaction, change graph.Change) error {
	head, err := tx.number(selectHead)
	if err != nil {
		return err
	}
	if !change.Origin {
		if graph.Revision(head) != change.Base {
			return fmt.Errorf("%w: it is at revision %d, the change rests on %d", graph.ErrConflict, head, change.Base)
		}
		return nil
	}
	if change.Base < graph.Revision(head) {
		return fmt.Errorf("%w: it is at revision %d, and cannot begin after %d", graph.ErrConflict, head, change.Base)
	}
	held, err := tx.number("SELECT EXISTS (SELECT * FROM records)")
	if err != nil {
		return err
	}
	if held != 0 {
		return fmt.Errorf("%w: it holds documents already, and cannot begin after %d", graph.ErrConflict, change.Base)
	}
	if head > 0 {
		return nil
	}
	forgotten := int64(change.Base)
	if len(change.Recorded) == 0 {
		forgotten++
	}
	return tx.run("UPDATE meta SET forgotten = ?", forgotten)
}

// put writes the revision.
func (s *Store) put(tx *transaction, revision int64, change graph.Change) error {
	var kept kept
	if err := tx.scan("SELECT compacted, past FROM meta", nil, &kept.compacted, &kept.past); err != nil {
		return err
	}
	// Ids only grow, also where the history was emptied: revisions tell by them which rows are theirs.
	var lastHistory, replaced int64
	err := tx.scan(`SELECT max(history, (SELECT coalesce(max(id), 0) FROM history)), replaced
		FROM revisions ORDER BY revision DESC LIMIT 1`, nil, &lastHistory, &replaced)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	p := putter{tx: tx, revision: revision, compacted: kept.compacted, superseded: make(map[int64]int64)}
	if err := tx.run("INSERT INTO revisions (revision, time, history, superseded) VALUES (?, ?, ?, 0)",
		revision, change.Time.UnixMicro(), lastHistory); err != nil {
		return err
	}
	if err := p.records(change); err != nil {
		return err
	}
	// The newest has the greatest id, the first of a change counts as the newest: see History.
	for i, recorded := range slices.Backward(change.Recorded) {
		if err := tx.ctxErr(); err != nil {
			return err
		}
		if err := tx.run("INSERT INTO history (id, revision, ref, field, old, new, source) VALUES (?, ?, ?, ?, ?, ?, ?)",
			lastHistory+int64(len(change.Recorded)-i), revision, string(recorded.Ref), recorded.Field, recorded.Old,
			recorded.New, recorded.Source); err != nil {
			return err
		}
	}
	for revision, bytes := range p.superseded {
		if err := tx.run("UPDATE revisions SET superseded = superseded + ? WHERE revision = ?", bytes, revision); err != nil {
			return err
		}
	}
	replaced += p.replaced
	if err := tx.run("UPDATE revisions SET replaced = ? WHERE revision = ?", replaced, revision); err != nil {
		return err
	}
	return s.compact(tx, kept, compaction{head: revision, replaced: replaced, time: change.Time, origin: change.Origin})
}

// putter writes the records of one revision.
type putter struct {
	tx         *transaction
	revision   int64
	compacted  int64
	superseded map[int64]int64 // bytes added to superseded for followers, by revision
	replaced   int64           // bytes that were true until this revision
}

func (p *putter) records(change graph.Change) error {
	// In the order of the table, which is the order in which rows are found and written fastest.
	for _, document := range slices.SortedFunc(slices.Values(change.Put), func(a, b *catalog.Document) int {
		return compareIDs(a.ID, b.ID)
	}) {
		packed, err := graph.EncodeDocument(document)
		if err != nil {
			return err
		}
		if err := p.put(kindDocument, document.ID, packed); err != nil {
			return err
		}
	}
	for _, id := range change.Remove {
		if err := p.remove(kindDocument, id); err != nil {
			return err
		}
	}
	for _, state := range change.States {
		id := catalog.DocumentID{Source: state.Source, Scope: state.Name}
		var err error
		if state.Data == nil {
			err = p.remove(kindState, id)
		} else {
			err = p.put(kindState, id, state.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func compareIDs(a, b catalog.DocumentID) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
}

func (p *putter) put(kind int, id catalog.DocumentID, data []byte) error {
	if _, err := p.supersede(kind, id); err != nil {
		return err
	}
	return p.tx.run(`INSERT INTO records (kind, source, scope, key, revision, data) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET revision = excluded.revision, data = excluded.data`,
		kind, id.Source, id.Scope, id.Key, p.revision, data)
}

func (p *putter) remove(kind int, id catalog.DocumentID) error {
	if was, err := p.supersede(kind, id); err != nil || !was {
		return err
	}
	if err := p.tx.run("DELETE FROM records WHERE kind = ? AND source = ? AND scope = ? AND key = ?",
		kind, id.Source, id.Scope, id.Key); err != nil {
		return err
	}
	p.superseded[p.revision] += weight(id, 0)
	return p.tx.run("INSERT INTO superseded (revision, kind, source, scope, key, data, replaced) VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?1)",
		p.revision, kind, id.Source, id.Scope, id.Key)
}

// supersede keeps what the record held before, for who follows from before the revision that put it and for who asks what
// was true before this one.
func (p *putter) supersede(kind int, id catalog.DocumentID) (was bool, err error) {
	if err := p.tx.ctxErr(); err != nil {
		return false, err
	}
	var revision, size int64
	key := []any{kind, id.Source, id.Scope, id.Key}
	err = p.tx.scan("SELECT revision, length(data) FROM records WHERE kind = ? AND source = ? AND scope = ? AND key = ?",
		key, &revision, &size)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	}
	if revision > p.compacted {
		p.superseded[revision] += weight(id, size)
	}
	p.replaced += weight(id, size)
	return true, p.tx.run(`INSERT INTO superseded (revision, kind, source, scope, key, data, replaced)
		SELECT revision, kind, source, scope, key, data, ?5 FROM records
		WHERE kind = ?1 AND source = ?2 AND scope = ?3 AND key = ?4`, append(key, p.revision)...)
}

// weight is about how many bytes a superseded row takes.
func weight(id catalog.DocumentID, data int64) int64 {
	return int64(len(id.Source)+len(id.Scope)+len(id.Key)) + data + 16
}

// announce wakes the followers of this process.
func (s *Store) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}
