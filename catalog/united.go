package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// unitedFacts are those of all claims about a Ref that count, as [Facts] says; nil where there are none. What one claim
// says alone is not copied.
func (r *refRecord) unitedFacts() *Facts {
	var claims []*claimRecord
	for _, c := range r.contributed {
		if c.more != nil && c.more.facts != nil {
			claims = append(claims, c)
		}
	}
	if r.winner != nil && r.winner.more != nil && r.winner.more.facts != nil {
		claims = append(claims, r.winner)
	}
	if len(claims) == 0 {
		return nil
	}
	slices.SortFunc(claims, precedence)
	var united Facts
	for _, c := range claims {
		said := c.more.facts
		united.Workload, united.Node = cmp.Or(united.Workload, said.Workload), cmp.Or(united.Node, said.Node)
	}
	united.Services = uniteLists(claims, func(f *Facts) []Service { return f.Services }, compareServices)
	united.Routes = uniteLists(claims, func(f *Facts) []Route { return f.Routes }, compareRoutes)
	united.Autoscalers = uniteLists(claims, func(f *Facts) []Autoscaler { return f.Autoscalers }, compareAutoscalers)
	united.Budgets = uniteLists(claims, func(f *Facts) []DisruptionBudget { return f.Budgets }, compareBudgets)
	united.Probed = uniteLists(claims, func(f *Facts) []ProbeResult { return f.Probed }, compareProbed)
	united.Logs = uniteLists(claims, func(f *Facts) []LogSample { return f.Logs }, compareLogs)
	united.LooseEnds = uniteLists(claims, func(f *Facts) []LooseEnd { return f.LooseEnds }, compareLooseEnds)
	if united.isEmpty() {
		return nil
	}
	return &united
}

func (f *Facts) isEmpty() bool {
	return f.Workload == nil && f.Node == nil && len(f.Services)+len(f.Routes)+len(f.Autoscalers)+len(f.Budgets)+
		len(f.Probed)+len(f.Logs)+len(f.LooseEnds) == 0
}

// uniteLists takes, of each key, the first that a claim says, by key. claims are in order of precedence. A list that only
// one claim has, and that is in order, stays where it is.
func uniteLists[T any](claims []*claimRecord, list func(*Facts) []T, compare func(*T, *T) int) []T {
	var united []T
	lists := 0
	for _, c := range claims {
		said := list(c.more.facts)
		if len(said) == 0 {
			continue
		}
		switch lists++; lists {
		case 1:
			united = said
			continue
		case 2:
			united = slices.Clone(united)
		}
		united = append(united, said...)
	}
	inOrder := func(i int) bool { return i == 0 || compare(&united[i-1], &united[i]) < 0 }
	for i := range united {
		if inOrder(i) {
			continue
		}
		united = slices.Clone(united)
		slices.SortStableFunc(united, func(a, b T) int { return compare(&a, &b) })
		return slices.CompactFunc(united, func(a, b T) bool { return compare(&a, &b) == 0 })
	}
	return united
}

func compareServices(a, b *Service) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

func compareRoutes(a, b *Route) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

func compareAutoscalers(a, b *Autoscaler) int { return strings.Compare(a.Name, b.Name) }

func compareBudgets(a, b *DisruptionBudget) int { return strings.Compare(a.Name, b.Name) }

func compareProbed(a, b *ProbeResult) int {
	return cmp.Or(strings.Compare(a.Container, b.Container), strings.Compare(a.Purpose, b.Purpose))
}

func compareLogs(a, b *LogSample) int { return strings.Compare(a.Container, b.Container) }

func compareLooseEnds(a, b *LooseEnd) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.Name, b.Name), strings.Compare(a.Code, b.Code))
}
