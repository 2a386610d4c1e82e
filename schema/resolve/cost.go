package resolve

import (
	"context"
	"encoding/json"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// Cost is the number of values that an operation may make at most, roughly: each field is one, a list counts as many times
// its selection as it may have elements, and a walk over the graph counts on top. Aliases count like the fields they are.
// It is 0 for an operation that was refused before it was counted.
func Cost(operation *graphql.OperationContext) int {
	cost, _ := operation.Stats.GetExtension(costKey).(int)
	return cost
}

const costKey = "cost"

// walks are the fields that look at a large part of the graph, whatever is selected of them. One unit is about a
// microsecond.
var walks = map[string]int{
	"Query.entity":            50, // a name that fits nothing is compared with all names
	"Query.entities":          500,
	"Query.complete":          500,
	"Query.problems":          500,
	"Query.search":            3000,
	"Query.dependencies":      1000,
	"Query.path":              1000,
	"Query.cycles":            1000,
	"Query.blastRadius":       1000,
	"Entity.blastRadius":      1000,
	"BlastRadius.systems":     100,
	"BlastRadius.entryPoints": 100,
	"Hit.observedReach":       5,
	"Impacted.observedReach":  5,
	"BlastRadius.teams":       100,
	"BlastRadius.tiers":       100,
	"Query.changes":           1000,
	"Entity.changes":          1000,
	"Query.health":            3000,
	"Entity.health":           100,
	"Query.drift":             3000,
	"Entity.drift":            100,
	// A scan is no walk, but few of them are enough for one operation.
	"Mutation.scanSource":  50_000,
	"Mutation.approveScan": 50_000,
	"Subscription.changes": 1000,
}

// upstreamCost comes on top where changes are asked for of all that an entity needs: those are looked for in the history of
// everything.
const upstreamCost = 10_000

// lengths are those of lists that come whole, where they differ much from listLength: about the mean, for introspection
// that of this schema.
var lengths = map[string]int{
	"DependencyPath.steps":  20,
	"Dependency.evidence":   2,
	"Relation.evidence":     2,
	"Impacted.alternatives": 3,
	"Entity.annotations":    10,
	"Traffic.operations":    8,
	// A pod has one or two containers, and hardly anything has many routes.
	"Workload.containers":     2,
	"Workload.services":       2,
	"Workload.routes":         2,
	"Container.ports":         2,
	"KubernetesService.ports": 2,
	// A check of each of one or two containers of a workload.
	"ServiceHealth.checks":         40,
	"HealthConnection.definitions": 30,
	"HealthTotals.checks":          30,
	"DriftConnection.totals":       5,
	"DriftFinding.evidence":        2,
	// A subscription may compute as much for each revision as a query may at once.
	"RevisionChanges.changes": maxChanges,
	"__Schema.types":          80,
	"__Type.fields":           8,
	"__Type.inputFields":      2,
	"__Type.enumValues":       2,
	"__Type.interfaces":       1,
	"__Type.possibleTypes":    1,
	"__Field.args":            2,
	"__Directive.args":        1,
}

const listLength = 5

// budget refuses an operation that is too deep or costs too much, before anything of it is computed. Fragments are
// counted wherever they are spread and looked at once, so that counting is linear in the document.
type budget struct {
	limits Limits
	known  graphql.Cache[*ast.QueryDocument] // documents that were validated before
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = (*budget)(nil)

// ExtensionName is for gqlgen.
func (*budget) ExtensionName() string { return "Budget" }

// Validate is for gqlgen.
func (*budget) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses a document that would keep the validator busy: it compares all fields of one name with
// each other, wherever they stand.
func (b *budget) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if _, ok := b.known.Get(ctx, params.Query); ok {
		return nil
	}
	// What cannot be parsed is left to the executor, which parses it again and says what is wrong.
	if document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, b.limits.Tokens); err == nil {
		return b.repeats(document)
	}
	return nil
}

func (b *budget) repeats(document *ast.QueryDocument) *gqlerror.Error {
	names := map[string]int{}
	for _, operation := range document.Operations {
		countNames(names, operation.SelectionSet)
	}
	for _, fragment := range document.Fragments {
		countNames(names, fragment.SelectionSet)
	}
	for name, n := range names {
		if n > b.limits.Repeats {
			return tooComplex("the query has %d fields of the name %s; at most %d are allowed", n, name, b.limits.Repeats)
		}
	}
	return nil
}

func countNames(names map[string]int, set ast.SelectionSet) {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			names[selected.Alias]++
			countNames(names, selected.SelectionSet)
		case *ast.InlineFragment:
			countNames(names, selected.SelectionSet)
		}
	}
}

// MutateOperationContext counts the operation.
func (b *budget) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	counter := counter{variables: operation.Variables}
	total := counter.selection(operation.Operation.SelectionSet)
	operation.Stats.SetExtension(costKey, total.cost)
	switch {
	case total.depth > b.limits.Depth:
		return tooComplex("the query is %d fields deep; at most %d are allowed", total.depth, b.limits.Depth)
	case total.cost > b.limits.Cost:
		return tooComplex("the query may cost %d; at most %d is allowed: ask for fewer fields, smaller pages or fewer "+
			"walks at once", total.cost, b.limits.Cost)
	}
	return nil
}

type count struct{ cost, depth int }

type counter struct {
	variables map[string]any
	fragments map[string]count
}

func (c *counter) selection(set ast.SelectionSet) count {
	var total count
	for _, selected := range set {
		var part count
		switch selected := selected.(type) {
		case *ast.Field:
			part = c.field(selected)
		case *ast.InlineFragment:
			part = c.selection(selected.SelectionSet)
		case *ast.FragmentSpread:
			part = c.fragment(selected.Definition)
		}
		total = count{cost: add(total.cost, part.cost), depth: max(total.depth, part.depth)}
	}
	return total
}

// fragment relies on validation: a document with a cycle of fragments does not come here.
func (c *counter) fragment(fragment *ast.FragmentDefinition) count {
	if known, ok := c.fragments[fragment.Name]; ok {
		return known
	}
	if c.fragments == nil {
		c.fragments = map[string]count{}
	}
	total := c.selection(fragment.SelectionSet)
	c.fragments[fragment.Name] = total
	return total
}

func (c *counter) field(field *ast.Field) count {
	inner := c.selection(field.SelectionSet)
	place := field.ObjectDefinition.Name + "." + field.Name
	cost := add(1+walks[place], times(c.length(place, field), inner.cost))
	if c.isTrue(field.Arguments.ForName("upstream")) {
		cost = add(cost, upstreamCost)
	}
	return count{cost: cost, depth: inner.depth + 1}
}

func (c *counter) isTrue(argument *ast.Argument) bool {
	if argument == nil {
		return false
	}
	value, err := argument.Value.Value(c.variables)
	return err == nil && value == true
}

// length is how many times a field may show its selection.
func (c *counter) length(place string, field *ast.Field) int {
	if declared := field.Definition.Arguments.ForName("first"); declared != nil {
		return c.pageLength(field.Arguments.ForName("first"))
	}
	if field.Definition.Type.Elem == nil || inPage(field) {
		return 1
	}
	if length, ok := lengths[place]; ok {
		return length
	}
	return listLength
}

// inPage says that the elements were counted by the field that gives the page.
func inPage(field *ast.Field) bool {
	return (field.Name == "nodes" || field.Name == "edges") && field.ObjectDefinition.Fields.ForName("pageInfo") != nil
}

func (c *counter) pageLength(first *ast.Argument) int {
	if first == nil {
		return pageDefault
	}
	value, err := first.Value.Value(c.variables)
	if err != nil || value == nil {
		return pageDefault
	}
	length := pageMax
	switch value := value.(type) {
	case int:
		length = value
	case int64:
		length = int(value)
	case json.Number:
		if n, err := strconv.Atoi(value.String()); err == nil {
			length = n
		}
	}
	return min(max(length, 1), pageMax)
}

func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func times(a, b int) int {
	if b != 0 && a > math.MaxInt/b {
		return math.MaxInt
	}
	return a * b
}
