package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/schema/resolve"
)

func TestTooComplex(t *testing.T) {
	nested := func(n int) string {
		return `{entity(ref:"web"){` + strings.Repeat("owner{", n) + "ref" + strings.Repeat("}", n) + "}}"
	}
	aliases := func(n int, name, field string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%s%d:%s ", name, i, field)
		}
		return b.String()
	}
	var doubled strings.Builder // 2^40 fields in a small document
	doubled.WriteString(`{entity(ref:"web"){...f0}}`)
	for i := range 40 {
		fmt.Fprintf(&doubled, " fragment f%d on Entity{a:owner{...f%d} b:owner{...f%d}}", i, i+1, i+1)
	}
	doubled.WriteString(" fragment f40 on Entity{ref}")
	tests := map[string]string{
		"1,000 fields deep":        nested(1000),
		"21 fields deep":           nested(19) + "",
		"10,000 tokens":            `{` + strings.Repeat("sources{totalCount} ", 2500) + `}`,
		"1,000 walks":              `{` + aliases(1000, "a", `blastRadius(of:["web"]){totals{outage}}`) + `}`,
		"300 walks":                `{` + aliases(150, "a", `blastRadius(of:"web"){__typename}`) + aliases(150, "b", `blastRadius(of:"web"){totals{delayed}}`) + `}`,
		"the same field":           `{entity(ref:"web"){` + strings.Repeat("ref ", 201) + `}}`,
		"fragments in fragments":   doubled.String(),
		"pages in pages":           `{entities(first:1000){nodes{dependencies(first:1000){nodes{strength}}}}}`,
		"pages by default size":    `{entities{nodes{parts{nodes{parts{nodes{parts{nodes{parts{nodes{ref}}}}}}}}}}}`,
		"a walk in each of a page": `{entities(first:500){nodes{blastRadius{totals{outage}}}}}`,
		"upstream of many":         `{entities(first:100){nodes{changes(upstream:true,first:1){nodes{ref}}}}}`,
		"introspection":            `{__schema{types{` + aliases(200, "a", `fields{`+aliases(5, "b", `type{name}`)+`}`) + `}}}`,
	}
	tests["21 fields deep"] = nested(20)
	c := newClient(shop().snapshot(1))
	for name, query := range tests {
		t.Run(name, func(t *testing.T) {
			a := c.ask(t, query, nil)
			if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != resolve.CodeTooComplex || a.Data != nil {
				t.Fatalf("%d errors, %.300s; want one error TOO_COMPLEX", len(a.Errors), fmt.Sprint(a.Errors))
			}
		})
	}
	if got := c.asked.Load(); got != 0 {
		t.Errorf("%d operations were begun", got)
	}
}

func TestCostOfVariables(t *testing.T) {
	c := newClient(shop().snapshot(1))
	query := `query($n:Int){entities(first:$n){nodes{parts(first:$n){nodes{ref}}}}}`
	if a := c.ask(t, query, map[string]any{"n": 1000}); len(a.Errors) != 1 || a.Errors[0].Extensions.Code != resolve.CodeTooComplex {
		t.Errorf("large pages by variable: %+v", a.Errors)
	}
	c.data(t, query, map[string]any{"n": 10})
	c.data(t, query, nil)
}

func TestDeepestAllowed(t *testing.T) {
	c := newClient(shop().snapshot(1))
	c.data(t, `{entity(ref:"web"){`+strings.Repeat("owner{", 18)+"ref"+strings.Repeat("}", 18)+"}}", nil)
	c.data(t, introspection, nil)
}

// introspection is the query that GraphiQL and code generators send.
const introspection = `query IntrospectionQuery {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description
  fields(includeDeprecated: true) {
    name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name } } } } } } }
}`
