package graph_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// trail is an index of nothing but the revisions that it was made of, the first by a build.
type trail []graph.Revision

func (x trail) Apply(old, next *graph.Snapshot, change *catalog.ModelChange) graph.Index {
	if old.Revision() != x[len(x)-1] || len(change.Entities) != 1 || next.Len() != old.Len()+1 {
		return trail{} // not what it was said to be
	}
	return append(slices.Clip(x), next.Revision())
}

// grown is the snapshot with one entity more.
func grown(s *graph.Snapshot, ref catalog.Ref) *graph.Snapshot {
	entity := &catalog.Entity{Descriptor: catalog.Descriptor{
		Ref: ref, Kind: catalog.KindComponent, Namespace: ref.Namespace(), Name: ref.Name(),
	}}
	change := &catalog.ModelChange{Entities: []catalog.EntityChange{{Ref: ref, Entity: entity}}}
	return s.Apply(change, s.Revision()+1, s.Time(), nil)
}

// TestIndexCatchesUp changes the catalog while the one build of the index is under way: the changes do not wait for it, and
// the index of each snapshot follows from that build.
func TestIndexCatchesUp(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	var builds atomic.Int32
	build := func(s *graph.Snapshot) graph.Index {
		if builds.Add(1) == 1 {
			close(started)
		}
		<-release
		return trail{s.Revision()}
	}
	first := grown(graph.Build(graph.Input{}), "component:default/z")
	var asking sync.WaitGroup
	asking.Go(func() { first.Index(build) })
	<-started

	second := grown(first, "component:default/a")
	third := grown(second, "component:default/b")
	snapshots := []*graph.Snapshot{first, second, third}
	got := make([]graph.Index, 4*len(snapshots))
	for i := range got {
		asking.Go(func() { got[i] = snapshots[i%len(snapshots)].Index(build) })
	}
	fourth := grown(third, "component:default/c")
	close(release)
	asking.Wait()

	want := []graph.Index{trail{1}, trail{1, 2}, trail{1, 2, 3}}
	for i := range got {
		if diff := cmp.Diff(want[i%len(want)], got[i]); diff != "" {
			t.Errorf("the index of revision %d (-want +got):\n%s", i%len(want)+1, diff)
		}
	}
	// The fourth was made while the build was under way, the fifth is made after it and so has its index already.
	fifth := grown(fourth, "component:default/d")
	if diff := cmp.Diff(graph.Index(trail{1, 2, 3, 4, 5}), fifth.Index(nil)); diff != "" {
		t.Errorf("the index of revision 5 (-want +got):\n%s", diff)
	}
	if got := builds.Load(); got != 1 {
		t.Errorf("%d builds, want 1", got)
	}
}

// TestIndexUnasked has an index made of the snapshot that is asked for one first.
func TestIndexUnasked(t *testing.T) {
	second := grown(grown(graph.Build(graph.Input{}), "component:default/z"), "component:default/a")
	got := second.Index(func(s *graph.Snapshot) graph.Index { return trail{s.Revision()} })
	if diff := cmp.Diff(graph.Index(trail{2}), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
