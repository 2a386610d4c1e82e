package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func budgeted(f *catalog.Facts, budgets ...catalog.DisruptionBudget) *catalog.Facts {
	for i := range budgets {
		budgets[i].Name = string(rune('a' + i))
	}
	f.Budgets = budgets
	return f
}

func TestNoDisruptionBudget(t *testing.T) {
	one := catalog.DisruptionBudget{MaxUnavailable: "1"}
	judge(t, "no-disruption-budget", map[string]judgement{
		"there":          {facts: budgeted(replicas(2), one), tier: 1, want: "PASS"},
		"none, tier 1":   {facts: replicas(2), tier: 1, want: "FAIL WARNING"},
		"none, no tier":  {facts: replicas(2), want: "FAIL WARNING"},
		"none, tier 3":   {facts: replicas(2), tier: 3, want: "NOT_APPLICABLE"},
		"a single one":   {facts: replicas(1), tier: 1, want: "NOT_APPLICABLE"},
		"scaled by load": {facts: scaled(replicas(1), 3), tier: 1, want: "FAIL WARNING"},
		"down to one":    {facts: scaled(replicas(5), 1), tier: 1, want: "NOT_APPLICABLE"},
		"says nothing":   {facts: budgeted(replicas(2), catalog.DisruptionBudget{}), tier: 1, want: "FAIL WARNING"},
		"unknown":        {facts: unknownReplicas(), tier: 1, want: "UNKNOWN"},
		"daemon set":     {facts: ofKind(unknownReplicas(), "daemonset"), want: "NOT_APPLICABLE"},
	})
}

func TestDisruptionBudgetBlocks(t *testing.T) {
	least := func(text string) catalog.DisruptionBudget { return catalog.DisruptionBudget{MinAvailable: text} }
	most := func(text string) catalog.DisruptionBudget { return catalog.DisruptionBudget{MaxUnavailable: text} }
	judge(t, "disruption-budget-blocks", map[string]judgement{
		"none":                  {facts: replicas(2), want: "NOT_APPLICABLE"},
		"one may go":            {facts: budgeted(replicas(2), least("1")), want: "PASS", says: "lets 1 of 2"},
		"all must stay":         {facts: budgeted(replicas(2), least("2")), want: "FAIL WARNING"},
		"more than there are":   {facts: budgeted(replicas(2), least("3")), want: "FAIL WARNING"},
		"the only one":          {facts: budgeted(replicas(1), least("1")), want: "FAIL WARNING", says: "of 1 replica none"},
		"none may be away":      {facts: budgeted(replicas(9), most("0")), want: "FAIL WARNING"},
		"no percent":            {facts: budgeted(replicas(9), most("0%")), want: "FAIL WARNING"},
		"one percent, up":       {facts: budgeted(replicas(2), most("1%")), want: "PASS"},
		"all percent":           {facts: budgeted(replicas(9), least("100%")), want: "FAIL WARNING"},
		"half of one, up":       {facts: budgeted(replicas(1), least("50%")), want: "FAIL WARNING"},
		"half of two":           {facts: budgeted(replicas(2), least("50%")), want: "PASS"},
		"half of three, up":     {facts: budgeted(replicas(3), least("67%")), want: "FAIL WARNING"},
		"a third less of three": {facts: budgeted(replicas(3), least("66%")), want: "PASS"},
		"at the minimum":        {facts: budgeted(scaled(replicas(9), 2), least("2")), want: "FAIL WARNING"},
		"above the minimum":     {facts: budgeted(scaled(replicas(1), 3), least("2")), want: "PASS"},
		"two budgets":           {facts: budgeted(replicas(3), most("1"), most("1")), want: "FAIL WARNING", says: "more than one budget"},
		"unknown":               {facts: budgeted(unknownReplicas(), least("1")), want: "UNKNOWN"},
		"unknown, whatever":     {facts: budgeted(unknownReplicas(), most("0")), want: "FAIL WARNING"},
		"unreadable":            {facts: budgeted(replicas(2), least("many")), want: "UNKNOWN"},
		"negative":              {facts: budgeted(replicas(2), least("-1")), want: "UNKNOWN"},
		"daemon set":            {facts: budgeted(ofKind(unknownReplicas(), "daemonset"), most("0")), want: "NOT_APPLICABLE"},
		"scaled to zero":        {facts: budgeted(replicas(0), least("1")), want: "NOT_APPLICABLE"},
		"a bare pod, percent":   {facts: budgeted(ofKind(replicas(1), "pod"), most("50%")), want: "FAIL WARNING", says: "without a controller"},
	})
}
