// Package resolve answers the GraphQL schema from snapshots of the graph. Every operation is answered on one snapshot,
// pinned when it starts. Resolvers hold no rules of their own: what the domain knows is asked of catalog and graph.
package resolve

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/rs/zerolog"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/sync/semaphore"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// Snapshots gives the newest snapshot, or nil until there is one. It is called once an operation.
type Snapshots interface {
	Snapshot() *graph.Snapshot
}

// Past answers what was. Errors wrap those of graph.Store.
type Past interface {
	// At is the snapshot of a past state.
	At(ctx context.Context, at graph.AsOf) (*graph.Snapshot, error)
	// History is that of graph.Store.
	History(ctx context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error]
}

// Live does what operators ask for and tells what happens.
type Live interface {
	// Changed is closed when a newer snapshot than the present one is there. Take it before the snapshot.
	Changed() <-chan struct{}
	// ScanSource scans one source and waits for the end. Errors: graph.ErrUnknownSource, graph.ErrReadOnly, or why it failed.
	ScanSource(ctx context.Context, id string) (graph.ScanResult, error)
	// ApproveScan removes what the digest stands for. Errors besides: graph.ErrNothingHeld, graph.ErrHeldMoved.
	ApproveScan(ctx context.Context, id, digest string) (graph.ScanResult, error)
	// Progress yields how far scans are until ctx ends. Who is slow misses steps, never the end of a scan.
	Progress(ctx context.Context) iter.Seq[graph.ScanProgress]
}

// Config is what [NewExecutor] needs. Zero limits mean the defaults.
type Config struct {
	Snapshots Snapshots
	Past      Past // nil = only the present is known
	Live      Live // nil = nothing ever changes, and nobody may ask for it
	// Freshness tells how far the newest Snapshot can be taken for what the store holds; nil = all of it.
	Freshness func() graph.Freshness
	// Health judges by the policy of the company; nil = by the default one.
	Health *health.Judge
	Log    zerolog.Logger // for errors and panics that only their maker can mend
	Limits Limits
}

// Limits bound what one operation may ask for.
type Limits struct {
	Cost   int // see [Cost]; default 300,000
	Depth  int // nested fields; default 20
	Tokens int // of the document; default 4,000
	// Repeats is how many fields of a document may have the same name (or alias); default 200.
	Repeats int
}

func (l Limits) orDefaults() Limits {
	if l.Cost == 0 {
		l.Cost = 300_000
	}
	if l.Depth == 0 {
		l.Depth = 20
	}
	if l.Tokens == 0 {
		l.Tokens = 4_000
	}
	if l.Repeats == 0 {
		l.Repeats = 200
	}
	return l
}

// Clients send the same few documents again and again. A parsed one takes up to a hundred times its length, which bounds
// how many are kept, and of which length.
const (
	cachedDocuments   = 200
	cachedLengthLimit = 8 << 10
)

// documentCache keeps parsed documents, unless they are long.
type documentCache struct{ *lru.LRU[*ast.QueryDocument] }

func (c documentCache) Add(ctx context.Context, query string, document *ast.QueryDocument) {
	if len(query) <= cachedLengthLimit {
		c.LRU.Add(ctx, query, document)
	}
}

// NewExecutor makes an executor of the schema, ready for any transport.
func NewExecutor(config Config) *executor.Executor {
	limits := config.Limits.orDefaults()
	if config.Health == nil {
		config.Health = health.DefaultJudge()
	}
	root := &root{
		judge:     config.Health,
		snapshots: config.Snapshots, past: config.Past, live: config.Live, freshness: config.Freshness, log: config.Log,
		historyReads: semaphore.NewWeighted(parallelHistoryReads), eventCosts: semaphore.NewWeighted(eventsInFlight),
	}
	errors := presenter{log: config.Log}
	documents := documentCache{lru.New[*ast.QueryDocument](cachedDocuments)}

	e := executor.New(gen.NewExecutableSchema(gen.Config{Resolvers: root}))
	e.SetQueryCache(documents)
	e.SetParserTokenLimit(limits.Tokens)
	e.SetErrorPresenter(errors.present)
	e.SetRecoverFunc(errors.recovered)
	e.Use(extension.Introspection{})
	e.Use(&budget{limits: limits, known: documents})
	e.Use(&moments{limits: limits})
	e.AroundOperations(boundAnswer)
	e.AroundOperations(root.pin)
	e.AroundOperations(openStream)
	e.AroundRootFields(boundField)
	e.AroundRootFields(root.pinPast)
	e.AroundResponses(tellVoid)
	e.AroundResponses(tellTooLong)
	e.AroundResponses(root.tellState)
	e.AroundResponses(errors.answerEvent)
	return e
}

type root struct {
	snapshots Snapshots
	past      Past
	live      Live
	freshness func() graph.Freshness // nil = always fresh
	judge     *health.Judge
	log       zerolog.Logger
	derived   atomic.Pointer[derived]

	feeds        feeds
	historyReads *semaphore.Weighted // of subscriptions
	eventCosts   *semaphore.Weighted
}

var _ gen.ResolverRoot = (*root)(nil)

func (r *root) Query() gen.QueryResolver                   { return queryResolver{r} }
func (r *root) Snapshot() gen.SnapshotResolver             { return snapshotResolver{} }
func (r *root) Entity() gen.EntityResolver                 { return entityResolver{r} }
func (r *root) Relation() gen.RelationResolver             { return relationResolver{} }
func (r *root) Dependency() gen.DependencyResolver         { return dependencyResolver{} }
func (r *root) DependencyWalk() gen.DependencyWalkResolver { return walkResolver{} }
func (r *root) Cycle() gen.CycleResolver                   { return cycleResolver{} }
func (r *root) BlastRadius() gen.BlastRadiusResolver       { return blastResolver{} }
func (r *root) Failed() gen.FailedResolver                 { return failedResolver{} }
func (r *root) Impacted() gen.ImpactedResolver             { return impactedResolver{} }
func (r *root) Hit() gen.HitResolver                       { return hitResolver{} }
func (r *root) Problem() gen.ProblemResolver               { return problemResolver{} }
func (r *root) EntityAlias() gen.EntityAliasResolver       { return aliasResolver{} }
func (r *root) Change() gen.ChangeResolver                 { return changeResolver{} }
func (r *root) Mutation() gen.MutationResolver             { return mutationResolver{r} }
func (r *root) Subscription() gen.SubscriptionResolver     { return subscriptionResolver{r} }

func (r *root) ServiceHealth() gen.ServiceHealthResolver       { return serviceHealthResolver{} }
func (r *root) HealthResult() gen.HealthResultResolver         { return healthResultResolver{} }
func (r *root) HealthCheck() gen.HealthCheckResolver           { return healthCheckResolver{r} }
func (r *root) HealthExemption() gen.HealthExemptionResolver   { return healthExemptionResolver{} }
func (r *root) HealthTotals() gen.HealthTotalsResolver         { return healthTotalsResolver{} }
func (r *root) HealthTeamTotals() gen.HealthTeamTotalsResolver { return healthTeamResolver{} }

func (r *root) DriftFinding() gen.DriftFindingResolver { return driftFindingResolver{} }
func (r *root) DriftPatch() gen.DriftPatchResolver     { return driftPatchResolver{} }
