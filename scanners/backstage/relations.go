package backstage

import (
	"github.com/orrery-catalog/orrery/catalog"
)

// relation is one relation of an entity as the API answers it. Each is told twice, once from either end.
type relation struct {
	Type      string `json:"type"`
	TargetRef string `json:"targetRef"`
}

// forward are the relations that are read. They follow from spec, but for those that some processor or provider has made
// up from elsewhere, of which nothing stands in spec.
var forward = map[string]struct {
	kind catalog.RelationType
	// reversible relations may be stated in the spec of their target (dependencyOf, members, children).
	reversible bool
}{
	"ownedBy":     {kind: catalog.OwnedBy},
	"partOf":      {kind: catalog.PartOf},
	"providesApi": {kind: catalog.ProvidesAPI},
	"consumesApi": {kind: catalog.ConsumesAPI},
	"dependsOn":   {kind: catalog.DependsOn, reversible: true},
	"memberOf":    {kind: catalog.MemberOf, reversible: true},
	"childOf":     {kind: catalog.MemberOf, reversible: true},
}

// edge is a relation between two entities.
type edge struct {
	from, to catalog.Ref
	kind     catalog.RelationType
}

// unstated finds the relations of an entity that its own document does not state: those that nobody's spec does, and
// those of which that shows when all entities are read.
func unstated(relations []relation, claim *catalog.Claim) (certain, doubtful []catalog.EdgeClaim) {
	from := claim.Subject.Ref
	stated := make(map[edge]bool, len(claim.Edges)+len(relations))
	for _, e := range claim.Edges {
		if !e.Reverse {
			stated[edge{from, e.Target.Ref, e.Type}] = true
		}
	}
	for _, relation := range relations {
		rule, ok := forward[relation.Type]
		to, err := catalog.ParseRef(relation.TargetRef, "", "")
		if !ok || err != nil || stated[edge{from, to, rule.kind}] {
			continue
		}
		stated[edge{from, to, rule.kind}] = true
		e := catalog.EdgeClaim{Target: catalog.Subject{Ref: to}, Type: rule.kind, Evidence: catalog.Declared}
		if rule.reversible {
			doubtful = append(doubtful, e)
		} else {
			certain = append(certain, e)
		}
	}
	return certain, doubtful
}

// relate adds relations to what an entity says.
func relate(claim *catalog.Claim, edges []catalog.EdgeClaim) {
	for _, e := range edges {
		if e.Type == catalog.OwnedBy && claim.Descriptor.Owner == "" {
			claim.Descriptor.Owner = e.Target.Ref
		}
	}
	claim.Edges = append(claim.Edges, edges...)
}
