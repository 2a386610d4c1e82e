package neo4jstore

import (
	"maps"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// tidyRows is how many rows a transaction removes besides twice as many as it writes. What is no longer kept is removed by
// the changes that come after, so that none takes long for it.
const tidyRows = 500

// forgottenAtOnce is how many revisions one change makes the store forget at most. Each change makes only one, so that this
// keeps up; but a clock that is years ahead for a while costs a few of the oldest instead of everything.
const forgottenAtOnce = 4

// kept says how far back the store goes.
type kept struct {
	past      int64 // states from this revision on can be loaded and followed
	forgotten int64 // revisions after it have all their history
}

// keep says what is kept after the revision, which is written already. Changes may come with times out of order: a
// revision is too old when it and all before it are. A change from the future must not wipe the history.
func (a *applier) keep(tx *transaction, was head, replaced int64) (kept, error) {
	is := kept{past: was.past, forgotten: was.forgotten}
	now := a.change.Time
	if clock := tx.store.config.Now(); now.After(clock) {
		now = clock
	}
	number := func(cypher string, parameters map[string]any) (int64, error) {
		record, err := tx.single(cypher, parameters)
		if err != nil || record == nil {
			return 0, err
		}
		return value[int64](record, "number")
	}
	oldest, err := number(`MATCH (r:@Revision) WHERE r.number > $forgotten AND (r.micros >= $micros OR r.number > $atOnce)
		RETURN r.number AS number ORDER BY r.number LIMIT 1`, map[string]any{
		"forgotten": was.forgotten, "micros": now.Add(-tx.store.config.KeepHistory).UnixMicro(), "atOnce": was.forgotten + forgottenAtOnce,
	})
	if err != nil {
		return kept{}, err
	}
	is.forgotten, is.past = max(is.forgotten, oldest-1), max(is.past, oldest-1)
	if a.change.Origin {
		is.past = a.revision
		if was.revision == 0 { // what was before is no longer kept, of the history too
			is.forgotten = max(is.forgotten, a.revision-1)
			if len(a.change.Recorded) == 0 {
				is.forgotten = a.revision
			}
		}
	}
	if tooMuch := replaced - tx.store.config.KeepPastBytes; tooMuch > 0 {
		bounded, err := number(`MATCH (r:@Revision) USING INDEX r:@Revision(replaced, number) WHERE r.replaced >= $replaced AND r.number IS NOT NULL
			RETURN r.number AS number ORDER BY r.replaced, r.number LIMIT 1`, map[string]any{"replaced": tooMuch})
		if err != nil {
			return kept{}, err
		}
		is.past = max(is.past, min(bounded, a.revision-1))
	}
	return is, nil
}

// removal is a statement that removes at most $limit rows and returns how many, as n.
type removal struct {
	statement  string
	parameters map[string]any
}

// remove runs the removals in their order until the limit is reached. more says whether there may be something left.
func (tx *transaction) remove(limit int, removals ...removal) (more bool, err error) {
	for _, r := range removals {
		parameters := maps.Clone(r.parameters)
		parameters["limit"] = int64(limit)
		record, err := tx.single(r.statement, parameters)
		if err != nil {
			return false, err
		}
		n, err := count(record)
		if err != nil {
			return false, err
		}
		if limit -= int(n); limit <= 0 {
			return true, nil
		}
	}
	return false, nil
}

func count(record *neo4j.Record) (int64, error) {
	if record == nil {
		return 0, nil
	}
	return value[int64](record, "n")
}

// removeLeftBehind removes a part of what is of no revision, and makes the newest versions what they were.
func (tx *transaction) removeLeftBehind(revision int64) (more bool, err error) {
	after := map[string]any{"revision": revision, "forever": int64(forever)}
	var removals []removal
	for _, k := range kinds { // first all that is new: there may be but one newest version of an id
		removals = append(removals, removal{"MATCH (v:" + k.label() + ") USING INDEX v:" + k.label() + "(from, id) WHERE v.from > $revision AND v.id IS NOT NULL " +
			"WITH v LIMIT $limit DELETE v RETURN count(*) AS n", after})
	}
	for _, k := range kinds {
		removals = append(removals, removal{"MATCH (v:" + k.label() + ") USING INDEX v:" + k.label() + "(until, id) WHERE v.until > $revision " +
			"AND v.until < $forever AND v.id IS NOT NULL WITH v LIMIT $limit SET v.until = $forever RETURN count(*) AS n", after})
	}
	removals = append(removals, removal{"MATCH (f:@FieldChange) USING INDEX f:@FieldChange(sequence) WHERE f.sequence > $sequence " +
		"WITH f LIMIT $limit DELETE f RETURN count(*) AS n", map[string]any{"sequence": lastSequence(revision)}})
	return tx.remove(batchRows, removals...)
}

// tidy removes a part of what is no longer kept.
func (tx *transaction) tidy(now head, limit int) error {
	var removals []removal
	for _, k := range kinds {
		removals = append(removals, removal{"MATCH (v:" + k.label() + ") USING INDEX v:" + k.label() + "(until, id) WHERE v.until <= $past " +
			"AND v.id IS NOT NULL WITH v LIMIT $limit DELETE v RETURN count(*) AS n", map[string]any{"past": now.past}})
	}
	removals = append(removals, removal{"MATCH (f:@FieldChange) USING INDEX f:@FieldChange(sequence) WHERE f.sequence <= $sequence " +
		"WITH f LIMIT $limit DELETE f RETURN count(*) AS n", map[string]any{"sequence": lastSequence(now.forgotten)}})
	// The time of the state that was true when the oldest was made is asked for, too.
	removals = append(removals, removal{"MATCH (r:@Revision) WHERE r.number < $forgotten " +
		"WITH r LIMIT $limit DELETE r RETURN count(*) AS n", map[string]any{"forgotten": now.forgotten}})
	more, err := tx.remove(limit, removals...)
	if err != nil || more {
		return err
	}
	return tx.run("MATCH (s:@Store {id: $store}) SET s.untidy = false", nil)
}
