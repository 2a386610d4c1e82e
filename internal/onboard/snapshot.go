package onboard

import (
	"cmp"
	"context"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// environment is the one that needs are told of.
const environment = "production"

// OfSnapshot asks one state of the catalog.
func OfSnapshot(s *graph.Snapshot) Catalog { return snapshot{s} }

type snapshot struct{ *graph.Snapshot }

// Find resolves as [graph.Snapshot.Resolve] does.
func (s snapshot) Find(_ context.Context, text string) (*Known, error) {
	if entity, err := s.Resolve(text); err == nil { // else nothing is meant, or several
		return s.known(entity), nil
	}
	return nil, nil
}

func (s snapshot) known(e *catalog.Entity) *Known {
	k := &Known{
		Ref: e.Ref, Kind: e.Kind, Name: e.Name, Title: e.Title, Type: e.Type, Owner: e.Owner,
		Discovered: e.Discovered, Placeholder: e.Placeholder, Annotations: e.Annotations,
	}
	if e.Origin != nil && !e.Discovered && !e.Placeholder {
		k.Location = e.Origin.Location
	}
	if e.Profile != nil {
		k.Email = e.Profile.Email
	}
	for _, alias := range e.Aliases {
		k.Aliases = append(k.Aliases, alias.Alias)
	}
	out, _ := s.Relations(e.Ref)
	for edge := range out {
		if edge.Type == catalog.PartOf && edge.To.Kind() == "system" && k.System == "" {
			k.System = edge.To
		}
	}
	return k
}

// Groups goes through the entities of that kind.
func (s snapshot) Groups(context.Context) ([]Known, error) {
	var groups []Known
	for entity := range s.Entities("group:") {
		if entity.Ref.Kind() != "group" {
			break
		}
		if !entity.Placeholder {
			groups = append(groups, *s.known(entity))
		}
	}
	return groups, nil
}

// Needs are the relations that nobody declares.
func (s snapshot) Needs(_ context.Context, ref catalog.Ref) ([]Need, error) {
	var needs []Need
	out, _ := s.Relations(ref)
	for edge := range out {
		if n, ok := s.need(edge); ok {
			needs = append(needs, n)
		}
	}
	slices.SortStableFunc(needs, func(a, b Need) int { return cmp.Compare(a.To, b.To) })
	return needs, nil
}

func (s snapshot) need(edge *catalog.Edge) (Need, bool) {
	kinds := edge.KindsOfEvidence()
	if edge.Type != catalog.DependsOn && edge.Type != catalog.ConsumesAPI || edge.From == edge.To || edge.Stale || kinds.Has(catalog.Declared) ||
		edge.Environment != "" && edge.Environment != environment {
		return Need{}, false
	}
	n := Need{To: edge.To, Type: edge.Type, Strength: edge.Strength, Role: edge.Role, Observed: kinds.Has(catalog.Observed)}
	if behaves := s.Behaves(edge); behaves != catalog.Unstated {
		n.Strength = behaves
	}
	if target, err := s.Entity(edge.To); err == nil {
		n.Kind = target.Kind
	}
	if sum := s.EdgeTraffic(edge); sum != nil {
		n.Requests, n.Since = sum.Requests, sum.First
	}
	for i := range edge.Evidence {
		e := &edge.Evidence[i]
		if n.Location == "" && e.Kind == catalog.Inferred && e.Origin != nil {
			n.Location = e.Origin.Location
		}
	}
	return n, true
}
