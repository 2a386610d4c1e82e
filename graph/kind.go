package graph

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// kind is the kind of an entity as far as questions care.
type kind uint8

const (
	kindOther    kind = iota
	kindWorkload      // one that keeps running
	kindJob           // a Workload that ends by itself
	kindNode
	kindSystem
	kindDomain
	kindCluster
	kindZone
	kindJourney
	kindHub // no entity: see node
)

func kindOf(entity *catalog.Entity) kind {
	switch entity.Ref.Kind() {
	case "workload":
		if isJob(entity) {
			return kindJob
		}
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

// isJob says whether a Workload ends by itself and so keeps nothing running. Where its facts do not tell, its name does:
// cluster.kind.name, where each of cluster and name may hold dots, so that the first part that names a kind decides.
func isJob(workload *catalog.Entity) bool {
	if f := workload.Facts; f != nil && f.Workload != nil {
		return isJobKind(f.Workload.Kind)
	}
	words := strings.Split(workload.Ref.Name(), ".")
	for _, word := range words[1:] {
		if isJobKind(word) {
			return true
		}
		if word == "replicaset" || slices.Contains(catalog.WorkloadKinds(), word) {
			return false
		}
	}
	return false
}

func isJobKind(kind string) bool { return kind == "job" || kind == "cronjob" }

// isWhole says whether the failure of an entity of this kind is that of its parts, too.
func (k kind) isWhole() bool {
	return k == kindSystem || k == kindDomain || k == kindCluster || k == kindZone
}
