package resolve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Every list of the API, cut into pages of any size, is the list.
func TestPagesMakeTheWholeList(t *testing.T) {
	w := shop()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 { // more of everything
		name := catalog.NewRef("component", "", fmt.Sprintf("s%d", random.IntN(1000)))
		w.add(name).Annotations = map[string]string{catalog.AnnotationTier: fmt.Sprint(i % 6)}
		w.relate(name, catalog.PartOf, "system:default/shop", catalog.Hard)
		w.relate(name, catalog.DependsOn, "component:default/checkout", []catalog.Strength{catalog.Async, catalog.Soft, catalog.Hard}[i%3])
		w.relate("component:default/mail", catalog.DependsOn, name, catalog.Soft)
		if i%4 > 0 {
			w.relate(name, catalog.OwnedBy, catalog.NewRef("group", "", fmt.Sprintf("team-%d", i%7)), catalog.Unstated)
		}
		if i%5 == 0 {
			w.relate(catalog.NewRef("journey", "", fmt.Sprint("j", i)), catalog.DependsOn, name, catalog.Hard)
		}
		w.problems = append(w.problems, catalog.Problem{
			Location: fmt.Sprint("f", i%3), Line: int32(i % 4), Severity: catalog.Warning,
			Code: "c", Message: fmt.Sprint("m", i), Ref: "component:default/web",
		})
	}
	c := newClient(dedupe(w).snapshot(1))

	// Each query gives a list at `page`, with the place of its arguments.
	lists := map[string]struct{ query, node string }{
		"entities":            {`page: entities(%s)`, `ref`},
		"entities by name":    {`page: entities(orderBy:NAME %s)`, `ref`},
		"entities by tier":    {`page: entities(orderBy:TIER %s)`, `ref tier`},
		"filtered":            {`page: entities(filter:{kinds:["component"],owned:true} %s)`, `ref`},
		"filtered by tier":    {`page: entities(filter:{tiers:[0,1,2]} orderBy:TIER %s)`, `ref`},
		"parts":               {`entity(ref:"system:shop"){page: parts(%s)`, `ref`},
		"members":             {`entity(ref:"group:payments"){page: members(%s)`, `ref`},
		"owns":                {`entity(ref:"group:team-1"){page: owns(%s)`, `ref`},
		"problems":            {`page: problems(%s)`, `location line message`},
		"problems of one":     {`entity(ref:"web"){page: problems(%s)`, `message`},
		"relations":           {`entity(ref:"mail"){page: relations(%s)`, `from{ref} to{ref} type`},
		"relations in":        {`entity(ref:"mail"){page: relations(direction:IN %s)`, `from{ref} to{ref} type`},
		"dependencies":        {`entity(ref:"mail"){page: dependencies(%s)`, `from{ref} to{ref}`},
		"dependents":          {`entity(ref:"checkout"){page: dependents(%s)`, `from{ref} to{ref}`},
		"walk edges":          {`dependencies(of:"web"){page: edges(%s)`, `from{ref} to{ref} anyOf`},
		"walk entities":       {`dependencies(of:"ledger-db",direction:NEEDED_BY){page: entities(%s)`, `entity{ref} distance`},
		"search":              {`page: search(text:"s" %s)`, `entity{ref} field text`},
		"search filtered":     {`page: search(text:"kind:component tier:0 tier:1 tier:2", filter:{tiers:[1,2,3],owned:true} %s)`, `entity{ref}`},
		"cycles":              {`page: cycles(%s)`, `size`},
		"failed":              {`blastRadius(of:["web","system:shop"]){page: failed(%s)`, `entity{ref} partOf{ref}`},
		"impacted":            {`blastRadius(of:["checkout","ledger-db"]){page: impacted(%s)`, `entity{ref} impact distance path{from{ref}}`},
		"journeys":            {`blastRadius(of:["checkout"]){page: journeys(%s)`, `entity{ref} impact`},
		"systems":             {`blastRadius(of:["checkout"]){page: systems(%s)`, `entity{ref}`},
		"teams":               {`blastRadius(of:["checkout"]){page: teams(%s)`, `owner{ref} impacted worst`},
		"sources":             {`page: sources(%s)`, `id`},
		"entities of a cycle": {`cycles{nodes{entities{totalCount}}} page: entities(%s)`, `ref`},
	}
	for name, list := range lists {
		t.Run(name, func(t *testing.T) {
			closing := ""
			for _, r := range list.query {
				switch r {
				case '{':
					closing += "}"
				case '}':
					closing = closing[1:]
				}
			}
			ask := func(arguments string) map[string]any {
				query := fmt.Sprintf("{"+list.query, arguments) +
					`{nodes{` + list.node + `} edges{cursor node{` + list.node + `}} totalCount pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}` +
					closing + "}"
				data := c.data(t, query, nil)
				if page, ok := data["page"]; ok {
					return page.(map[string]any)
				}
				for _, inner := range data {
					if page, ok := inner.(map[string]any)["page"]; ok {
						return page.(map[string]any)
					}
				}
				t.Fatal("no page")
				return nil
			}
			whole := ask("first:1000")
			want := whole["nodes"].([]any)
			if len(want) == 0 || at(whole, "pageInfo.hasNextPage") != false {
				t.Fatalf("the whole list: %d, %v", len(want), whole["pageInfo"])
			}
			if got := whole["totalCount"].(float64); int(got) != len(want) {
				t.Errorf("totalCount is %v of %d", got, len(want))
			}
			for range 5 {
				var got []any
				after := ""
				for range len(want) + 1 {
					size := 1 + random.IntN(len(want))
					arguments := fmt.Sprintf("first:%d", size)
					if after != "" {
						arguments += fmt.Sprintf(` after:%q`, after)
					}
					page := ask(arguments)
					nodes := page["nodes"].([]any)
					for i, edge := range page["edges"].([]any) {
						if diff := cmp.Diff(nodes[i], edge.(map[string]any)["node"]); diff != "" {
							t.Fatalf("edge %d is not its node:\n%s", i, diff)
						}
					}
					got = append(got, nodes...)
					if at(page, "pageInfo.hasNextPage") == false {
						break
					}
					after = at(page, "pageInfo.endCursor").(string)
					if len(nodes) != size {
						t.Fatalf("a page of %d has %d and more follow", size, len(nodes))
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("pages differ from the list (-list +pages):\n%s", diff)
				}
			}
			if empty := ask("first:0"); len(empty["nodes"].([]any)) != 0 || at(empty, "pageInfo.startCursor") != nil {
				t.Errorf("a page of none is %v", empty)
			}
		})
	}
}

// dedupe drops repeated edges and problems, which a merged model cannot have.
func dedupe(w *world) *world {
	seen := map[string]bool{}
	w.edges = slices.DeleteFunc(w.edges, func(e catalog.Edge) bool {
		key, _ := json.Marshal([]any{e.From, e.To, e.Type, e.Environment})
		defer func() { seen[string(key)] = true }()
		return seen[string(key)]
	})
	return w
}

// While the catalog changes between pages, an entity that is there throughout comes exactly once.
func TestPagesUnderChange(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 7))
		ref := func() catalog.Ref {
			kind := []string{"component", "api", "zebra", "group"}[random.IntN(4)]
			return catalog.NewRef(kind, []string{"default", "a"}[random.IntN(2)], fmt.Sprintf("n%d", random.IntN(400)))
		}
		now := map[catalog.Ref]bool{}
		for range 150 {
			now[ref()] = true
		}
		snapshot := func(revision graph.Revision) *graph.Snapshot {
			w := newWorld()
			for r := range now {
				w.add(r).Annotations = map[string]string{catalog.AnnotationTier: fmt.Sprint(len(r) % 6)}
			}
			return w.snapshot(revision)
		}
		order := []string{"REF", "NAME", "TIER"}[seed%3]
		throughout := map[string]int{}
		for r := range now {
			throughout[string(r)] = 0
		}
		c := newClient(snapshot(1))
		var after *string
		for revision := graph.Revision(2); ; revision++ {
			page := at(c.data(t, `query($first:Int,$after:String,$order:EntityOrder){
				entities(first:$first,after:$after,orderBy:$order){nodes{ref} pageInfo{hasNextPage endCursor}}
			}`, map[string]any{"first": 1 + random.IntN(30), "after": after, "order": order}), "entities")
			for _, r := range refsOf(at(page, "nodes")) {
				if n, ok := throughout[r]; ok {
					throughout[r] = n + 1
				}
			}
			if at(page, "pageInfo.hasNextPage") == false {
				break
			}
			cursor := at(page, "pageInfo.endCursor").(string)
			after = &cursor
			for range random.IntN(40) {
				if r := ref(); now[r] {
					delete(now, r)
					delete(throughout, string(r))
				} else {
					now[r] = true
				}
			}
			c.current.Store(snapshot(revision))
		}
		for r, n := range throughout {
			if n != 1 {
				t.Errorf("seed %d, order %s: %s came %d times", seed, order, r, n)
			}
		}
	}
}
