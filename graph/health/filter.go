package health

import (
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Filter chooses services. Of each list, nil lets everything pass and otherwise one element must fit.
type Filter struct {
	Owners  []catalog.Ref
	Systems []catalog.Ref // that the entity is directly part of
	Tiers   []int         // 0 = none
	// Checks (ids) and Severities choose which results are listed, and with them services that have any.
	Checks     []string
	Severities []catalog.Severity
	// Outcomes are of the service; with Checks or Severities, of one of the results that are listed.
	Outcomes []graph.Outcome
}

// Of gives the services that pass, in their order. Where results are chosen, these are copies with no others; what is
// given is not changed.
func (f Filter) Of(s *graph.Snapshot, services []*Service) []*Service {
	var passing []*Service
	for _, service := range services {
		if !f.passes(s, service.Entity) {
			continue
		}
		if f.Checks == nil && f.Severities == nil {
			if f.Outcomes == nil || slices.Contains(f.Outcomes, service.Outcome) {
				passing = append(passing, service)
			}
			continue
		}
		chosen := &Service{Entity: service.Entity, Outcome: service.Outcome}
		found := false
		for _, r := range service.Results {
			if f.lists(&r) {
				chosen.Results = append(chosen.Results, r)
				found = found || f.Outcomes == nil || slices.Contains(f.Outcomes, r.Outcome)
			}
		}
		if found {
			passing = append(passing, chosen)
		}
	}
	return passing
}

func (f Filter) lists(r *Result) bool {
	return (f.Checks == nil || slices.Contains(f.Checks, r.Check.ID)) &&
		(f.Severities == nil || slices.Contains(f.Severities, r.Severity))
}

func (f Filter) passes(s *graph.Snapshot, e *catalog.Entity) bool {
	return (f.Owners == nil || slices.Contains(f.Owners, e.Owner)) &&
		(f.Tiers == nil || slices.Contains(f.Tiers, e.Tier())) &&
		(f.Systems == nil || f.inSystem(s, e))
}

func (f Filter) inSystem(s *graph.Snapshot, e *catalog.Entity) bool {
	out, _ := s.Relations(e.Ref)
	for edge := range out {
		if edge.Type == catalog.PartOf && slices.Contains(f.Systems, edge.To) {
			return true
		}
	}
	return false
}
