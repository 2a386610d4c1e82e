package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/schema/resolve"
)

// TestLongAnswers holds that a long text asked for by many names fills no memory: its cost is that of short ones.
func TestLongAnswers(t *testing.T) {
	w := shop()
	w.add("component:default/web").Description = strings.Repeat("x", 4<<20)
	c := newClient(w.snapshot(1))
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, query := range map[string]string{
		"in one field":        `{entity(ref:"web"){` + many(190, "a%d:description ") + `}}`,
		"over root fields":    `{` + many(20, `a%d:entity(ref:"web"){description} `) + `}`,
		"in a field not null": `{entities(first:100){nodes{` + many(20, "a%d:description ") + `}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := c.ask(t, query, nil)
			if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != resolve.CodeTooComplex || a.Data != nil {
				t.Errorf("%d errors, %.300s; want one error TOO_COMPLEX", len(a.Errors), fmt.Sprint(a.Errors))
			}
		})
	}
	if got := at(c.data(t, `{entity(ref:"web"){`+many(7, "a%d:description ")+`}}`, nil), "entity.a6"); len(fmt.Sprint(got)) != 4<<20 {
		t.Errorf("an answer of 28 MiB has a text of %d bytes", len(fmt.Sprint(got)))
	}
}
