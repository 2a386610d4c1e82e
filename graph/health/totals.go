package health

import (
	"cmp"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Counts are numbers by outcome.
type Counts struct{ Pass, Fail, Unknown, NotApplicable int }

func (c *Counts) add(o graph.Outcome) {
	switch o {
	case graph.OutcomePass:
		c.Pass++
	case graph.OutcomeFail:
		c.Fail++
	case graph.OutcomeUnknown:
		c.Unknown++
	case graph.OutcomeNotApplicable:
		c.NotApplicable++
	}
}

// Totals counts services, by outcome, by check and by team.
type Totals struct {
	Services Counts
	Checks   []CheckTotals // in the order in which checks are told; those with any result
	Teams    []TeamTotals  // those with the most failing services first, then by Ref; nobody last
}

// CheckTotals counts the results of one check.
type CheckTotals struct {
	Check   *Check
	Results Counts
}

// TeamTotals counts the services of one owner.
type TeamTotals struct {
	Owner    catalog.Ref // "" = nobody
	Services Counts
}

// Count counts services.
func Count(services []*Service) Totals {
	var totals Totals
	checks, teams := make(map[*Check]*Counts), make(map[catalog.Ref]*Counts)
	for _, service := range services {
		totals.Services.add(service.Outcome)
		counted(teams, service.Entity.Owner).add(service.Outcome)
		for i := range service.Results {
			counted(checks, service.Results[i].Check).add(service.Results[i].Outcome)
		}
	}
	for check, counts := range checks {
		totals.Checks = append(totals.Checks, CheckTotals{check, *counts})
	}
	place := make(map[string]int)
	for i, check := range Checks() {
		place[check.ID] = i
	}
	slices.SortFunc(totals.Checks, func(a, b CheckTotals) int { return cmp.Compare(place[a.Check.ID], place[b.Check.ID]) })
	for owner, counts := range teams {
		totals.Teams = append(totals.Teams, TeamTotals{owner, *counts})
	}
	slices.SortFunc(totals.Teams, func(a, b TeamTotals) int {
		if a.Owner == "" || b.Owner == "" {
			return cmp.Compare(b.Owner, a.Owner)
		}
		return cmp.Or(cmp.Compare(b.Services.Fail, a.Services.Fail), cmp.Compare(a.Owner, b.Owner))
	})
	return totals
}

func counted[K comparable](counts map[K]*Counts, key K) *Counts {
	if counts[key] == nil {
		counts[key] = &Counts{}
	}
	return counts[key]
}
