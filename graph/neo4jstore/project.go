package neo4jstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// What one transaction of a projection holds at most, about: rows are nodes or relations. A step that fits is one
// transaction.
const (
	projectedRows  = 2000
	projectedBytes = 4 << 20
	// partRows is how many rows a transaction of a step has that takes several: changes of the catalog wait for one of them.
	partRows = 500
	// statementRows is how many rows one statement gets.
	statementRows = 1000
)

// written is what the Store node tells of the written graph.
type written struct {
	revision int64  // that it shows; -1 = none yet
	scheme   int64  // graph.ProjectionScheme when it was written
	step     string // id of the last step that wrote any of it
	part     int64  // the last transaction of a step of several that was committed
	underWay bool   // a step of several transactions has begun and not ended: the graph is between two revisions
}

func (tx *transaction) written() (w written, err error) {
	record, err := tx.single(`MATCH (s:@Store {id: $store}) RETURN coalesce(s.projected, -1) AS revision,
		coalesce(s.projectedScheme, 0) AS scheme, coalesce(s.projectedStep, '') AS step,
		coalesce(s.projectedPart, 0) AS part, s.projecting IS NOT NULL AS underWay`, nil)
	if err != nil {
		return w, err
	}
	if record == nil {
		return w, fmt.Errorf("%w: the store was removed from %s", graph.ErrUnavailable, place(tx.store.config))
	}
	r := reader{record: record}
	w = written{r.number("revision"), r.number("scheme"), r.text("step"), r.number("part"), column[bool](&r, "underWay")}
	return w, r.err
}

// shows says whether the graph is whole, and that of the revision.
func (w written) shows(revision graph.Revision) bool {
	return !w.underWay && w.scheme == graph.ProjectionScheme && w.revision == int64(revision)
}

var _ graph.Projector = (*Store)(nil)

var (
	// errOvertaken says that another projection has begun since this one looked.
	errOvertaken = errors.New("another projection has begun")
	// errLarge says that what had to go was more than one transaction should take.
	errLarge = errors.New("too much for one transaction")
)

// Project implements [graph.Projector].
func (s *Store) Project(ctx context.Context, lease string, fence graph.FencingToken, from, to *graph.Snapshot) error {
	p := &projection{store: s, ctx: ctx, lease: lease, fence: fence, to: to, rows: s.config.projectedRows}
	for overtaken := 0; overtaken < overtakings; {
		err := p.project(from)
		switch {
		case errors.Is(err, errOvertaken):
			from = nil
			overtaken++
		case strings.HasPrefix(code(err), codeTimedOut) && p.rows >= fewestRows:
			p.rows /= 4
		default:
			return err
		}
	}
	return fmt.Errorf("%w: %w", graph.ErrUnavailable, errOvertaken)
}

// fewestRows is how many rows in a transaction are no longer divided where the server is too slow for them.
const fewestRows = 100

// overtakings is how often a projection begins anew because of others. Under a lease there are none but those that began
// before it was taken.
const overtakings = 3

// projection brings the written graph to one snapshot.
//
// An entity is written with the relations that follow from what it states itself, and a hash over all of it. Where the
// hash on its node is that of the snapshot, all of it is there: the hash is written in the transaction of the last of its
// relations and taken away in, or before, that of the first which goes. So whatever a broken off projection left behind
// is found by the hashes alone. Nodes are made before any relation to them, and go after all of those have gone.
type projection struct {
	store *Store
	ctx   context.Context
	lease string
	fence graph.FencingToken
	to    *graph.Snapshot
	rows  int    // in a transaction, about
	step  string // of the attempt under way
	part  int64  // the last of its transactions that was committed
}

func (p *projection) project(from *graph.Snapshot) error {
	p.step, p.part = uuid.NewString(), 0
	to := p.to.Revision()
	var refs []catalog.Ref
	var change *projectedChange // of a small step; nil = it is none
	if from != nil {
		refs = p.to.Differing(from)
		change = p.difference(from, refs)
	}
	var found written
	isDone := false
	err := p.fenced(func(tx *transaction) (err error) {
		isDone = true
		found, err = tx.written()
		switch {
		case err != nil:
			return err
		case found.step == p.step: // it was committed, and the answer got lost
			return nil
		case !found.underWay && found.scheme == graph.ProjectionScheme && found.revision > int64(to):
			return nil
		case from != nil && found.shows(to):
			return nil
		case change != nil && found.shows(from.Revision()):
			if err := change.write(tx); err != nil {
				return err
			}
			return p.end(tx, from, change.publishers())
		}
		isDone = false
		return nil
	})
	if err != nil || isDone {
		return err
	}
	if from != nil && found.shows(from.Revision()) {
		stale, gone := p.rowsOf(from, refs)
		return p.rewrite(found, stale, gone)
	}
	stale, gone, err := p.compare()
	if err != nil {
		return err
	}
	return p.rewrite(found, stale, gone)
}

func (p *projection) fenced(work func(*transaction) error) error {
	return p.store.fenced(p.ctx, p.lease, p.fence, func(tx *transaction, _ head) error { return work(tx) })
}

// unchanged requires that the graph is as it was found. isDone says that this very step was committed before, and its
// answer got lost.
func (tx *transaction) unchanged(found written, step string) (isDone bool, err error) {
	now, err := tx.written()
	switch {
	case err != nil:
		return false, err
	case now.step == step:
		return true, nil
	case now != found:
		return false, errOvertaken
	}
	return false, nil
}

// staleRow is an entity that has to be written anew.
type staleRow struct {
	ref catalog.Ref
	// isNew says that the graph has no node of it, and so nothing that has to go first.
	isNew bool
}

// rowsOf turns differing entities into rows to write anew and nodes that go.
func (p *projection) rowsOf(from *graph.Snapshot, refs []catalog.Ref) (stale []staleRow, gone []string) {
	for _, ref := range refs {
		if p.to.Lookup(ref) == nil {
			gone = append(gone, graph.ProjectedID(string(ref)))
		} else {
			stale = append(stale, staleRow{ref, from.Lookup(ref) == nil})
		}
	}
	return stale, gone
}

// rewrite writes entities anew and takes nodes away: in one transaction where that is little, else in several, of which
// the first says that the graph is under way and the last that it is whole.
func (p *projection) rewrite(found written, stale []staleRow, gone []string) error {
	if change, small := p.anew(stale, gone); small {
		err := p.fenced(func(tx *transaction) error {
			if isDone, err := tx.unchanged(found, p.step); err != nil || isDone {
				return err
			}
			if err := change.write(tx); err != nil {
				return err
			}
			return p.end(tx, nil, nil)
		})
		if !errors.Is(err, errLarge) {
			return err
		}
	}
	err := p.fenced(func(tx *transaction) error {
		if isDone, err := tx.unchanged(found, p.step); err != nil || isDone {
			return err
		}
		return tx.run("MATCH (s:@Store {id: $store}) SET s.projecting = $revision, s.projectedStep = $step, s.projectedPart = 0",
			map[string]any{"revision": int64(p.to.Revision()), "step": p.step})
	})
	if err != nil {
		return err
	}
	p.rows = min(p.rows, partRows)
	if err := p.writeNodes(stale); err != nil {
		return err
	}
	if err := p.dropRows(stale, gone); err != nil {
		return err
	}
	if err := p.writeRows(stale); err != nil {
		return err
	}
	if err := p.dropNodes(gone); err != nil {
		return err
	}
	return p.own(func(tx *transaction) error { return p.end(tx, nil, nil) })
}

// own runs the next transaction of a projection that has several, as long as no other one has begun. Where it was committed
// and the answer got lost, it is not run again, so that work may create what must be there once.
func (p *projection) own(work func(*transaction) error) error {
	part := p.part + 1
	err := p.fenced(func(tx *transaction) error {
		now, err := tx.written()
		switch {
		case err != nil:
			return err
		case now.step != p.step:
			return errOvertaken
		case now.part >= part:
			return nil
		}
		if err := work(tx); err != nil {
			return err
		}
		return tx.run("MATCH (s:@Store {id: $store}) SET s.projectedPart = $part", map[string]any{"part": part})
	})
	if err == nil {
		p.part = part
	}
	return err
}

// end writes the sources and says that the graph is whole. publishers are the topics that may have lost their last
// relation; nil = any.
func (p *projection) end(tx *transaction, from *graph.Snapshot, publishers []string) error {
	err := tx.writeSources(from, p.to)
	switch {
	case err != nil:
	case from == nil:
		err = tx.run("MATCH (h:@Publishers) WHERE NOT (h)--() DELETE h", nil)
	case len(publishers) > 0:
		err = tx.run("UNWIND $topics AS topic MATCH (h:@Publishers {topic: topic}) WHERE NOT (h)--() DELETE h",
			map[string]any{"topics": publishers})
	}
	if err != nil {
		return err
	}
	return tx.run(`MATCH (s:@Store {id: $store}) SET s.projected = $revision, s.projectedTime = $time,
		s.projectedAt = datetime.realtime(), s.projectedScheme = $scheme, s.projectedStep = $step REMOVE s.projecting`,
		map[string]any{"revision": int64(p.to.Revision()), "time": cypherTime(p.to.Time()), "scheme": graph.ProjectionScheme, "step": p.step})
}
