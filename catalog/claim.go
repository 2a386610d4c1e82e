package catalog

import "time"

// DocumentID tells the documents of all sources apart.
type DocumentID struct {
	Source string `cbor:"1,keyasint"` // id of the source, as configured
	Scope  string `cbor:"2,keyasint"` // what the source read in one piece: a file, a repository ...
	// Key is stable while the document keeps its subject: the Ref it describes, with "#2" and so on for a repetition in
	// its scope, or "#problems" for the document that only holds what was wrong with the scope.
	Key string `cbor:"3,keyasint"`
}

// Document is a statement: everything one document of one scope says. It replaces whatever the same scope said before
// under the same key. Documents are stored as one packed row each. The numbers in the cbor tags are the stored format.
type Document struct {
	ID       DocumentID `cbor:"1,keyasint"`
	Ordinal  int        `cbor:"2,keyasint,omitempty"` // position in its scope, from 0; decides between equals
	Priority int        `cbor:"3,keyasint,omitempty"` // of its source; the higher descriptor wins
	// Environment of the source; "" = holds in every environment, as every declared fact does.
	Environment string    `cbor:"4,keyasint,omitempty"`
	Location    string    `cbor:"5,keyasint,omitempty"` // a path or URL that a person can open
	Stale       bool      `cbor:"6,keyasint,omitempty"` // could not be renewed; these are the last good claims
	Claims      []Claim   `cbor:"7,keyasint,omitempty"`
	Problems    []Problem `cbor:"8,keyasint,omitempty"` // found while reading it
	// Held marks a document that the last scan did not find and whose removal waits for a person. It is stale, too.
	Held bool `cbor:"9,keyasint,omitempty"`
	// LastSeen is when a stale document was read last; 0 for others, which the last good scan of their source has seen.
	LastSeen Instant `cbor:"10,keyasint,omitempty"`
	// Version is where it stands in version control; nil = it does not, as far as the source knows. Documents of one file
	// may share it; nobody may change it.
	Version *Version `cbor:"11,keyasint,omitempty"`
}

// The priorities of sources that configure none, by what they read. What another catalog says of a file loses against
// the file itself.
const (
	DefaultPriorityFiles           = 100
	DefaultPriorityImports         = 80
	DefaultPriorityClusters        = 70
	DefaultPriorityManifests       = 60
	DefaultPriorityDiscoveredTeams = 50
)

// Subject is whom a claim is about: an entity by its Ref, or something observed by its Alias, which Merge resolves.
// Exactly one of the two is set.
type Subject struct {
	Ref   Ref   `cbor:"1,keyasint,omitempty"`
	Alias Alias `cbor:"2,keyasint,omitempty"`
}

// Claim is what one document says about one subject. With a Descriptor it competes with other descriptors of the same
// Ref, and what else it says counts only if it wins; without one it is a contribution, and contributions unite. A
// Descriptor goes with a Ref as the subject; on an Alias it is not looked at.
type Claim struct {
	Subject    Subject      `cbor:"1,keyasint"`
	Line       int32        `cbor:"2,keyasint,omitempty"` // 1-based; 0 = the place has no lines
	Descriptor *Descriptor  `cbor:"3,keyasint,omitempty"`
	Aliases    []AliasClaim `cbor:"4,keyasint,omitempty"`
	Edges      []EdgeClaim  `cbor:"5,keyasint,omitempty"`
	Links      []Link       `cbor:"6,keyasint,omitempty"` // contributed, united with the descriptor's
	// Hints are names that may identify an observed subject, in the order to try (labels of a workload).
	Hints []Hint `cbor:"7,keyasint,omitempty"`
	// FirstSeen is since when the source has said this without a break, whatever else the claim says; 0 = unknown.
	FirstSeen Instant `cbor:"8,keyasint,omitempty"`
	// Labels are those of an observed subject (a workload), for Selectors to match.
	Labels map[string]string `cbor:"9,keyasint,omitempty"`
	// Selectors are a person's word on an entity which observed subjects are it, by their labels.
	Selectors []Selector `cbor:"10,keyasint,omitempty"`
	// Facts are those of a Ref; on an Alias they are not looked at.
	Facts *Facts `cbor:"11,keyasint,omitempty"`
	// Found says that the source has seen the subject, a Ref, itself: it is no placeholder, though nobody describes it.
	Found bool `cbor:"12,keyasint,omitempty"`
	// Entry says whether requests enter at the subject, as far as the traffic of the source tells.
	Entry Entry `cbor:"13,keyasint,omitempty"`
	// Stale marks a subject that was not seen in traffic for long, but at LastSeen (0 = unknown). Other claims of the document
	// may be fresh.
	Stale    bool    `cbor:"14,keyasint,omitempty"`
	LastSeen Instant `cbor:"15,keyasint,omitempty"`
	// OwnerHints say who may answer for the subject, the likelier first. They never make an owner, and count only beside a
	// Descriptor that wins.
	OwnerHints []OwnerHint `cbor:"16,keyasint,omitempty"`
	// Yields says that the Descriptor was imported from where people keep something else, such as the members of a team: where
	// another counts, that the two differ is no Problem.
	Yields bool `cbor:"17,keyasint,omitempty"`
}

// OwnerHint is a reason to think that somebody owns an entity, such as a line of a CODEOWNERS file.
type OwnerHint struct {
	// Name is as written there: @org/team, @login or an e-mail address.
	Name     string `cbor:"1,keyasint"`
	Location string `cbor:"2,keyasint,omitempty"` // where it is written: a path or URL that a person can open
	Line     int32  `cbor:"3,keyasint,omitempty"`
	Reason   string `cbor:"4,keyasint,omitempty"` // for people, such as the pattern that fits
	// Version is the location in version control; nil = it is not there. It may be shared; nobody may change it.
	Version *Version `cbor:"5,keyasint,omitempty"`
}

// Selector matches labels, as a label selector of Kubernetes does: all its requirements must hold. One of them at least
// must name values that a label has: else it matches nothing, since nobody means all the workloads there are.
type Selector struct {
	Requirements []Requirement `cbor:"1,keyasint"`
	Namespace    string        `cbor:"2,keyasint,omitempty"` // of the matched; "" = any
	Line         int32         `cbor:"3,keyasint,omitempty"`
}

// Requirement is one condition of a Selector on one label.
type Requirement struct {
	Key string `cbor:"1,keyasint"`
	// Values of which the label must have one, or none with Not. Without Values the label must be there, or with Not absent.
	// As in Kubernetes, "none of them" also holds where the label is absent.
	Values []string `cbor:"2,keyasint,omitempty"`
	Not    bool     `cbor:"3,keyasint,omitempty"`
}

// AliasClaim is a stated alias of the claim's subject.
type AliasClaim struct {
	Alias Alias `cbor:"1,keyasint"`
	Line  int32 `cbor:"2,keyasint,omitempty"`
}

// Hint names an entity that an observed subject may be, weaker than a person's word on the entity.
type Hint struct {
	Name      string `cbor:"1,keyasint"`           // of an entity, in any case
	Namespace string `cbor:"2,keyasint,omitempty"` // "" = any
}

// EdgeClaim is one relation between the claim's subject and a target.
type EdgeClaim struct {
	Target  Subject      `cbor:"1,keyasint"`
	Type    RelationType `cbor:"2,keyasint"`
	Reverse bool         `cbor:"3,keyasint,omitempty"` // the target relates to the subject (dependencyOf, members, children)
	// Strength is Unstated where the document gives none.
	Strength Strength     `cbor:"4,keyasint,omitempty"`
	Role     Role         `cbor:"5,keyasint,omitempty"`
	Evidence EvidenceKind `cbor:"6,keyasint"`
	Line     int32        `cbor:"7,keyasint,omitempty"`
	AnyOf    string       `cbor:"8,keyasint,omitempty"`
	Fallback string       `cbor:"9,keyasint,omitempty"`
	// CallsPerRequest and Timeout are 0 where the document gives none.
	CallsPerRequest float64       `cbor:"10,keyasint,omitempty"`
	Timeout         time.Duration `cbor:"11,keyasint,omitempty"`
	// Detailed marks an entry of `dependencies`, which wins over the same target in dependsOn or consumesApis.
	Detailed bool `cbor:"12,keyasint,omitempty"`
	// FirstSeen is since when the source has said this without a break; 0 = as long as the claim it stands in.
	FirstSeen Instant `cbor:"13,keyasint,omitempty"`
	// LastSeen is when it was seen last, where that is not when the document was read (traffic); 0 = then.
	LastSeen Instant `cbor:"14,keyasint,omitempty"`
	// Protocol by which the source calls the target, a lower-case word such as http, grpc, postgresql, redis, amqp or kafka;
	// "" = unknown.
	Protocol string `cbor:"15,keyasint,omitempty"`
	// Flow is whose numbers are kept beside the documents; 0 = it is no traffic.
	Flow FlowID `cbor:"16,keyasint,omitempty"`
	// Stale marks traffic that was not seen for long, with LastSeen. Other edges of the document may be fresh.
	Stale bool `cbor:"17,keyasint,omitempty"`
}
