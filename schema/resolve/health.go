package resolve

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// judged are all services of an environment as they are today, computed once for a snapshot. What an exemption excuses
// changes with the day only.
func (d *derived) judged(ctx context.Context, judge *health.Judge, environment string, now time.Time) []*health.Service {
	d.judging.Lock()
	defer d.judging.Unlock()
	key := now.UTC().Format(time.DateOnly) + " " + environment
	if kept, ok := d.health.Get(ctx, key); ok {
		return kept
	}
	services := judge.All(d.snapshot, environment, now)
	d.health.Add(ctx, key, services)
	return services
}

func environmentOf(asked *string) string {
	if asked == nil || *asked == "" {
		return health.DefaultEnvironment
	}
	return *asked
}

func (q queryResolver) Health(ctx context.Context, filter *gen.HealthFilter, environment *string, orderBy *gen.HealthOrder,
	first *int, after *string, _ *time.Time,
) (*gen.HealthConnection, error) {
	keep, err := healthFilter(q.judge, filter)
	if err != nil {
		return nil, err
	}
	snapshot, now := snapshotOf(ctx), time.Now()
	var services []*health.Service
	if filter != nil && filter.Refs != nil {
		services, err = q.judgedAlone(ctx, filter.Refs, environmentOf(environment), now)
		if err != nil {
			return nil, err
		}
	} else {
		services = q.derivedOf(snapshot).judged(ctx, q.judge, environmentOf(environment), now)
	}
	services = keep.Of(snapshot, services)
	found, err := healthPage(services, orderBy, first, after)
	if err != nil {
		return nil, err
	}
	connection := &gen.HealthConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total, Definitions: q.judge.Checks(),
		Problems: sliced(pointers(q.judge.Problems(now))),
		Edges: edges(ctx, found, func(node *health.Service, cursor string) *gen.HealthEdge {
			return &gen.HealthEdge{Node: node, Cursor: cursor}
		}),
	}
	if selected(ctx, "totals") {
		totals := health.Count(services)
		connection.Totals = &totals
	}
	return connection, nil
}

// judgedAlone judges what a person typed, in the order of Ref.
func (r *root) judgedAlone(ctx context.Context, typed []string, environment string, now time.Time) ([]*health.Service, error) {
	if err := atMost("refs", typed); err != nil {
		return nil, err
	}
	refs := make([]catalog.Ref, len(typed))
	for i, text := range typed {
		entity, err := typedEntity(ctx, "refs", text)
		if err != nil {
			return nil, err
		}
		refs[i] = entity.Ref
	}
	slices.Sort(refs)
	var services []*health.Service
	for _, ref := range slices.Compact(refs) {
		service, err := r.judge.One(snapshotOf(ctx), ref, environment, now)
		if err != nil {
			return nil, err
		}
		if service != nil {
			services = append(services, service)
		}
	}
	return services, nil
}

func (e entityResolver) Health(ctx context.Context, entity *catalog.Entity, environment *string) (*health.Service, error) {
	return e.judge.One(snapshotOf(ctx), entity.Ref, environmentOf(environment), time.Now())
}

func healthFilter(judge *health.Judge, asked *gen.HealthFilter) (health.Filter, error) {
	var filter health.Filter
	if asked == nil {
		return filter, nil
	}
	for name, listed := range map[string][]string{"owners": asked.Owners, "systems": asked.Systems, "checks": asked.Checks} {
		if err := atMost(name, listed); err != nil {
			return filter, err
		}
	}
	if err := atMost("tiers", asked.Tiers); err != nil {
		return filter, err
	}
	for _, id := range asked.Checks {
		if !slices.ContainsFunc(judge.Checks(), func(c *health.Check) bool { return c.ID == id }) {
			return filter, badInput("checks names %q, which is no check that is made here: `orrery health --list-checks` tells them", id)
		}
	}
	filter.Tiers, filter.Checks, filter.Severities, filter.Outcomes = asked.Tiers, asked.Checks, asked.Severities, asked.Outcomes
	var err error
	if filter.Owners, err = parseRefs(asked.Owners, catalog.KindGroup); err != nil {
		return filter, err
	}
	filter.Systems, err = parseRefs(asked.Systems, catalog.KindSystem)
	return filter, err
}

// healthKey is where a service stands in an order: by a rank, then by Ref.
type healthKey struct {
	_    struct{} `cbor:",toarray"`
	Rank int
	Ref  catalog.Ref
}

func healthOrder(name string, rank func(*health.Service) int) order[*health.Service, healthKey] {
	return order[*health.Service, healthKey]{
		name:    name,
		key:     func(_ int, s *health.Service) healthKey { return healthKey{Rank: rank(s), Ref: s.Entity.Ref} },
		compare: func(a, b healthKey) int { return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Ref, b.Ref)) },
	}
}

// healthPage cuts a page out of services that are in the order of Ref.
func healthPage(services []*health.Service, orderBy *gen.HealthOrder, first *int, after *string) (*page[*health.Service], error) {
	by := healthOrder("health", func(*health.Service) int { return 0 })
	if orderBy != nil && *orderBy != gen.HealthOrderRef {
		switch *orderBy {
		case gen.HealthOrderOutcome:
			by = healthOrder("health by outcome", func(s *health.Service) int { return slices.Index(graph.Outcomes(), s.Outcome) })
		case gen.HealthOrderTier:
			by = healthOrder("health by tier", func(s *health.Service) int { return cmp.Or(s.Entity.Tier(), noTier) })
		}
		services = slices.Clone(services)
		slices.SortFunc(services, func(a, b *health.Service) int { return by.compare(by.key(0, a), by.key(0, b)) })
	}
	return cut(sliceOf(services), by, first, after)
}

type serviceHealthResolver struct{}

func (serviceHealthResolver) Checks(_ context.Context, s *health.Service, outcomes []graph.Outcome) ([]*health.Result, error) {
	results := make([]*health.Result, 0, len(s.Results))
	for i := range s.Results {
		if outcomes == nil || slices.Contains(outcomes, s.Results[i].Outcome) {
			results = append(results, &s.Results[i])
		}
	}
	return results, nil
}

type healthResultResolver struct{}

func (healthResultResolver) Workload(ctx context.Context, r *health.Result) (*catalog.Entity, error) {
	if r.Workload == "" {
		return nil, nil
	}
	return entityOf(ctx, r.Workload), nil
}

func (healthResultResolver) Container(_ context.Context, r *health.Result) (*string, error) {
	return known(r.Container), nil
}

func (healthResultResolver) Location(_ context.Context, r *health.Result) (*string, error) {
	return known(r.Location), nil
}

func (healthResultResolver) Line(_ context.Context, r *health.Result) (*int, error) {
	return known(int(r.Line)), nil
}

type healthCheckResolver struct{ *root }

func (r healthCheckResolver) Severity(_ context.Context, check *health.Check) (catalog.Severity, error) {
	return r.judge.Severity(check), nil
}

type healthExemptionResolver struct{}

func (healthExemptionResolver) Expires(_ context.Context, e *health.Exemption) (*time.Time, error) {
	return instant(e.Expires), nil
}

type healthTotalsResolver struct{}

func (healthTotalsResolver) Checks(_ context.Context, t *health.Totals) ([]*health.CheckTotals, error) {
	return sliced(pointers(t.Checks)), nil
}

type healthTeamKey struct {
	_      struct{} `cbor:",toarray"`
	Nobody int      // 1 for what nobody owns, which comes last
	Fail   int
	Ref    catalog.Ref
}

// byHealthOfTeam is the order of [health.Totals].
var byHealthOfTeam = order[*health.TeamTotals, healthTeamKey]{
	name: "health of teams",
	key: func(_ int, t *health.TeamTotals) healthTeamKey {
		if t.Owner == "" {
			return healthTeamKey{Nobody: 1}
		}
		return healthTeamKey{Fail: t.Services.Fail, Ref: t.Owner}
	},
	compare: func(a, b healthTeamKey) int {
		return cmp.Or(cmp.Compare(a.Nobody, b.Nobody), cmp.Compare(b.Fail, a.Fail), cmp.Compare(a.Ref, b.Ref))
	},
}

func (healthTotalsResolver) Teams(ctx context.Context, t *health.Totals, first *int, after *string) (*gen.HealthTeamConnection, error) {
	found, err := cut(pointers(t.Teams), byHealthOfTeam, first, after)
	if err != nil {
		return nil, err
	}
	return &gen.HealthTeamConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *health.TeamTotals, cursor string) *gen.HealthTeamEdge {
			return &gen.HealthTeamEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

type healthTeamResolver struct{}

func (healthTeamResolver) Owner(ctx context.Context, t *health.TeamTotals) (*catalog.Entity, error) {
	if t.Owner == "" {
		return nil, nil
	}
	return entityOf(ctx, t.Owner), nil
}
