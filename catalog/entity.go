package catalog

import "time"

// Descriptor is what one document says an entity is. Relations are not in it: they are [EdgeClaim]s beside it. It never
// holds bulk such as an API's definition. The numbers in the cbor tags are the stored format: a number is never reused
// for another meaning.
type Descriptor struct {
	Ref         Ref               `cbor:"1,keyasint"`
	Kind        string            `cbor:"2,keyasint,omitempty"` // as written, e.g. "API"
	Namespace   string            `cbor:"3,keyasint,omitempty"` // as written, never empty
	Name        string            `cbor:"4,keyasint,omitempty"` // as written, upper case kept
	Title       string            `cbor:"5,keyasint,omitempty"`
	Description string            `cbor:"6,keyasint,omitempty"`
	Labels      map[string]string `cbor:"7,keyasint,omitempty"`
	Annotations map[string]string `cbor:"8,keyasint,omitempty"`
	Tags        []string          `cbor:"9,keyasint,omitempty"`
	Links       []Link            `cbor:"10,keyasint,omitempty"`
	Type        string            `cbor:"11,keyasint,omitempty"` // spec.type
	Lifecycle   string            `cbor:"12,keyasint,omitempty"` // spec.lifecycle, any word
	Owner       Ref               `cbor:"13,keyasint,omitempty"` // "" = none stated
	Profile     *Profile          `cbor:"14,keyasint,omitempty"` // of a Group or User
	SLO         *SLO              `cbor:"15,keyasint,omitempty"`
	Capacity    *Capacity         `cbor:"16,keyasint,omitempty"`
}

// Link is one entry of metadata.links.
type Link struct {
	URL   string `cbor:"1,keyasint" json:"url"`
	Title string `cbor:"2,keyasint,omitempty" json:"title"`
	Icon  string `cbor:"3,keyasint,omitempty" json:"icon"`
	Type  string `cbor:"4,keyasint,omitempty" json:"type"`
}

// Profile is how a Group or User shows itself to people.
type Profile struct {
	DisplayName string `cbor:"1,keyasint,omitempty"`
	Email       string `cbor:"2,keyasint,omitempty"`
	Picture     string `cbor:"3,keyasint,omitempty"`
}

// SLO is the availability that an entity promises.
type SLO struct {
	Availability float64       `cbor:"1,keyasint"`           // percent, over 0 and at most 100
	Window       time.Duration `cbor:"2,keyasint,omitempty"` // 0 = not stated
}

// Capacity is the load that an entity is built for.
type Capacity struct {
	RequestsPerSecond float64 `cbor:"1,keyasint"`
}

// Entity is one merged thing in the catalog. It is immutable once Merge has returned it.
type Entity struct {
	Descriptor
	// Placeholder marks an entity that others refer to and nobody describes or has found. Only Ref, Kind, Namespace and Name
	// are set, and the links and aliases that were contributed.
	Placeholder bool
	// Discovered marks an entity that runs but that nobody declares. Its Lifecycle is LifecycleDiscovered; its Ref follows
	// from its alias by [DiscoveredRef].
	Discovered bool
	Stale      bool          // the claims it rests on could not be renewed; the last good data stands
	Origin     *Origin       // of the winning descriptor, else of the claim that found it; nil where there is neither
	Line       int32         // of the same, 1-based; 0 = none
	Aliases    []EntityAlias // sorted by alias
	// Found marks what a source has seen itself and nobody describes: a Workload, a Node ... It is no Placeholder. It may
	// be Discovered as well: then no declared entity runs on it. It is Stale where all that found it is.
	Found bool
	// Facts are those of all claims together, nil where there are none. They are shared; nobody may change them.
	Facts *Facts
	// FirstSeen is the earliest of what is claimed about the entity itself, also under the aliases that it took over; 0 =
	// unknown. LastSeen is when a stale one was read last; 0 = in the last good scan of its source.
	FirstSeen, LastSeen Instant
	// Entry says whether requests enter here, as far as traffic tells.
	Entry Entry
	// OwnerHints are those beside the winning descriptor, the likelier first. They are shared; nobody may change them.
	OwnerHints []OwnerHint
}

// LifecycleDiscovered is the lifecycle of an entity that scanners found and nobody declares.
const LifecycleDiscovered = "discovered"

// EntityAlias is a name by which another world knows an entity.
type EntityAlias struct {
	Alias Alias
	// MatchedBy says which rule of identity gave the alias to the entity.
	MatchedBy MatchedBy
	// Origin and Line say where: for a declared alias the place that declares it, else the first, by precedence, that was
	// observed under it.
	Origin *Origin
	Line   int32
}

// MatchedBy names a rule of identity (which claim decided that an alias is an entity).
type MatchedBy string

// The rules of identity in the order in which they are tried.
const (
	MatchedByDeclaration   MatchedBy = "DECLARATION"    // a person's word on the entity
	MatchedByLabel         MatchedBy = "LABEL"          // a label on the workload names a declared entity
	MatchedByRewrite       MatchedBy = "REWRITE"        // a configured rewrite rule
	MatchedByNamespaceName MatchedBy = "NAMESPACE_NAME" // equal name in the same namespace
	MatchedByName          MatchedBy = "NAME"           // unambiguous equal name in any namespace
	MatchedByDiscovery     MatchedBy = "DISCOVERY"      // nothing matched: the entity was made from the alias
)
