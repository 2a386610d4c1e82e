package catalog_test

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// found is what says that a Ref was found: the first that is not stale, else the first.
func (o *oracle) found(ref catalog.Ref) (witness statement, ok bool) {
	for _, stale := range []bool{false, true} {
		for _, s := range o.counted {
			if s.claim.Subject.Ref == ref && s.claim.Found && s.claim.Descriptor == nil && s.stale() == stale {
				return s, true
			}
		}
	}
	return statement{}, false
}

func (o *oracle) facts(ref catalog.Ref) *catalog.Facts {
	var all catalog.Facts
	for _, s := range o.counted {
		said := s.claim.Facts
		if s.claim.Subject.Ref != ref || said == nil {
			continue
		}
		if all.Workload == nil {
			all.Workload = said.Workload
		}
		if all.Node == nil {
			all.Node = said.Node
		}
		all.Services = append(all.Services, said.Services...)
		all.Routes = append(all.Routes, said.Routes...)
		all.Autoscalers = append(all.Autoscalers, said.Autoscalers...)
		all.Budgets = append(all.Budgets, said.Budgets...)
		all.Probed = append(all.Probed, said.Probed...)
		all.Logs = append(all.Logs, said.Logs...)
		all.LooseEnds = append(all.LooseEnds, said.LooseEnds...)
	}
	all.Services = firstOfEach(all.Services, func(s catalog.Service) []string { return []string{s.Namespace, s.Name} })
	all.Routes = firstOfEach(all.Routes, func(r catalog.Route) []string { return []string{r.Kind, r.Namespace, r.Name} })
	all.Autoscalers = firstOfEach(all.Autoscalers, func(a catalog.Autoscaler) []string { return []string{a.Name} })
	all.Budgets = firstOfEach(all.Budgets, func(b catalog.DisruptionBudget) []string { return []string{b.Name} })
	all.Probed = firstOfEach(all.Probed, func(p catalog.ProbeResult) []string { return []string{p.Container, p.Purpose} })
	all.Logs = firstOfEach(all.Logs, func(l catalog.LogSample) []string { return []string{l.Container} })
	all.LooseEnds = firstOfEach(all.LooseEnds, func(l catalog.LooseEnd) []string {
		return []string{l.Kind, l.Namespace, l.Name, l.Code}
	})
	if all.Workload == nil && all.Node == nil && len(all.Services) == 0 && len(all.Routes) == 0 &&
		len(all.Autoscalers) == 0 && len(all.Budgets) == 0 && len(all.Probed) == 0 && len(all.Logs) == 0 &&
		len(all.LooseEnds) == 0 {
		return nil
	}
	return &all
}

// firstOfEach keeps the first of each key, by key.
func firstOfEach[T any](all []T, key func(T) []string) []T {
	first := map[string]T{}
	var keys [][]string
	for _, x := range all {
		joined := strings.Join(key(x), "\x00")
		if _, taken := first[joined]; !taken {
			first[joined] = x
			keys = append(keys, key(x))
		}
	}
	slices.SortFunc(keys, slices.Compare)
	var sorted []T
	for _, k := range keys {
		sorted = append(sorted, first[strings.Join(k, "\x00")])
	}
	return sorted
}
