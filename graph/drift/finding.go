package drift

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Kind says in which way evidence disagrees.
type Kind string

// The kinds, in the order in which they are told.
const (
	ObservedNotDeclared   Kind = "OBSERVED_NOT_DECLARED"   // it calls what its catalog file does not name
	DeclaredNeverObserved Kind = "DECLARED_NEVER_OBSERVED" // its file names what it was never, or long not, seen to call
	StrengthContradicted  Kind = "STRENGTH_CONTRADICTED"   // it fails with the other, or does not, against what its file says
	UnownedButCalled      Kind = "UNOWNED_BUT_CALLED"      // others rest on it, and nobody answers for it
	DeprecatedButCalled   Kind = "DEPRECATED_BUT_CALLED"   // it is to go away, and is still called
	DeclaredOwnerGone     Kind = "DECLARED_OWNER_GONE"     // its file names an owner that is none of the teams there are
)

// Kinds lists them all in order.
func Kinds() []Kind {
	return []Kind{
		ObservedNotDeclared, DeclaredNeverObserved, StrengthContradicted, UnownedButCalled, DeprecatedButCalled, DeclaredOwnerGone,
	}
}

// Confidence is how sure a finding is.
type Confidence string

// The levels of confidence, the surest first.
const (
	High   Confidence = "HIGH"
	Medium Confidence = "MEDIUM"
	Low    Confidence = "LOW"
)

// Confidences lists them, the surest first.
func Confidences() []Confidence { return []Confidence{High, Medium, Low} }

func (c Confidence) rank() int { return slices.Index(Confidences(), c) }

// lower is one level less sure.
func (c Confidence) lower() Confidence {
	return Confidences()[min(c.rank()+1, len(Confidences())-1)]
}

// Finding is one disagreement. Those of a Snapshot are immutable.
type Finding struct {
	Kind Kind
	// From and To are the ends of the edge; both "" where it is about an entity alone.
	From, To catalog.Ref
	// Ref is whose catalog file is to be mended, so that its owner is whom to ask.
	Ref        catalog.Ref
	Confidence Confidence
	Message    string // a sentence
	// Evidence is what it rests on: of the edge, or of the edges to the entity.
	Evidence []catalog.Evidence
	// Requests and Errors of the traffic that it rests on, corrected for sampling; Rate is how many a second came in the
	// newest day or two. 0 without traffic.
	Requests, Errors, Rate float64
	First, Last            time.Time // of that traffic; zero = none was seen
	Patch                  *Patch    // nil = nobody can tell what to write
}

// Options choose what is looked for. The zero value is everything in production.
type Options struct {
	Environment string // "" = production
	Kinds       []Kind // none = all
	// Refs are the entities to look at: as the one whose file is to be mended, or as an end. None = all.
	Refs []catalog.Ref
}

// Find lists the findings by kind, then by the surest, then by the most requests, then by Ref. It takes time in the
// size of the graph, or of the neighbourhood of Options.Refs.
func Find(s *graph.Snapshot, options Options) []*Finding {
	f := &finder{Snapshot: s, environment: cmp.Or(options.Environment, "production"), seen: make(map[place]bool), called: make(map[catalog.Ref]bool)}
	looks := map[Kind]func(*catalog.Entity){
		ObservedNotDeclared: f.observedNotDeclared, DeclaredNeverObserved: f.declaredNeverObserved,
		StrengthContradicted: f.strengthContradicted, UnownedButCalled: f.unownedButCalled, DeprecatedButCalled: f.deprecatedButCalled,
		DeclaredOwnerGone: f.declaredOwnerGone,
	}
	look := func(entity *catalog.Entity) {
		for _, kind := range Kinds() {
			if len(options.Kinds) == 0 || slices.Contains(options.Kinds, kind) {
				looks[kind](entity)
			}
		}
	}
	if len(options.Refs) == 0 {
		for entity := range s.Entities("") {
			look(entity)
		}
	}
	for _, ref := range f.around(options.Refs) {
		if entity := s.Lookup(ref); entity != nil {
			look(entity)
		}
	}
	found := f.found
	if len(options.Refs) > 0 {
		found = slices.DeleteFunc(found, func(finding *Finding) bool {
			return !slices.Contains(options.Refs, finding.Ref) && !slices.Contains(options.Refs, finding.From) && !slices.Contains(options.Refs, finding.To)
		})
	}
	slices.SortFunc(found, Compare)
	return found
}

// Compare is the order of [Find].
func Compare(a, b *Finding) int {
	return cmp.Or(
		cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)),
		cmp.Compare(a.Confidence.rank(), b.Confidence.rank()), cmp.Compare(b.Requests, a.Requests),
		strings.Compare(string(a.Ref), string(b.Ref)), strings.Compare(string(a.From), string(b.From)),
		strings.Compare(string(a.To), string(b.To)),
	)
}

// around are the entities and their neighbours, each once.
func (f *finder) around(refs []catalog.Ref) []catalog.Ref {
	var all []catalog.Ref
	for _, ref := range refs {
		all = append(all, ref)
		out, in := f.Relations(ref)
		for edge := range out {
			all = append(all, edge.To)
		}
		for edge := range in {
			all = append(all, edge.From)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// finder gathers findings of one Snapshot.
type finder struct {
	*graph.Snapshot
	environment string
	found       []*Finding
	seen        map[place]bool
	called      map[catalog.Ref]bool // what isSeenCalled knows
	teams       *bool                // what teamsImported knows
}

// place tells findings apart.
type place struct {
	kind          Kind
	from, to, ref catalog.Ref
}

func (f *finder) add(finding *Finding) {
	at := place{finding.Kind, finding.From, finding.To, finding.Ref}
	if f.seen[at] {
		return
	}
	f.seen[at] = true
	f.found = append(f.found, finding)
}

// here says whether an edge holds in the environment that is looked at.
func (f *finder) here(edge *catalog.Edge) bool {
	return edge.Environment == "" || edge.Environment == f.environment
}

// isCall says whether an edge is one that traffic may show.
func isCall(edge *catalog.Edge) bool {
	return (edge.Type == catalog.DependsOn || edge.Type == catalog.ConsumesAPI) && edge.From != edge.To
}

// measure sums up the traffic behind edges in the environment, fresh or, where stale is set, also that which was not seen
// for long. evidence is what counted.
func (f *finder) measure(stale bool, edges ...*catalog.Edge) (sum measured) {
	for _, edge := range edges {
		for _, evidence := range edge.Evidence {
			environment := evidence.Origin.Environment
			if evidence.Flow != 0 && (stale || !evidence.Stale) && (environment == "" || environment == f.environment) {
				sum.evidence = append(sum.evidence, evidence)
			}
		}
	}
	if counted := f.PlaceTraffic(sum.evidence); counted != nil {
		sum.TrafficSum = *counted
	}
	return sum
}

// measured is the traffic behind one or more edges.
type measured struct {
	graph.TrafficSum
	evidence []catalog.Evidence
}

func (m *measured) seen() bool { return len(m.evidence) > 0 }

// confidence of what rests on having seen so much: a hundred requests over a day are no accident, ten are few.
func (m *measured) confidence() Confidence {
	switch {
	case m.Requests >= 100 && m.Last.Sub(m.First) >= 24*time.Hour:
		return High
	case m.Requests >= 10:
		return Medium
	}
	return Low
}

// finding is one that rests on what was measured.
func (m *measured) finding(kind Kind, ref catalog.Ref) *Finding {
	return &Finding{
		Kind: kind, Ref: ref, Confidence: m.confidence(), Evidence: m.evidence,
		Requests: m.Requests, Errors: m.Errors, Rate: m.Rate, First: m.First, Last: m.Last,
	}
}
