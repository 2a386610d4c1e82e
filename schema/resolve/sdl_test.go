package resolve_test

import (
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/schema/gen"
)

// The SDL is the reference that GraphiQL shows: nothing in it goes without a sentence.
func TestEverythingIsDescribed(t *testing.T) {
	described := func(name, description string) {
		if strings.TrimSpace(description) == "" {
			t.Errorf("%s is not described", name)
		}
	}
	types := 0
	for name, definition := range gen.NewExecutableSchema(gen.Config{}).Schema().Types {
		if definition.BuiltIn {
			continue
		}
		types++
		described(name, definition.Description)
		for _, field := range definition.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			described(name+"."+field.Name, field.Description)
			for _, argument := range field.Arguments {
				described(name+"."+field.Name+"("+argument.Name+")", argument.Description)
			}
		}
		for _, value := range definition.EnumValues {
			described(name+"."+value.Name, value.Description)
		}
	}
	if types < 30 {
		t.Errorf("only %d types were looked at", types)
	}
}

// A list that may grow with the catalog is a connection, so that no answer is without bound.
func TestConnectionsAreWhole(t *testing.T) {
	for name, definition := range gen.NewExecutableSchema(gen.Config{}).Schema().Types {
		if !strings.HasSuffix(name, "Connection") {
			continue
		}
		for _, field := range []string{"edges", "nodes", "pageInfo", "totalCount"} {
			if definition.Fields.ForName(field) == nil {
				t.Errorf("%s has no %s", name, field)
			}
		}
	}
	for name, definition := range gen.NewExecutableSchema(gen.Config{}).Schema().Types {
		for _, field := range definition.Fields {
			paged := strings.HasSuffix(field.Type.Name(), "Connection")
			if first := field.Arguments.ForName("first"); paged && (first == nil || field.Arguments.ForName("after") == nil) {
				t.Errorf("%s.%s gives a page and does not take first and after", name, field.Name)
			}
		}
	}
}
