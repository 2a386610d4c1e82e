package neo4jstore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// pollInterval is how often a follower looks for commits of other processes.
const pollInterval = 250 * time.Millisecond

// Follow implements [graph.Store].
func (s *Store) Follow(ctx context.Context, after graph.Revision) iter.Seq2[graph.Commit, error] {
	return func(yield func(graph.Commit, error) bool) {
		ticker := time.NewTicker(pollInterval)
		defer ticker.Stop()
		for {
			changed := s.nextChange() // asked for before the look, so that no commit falls between
			newest, err := s.visible(ctx)
			for err == nil && after != graph.Revision(newest.revision) {
				var commit graph.Commit
				if commit, err = s.commitAfter(ctx, newest, after); err != nil {
					break
				}
				if err = s.interrupted(ctx); err != nil {
					break
				}
				if !yield(commit, nil) {
					return
				}
				after = commit.Revision
			}
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(graph.Commit{}, err)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-s.life.Done():
				yield(graph.Commit{}, graph.ErrClosed)
				return
			case <-changed:
			case <-ticker.C:
			}
		}
	}
}

// commitAfter reads the next commit, which there must be.
func (s *Store) commitAfter(ctx context.Context, newest head, after graph.Revision) (graph.Commit, error) {
	switch {
	case after > graph.Revision(newest.revision):
		return graph.Commit{}, fmt.Errorf("%w: the store is at revision %d, and changes after %d were asked for: another database "+
			"stands in its place", graph.ErrCompacted, newest.revision, after)
	case after < graph.Revision(newest.past):
		return graph.Commit{}, notFollowed(newest.past, after)
	}
	r := commitReader{store: s, revision: int64(after) + 1}
	return r.read(ctx)
}

func notFollowed(past int64, after graph.Revision) error {
	return fmt.Errorf("%w: the oldest that can be followed is %d, not %d", graph.ErrCompacted, past, after)
}

// commitReader collects what a revision put and replaced.
type commitReader struct {
	store         *Store
	revision      int64
	micros        int64
	put, replaced [len(kinds)][]row
}

// read reads all pages of the four lists, as many as are short in one transaction.
func (c *commitReader) read(ctx context.Context) (graph.Commit, error) {
	type list struct {
		*pages
		into *[]row
		page []row
	}
	var lists []*list
	for _, k := range kinds {
		lists = append(lists, &list{pages: newPages(k, putPage(k)), into: &c.put[k]},
			&list{pages: newPages(k, replacedPage(k)), into: &c.replaced[k]})
	}
	for len(lists) > 0 {
		err := c.store.read(ctx, func(tx *transaction) (err error) {
			for _, l := range lists {
				if l.page, err = l.next(tx, c.revision); err != nil {
					return err
				}
			}
			return c.requireKept(tx)
		})
		if err != nil {
			return graph.Commit{}, err
		}
		for _, l := range lists {
			*l.into = append(*l.into, l.page...)
			l.advance(l.page)
		}
		lists = slices.DeleteFunc(lists, func(l *list) bool { return l.done })
	}
	return c.commit()
}

// putPage reads what a revision put.
func putPage(k kind) string {
	return `MATCH (v:` + k.label() + `) USING INDEX v:` + k.label() + `(from, id) WHERE v.from = $revision AND v.id > $after
		RETURN v.id AS id, v.whole AS whole, v.data AS data ORDER BY v.from, v.id LIMIT $limit`
}

// replacedPage reads what a revision replaced or removed.
func replacedPage(k kind) string {
	return `MATCH (v:` + k.label() + `) USING INDEX v:` + k.label() + `(until, id) WHERE v.until = $revision AND v.id > $after
		RETURN v.id AS id, v.whole AS whole, null AS data ORDER BY v.until, v.id LIMIT $limit`
}

// requireKept reads the time of the revision. What was removed as too old may have been missed.
func (c *commitReader) requireKept(tx *transaction) error {
	record, err := tx.single(`MATCH (s:@Store {id: $store}) OPTIONAL MATCH (r:@Revision {number: $number})
		RETURN s.past AS past, r.micros AS micros, r IS NOT NULL AS kept`, map[string]any{"number": c.revision})
	if err != nil || record == nil {
		return cmp.Or(err, errAgain)
	}
	r := reader{record: record}
	past, is := r.number("past"), column[bool](&r, "kept")
	c.micros = r.number("micros")
	switch {
	case r.err != nil:
		return r.err
	case c.revision <= past || !is:
		return notFollowed(max(past, c.revision), graph.Revision(c.revision-1))
	}
	return nil
}

// commit unpacks the rows. What was replaced and not put was removed.
func (c *commitReader) commit() (graph.Commit, error) {
	commit := graph.Commit{Revision: graph.Revision(c.revision), Time: time.UnixMicro(c.micros).UTC()}
	for _, r := range c.put[documents] {
		document, err := r.document()
		if err != nil {
			return graph.Commit{}, err
		}
		commit.Put = append(commit.Put, document)
	}
	for _, r := range c.put[states] {
		state, err := r.state()
		if err != nil {
			return graph.Commit{}, err
		}
		commit.States = append(commit.States, state)
	}
	for r := range removed(c.replaced[documents], c.put[documents]) {
		id, err := r.documentID()
		if err != nil {
			return graph.Commit{}, err
		}
		commit.Remove = append(commit.Remove, id)
	}
	for r := range removed(c.replaced[states], c.put[states]) {
		state, err := r.state()
		if err != nil {
			return graph.Commit{}, err
		}
		commit.States = append(commit.States, graph.State{Source: state.Source, Name: state.Name})
	}
	slices.SortFunc(commit.States, func(a, b graph.State) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name))
	})
	return commit, nil
}

// removed yields the rows that are not among those that were put. Both are in the order of their ids.
func removed(replaced, put []row) iter.Seq[row] {
	return func(yield func(row) bool) {
		for _, r := range replaced {
			for len(put) > 0 && put[0].id < r.id {
				put = put[1:]
			}
			if (len(put) == 0 || put[0].id != r.id) && !yield(r) {
				return
			}
		}
	}
}
