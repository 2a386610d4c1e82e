package graph

import (
	"errors"
	"iter"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// ErrNotFound says that an entity is not in the snapshot, not even as a placeholder. See [NotFoundError].
var ErrNotFound = errors.New("not in the catalog")

// NotFoundError names the missing entity and what the asker may have meant. It wraps [ErrNotFound].
type NotFoundError struct {
	Ref        catalog.Ref
	Candidates []catalog.Ref // same name or nearly, best first, at most 5
}

func (e *NotFoundError) Error() string { return string(e.Ref) + " is not in the catalog" }

// Unwrap makes errors.Is(err, ErrNotFound) true.
func (e *NotFoundError) Unwrap() error { return ErrNotFound }

// Snapshot is the whole graph at one revision, immutable, in memory. All methods may be called from many goroutines, and
// nothing they return may be changed.
type Snapshot struct{}

// Build makes the Snapshot of a merged catalog.
func Build(input Input) *Snapshot { panic("to be written") }

// Input is what a Snapshot is built from. The Snapshot keeps and shares all of it.
type Input struct {
	Revision Revision
	Time     time.Time // of the revision
	Model    *catalog.Model
	Sources  []Source // sorted by ID
}

// Revision is the revision the snapshot shows.
func (s *Snapshot) Revision() Revision { panic("to be written") }

// Time is when the revision was made.
func (s *Snapshot) Time() time.Time { panic("to be written") }

// Sources are the configured sources, sorted by ID.
func (s *Snapshot) Sources() []Source { panic("to be written") }

// Len is the number of entities, placeholders included.
func (s *Snapshot) Len() int { panic("to be written") }

// Entity finds an entity or placeholder. The error is a *NotFoundError.
func (s *Snapshot) Entity(ref catalog.Ref) (*catalog.Entity, error) { panic("to be written") }

// Resolve reads what a person typed: a full Ref, a part of one ("payments", "shop/payments", "component:payments") in any
// case, or an alias. A short name that fits several entities is an [AmbiguousError]; one that fits none a *NotFoundError.
// A described entity is preferred to a placeholder, and a Component, Resource, API, Journey, System to any other kind only
// where nothing else fits.
func (s *Snapshot) Resolve(typed string) (*catalog.Entity, error) { panic("to be written") }

// AmbiguousError lists what a short name may mean.
type AmbiguousError struct {
	Typed      string
	Candidates []catalog.Ref // sorted
}

func (e *AmbiguousError) Error() string { return e.Typed + " fits several entities" }

// Entities yields the entities whose Ref is greater than after, in the order of Ref.
func (s *Snapshot) Entities(after catalog.Ref) iter.Seq[*catalog.Entity] { panic("to be written") }

// Relations yields the merged edges of an entity: outgoing, then incoming, each in the order of the Model. They are the
// relations as stated; what follows from them for failures is [Snapshot.Needs].
func (s *Snapshot) Relations(ref catalog.Ref) (out, in iter.Seq[*catalog.Edge]) {
	panic("to be written")
}

// Edges yields all merged edges in the order of the Model.
func (s *Snapshot) Edges() iter.Seq[*catalog.Edge] { panic("to be written") }

// Problems yields the problems of one entity, or all of them for "".
func (s *Snapshot) Problems(ref catalog.Ref) iter.Seq[*catalog.Problem] { panic("to be written") }

// Need is one edge of the dependency graph: From needs To. Most are a relation as stated; some follow from one (an API
// needs its providers, a System its parts, a consumer the producers of its topic).
type Need struct {
	From, To catalog.Ref
	Strength catalog.Strength
	// AnyOf names the group of alternatives within From; "" = a plain need. Groups that follow from relations are named
	// "providers", "parts" and "workloads".
	AnyOf string
	// Via is the topic by which a consumer needs a producer; "" = none.
	Via  catalog.Ref
	Edge *catalog.Edge // the relation it rests on; for Via the consumer's edge to the topic
	// Producer is the producer's edge to the topic; nil unless Via is set.
	Producer *catalog.Edge
}

// Direction of a walk over needs.
type Direction uint8

// The directions.
const (
	Needs    Direction = iota // what does A need
	NeededBy                  // who needs A
)

// Filter chooses what counts. The zero value counts every kind of evidence, leaves stale edges out and looks at
// production.
type Filter struct {
	Evidence     catalog.EvidenceSet // 0 = all
	IncludeStale bool
	Environment  string // "" = production
	// Add and Remove change the graph for this question only: dependsOn edges to add (missing ends appear as placeholders)
	// and pairs of ends between which no need is left.
	Add    []WhatIfEdge
	Remove []WhatIfPair
}

// WhatIfEdge is an assumed dependency.
type WhatIfEdge struct {
	From, To catalog.Ref
	Strength catalog.Strength // Unstated = Hard
	AnyOf    string
}

// WhatIfPair names two ends.
type WhatIfPair struct{ From, To catalog.Ref }

// DepsOptions narrows [Snapshot.Deps].
type DepsOptions struct {
	Filter    Filter
	Direction Direction
	Depth     int      // 0 = no limit, 1 = direct only
	Kinds     []string // any case; only entities of these kinds are listed (the walk passes through all); none = all
}

// Deps is the answer to "what does A need" or "who needs A".
type Deps struct {
	Ref      catalog.Ref
	Edges    []Need    // walked edges, by From, To, AnyOf, Via; with Kinds only those that end at a listed entity
	Entities []Reached // by distance, then Ref; without Ref itself
}

// Reached is an entity with its distance in edges.
type Reached struct {
	Entity   *catalog.Entity
	Distance int
}

// Deps walks the needs of an entity. The error is a *NotFoundError.
func (s *Snapshot) Deps(ref catalog.Ref, options DepsOptions) (*Deps, error) { panic("to be written") }

// Path is a shortest chain of needs from one entity to another, of equally short ones that with the smallest Refs; nil
// where there is none, empty where from is to. The error is a *NotFoundError.
func (s *Snapshot) Path(from, to catalog.Ref, filter Filter) ([]Need, error) { panic("to be written") }

// Cycles are the strongly connected components of more than one entity over needs, each sorted by Ref, the list by first
// Ref. A self-edge is no cycle (it is a Problem of its own).
func (s *Snapshot) Cycles() [][]catalog.Ref { panic("to be written") }

// BlastOptions narrows [Snapshot.BlastRadius].
type BlastOptions struct {
	Filter      Filter
	MaxDistance int // 0 = no limit; filters the answer, never cuts propagation
}

// Blast is a blast radius: what is hit when something fails, and how hard. It answers lazily, so that a page of a large
// one costs little. It holds its Snapshot.
type Blast struct{}

// BlastRadius computes what an outage of all the given entities together does, by the least fixpoint of the design.
// Failing a System, Domain, Cluster or Zone fails its parts too. The error is a *NotFoundError.
func (s *Snapshot) BlastRadius(failed []catalog.Ref, options BlastOptions) (*Blast, error) {
	panic("to be written")
}

// Failed are the entities that failed: those asked for in the order given, without repetition, then their parts by Ref.
func (b *Blast) Failed() []FailedEntity { panic("to be written") }

// FailedEntity is one that was assumed to fail.
type FailedEntity struct {
	Entity *catalog.Entity
	PartOf catalog.Ref // the asked-for System, Domain, Cluster or Zone whose part it is; "" = asked for itself
}

// Len is the number of impacted entities, after MaxDistance.
func (b *Blast) Len() int { panic("to be written") }

// Page returns impacted entities from offset, at most limit (all the rest for a negative limit), sorted by impact (worst
// first), then distance, then Ref.
func (b *Blast) Page(offset, limit int) []Impacted { panic("to be written") }

// Impacted is one entity that is hit.
type Impacted struct {
	Entity   *catalog.Entity
	Impact   Impact
	Distance int
	// Path is the witness: a shortest chain of needs that support each entity's own impact, from this one to a failed one,
	// of equally short ones that with the smallest Refs. Its length is Distance.
	Path []Need
	// Alternatives holds, for an OUTAGE by an any-of group, all members of that group that the first step of the path
	// belongs to; empty otherwise.
	Alternatives []catalog.Ref
}

// Totals counts the impacted entities by impact.
func (b *Blast) Totals() map[Impact]int { panic("to be written") }

// ImpactOn is the impact on one entity; None where it is not hit (or filtered by MaxDistance).
func (b *Blast) ImpactOn(ref catalog.Ref) Impact { panic("to be written") }

// Journeys are the impacted journeys, worst first, then by Ref.
func (b *Blast) Journeys() []Hit { panic("to be written") }

// Systems are the impacted systems, worst first, then by Ref.
func (b *Blast) Systems() []Hit { panic("to be written") }

// Hit is an entity with the impact on it.
type Hit struct {
	Entity *catalog.Entity
	Impact Impact
}

// Teams groups the impacted entities by owner, worst first, then by number, then by Ref. Entities without an owner are
// under Owner nil, last.
func (b *Blast) Teams() []TeamHit { panic("to be written") }

// TeamHit is what a team is hit by.
type TeamHit struct {
	Owner    *catalog.Entity // a Group or User, maybe a placeholder; nil = no owner
	Impacted int
	Worst    Impact
	OnCall   []Contact
}

// Tiers counts the impacted entities by tier (0 = no tier) and impact.
func (b *Blast) Tiers() map[int]map[Impact]int { panic("to be written") }

// Contact is a way to reach somebody on call, or a runbook.
type Contact struct {
	Kind   string // "pagerduty", "opsgenie", "grafana", "url", "email", "chat"
	Target string // a service id, integration key, team, URL, address or channel
}

// Ownership is the answer to "who owns this, and how do I reach them".
type Ownership struct {
	Entity   *catalog.Entity
	Owner    *catalog.Entity   // nil = nobody is named; may be a placeholder
	Members  []*catalog.Entity // Users of the owning group, by Ref
	OnCall   []Contact         // of the entity, else of the owner, else of the owner's parent groups
	Runbooks []string          // URLs
	Links    []catalog.Link
}

// Ownership finds the owner of an entity. An entity without a stated owner has none, whatever it is part of. The error is
// a *NotFoundError.
func (s *Snapshot) Ownership(ref catalog.Ref) (*Ownership, error) { panic("to be written") }
