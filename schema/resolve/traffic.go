package resolve

import (
	"context"
	"math"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// trafficOf shows a sum; nil for none.
func trafficOf(sum *graph.TrafficSum) *gen.Traffic {
	if sum == nil {
		return nil
	}
	shown := &gen.Traffic{
		Requests: sum.Requests, Errors: &sum.Errors, Since: instant(sum.Since), Until: instant(sum.Until),
		FirstSeen: instant(sum.First), LastSeen: instant(sum.Last), Sampled: sum.Sampled,
		Behaves: known(sum.Together.Behaves()), Operations: []*gen.OperationTraffic{},
	}
	shown.RequestRate, shown.ErrorRate = rates(sum)
	shown.P50, shown.P90, shown.P99 = quantile(sum, 0.5), quantile(sum, 0.9), quantile(sum, 0.99)
	if together := sum.Together; together != (traffic.Together{}) {
		shown.Together = &gen.CallOutcomes{
			BothFailed: whole(together.BothFailed), CallFailed: whole(together.CallFailed),
			RequestFailed: whole(together.RequestFailed), NoneFailed: whole(together.NoneFailed),
		}
	}
	for _, operation := range sum.Operations {
		shown.Operations = append(shown.Operations, &gen.OperationTraffic{
			Name: operation.Name, Requests: operation.Requests, Errors: operation.Errors,
		})
	}
	return shown
}

// whole is a count as far as the API can show it.
func whole(count uint64) int { return int(min(count, math.MaxInt64)) }

// rates are nil where no request came of late.
func rates(sum *graph.TrafficSum) (requests, errors *float64) {
	share, ok := sum.ErrorRate()
	if !ok {
		return nil, nil
	}
	return &sum.Rate, &share
}

func quantile(sum *graph.TrafficSum, q float64) *float64 {
	seconds, ok := sum.Latency.Quantile(q)
	if !ok {
		return nil
	}
	return &seconds
}

func (relationResolver) Behaves(ctx context.Context, e *catalog.Edge) (*catalog.Strength, error) {
	return known(snapshotOf(ctx).Behaves(e)), nil
}

func (relationResolver) Traffic(ctx context.Context, e *catalog.Edge) (*gen.Traffic, error) {
	return trafficOf(snapshotOf(ctx).EdgeTraffic(e)), nil
}

func (dependencyResolver) Behaves(ctx context.Context, n *graph.Need) (*catalog.Strength, error) {
	return known(snapshotOf(ctx).NeedBehaves(n)), nil
}

// Traffic by way of a topic is messages, and nobody knows which of them failed.
func (dependencyResolver) Traffic(ctx context.Context, n *graph.Need) (*gen.Traffic, error) {
	shown := trafficOf(snapshotOf(ctx).NeedTraffic(n))
	if shown != nil && n.Via != "" {
		shown.Errors = nil
	}
	return shown, nil
}

func (entityResolver) EntryPoint(_ context.Context, e *catalog.Entity) (*bool, error) {
	return graph.IsEntryPoint(e), nil
}

func (entityResolver) Traffic(ctx context.Context, e *catalog.Entity, environment *string) (*gen.EntityTraffic, error) {
	asked := ""
	if environment != nil {
		asked = *environment
	}
	sum, entries := snapshotOf(ctx).EntityTraffic(e, asked)
	if sum == nil {
		return nil, nil
	}
	shown := &gen.EntityTraffic{
		Requests: sum.Requests, Errors: sum.Errors, Entries: entries, Since: instant(sum.Since), Until: instant(sum.Until),
		FirstSeen: instant(sum.First), LastSeen: instant(sum.Last),
	}
	shown.RequestRate, shown.ErrorRate = rates(sum)
	shown.P50, shown.P90, shown.P99 = quantile(sum, 0.5), quantile(sum, 0.9), quantile(sum, 0.99)
	return shown, nil
}

func (impactedResolver) ObservedReach(_ context.Context, i *graph.Impacted) (*gen.ObservedReach, error) {
	return reachOf(i.ObservedReach()), nil
}

type hitResolver struct{}

func (hitResolver) ObservedReach(_ context.Context, h *graph.Hit) (*gen.ObservedReach, error) {
	return reachOf(h.ObservedReach()), nil
}

func reachOf(reach *graph.Reach) *gen.ObservedReach {
	if reach == nil {
		return nil
	}
	return &gen.ObservedReach{Requests: reach.Requests, Share: reach.AtLeast, ShareAtMost: reach.AtMost}
}
