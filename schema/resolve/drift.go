package resolve

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/drift"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// driftKey is where a finding stands in the order of [drift.Compare]. The number of requests changes all the time; a cursor
// keeps its place among those that have more.
type driftKey struct {
	_          struct{} `cbor:",toarray"`
	Kind       drift.Kind
	Confidence drift.Confidence
	Requests   float64
	Ref        catalog.Ref
	From, To   catalog.Ref
}

var byDrift = order[*drift.Finding, driftKey]{
	name: "drift",
	key: func(_ int, f *drift.Finding) driftKey {
		return driftKey{Kind: f.Kind, Confidence: f.Confidence, Requests: f.Requests, Ref: f.Ref, From: f.From, To: f.To}
	},
	compare: func(a, b driftKey) int { return drift.Compare(a.finding(), b.finding()) },
}

func (k driftKey) finding() *drift.Finding {
	return &drift.Finding{Kind: k.Kind, Confidence: k.Confidence, Requests: k.Requests, Ref: k.Ref, From: k.From, To: k.To}
}

func (q queryResolver) Drift(ctx context.Context, filter *gen.DriftFilter, environment *string, first *int, after *string, _ *time.Time,
) (*gen.DriftConnection, error) {
	snapshot := snapshotOf(ctx)
	options := drift.Options{Environment: environmentOf(environment)}
	var asked gen.DriftFilter
	var owners []catalog.Ref
	if filter != nil {
		asked = *filter
		for name, listed := range map[string][]string{"refs": asked.Refs, "owners": asked.Owners} {
			if err := atMost(name, listed); err != nil {
				return nil, err
			}
		}
		options.Kinds = asked.Kinds
		for _, text := range asked.Refs {
			entity, err := typedEntity(ctx, "refs", text)
			if err != nil {
				return nil, err
			}
			options.Refs = append(options.Refs, entity.Ref)
		}
		var err error
		if owners, err = parseRefs(asked.Owners, catalog.KindGroup); err != nil {
			return nil, err
		}
	}
	var findings []*drift.Finding
	switch {
	case asked.Refs == nil:
		findings = slices.Clone(q.derivedOf(snapshot).findings(ctx, snapshot, options.Environment))
	case len(options.Refs) > 0:
		findings = drift.Find(snapshot, options)
	}
	findings = slices.DeleteFunc(findings, func(f *drift.Finding) bool {
		return asked.Kinds != nil && !slices.Contains(asked.Kinds, f.Kind) ||
			asked.Confidence != nil && slices.Index(drift.Confidences(), f.Confidence) > slices.Index(drift.Confidences(), *asked.Confidence) ||
			asked.Owners != nil && !slices.Contains(owners, ownerOf(snapshot, f.Ref))
	})
	found, err := cut(sliceOf(findings), byDrift, first, after)
	if err != nil {
		return nil, err
	}
	connection := &gen.DriftConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total, Totals: []*gen.DriftTotal{},
		Edges: edges(ctx, found, func(node *drift.Finding, cursor string) *gen.DriftEdge {
			return &gen.DriftEdge{Node: node, Cursor: cursor}
		}),
	}
	for _, finding := range findings { // by kind
		if last := len(connection.Totals) - 1; last >= 0 && connection.Totals[last].Kind == finding.Kind {
			connection.Totals[last].Count++
			continue
		}
		connection.Totals = append(connection.Totals, &gen.DriftTotal{Kind: finding.Kind, Count: 1})
	}
	return connection, nil
}

// findings are all of an environment, computed once for the numbers of a snapshot of the same graph. They are not to be
// changed.
func (d *derived) findings(ctx context.Context, pinned *graph.Snapshot, environment string) []*drift.Finding {
	d.drifting.Lock()
	defer d.drifting.Unlock()
	version := uint64(0)
	if counted := pinned.Traffic(); counted != nil {
		version = counted.Version()
	}
	key := strconv.FormatUint(version, 10) + " " + environment
	if kept, ok := d.drift.Get(ctx, key); ok {
		return kept
	}
	found := drift.Find(pinned, drift.Options{Environment: environment})
	d.drift.Add(ctx, key, found)
	return found
}

func ownerOf(snapshot *graph.Snapshot, ref catalog.Ref) catalog.Ref {
	if entity := snapshot.Lookup(ref); entity != nil {
		return entity.Owner
	}
	return ""
}

func (entityResolver) Drift(ctx context.Context, entity *catalog.Entity, environment *string) ([]*drift.Finding, error) {
	findings := drift.Find(snapshotOf(ctx), drift.Options{Environment: environmentOf(environment), Refs: []catalog.Ref{entity.Ref}})
	return sliced(sliceOf(findings)), nil
}

type driftFindingResolver struct{}

func (driftFindingResolver) From(ctx context.Context, f *drift.Finding) (*catalog.Entity, error) {
	if f.From == "" {
		return nil, nil
	}
	return entityOf(ctx, f.From), nil
}

func (driftFindingResolver) To(ctx context.Context, f *drift.Finding) (*catalog.Entity, error) {
	if f.To == "" {
		return nil, nil
	}
	return entityOf(ctx, f.To), nil
}

func (driftFindingResolver) Entity(ctx context.Context, f *drift.Finding) (*catalog.Entity, error) {
	return entityOf(ctx, f.Ref), nil
}

func (driftFindingResolver) Evidence(ctx context.Context, f *drift.Finding) ([]*gen.Evidence, error) {
	return evidenceOf(ctx, &catalog.Edge{Evidence: f.Evidence}), nil
}

// measured is a number of traffic, null where there was none.
func measured(f *drift.Finding, number float64) *float64 {
	if f.Last.IsZero() && f.Requests == 0 {
		return nil
	}
	return &number
}

func (driftFindingResolver) Requests(_ context.Context, f *drift.Finding) (*float64, error) {
	return measured(f, f.Requests), nil
}

func (driftFindingResolver) Errors(_ context.Context, f *drift.Finding) (*float64, error) {
	return measured(f, f.Errors), nil
}

func (driftFindingResolver) RequestRate(_ context.Context, f *drift.Finding) (*float64, error) {
	return measured(f, f.Rate), nil
}

func (driftFindingResolver) FirstSeen(_ context.Context, f *drift.Finding) (*time.Time, error) {
	return instant(f.First), nil
}

func (driftFindingResolver) LastSeen(_ context.Context, f *drift.Finding) (*time.Time, error) {
	return instant(f.Last), nil
}

type driftPatchResolver struct{}

func (driftPatchResolver) Location(_ context.Context, p *drift.Patch) (*string, error) {
	return known(p.Location), nil
}

func (driftPatchResolver) Line(_ context.Context, p *drift.Patch) (*int, error) {
	return known(int(p.Line)), nil
}
