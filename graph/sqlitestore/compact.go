package sqlitestore

import (
	"database/sql"
	"errors"
	"time"
)

// kept says how far back the store goes.
type kept struct {
	compacted int64 // what followers of this revision or later need is kept for them alone
	past      int64 // states from this revision on can be loaded
}

// followed is the oldest revision that Follow can start at: with what is kept for loads alone, the changes after it can
// be told just as well.
func (k kept) followed() int64 { return min(k.compacted, k.past) }

// compaction is the revision after which the store is tidied.
type compaction struct {
	head     int64
	replaced int64     // as in the table of revisions
	time     time.Time // of the change
	origin   bool      // nothing before it can be followed or loaded
}

// compact drops what is older than the configuration keeps.
func (s *Store) compact(tx *transaction, was kept, after compaction) error {
	is := was
	oldest, before, err := s.oldest(tx, after.time)
	if err != nil {
		return err
	}
	if is.past, err = s.loadedFrom(tx, was.past, oldest, after); err != nil {
		return err
	}
	// Otherwise nothing is kept for followers alone, and there is nothing to bound.
	if is.past > was.compacted {
		if is.compacted, err = s.followedFrom(tx, was.compacted, after.head); err != nil {
			return err
		}
	}
	if after.origin {
		is = kept{after.head, after.head}
	}
	if is != was {
		// A row goes when nobody can follow it and nobody can load it; each is looked at once for either reason.
		for _, statement := range []string{
			"DELETE FROM superseded WHERE revision > ?1 AND revision <= ?3 AND replaced <= ?4",
			"DELETE FROM superseded WHERE replaced > ?2 AND replaced <= ?4 AND revision <= ?3",
		} {
			if err := tx.run(statement, was.compacted, was.past, is.compacted, is.past); err != nil {
				return err
			}
		}
		if err := tx.run("UPDATE revisions SET superseded = 0 WHERE superseded > 0 AND revision <= ?", is.compacted); err != nil {
			return err
		}
		if err := tx.run("UPDATE meta SET compacted = ?, past = ?", is.compacted, is.past); err != nil {
			return err
		}
	}
	if err := tx.run("DELETE FROM history WHERE id <= ?", before); err != nil {
		return err
	}
	if err := tx.run("UPDATE meta SET forgotten = ?1 WHERE forgotten < ?1", oldest-1); err != nil {
		return err
	}
	// The time of the state that was true when the oldest was made is asked for, too.
	return tx.run("DELETE FROM revisions WHERE revision < ? AND revision <= ?", oldest-1, is.compacted)
}

// followedFrom is the revision that Follow can start at.
func (s *Store) followedFrom(tx *transaction, compacted, head int64) (int64, error) {
	keepFrom := max(compacted, head-int64(s.config.KeepRevisions))
	tooOld, err := tx.number(`SELECT coalesce(max(revision), 0) FROM (
		SELECT revision, sum(superseded) OVER (ORDER BY revision DESC) AS together FROM revisions WHERE superseded > 0
	) WHERE together > ?`, s.config.KeepBytes)
	if err != nil {
		return 0, err
	}
	return max(keepFrom, min(tooOld, head-1)), nil // who follows closely must get the newest, whatever it weighs
}

// forgottenAtOnce is how many revisions one change makes the store forget at most. Each change makes only one, so that this
// keeps up; but a clock that is years ahead for a while costs a few of the oldest instead of everything.
const forgottenAtOnce = 4

// oldest is the first revision that is kept, and the last id of history before it: the first that is not too old, or as far
// as one change goes. A change from the future must not wipe the history. Changes may come with times out of order: a
// revision is too old when it and all before it are.
func (s *Store) oldest(tx *transaction, now time.Time) (revision, history int64, err error) {
	if clock := s.config.Now(); now.After(clock) {
		now = clock
	}
	err = tx.scan(`SELECT revision, history FROM revisions
		WHERE time >= ? OR revision > (SELECT forgotten FROM meta) + ? ORDER BY revision LIMIT 1`,
		[]any{now.Add(-s.config.KeepHistory).UnixMicro(), forgottenAtOnce}, &revision, &history)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return revision, history, err
}

// loadedFrom is the revision of the oldest state that can be loaded: the one that was true when the oldest was made, unless
// too much was replaced since.
func (s *Store) loadedFrom(tx *transaction, past, oldest int64, after compaction) (int64, error) {
	past = max(past, oldest-1)
	if after.replaced <= s.config.KeepPastBytes {
		return past, nil
	}
	bounded, err := tx.number("SELECT min(revision) FROM revisions WHERE replaced >= ?", after.replaced-s.config.KeepPastBytes)
	if err != nil {
		return 0, err
	}
	return max(past, min(bounded, after.head-1)), nil
}
