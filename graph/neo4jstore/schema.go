package neo4jstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"golang.org/x/sync/singleflight"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	// scheme is the number of the labels and properties that this program writes. A program that knows only older ones
	// refuses to touch the database. Since 2, documents may have facts of workloads, were found, and name the protocols of
	// edges; since 3, there are rows of traffic. This program reads all.
	scheme = 3
	// storeID is the id of the one Store node.
	storeID = "orrery"
	// oldestServer is the major version that is needed. After 5.26, versions are numbered by years.
	oldestServer = 5
	// prepareTimeout bounds the making of constraints and indexes.
	prepareTimeout = time.Minute
)

// rules are the constraints and indexes by their names, which begin with the label prefix.
//
// Of a version, `id` and `from` never change, so that a reader which pages along them misses nothing, whoever writes
// meanwhile. `until` with `id` is what the writer finds the newest version of an id by, and what a revision replaced.
var rules = []struct {
	name, statement string
	since           int64 // scheme in which its label came
}{
	{"store", "CONSTRAINT $name IF NOT EXISTS FOR (n:@Store) REQUIRE n.id IS UNIQUE", 1},
	{"revision", "CONSTRAINT $name IF NOT EXISTS FOR (n:@Revision) REQUIRE n.number IS UNIQUE", 1},
	{"revision_replaced", "INDEX $name IF NOT EXISTS FOR (n:@Revision) ON (n.replaced, n.number)", 1},
	{"claim_until", "CONSTRAINT $name IF NOT EXISTS FOR (n:@Claim) REQUIRE (n.until, n.id) IS UNIQUE", 1},
	{"claim_id", "INDEX $name IF NOT EXISTS FOR (n:@Claim) ON (n.id, n.from)", 1},
	{"claim_from", "INDEX $name IF NOT EXISTS FOR (n:@Claim) ON (n.from, n.id)", 1},
	{"claim_ref", "INDEX $name IF NOT EXISTS FOR (n:@Claim) ON (n.ref)", 1},
	{"state_until", "CONSTRAINT $name IF NOT EXISTS FOR (n:@State) REQUIRE (n.until, n.id) IS UNIQUE", 1},
	{"state_id", "INDEX $name IF NOT EXISTS FOR (n:@State) ON (n.id, n.from)", 1},
	{"state_from", "INDEX $name IF NOT EXISTS FOR (n:@State) ON (n.from, n.id)", 1},
	{"change_sequence", "CONSTRAINT $name IF NOT EXISTS FOR (n:@FieldChange) REQUIRE n.sequence IS UNIQUE", 1},
	{"change_ref", "INDEX $name IF NOT EXISTS FOR (n:@FieldChange) ON (n.ref, n.sequence)", 1},
	{"lease", "CONSTRAINT $name IF NOT EXISTS FOR (n:@Lease) REQUIRE n.name IS UNIQUE", 1},
	// Of the written graph.
	{"entity", "CONSTRAINT $name IF NOT EXISTS FOR (n:@Entity) REQUIRE n.ref IS UNIQUE", 1},
	{"entity_name", "INDEX $name IF NOT EXISTS FOR (n:@Entity) ON (n.name)", 1},
	{"entity_owner", "INDEX $name IF NOT EXISTS FOR (n:@Entity) ON (n.owner)", 1},
	{"publishers", "CONSTRAINT $name IF NOT EXISTS FOR (n:@Publishers) REQUIRE n.topic IS UNIQUE", 1},
	{"source", "CONSTRAINT $name IF NOT EXISTS FOR (n:@Source) REQUIRE n.id IS UNIQUE", 1},
	{"traffic_sequence", "CONSTRAINT $name IF NOT EXISTS FOR (n:@TrafficSequence) REQUIRE n.id IS UNIQUE", 3},
	{"traffic_row", "CONSTRAINT $name IF NOT EXISTS FOR (n:@TrafficRow) REQUIRE n.id IS UNIQUE", 3},
	{"traffic_row_sequence", "CONSTRAINT $name IF NOT EXISTS FOR (n:@TrafficRow) REQUIRE n.sequence IS UNIQUE", 3},
	{"traffic_row_emptied", "INDEX $name IF NOT EXISTS FOR (n:@TrafficRow) ON (n.emptied)", 3},
}

// preparation is whether the server and the scheme of the database were looked at.
type preparation struct {
	done atomic.Bool
	once singleflight.Group
}

// prepare looks at the server and the scheme, and makes what is missing, once. Where that fails in a way that passes, the
// next call tries again. Errors come explained.
func (s *Store) prepare(ctx context.Context) error {
	if s.prepared.done.Load() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	// All who wait share one attempt, which does not end with the context of the first.
	attempt := s.prepared.once.DoChan("", func() (any, error) { //nolint:contextcheck // see above
		ctx, cancel := context.WithTimeoutCause(s.life, prepareTimeout, errSlow)
		defer cancel()
		err := s.prepareScheme(ctx)
		s.prepared.done.Store(err == nil)
		return nil, err
	})
	select {
	case result := <-attempt:
		return s.explain(ctx, result.Err)
	case <-ctx.Done():
		return s.explain(ctx, context.Cause(ctx))
	}
}

func (s *Store) prepareScheme(ctx context.Context) error {
	var found int64
	var program, version string
	names := make(map[string]bool)
	err := s.transact(ctx, neo4j.AccessModeRead, func(tx *transaction) (err error) {
		if version, err = tx.serverVersion(); err != nil {
			return err
		}
		found, program, err = tx.scheme()
		if err != nil || s.config.ReadOnly {
			return err
		}
		for record, err := range tx.stream("SHOW INDEXES YIELD name WHERE name STARTS WITH $prefix", map[string]any{"prefix": s.rule("")}) {
			if err != nil {
				return err
			}
			name, err := value[string](record, "name")
			if err != nil {
				return err
			}
			names[name] = true
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case found > scheme:
		return fmt.Errorf("%w: %s wrote it in scheme %d, and this program knows scheme %d: upgrade this program",
			ErrNewerScheme, program, found, scheme)
	case found == 0 && s.config.ReadOnly:
		return errNoStore
	case found < scheme && !s.config.ReadOnly:
		if err := s.requireFree(ctx, found); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.version = version
	s.mu.Unlock()
	if s.config.ReadOnly {
		return nil
	}
	if err := s.makeRules(ctx, names); err != nil || found == scheme {
		return err
	}
	return s.transact(ctx, neo4j.AccessModeWrite, func(tx *transaction) error {
		// This first: where the scheme is 3, it is there.
		if err := tx.run(`MERGE (n:@TrafficSequence {id: $store}) ON CREATE SET n.newest = 0, n.forgotten = 0`, nil); err != nil {
			return err
		}
		return tx.run(`MERGE (s:@Store {id: $store}) ON CREATE SET s.revision = 0, s.past = 0, s.forgotten = 0, s.replaced = 0
			SET s.scheme = $scheme, s.program = $program`,
			map[string]any{"scheme": scheme, "program": s.config.Program})
	})
}

// requireFree requires that nothing in the database has a label that came to this store after the scheme, as nodes which
// have one, and are not in the catalog, are removed from then on.
func (s *Store) requireFree(ctx context.Context, since int64) error {
	var labels, taken []string
	for _, rule := range rules {
		if _, after, _ := strings.Cut(rule.statement, "(n:@"); after != "" && rule.since > since {
			label, _, _ := strings.Cut(after, ")")
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	labels = slices.Compact(labels)
	err := s.transact(ctx, neo4j.AccessModeRead, func(tx *transaction) error {
		taken = nil
		for _, label := range labels {
			record, err := tx.single("MATCH (n:@"+label+") RETURN 1 AS there LIMIT 1", nil)
			if err != nil {
				return err
			}
			if record != nil {
				taken = append(taken, s.config.LabelPrefix+label)
			}
		}
		return nil
	})
	if err != nil || len(taken) == 0 {
		return err
	}
	// Of a store that another process has made meanwhile: its Store node came before everything else of it, or with it. This
	// transaction sees all of what the one before saw a part of.
	return s.transact(ctx, neo4j.AccessModeRead, func(tx *transaction) error {
		if number, _, err := tx.scheme(); err != nil || number > since {
			return err
		}
		return fmt.Errorf("%w: the database %s at %s has nodes with the label %s: set a labelPrefix that nothing else uses, or use another database",
			ErrForeignData, s.config.Database, s.config.URI, strings.Join(taken, ", "))
	})
}

// serverVersion requires that the server is new enough.
func (tx *transaction) serverVersion() (string, error) {
	record, err := tx.single("CALL dbms.components() YIELD name, versions WITH name, versions WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version", nil)
	if err != nil || record == nil {
		return "", errorOr(err, errors.New("the server gave no answer to dbms.components"))
	}
	version, err := value[string](record, "version")
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(version, ".")
	if major, err := strconv.Atoi(first); err != nil || major < oldestServer {
		return "", fmt.Errorf("%w: %s runs Neo4j %s, and version %d or later is needed", ErrOldServer, tx.store.config.URI, version, oldestServer)
	}
	return version, nil
}

// scheme reads the number of the scheme, 0 where there is no store, and who wrote it.
func (tx *transaction) scheme() (number int64, program string, err error) {
	record, err := tx.single("MATCH (s:@Store {id: $store}) RETURN s.scheme AS scheme, s.program AS program", nil)
	if err != nil || record == nil {
		return 0, "", err
	}
	if number, err = value[int64](record, "scheme"); err == nil {
		program, err = value[string](record, "program")
	}
	return number, program, err
}

// rule is the name of a constraint or index.
func (s *Store) rule(name string) string { return s.config.LabelPrefix + "orrery_" + name }

// makeRules makes the constraints and indexes that are not there. Several processes may do so at once.
func (s *Store) makeRules(ctx context.Context, there map[string]bool) error {
	made := false
	for _, rule := range rules {
		name := s.rule(rule.name)
		if there[name] {
			continue
		}
		made = true
		err := s.transact(ctx, neo4j.AccessModeWrite, func(tx *transaction) error {
			return tx.run("CREATE "+strings.ReplaceAll(rule.statement, "$name", "`"+name+"`"), nil)
		})
		switch code(err) {
		case codeRuleExists, codeConstraintExists, codeIndexExists: // by another process, since we looked
		default:
			if err != nil {
				return fmt.Errorf("make the constraint or index %s: %w", name, err)
			}
		}
	}
	if !made {
		return nil
	}
	err := s.transact(ctx, neo4j.AccessModeRead, func(tx *transaction) error {
		return tx.run("CALL db.awaitIndexes($seconds)", map[string]any{"seconds": int64(transactionTimeout / time.Second)})
	})
	if code(err) == codeProcedureFailed { // it has waited for long enough; without them all is right, but slow
		return fmt.Errorf("%w: the indexes in %s are still being made: %w", graph.ErrUnavailable, place(s.config), err)
	}
	return err
}

// errNoStore is what a reader finds where nobody has written yet.
var errNoStore = fmt.Errorf("%w: there is no store yet: scan into it first", fs.ErrNotExist)
