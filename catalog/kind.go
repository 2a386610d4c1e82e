package catalog

import "strings"

// The kinds Orrery gives a meaning, spelt as in an entity's kind field. Any other kind is a custom kind: it is kept,
// shown and searchable, and takes part in relations, but has no rules of its own.
const (
	KindComponent = "Component"
	KindAPI       = "API"
	KindResource  = "Resource"
	KindSystem    = "System"
	KindDomain    = "Domain"
	KindGroup     = "Group"
	KindUser      = "User"
	KindLocation  = "Location"
	KindJourney   = "Journey"  // a critical user flow: apiVersion orrery.dev/v1alpha1
	KindWorkload  = "Workload" // found by scanners: a controller in a cluster
	KindNode      = "Node"
	KindZone      = "Zone"
	KindCluster   = "Cluster"
	KindExternal  = "External" // a third party, known by its host name
)

// Kinds lists every kind Orrery gives a meaning, in the order in which people expect to see them.
func Kinds() []string {
	return []string{
		KindComponent, KindAPI, KindResource, KindSystem, KindDomain, KindGroup, KindUser, KindLocation,
		KindJourney, KindWorkload, KindNode, KindZone, KindCluster, KindExternal,
	}
}

// KindSpelling is how the kind of a Ref is written: "API" for "api". A custom kind, of which only the lower-case form
// is known, comes back unchanged.
func KindSpelling(lower string) string {
	for _, kind := range Kinds() {
		if strings.EqualFold(kind, lower) {
			return kind
		}
	}
	return lower
}

// IsOwnable says whether somebody is expected to own the entity. What a declared entity runs on is not owned besides.
func (e *Entity) IsOwnable() bool { return IsOwnable(e.Kind) && (!e.Found || e.Discovered) }

// IsOwnable says whether somebody is expected to own an entity of the kind, in any case: people, teams and places in a
// file or cluster have no owner, and missing one is no fault of theirs. A custom kind is ownable.
func IsOwnable(kind string) bool {
	for _, unowned := range []string{KindGroup, KindUser, KindLocation, KindNode, KindZone, KindCluster} {
		if strings.EqualFold(kind, unowned) {
			return false
		}
	}
	return true
}
