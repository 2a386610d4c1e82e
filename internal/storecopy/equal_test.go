package storecopy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// content is a state as a store gives it, documents packed, in order.
type content struct {
	revision graph.Revision
	records  []string
	gone     bool // ErrCompacted or ErrNoRevision
}

func contentAt(t testing.TB, store graph.Store, at graph.AsOf) content {
	t.Helper()
	var c content
	var records func(func(graph.Record, error) bool)
	c.revision, records = store.Load(t.Context(), at)
	for record, err := range records {
		switch {
		case errors.Is(err, graph.ErrCompacted), errors.Is(err, graph.ErrNoRevision):
			c.gone = true
		case err != nil:
			t.Fatalf("load at %+v: %v", at, err)
		case record.Document != nil:
			packed, err := graph.EncodeDocument(record.Document)
			if err != nil {
				t.Fatal(err)
			}
			c.records = append(c.records, string(packed))
		default:
			c.records = append(c.records, fmt.Sprintf("%q %q %q", record.State.Source, record.State.Name, record.State.Data))
		}
	}
	return c
}

func equalContents(a, b content) bool {
	return a.revision == b.revision && a.gone == b.gone && slices.Equal(a.records, b.records)
}

// commitsAfter follows up to a revision; nil where the store cannot.
func commitsAfter(t testing.TB, store graph.Store, after, through graph.Revision) []graph.Commit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var commits []graph.Commit
	for commit, err := range store.Follow(ctx, after) {
		if errors.Is(err, graph.ErrCompacted) {
			return nil
		}
		if err != nil {
			t.Fatalf("follow after %d: %v", after, err)
		}
		if commits = append(commits, commit); commit.Revision == through {
			return commits
		}
	}
	t.Fatalf("follow after %d ended", after)
	return nil
}

func historyOf(t testing.TB, store graph.Store, query graph.HistoryQuery) (all []graph.Recorded, compacted bool) {
	t.Helper()
	for recorded, err := range store.History(t.Context(), query) {
		if errors.Is(err, graph.ErrCompacted) {
			return nil, true
		}
		if err != nil {
			t.Fatalf("history of %+v: %v", query, err)
		}
		all = append(all, recorded)
	}
	return all, false
}

// requireEqual asks both stores everything that a store can be asked of its past and present.
func requireEqual(t testing.TB, from, to graph.TrafficStore, random *rand.Rand) {
	t.Helper()
	newest := contentAt(t, from, graph.AsOf{})
	if copied := contentAt(t, to, graph.AsOf{}); !equalContents(newest, copied) {
		t.Fatalf("the newest state is %d with %d records, and %d with %d in the copy",
			newest.revision, len(newest.records), copied.revision, len(copied.records))
	}
	head := newest.revision
	oldest := head
	for revision := head; revision > 0; revision-- {
		original, copied := contentAt(t, from, graph.AsOf{Revision: revision}), contentAt(t, to, graph.AsOf{Revision: revision})
		if !equalContents(original, copied) {
			t.Fatalf("at revision %d: %d with %d records, gone %t; in the copy %d with %d, gone %t", revision, original.revision,
				len(original.records), original.gone, copied.revision, len(copied.records), copied.gone)
		}
		if original.gone {
			continue
		}
		oldest = revision
	}
	all, _ := historyOf(t, from, graph.HistoryQuery{})
	var times []time.Time
	for _, recorded := range all {
		times = append(times, recorded.Time)
	}
	if oldest < head {
		original, copied := commitsAfter(t, from, oldest, head), commitsAfter(t, to, oldest, head)
		if diff := cmp.Diff(original, copied, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the commits after %d (-source +copy):\n%s", oldest, diff)
		}
		for i, commit := range original {
			times = append(times, commit.Time)
			if i%7 != 0 {
				continue
			}
			if got := commitsAfter(t, to, commit.Revision-1, head); len(got) != len(original)-i {
				t.Fatalf("%d commits can be followed after %d, want %d", len(got), commit.Revision-1, len(original)-i)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	times = append(slices.CompactFunc(times, time.Time.Equal), time.Unix(0, 0), time.Unix(1<<35, 0))
	for _, at := range times {
		for _, offset := range []time.Duration{-time.Microsecond, 0} {
			asked := graph.AsOf{Time: at.Add(offset)}
			original, copied := contentAt(t, from, asked), contentAt(t, to, asked)
			if !equalContents(original, copied) {
				t.Fatalf("at %v: %d with %d records, gone %t; in the copy %d with %d, gone %t", asked.Time, original.revision,
					len(original.records), original.gone, copied.revision, len(copied.records), copied.gone)
			}
		}
	}
	requireEqualHistories(t, from, to, random, head, times, all)
	if diff := cmp.Diff(rowsOf(t, from), rowsOf(t, to)); diff != "" {
		t.Fatalf("the rows of traffic (-source +copy):\n%s", diff)
	}
}

// rowsOf is what the rows of traffic hold.
func rowsOf(t testing.TB, store graph.TrafficStore) map[graph.TrafficKey]string {
	t.Helper()
	rows := make(map[graph.TrafficKey]string)
	for row, err := range store.Traffic(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		rows[row.TrafficKey] = string(row.Data)
	}
	return rows
}

func requireEqualHistories(t testing.TB, from, to graph.Store, random *rand.Rand, head graph.Revision, times []time.Time, all []graph.Recorded) {
	t.Helper()
	require := func(query graph.HistoryQuery) {
		t.Helper()
		original, compacted := historyOf(t, from, query)
		copied, compactedToo := historyOf(t, to, query)
		if compacted != compactedToo || !slices.Equal(original, copied) {
			t.Fatalf("the history of %+v: compacted %t, in the copy %t (-source +copy):\n%s", query, compacted, compactedToo,
				cmp.Diff(original, copied, cmpopts.EquateEmpty()))
		}
	}
	require(graph.HistoryQuery{})
	for after := range head + 2 {
		require(graph.HistoryQuery{After: after, Limit: 3})
		require(graph.HistoryQuery{Through: after})
	}
	for range 200 {
		query := graph.HistoryQuery{
			After: graph.Revision(random.IntN(int(head) + 2)), Through: graph.Revision(random.IntN(int(head) + 2)),
			From: random.IntN(5), Limit: random.IntN(6) * random.IntN(9),
		}
		if random.IntN(2) == 0 {
			query.After, query.Since = 0, times[random.IntN(len(times))]
		}
		if random.IntN(3) == 0 {
			query.Until = times[random.IntN(len(times))]
		}
		for range random.IntN(3) {
			if len(all) > 0 {
				query.Refs = append(query.Refs, all[random.IntN(len(all))].Ref)
			} else {
				query.Refs = append(query.Refs, catalog.Ref("component:default/none"))
			}
		}
		require(query)
	}
}
