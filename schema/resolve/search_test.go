package resolve_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A filter keeps of what is found the same as of all entities, whether the index or the resolver asks it.
func TestSearchFilters(t *testing.T) {
	c := newClient(shop().snapshot(1))
	for _, filter := range []string{
		`{}`, `{kinds:["Component","api"]}`, `{kinds:[]}`, `{tags:["GO"]}`, `{tags:["p","w"],kinds:["component"]}`,
		`{owners:["payments"]}`, `{owners:["group:default/payments","user:ada"]}`, `{owners:["user:payments"]}`,
		`{lifecycles:["Production"]}`, `{lifecycles:[""]}`, `{tiers:[1,2]}`, `{tiers:[0]}`, `{tiers:[7]}`,
		`{owned:false}`, `{owned:false,kinds:["component"]}`, `{namePrefix:"pa"}`, `{systems:["shop"],tiers:[0]}`,
		`{placeholder:true}`, `{hasProblems:true}`, `{types:["service"],namespaces:["default"]}`,
	} {
		data := c.data(t, fmt.Sprintf(`{
			all: entities(filter:%[1]s, first:1000) { totalCount nodes { ref } }
			found: search(text:"", filter:%[1]s, first:1000) { totalCount nodes { entity { ref } } }
		}`, filter), nil)
		want, got := refsOf(at(data, "all.nodes")), []string(nil)
		for _, hit := range at(data, "found.nodes").([]any) {
			got = append(got, at(hit, "entity.ref").(string))
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" || at(data, "all.totalCount") != at(data, "found.totalCount") {
			t.Errorf("%s (-entities +search):\n%s", filter, diff)
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	c := newClient(shop().snapshot(1))
	for query, want := range map[string]string{
		`{search(text:"a", first:1001){totalCount}}`:            "first is 1001",
		`{search(text:"a", after:"no"){totalCount}}`:            "after is not a cursor of this list",
		`{search(text:"a", filter:{owners:[":"]}){totalCount}}`: "empty kind",
	} {
		response := c.ask(t, query, nil)
		if len(response.Errors) != 1 || !strings.Contains(response.Errors[0].Message, want) {
			t.Errorf("%s: %v", query, response.Errors)
		}
	}
	var many strings.Builder
	for i := range 101 {
		fmt.Fprintf(&many, "s%d: search(text:\"a\"){totalCount} ", i)
	}
	response := c.ask(t, "{"+many.String()+"}", nil)
	if len(response.Errors) != 1 || !strings.Contains(response.Errors[0].Message, "may cost") {
		t.Errorf("a hundred searches at once: %v", response.Errors)
	}
}
