package resolve

import (
	"context"
	"fmt"
	"slices"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

type mutationResolver struct{ *root }

func (m mutationResolver) ScanSource(ctx context.Context, id string) (*gen.ScanResult, error) {
	if m.live == nil {
		return nil, graph.ErrReadOnly
	}
	if err := checkTyped("id", id); err != nil {
		return nil, err
	}
	return m.scanned(ctx, id, "")(m.live.ScanSource(ctx, id))
}

func (m mutationResolver) ApproveScan(ctx context.Context, id, digest string) (*gen.ScanResult, error) {
	if m.live == nil {
		return nil, graph.ErrReadOnly
	}
	if err := checkTyped("id", id); err != nil {
		return nil, err
	}
	if err := checkTyped("digest", digest); err != nil {
		return nil, err
	}
	kind := ""
	if before := m.snapshots.Snapshot(); before != nil {
		if i := slices.IndexFunc(before.Sources(), func(s graph.Source) bool { return s.ID == id }); i >= 0 {
			kind = before.Sources()[i].Kind
		}
	}
	return m.scanned(ctx, id, kind)(m.live.ApproveScan(ctx, id, digest))
}

// scanned waits until the result can be seen, which takes a moment after its commit. kind is that of a source which may be
// gone with it.
func (m mutationResolver) scanned(ctx context.Context, id, kind string) func(graph.ScanResult, error) (*gen.ScanResult, error) {
	return func(result graph.ScanResult, err error) (*gen.ScanResult, error) {
		if err != nil {
			return nil, &scanError{id, err}
		}
		snapshot, err := m.reached(ctx, result.Revision)
		if err != nil {
			return nil, err
		}
		ctx.Value(pinned{}).(*pin).held.Store(snapshot)
		sources := snapshot.Sources()
		now := graph.Source{ID: id, Kind: kind, State: graph.SourceOK, Unconfigured: true} // nothing is left of it
		if i := slices.IndexFunc(sources, func(s graph.Source) bool { return s.ID == id }); i >= 0 {
			now = sources[i]
		}
		return &gen.ScanResult{
			Source: source(snapshot, &now), Revision: int(snapshot.Revision()),
			Scopes: result.Scopes, Unreadable: result.Unreadable, Put: result.Put, Removed: result.Removed,
			DurationSeconds: result.Duration.Seconds(),
		}, nil
	}
}

// reached waits for a snapshot that shows the revision.
func (r *root) reached(ctx context.Context, revision graph.Revision) (*graph.Snapshot, error) {
	for {
		changed := r.live.Changed()
		if snapshot := r.snapshots.Snapshot(); snapshot != nil && snapshot.Revision() >= revision {
			return snapshot, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type subscriptionResolver struct{ *root }

func (s subscriptionResolver) Changes(ctx context.Context, after *int, of []string) (<-chan *gen.RevisionChanges, error) {
	snapshot := snapshotOf(ctx)
	refs, err := refsToFollow(ctx, of)
	if err != nil {
		return nil, err
	}
	from := snapshot.Revision()
	if after != nil {
		if from, err = resumeAt(*after, snapshot, s.past); err != nil {
			return nil, err
		}
	}
	follower := &follower{root: s.root, refs: refs, at: from}
	return startStream(ctx, s.root, func(send func(*gen.RevisionChanges, int) bool) error {
		begin := snapshot
		if from > begin.Revision() {
			if begin, err = s.arrived(ctx, from); err != nil {
				return err
			}
		}
		return follower.run(ctx, begin, send)
	}), nil
}

func (s subscriptionResolver) ScanProgress(ctx context.Context, id *string) (<-chan *gen.ScanProgress, error) {
	known := func(source graph.Source) bool { return source.ID == *id }
	if id != nil && !slices.ContainsFunc(snapshotOf(ctx).Sources(), known) {
		return nil, fmt.Errorf("%w: %q", graph.ErrUnknownSource, *id)
	}
	return startStream(ctx, s.root, func(send func(*gen.ScanProgress, int) bool) error {
		if s.live == nil {
			return nil
		}
		for progress := range s.live.Progress(ctx) {
			if id != nil && progress.Source != *id {
				continue
			}
			if !send(scanProgress(progress), 1) {
				return nil
			}
		}
		return nil
	}), nil
}

func scanProgress(p graph.ScanProgress) *gen.ScanProgress {
	return &gen.ScanProgress{
		Source: p.Source, Scopes: p.Scopes, Documents: p.Documents, Done: p.Done, Error: known(p.Error),
	}
}
