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
	if only := claims[0].more.facts; len(claims) == 1 && only.isInOrder() {
		if only.isEmpty() {
			return nil
		}
		return only
	}
	slices.SortFunc(claims, precedence)
	var united Facts
	for _, c := range claims {
		said := c.more.facts
		united.Workload, united.Node = cmp.Or(united.Workload, said.Workload), cmp.Or(united.Node, said.Node)
		united.Services = append(united.Services, said.Services...)
		united.Routes = append(united.Routes, said.Routes...)
		united.Autoscalers = append(united.Autoscalers, said.Autoscalers...)
		united.Budgets = append(united.Budgets, said.Budgets...)
		united.Probed = append(united.Probed, said.Probed...)
		united.Logs = append(united.Logs, said.Logs...)
		united.LooseEnds = append(united.LooseEnds, said.LooseEnds...)
	}
	if united.isEmpty() {
		return nil
	}
	united.Services = firstOfEach(united.Services, compareServices)
	united.Routes = firstOfEach(united.Routes, compareRoutes)
	united.Autoscalers = firstOfEach(united.Autoscalers, compareAutoscalers)
	united.Budgets = firstOfEach(united.Budgets, compareBudgets)
	united.Probed = firstOfEach(united.Probed, compareProbed)
	united.Logs = firstOfEach(united.Logs, compareLogs)
	united.LooseEnds = firstOfEach(united.LooseEnds, compareLooseEnds)
	return &united
}

func (f *Facts) isEmpty() bool {
	return f.Workload == nil && f.Node == nil && len(f.Services)+len(f.Routes)+len(f.Autoscalers)+len(f.Budgets)+
		len(f.Probed)+len(f.Logs)+len(f.LooseEnds) == 0
}

// isInOrder says whether each list has each of its keys once, in order.
func (f *Facts) isInOrder() bool {
	return isInOrder(f.Services, compareServices) && isInOrder(f.Routes, compareRoutes) &&
		isInOrder(f.Autoscalers, compareAutoscalers) && isInOrder(f.Budgets, compareBudgets) &&
		isInOrder(f.Probed, compareProbed) && isInOrder(f.Logs, compareLogs) && isInOrder(f.LooseEnds, compareLooseEnds)
}

func isInOrder[T any](list []T, compare func(T, T) int) bool {
	for i := 1; i < len(list); i++ {
		if compare(list[i-1], list[i]) >= 0 {
			return false
		}
	}
	return true
}

// firstOfEach leaves the first of each key, by key.
func firstOfEach[T any](list []T, compare func(T, T) int) []T {
	slices.SortStableFunc(list, compare)
	return slices.Clip(slices.CompactFunc(list, func(a, b T) bool { return compare(a, b) == 0 }))
}

func compareServices(a, b Service) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

func compareRoutes(a, b Route) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

func compareAutoscalers(a, b Autoscaler) int { return strings.Compare(a.Name, b.Name) }

func compareBudgets(a, b DisruptionBudget) int { return strings.Compare(a.Name, b.Name) }

func compareProbed(a, b ProbeResult) int {
	return cmp.Or(strings.Compare(a.Container, b.Container), strings.Compare(a.Purpose, b.Purpose))
}

func compareLogs(a, b LogSample) int { return strings.Compare(a.Container, b.Container) }

func compareLooseEnds(a, b LooseEnd) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.Name, b.Name), strings.Compare(a.Code, b.Code))
}
