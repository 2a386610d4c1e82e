package catalog

import (
	"fmt"
	"strings"
	"time"
)

// RelationType says what kind of relation an edge is. Every relation is kept once, in its forward direction.
type RelationType uint8

// The relation types, by the names they have in `orrery export`.
const (
	DependsOn   RelationType = iota + 1 // A needs B
	ConsumesAPI                         // A calls the API P
	ProvidesAPI                         // A serves the API P
	PartOf                              // A belongs to a System, Domain or parent Component
	OwnedBy                             // A Group or User answers for A
	MemberOf                            // a User is in a Group; a Group is a child of another Group
	RunsOn                              // an entity on its Workload, a Workload on a Node, a Node in its Zone or Cluster
)

var relationNames = [...]string{"", "dependsOn", "consumesApi", "providesApi", "partOf", "ownedBy", "memberOf", "runsOn"}

// String is the name used in exports and the API.
func (t RelationType) String() string { return nameOf(relationNames[:], int(t)) }

// MarshalText writes [RelationType.String].
func (t RelationType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a name as [RelationType.String] writes it.
func (t *RelationType) UnmarshalText(text []byte) error {
	return parseName(t, relationNames[:], text, "relation type")
}

// IsDependency says whether failure can pass along the relation: ownership and membership carry none.
func (t RelationType) IsDependency() bool { return t != OwnedBy && t != MemberOf && t != 0 }

// Strength says what a failure of the target does to the source. The order of the values is the order of strictness.
type Strength uint8

// The strengths. Unstated is only found in claims: Merge replaces it by the default of the relation.
const (
	Unstated Strength = iota
	Async             // the source works, its results come later
	Soft              // the source has a fallback
	Hard              // without the target, the source fails
)

var strengthNames = [...]string{"", "ASYNC", "SOFT", "HARD"}

// String is the upper-case name; "" for Unstated.
func (s Strength) String() string { return nameOf(strengthNames[:], int(s)) }

// MarshalText writes [Strength.String].
func (s Strength) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name in any case; "" is Unstated.
func (s *Strength) UnmarshalText(text []byte) error {
	return parseName(s, strengthNames[:], text, "strength")
}

// Role says on which sides of a topic an entity stands: each is one bit. It is only given on edges to the topic.
type Role uint8

// The roles. A producer needs its topic HARD; a consumer needs the topic, and every other producer by way of it, ASYNC.
// Who does both (a service that puts back what it could not handle) needs the topic HARD.
const (
	NoRole  Role = 0
	Publish Role = 1 << (iota - 1)
	Consume
	PublishAndConsume = Publish | Consume
)

var roleNames = [...]string{"", "PUBLISH", "CONSUME", "PUBLISH_AND_CONSUME"}

// Publishes says whether the entity sends to the topic.
func (r Role) Publishes() bool { return r&Publish != 0 }

// Consumes says whether the entity receives from the topic.
func (r Role) Consumes() bool { return r&Consume != 0 }

// String is the upper-case name; "" for NoRole.
func (r Role) String() string { return nameOf(roleNames[:], int(r)) }

// MarshalText writes [Role.String].
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a name in any case; "" is NoRole.
func (r *Role) UnmarshalText(text []byte) error { return parseName(r, roleNames[:], text, "role") }

// EvidenceKind says why an edge is believed.
type EvidenceKind uint8

// The kinds of evidence, each one bit so that they form an [EvidenceSet].
const (
	Declared EvidenceKind = 1 << iota // a file says so
	Observed                          // traffic was seen, or a live cluster says so
	Inferred                          // configuration suggests it
)

// String is the upper-case name.
func (k EvidenceKind) String() string {
	switch k {
	case Declared:
		return "DECLARED"
	case Observed:
		return "OBSERVED"
	case Inferred:
		return "INFERRED"
	default:
		return ""
	}
}

// MarshalText writes [EvidenceKind.String].
func (k EvidenceKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a name in any case.
func (k *EvidenceKind) UnmarshalText(text []byte) error {
	for _, kind := range []EvidenceKind{Declared, Observed, Inferred} {
		if strings.EqualFold(kind.String(), string(text)) {
			*k = kind
			return nil
		}
	}
	return fmt.Errorf("unknown evidence %q (one of DECLARED, OBSERVED, INFERRED)", text)
}

// EvidenceSet is a union of evidence kinds.
type EvidenceSet uint8

// AllEvidence holds every kind.
const AllEvidence = EvidenceSet(Declared | Observed | Inferred)

// Has says whether the set holds k.
func (s EvidenceSet) Has(k EvidenceKind) bool { return s&EvidenceSet(k) != 0 }

// Edge is one merged relation: all that is known of "From relates to To", whoever said it. Its identity is
// (From, To, Type, Environment). What is declared holds in every environment and covers what is seen in one: then there is
// one edge, with Environment "", and the origins of its evidence tell where each fact was seen.
//
// What is seen between From and something that To leads to (a provider of the API To, the other side of the topic To, a part
// of To) is evidence on the declared edge to To, and no edge of its own.
type Edge struct {
	From, To Ref
	Type     RelationType
	// Strength is never Unstated on a dependency: the default of the relation stands in. It is Unstated on OwnedBy and
	// MemberOf, which carry no failure.
	Strength Strength
	Role     Role
	Stale    bool // every claim behind it is stale
	// AnyOf names the group of alternatives, within From, that the edge belongs to; "" for a plain edge.
	AnyOf       string
	Environment string       // "" = holds in every environment (all declared facts)
	Details     *EdgeDetails // nil when nobody said more
	Evidence    []Evidence   // at least one, ordered by kind, source, location, line
}

// EdgeDetails is what only a few edges carry.
type EdgeDetails struct {
	Fallback        string        // what From does without To, in the owner's words
	CallsPerRequest float64       // mean calls of To for one request to From; 0 = unknown
	Timeout         time.Duration // how long From waits for To; 0 = unknown
	Protocol        string        // as in EdgeClaim; "" = unknown
}

// Evidence is one reason to believe an edge.
type Evidence struct {
	Kind   EvidenceKind
	Stale  bool
	Line   int32   // 1-based; 0 = the place has no lines
	Origin *Origin // shared between all facts of one document; never nil
	// FirstSeen is since when the source has said so without a break; 0 = unknown. LastSeen is when it did last; 0 = in its
	// last good scan.
	FirstSeen, LastSeen Instant
	// Flow is whose numbers tell how much traffic it is; 0 = it is none.
	Flow FlowID
}

// Origin is the document that a fact comes from.
type Origin struct {
	Source   string // id of the source, as configured
	Location string // a path or URL that a person can open
	// Environment that the document speaks of; "" = every one. It bounds what was seen: a declared fact holds everywhere,
	// whatever stands here.
	Environment string
	// Version is where the document stands in version control; nil = it does not. It is shared, and two of equal content need
	// not be one.
	Version *Version
}

// IsSamePlace says whether two origins are one place, at whichever version. Either may be nil.
func (o *Origin) IsSamePlace(other *Origin) bool {
	return o == other || o != nil && other != nil &&
		o.Source == other.Source && o.Location == other.Location && o.Environment == other.Environment
}

func equalOrigins(a, b *Origin) bool {
	return a.IsSamePlace(b) && compareVersions(a.Version, b.Version) == 0
}

// KindsOfEvidence unites the evidence of an edge.
func (e *Edge) KindsOfEvidence() EvidenceSet {
	var set EvidenceSet
	for _, evidence := range e.Evidence {
		set |= EvidenceSet(evidence.Kind)
	}
	return set
}

func nameOf(names []string, i int) string {
	if i >= len(names) {
		return ""
	}
	return names[i]
}

func parseName[T ~uint8](into *T, names []string, text []byte, what string) error {
	for i, name := range names {
		if strings.EqualFold(name, string(text)) {
			*into = T(i)
			return nil
		}
	}
	known := make([]string, 0, len(names))
	for _, name := range names {
		if name != "" {
			known = append(known, name)
		}
	}
	return fmt.Errorf("unknown %s %q (one of %s)", what, text, strings.Join(known, ", "))
}
