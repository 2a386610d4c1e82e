package githubtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// execution is one GraphQL query on its way.
type execution struct {
	*call
	document  *ast.QueryDocument
	variables map[string]any
	cost      int
	errors    []object
	refused   bool // as a whole: there is no data
}

// graphQL answers a query.
func (c *call) graphQL() *reply {
	if c.noGraphQL != 0 {
		return refuse(c.noGraphQL, http.StatusText(c.noGraphQL))
	}
	if c.r.Method != http.MethodPost {
		return notFound()
	}
	if c.who.name() == "127.0.0.1" && !c.open {
		return refuse(http.StatusForbidden, "API rate limit exceeded for 127.0.0.1.") // GraphQL needs a token
	}
	var asked struct {
		Query, OperationName string
		Variables            map[string]any
	}
	if err := json.Unmarshal(c.body, &asked); err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	document, err := parser.ParseQuery(&ast.Source{Name: "query", Input: asked.Query})
	if err != nil {
		return ok(object{"errors": []object{{"message": "Parse error: " + err.Error()}}})
	}
	if c.schema != nil {
		if found := validator.ValidateWithRules(c.schema, document, rules.NewDefaultRules()); len(found) > 0 {
			return ok(object{"errors": validationErrors(found)})
		}
	}
	operation := document.Operations.ForName(asked.OperationName)
	if operation == nil {
		return ok(object{"errors": []object{{"message": "No operation named \"" + asked.OperationName + "\""}}})
	}
	x := &execution{call: c, document: document, variables: map[string]any{}}
	for _, variable := range operation.VariableDefinitions {
		if value, given := asked.Variables[variable.Variable]; given {
			x.variables[variable.Variable] = value
		} else if variable.DefaultValue != nil {
			x.variables[variable.Variable], _ = variable.DefaultValue.Value(nil)
		} else if variable.Type.NonNull {
			return ok(object{"errors": []object{{"message": fmt.Sprintf(
				"Variable $%s of type %s was provided invalid value", variable.Variable, variable.Type)}}})
		}
	}
	return x.run(operation)
}

func (x *execution) run(operation *ast.OperationDefinition) *reply {
	nodes, requests := x.weigh(operation.SelectionSet, 1)
	if nodes > x.Limits.Nodes {
		return ok(object{"errors": []object{{
			"type": "MAX_NODE_LIMIT_EXCEEDED", "message": fmt.Sprintf("This query requests up to %d possible nodes which exceeds the maximum limit of %d.", nodes, x.Limits.Nodes),
		}}})
	}
	x.cost = max(1, int(math.Round(float64(requests)/100)))
	b := x.budgetOf(x.who, "graphql")
	if b.remaining() < x.cost {
		return ok(object{"errors": []object{{"type": "RATE_LIMITED", "message": "API rate limit exceeded for " + x.who.name() + "."}}})
	}
	x.call.cost = x.cost
	if x.Limits.Batch > 0 && len(operation.SelectionSet) > x.Limits.Batch {
		a := refuse(http.StatusBadGateway, "")
		a.body = object{"data": nil, "errors": []object{{"message": "Something went wrong while executing your query. " +
			"This may be the result of a timeout, or it could be a GitHub bug."}}}
		return a
	}
	if operation.Operation != ast.Query {
		return ok(object{"errors": []object{{"message": "Mutations are not answered"}}})
	}
	data := x.resolve(operation.SelectionSet, queryRoot{}, nil)
	answer := object{"data": data}
	if x.refused {
		answer = object{}
	}
	if len(x.errors) > 0 {
		answer["errors"] = x.errors
	}
	return ok(answer)
}

func validationErrors(found gqlerror.List) (errors []object) {
	for _, e := range found {
		locations := []object{}
		for _, at := range e.Locations {
			locations = append(locations, object{"line": at.Line, "column": at.Column})
		}
		errors = append(errors, object{"message": e.Message, "locations": locations, "extensions": object{"code": e.Rule}})
	}
	return errors
}

// NoGraphQL answers GraphQL with a status (404 where an old server has none, 403 where a policy forbids it); 0 = answers.
func (g *GitHub) NoGraphQL(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.noGraphQL = status
}

// weigh counts as GitHub does: how many nodes a selection may ask for, and how many requests of connections that is.
func (x *execution) weigh(selections ast.SelectionSet, times int) (nodes, requests int) {
	for _, selection := range selections {
		n, r := 0, 0
		switch s := selection.(type) {
		case *ast.Field:
			within := times
			if size, paged := x.pageSize(s); paged {
				requests += times
				within = times * size
				nodes += within
			}
			n, r = x.weigh(s.SelectionSet, within)
		case *ast.InlineFragment:
			n, r = x.weigh(s.SelectionSet, times)
		case *ast.FragmentSpread:
			if fragment := x.document.Fragments.ForName(s.Name); fragment != nil {
				n, r = x.weigh(fragment.SelectionSet, times)
			}
		}
		nodes, requests = nodes+n, requests+r
	}
	return nodes, requests
}

func (x *execution) pageSize(f *ast.Field) (int, bool) {
	for _, name := range []string{"first", "last"} {
		if argument := f.Arguments.ForName(name); argument != nil {
			return integer(x.value(argument.Value)), true
		}
	}
	return 0, false
}

func (x *execution) value(v *ast.Value) any {
	value, err := v.Value(x.variables)
	if err != nil {
		return nil
	}
	return value
}

func integer(value any) int {
	switch n := value.(type) {
	case int64:
		return int(n)
	case float64:
		return int(n)
	case int:
		return n
	}
	return 0
}

// arguments are those of a field, variables replaced.
type arguments map[string]any

func (a arguments) text(name string) string { s, _ := a[name].(string); return s }

func (a arguments) texts(name string) (list []string) {
	switch value := a[name].(type) {
	case []any:
		for _, item := range value {
			list = append(list, fmt.Sprint(item))
		}
	case string:
		list = []string{value} // a single value is a list of one
	}
	return list
}

func (a arguments) flag(name string) (value, given bool) {
	value, given = a[name].(bool)
	return value, given
}

// fieldError is an error that leaves one field null.
type fieldError struct{ kind, message string }

func (e *fieldError) Error() string { return e.message }

// resolve is the value of a selection on an object.
func (x *execution) resolve(selections ast.SelectionSet, on any, path []any) object {
	result := object{}
	shape := shapeOf(on)
	answered := 0
	for _, field := range x.collect(selections, shape, nil) {
		key := field.Alias
		if key == "" {
			key = field.Name
		}
		at := append(append([]any{}, path...), key)
		if _, root := on.(queryRoot); root && x.Limits.Resources > 0 {
			if answered++; answered > x.Limits.Resources {
				x.fail(field, at, &fieldError{"RESOURCE_LIMITS_EXCEEDED", "Resource limits for this query exceeded."})
				result[key] = nil
				continue
			}
		}
		value, err := x.field(field, shape, on, at)
		if err != nil {
			x.fail(field, at, err)
			value = nil
		}
		if before, twice := result[key].(object); twice {
			if now, isObject := value.(object); isObject { // the same field in two fragments
				merge(before, now)
				continue
			}
		}
		result[key] = value
	}
	return result
}

func merge(into, from object) {
	for name, value := range from {
		if a, is := into[name].(object); is {
			if b, is := value.(object); is {
				merge(a, b)
				continue
			}
		}
		into[name] = value
	}
}

func (x *execution) fail(field *ast.Field, path []any, err error) {
	failed := object{"message": err.Error(), "path": path}
	if e, is := err.(*fieldError); is { //nolint:errorlint // resolvers return it as it is
		failed["type"] = e.kind
	}
	if field.Position != nil {
		failed["locations"] = []object{{"line": field.Position.Line, "column": field.Position.Column}}
	}
	x.errors = append(x.errors, failed)
}

// collect are the fields of a selection that are meant for the type, in order.
func (x *execution) collect(selections ast.SelectionSet, shape *shape, fields []*ast.Field) []*ast.Field {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			if x.included(s.Directives) {
				fields = append(fields, s)
			}
		case *ast.InlineFragment:
			if x.included(s.Directives) && shape.is(s.TypeCondition) {
				fields = x.collect(s.SelectionSet, shape, fields)
			}
		case *ast.FragmentSpread:
			fragment := x.document.Fragments.ForName(s.Name)
			if fragment != nil && x.included(s.Directives) && shape.is(fragment.TypeCondition) {
				fields = x.collect(fragment.SelectionSet, shape, fields)
			}
		}
	}
	return fields
}

func (x *execution) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		if argument := d.Arguments.ForName("if"); argument != nil {
			if on, _ := x.value(argument.Value).(bool); d.Name == "skip" && on || d.Name == "include" && !on {
				return false
			}
		}
	}
	return true
}

func (x *execution) field(field *ast.Field, shape *shape, on any, path []any) (any, error) {
	if field.Name == "__typename" {
		return shape.name, nil
	}
	resolver, known := shape.fields[field.Name]
	if !known {
		x.refused = true
		return nil, &fieldError{"undefinedField", fmt.Sprintf("Field '%s' doesn't exist on type '%s'", field.Name, shape.name)}
	}
	args := arguments{}
	for _, a := range field.Arguments {
		args[a.Name] = x.value(a.Value)
	}
	value, err := resolver(x, on, args)
	if err != nil {
		return nil, err
	}
	if list, is := value.(connection); is {
		if value, err = list.window(field.Name, args); err != nil {
			return nil, err
		}
	}
	return x.complete(field, value, path), nil
}

// complete selects from what a field resolved to.
func (x *execution) complete(field *ast.Field, value any, path []any) any {
	switch v := value.(type) {
	case []any:
		items := make([]any, 0, len(v))
		for i, item := range v {
			items = append(items, x.complete(field, item, append(append([]any{}, path...), i)))
		}
		return items
	case nil:
		return nil
	}
	if shapeOf(value) == nil {
		return value
	}
	return x.resolve(field.SelectionSet, value, path)
}

// connection is a list that is answered in pages.
type connection struct {
	name  string // of its type: "RepositoryConnection"
	items []any
	edges map[string]resolver // fields of an edge beside cursor and node, by what the item is
}

// window is one page of a connection.
type window struct {
	connection
	from, to int
}

const largestPage = 100

func (c connection) window(field string, args arguments) (any, error) {
	first, forward := args["first"]
	last, backward := args["last"]
	size := integer(first)
	name := "first"
	if !forward || first == nil {
		size, name = integer(last), "last"
	}
	switch {
	case !forward && !backward:
		return nil, &fieldError{"MISSING_PAGINATION_BOUNDARIES", fmt.Sprintf(
			"You must provide a `first` or `last` value to properly paginate the `%s` connection.", field)}
	case size > largestPage || size < 0:
		return nil, &fieldError{"EXCESSIVE_PAGINATION", fmt.Sprintf(
			"Requesting %d records on the `%s` connection exceeds the `%s` limit of %d records.", size, field, name, largestPage)}
	}
	from, to := 0, len(c.items)
	if after := args.text("after"); after != "" {
		from = min(cursorNumber(after), to)
	}
	if before := args.text("before"); before != "" {
		to = max(from, min(to, cursorNumber(before)-1))
	}
	if name == "first" {
		to = min(to, from+size)
	} else {
		from = max(from, to-size)
	}
	return &window{c, from, to}, nil
}

func cursor(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "cursor:v2:%d", number))
}

// cursorNumber is the number in a cursor, 0 where it is none of ours.
func cursorNumber(text string) (number int) {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return 0
	}
	number, _ = strconv.Atoi(strings.TrimPrefix(string(plain), "cursor:v2:"))
	return number
}
