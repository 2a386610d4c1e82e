package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrNewerSchema says that a newer Orrery wrote the file. Nothing in it was changed.
var ErrNewerSchema = errors.New("the store was written by a newer Orrery")

// ErrOlderSchema says that the file must be opened for writing once before this program can read it.
var ErrOlderSchema = errors.New("the store was written by an older Orrery")

// migrations bring a file from one schema to the next: the first makes schema 1 out of nothing. One that was released is
// never changed. One that is empty changes no table, only what may stand in documents: an older program cannot read these
// any more, and this one reads both.
var migrations = []string{
	`
CREATE TABLE meta (           -- one row: facts about the file
	written_by TEXT NOT NULL,   -- name and version of the program that last migrated it
	compacted  INTEGER NOT NULL -- Follow can start at this revision or later
) STRICT;
INSERT INTO meta VALUES ('', 0);

CREATE TABLE revisions (
	revision   INTEGER PRIMARY KEY,
	time       INTEGER NOT NULL, -- of the change, microseconds since 1970 UTC
	history    INTEGER NOT NULL, -- its rows of history have a greater id than this
	superseded INTEGER NOT NULL  -- about how many bytes it has in superseded
) STRICT;
CREATE INDEX revisions_time ON revisions (time);
CREATE INDEX revisions_superseded ON revisions (revision, superseded) WHERE superseded > 0;

CREATE TABLE records (       -- what is true now
	kind     INTEGER NOT NULL, -- 0: a document; 1: a state, with its name as scope and no key
	source   TEXT NOT NULL,
	scope    TEXT NOT NULL,
	key      TEXT NOT NULL,
	revision INTEGER NOT NULL, -- that put it
	data     BLOB NOT NULL,    -- a packed document, or the state as it is
	PRIMARY KEY (kind, source, scope, key)
) STRICT;
CREATE INDEX records_revision ON records (revision);

CREATE TABLE superseded (    -- what was put by a revision and replaced or removed by a later one
	revision INTEGER NOT NULL,
	kind     INTEGER NOT NULL,
	source   TEXT NOT NULL,
	scope    TEXT NOT NULL,
	key      TEXT NOT NULL,
	data     BLOB,             -- NULL: the revision removed it
	PRIMARY KEY (revision, kind, source, scope, key)
) STRICT;

CREATE TABLE history (
	id       INTEGER PRIMARY KEY,
	revision INTEGER NOT NULL,
	ref      TEXT NOT NULL,
	field    TEXT NOT NULL,
	old      TEXT NOT NULL,
	new      TEXT NOT NULL,
	source   TEXT NOT NULL
) STRICT;
CREATE INDEX history_ref ON history (ref);

CREATE TABLE leases (
	name   TEXT PRIMARY KEY,
	holder TEXT,               -- NULL: it was given back
	token  INTEGER NOT NULL,   -- the newest granted
	until  INTEGER NOT NULL    -- microseconds since 1970 UTC
) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE meta ADD COLUMN past INTEGER NOT NULL DEFAULT 0; -- states from this revision on can be loaded
ALTER TABLE meta ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0; -- revisions after it have all their history
UPDATE meta SET past = (SELECT coalesce(max(revision), 0) FROM revisions),
	forgotten = (SELECT coalesce(min(revision) - 1, 0) FROM revisions);

-- about how many bytes were replaced up to it, itself included, since this column is there
ALTER TABLE revisions ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
CREATE INDEX revisions_replaced ON revisions (replaced);

-- A row of superseded was true from the revision that put it to before the one that replaced it. A removal was never true,
-- and neither, as far as can be told, was what schema 1 has kept.
ALTER TABLE superseded ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
UPDATE superseded SET replaced = revision;
CREATE INDEX superseded_replaced ON superseded (replaced);
`, "", // 3: documents may have facts of workloads, were found, and name the protocols of edges
	`
ALTER TABLE meta ADD COLUMN traffic INTEGER NOT NULL DEFAULT 0; -- the newest sequence of traffic that was given
ALTER TABLE meta ADD COLUMN traffic_forgotten INTEGER NOT NULL DEFAULT 0; -- the newest that an emptied row had which is gone

CREATE TABLE traffic (       -- what was counted; it belongs to no revision
	sequence INTEGER PRIMARY KEY, -- of the write, new with each
	source   TEXT NOT NULL,
	writer   TEXT NOT NULL,
	hour     INTEGER NOT NULL, -- since 1970 UTC
	part     INTEGER NOT NULL,
	emptied  INTEGER,          -- microseconds since 1970 UTC; NULL: it is not empty
	data     BLOB NOT NULL,
	UNIQUE (source, writer, hour, part)
) STRICT;
CREATE INDEX traffic_emptied ON traffic (emptied) WHERE emptied IS NOT NULL;
`,
}

// migrateTo brings the file to the newest schema, all steps in the one transaction.
func migrateTo(config Config) func(*transaction) error {
	return func(tx *transaction) error {
		version, err := tx.number("PRAGMA user_version")
		if err != nil {
			return err
		}
		if int(version) == len(config.migrations) {
			return nil
		}
		if int(version) > len(config.migrations) {
			return newerSchema(tx.ctx, tx.conn, version, len(config.migrations))
		}
		for i, step := range config.migrations[version:] {
			if step == "" {
				continue
			}
			if err := tx.run(step); err != nil {
				return fmt.Errorf("bring the store from schema %d to %d: %w", int(version)+i, int(version)+i+1, err)
			}
		}
		if err := tx.run(fmt.Sprintf("PRAGMA user_version = %d", len(config.migrations))); err != nil {
			return err
		}
		return tx.run("UPDATE meta SET written_by = ?", config.Program)
	}
}

// checkSchema is the reader's part: it cannot migrate.
func (s *Store) checkSchema(ctx context.Context) error {
	var version int64
	if err := s.read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	tables := len(s.config.migrations) // the last schema that changed any
	for tables > 0 && s.config.migrations[tables-1] == "" {
		tables--
	}
	switch {
	case version > int64(len(s.config.migrations)):
		return newerSchema(ctx, s.read, version, len(s.config.migrations))
	case version < int64(tables):
		return fmt.Errorf("%w (schema %d, this one reads %d): open it once for writing with this Orrery, by a scan for one",
			ErrOlderSchema, version, tables)
	}
	return nil
}

// queryer is what a *sql.DB and a *sql.Conn have in common.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func newerSchema(ctx context.Context, from queryer, version int64, known int) error {
	writer := "another Orrery" // where the newer schema keeps that elsewhere
	_ = from.QueryRowContext(ctx, "SELECT written_by FROM meta").Scan(&writer)
	return fmt.Errorf("%w: %s wrote it in schema %d, and this program knows schema %d: upgrade this program",
		ErrNewerSchema, writer, version, known)
}
