package githubtest_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// conformer compares an answer with what a schema says of its query.
type conformer struct {
	schema   *ast.Schema
	document *ast.QueryDocument
	wrong    []string
}

// selection checks an object. Fields of fragments are looked for where the object has them, as it does not tell its type.
func (c *conformer) selection(selections ast.SelectionSet, answer map[string]any, path string) {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			if value, given := answer[s.Alias]; given {
				c.value(s.Definition.Type, s, value, path+"."+s.Alias)
			} else {
				c.wrong = append(c.wrong, fmt.Sprintf("%s.%s is not answered", path, s.Alias))
			}
		case *ast.InlineFragment:
			c.fragment(s.TypeCondition, s.SelectionSet, answer, path)
		case *ast.FragmentSpread:
			c.fragment(s.Definition.TypeCondition, s.Definition.SelectionSet, answer, path)
		}
	}
}

func (c *conformer) fragment(condition string, selections ast.SelectionSet, answer map[string]any, path string) {
	if name, told := answer["__typename"].(string); told && name != condition &&
		!slices.ContainsFunc(c.schema.GetPossibleTypes(c.schema.Types[condition]), func(d *ast.Definition) bool { return d.Name == name }) {
		return
	}
	c.selection(selections, answer, path)
}

func (c *conformer) value(t *ast.Type, field *ast.Field, value any, path string) {
	wrong := func(wanted string) { c.wrong = append(c.wrong, fmt.Sprintf("%s is %v, not %s", path, value, wanted)) }
	if value == nil {
		if t.NonNull {
			wrong(t.String())
		}
		return
	}
	if t.Elem != nil {
		list, is := value.([]any)
		if !is {
			wrong("a list")
		}
		for i, item := range list {
			c.value(t.Elem, field, item, fmt.Sprintf("%s[%d]", path, i))
		}
		return
	}
	definition := c.schema.Types[t.NamedType]
	var is bool
	switch definition.Kind {
	case ast.Object, ast.Interface, ast.Union:
		var object map[string]any
		if object, is = value.(map[string]any); is {
			c.selection(field.SelectionSet, object, path)
		}
	case ast.Enum:
		name, _ := value.(string)
		is = definition.EnumValues.ForName(name) != nil
	default:
		switch t.NamedType {
		case "Int", "BigInt":
			number, numeric := value.(float64)
			is = numeric && number == math.Trunc(number)
		case "Float":
			_, is = value.(float64)
		case "Boolean":
			_, is = value.(bool)
		default: // String, ID, and scalars that are written as texts
			_, is = value.(string)
		}
	}
	if !is {
		wrong(t.NamedType)
	}
}
