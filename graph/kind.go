package graph

import "github.com/orrery-catalog/orrery/catalog"

// kind is the kind of an entity as far as questions care.
type kind uint8

const (
	kindOther kind = iota
	kindWorkload
	kindNode
	kindSystem
	kindDomain
	kindCluster
	kindZone
	kindJourney
	kindHub // no entity: see node
)

func kindOf(ref catalog.Ref) kind {
	switch ref.Kind() {
	case "workload":
		return kindWorkload
	case "node":
		return kindNode
	case "system":
		return kindSystem
	case "domain":
		return kindDomain
	case "cluster":
		return kindCluster
	case "zone":
		return kindZone
	case "journey":
		return kindJourney
	}
	return kindOther
}

// isWhole says whether the failure of an entity of this kind is that of its parts, too.
func (k kind) isWhole() bool {
	return k == kindSystem || k == kindDomain || k == kindCluster || k == kindZone
}
