package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

// However a list is asked for, its pages together are what a look at every entity finds, and so is its count.
func TestFilteredPagesAndCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWorld()
	owners := []catalog.Ref{"group:default/a", "group:default/b", "user:default/u"}
	for i := range 300 {
		kind := []string{"component", "api", "resource", "journey", "node"}[random.IntN(5)]
		e := w.add(catalog.NewRef(kind, "", fmt.Sprintf("n%d", random.IntN(200))))
		e.Annotations = map[string]string{catalog.AnnotationTier: fmt.Sprint(random.IntN(6))}
		e.Discovered, e.Found, e.Stale = random.IntN(5) == 0, random.IntN(5) == 0, random.IntN(4) == 0
		if i%3 == 0 {
			w.relate(e.Ref, catalog.OwnedBy, owners[random.IntN(3)], catalog.Unstated)
		}
		if i%4 == 0 {
			w.relate(e.Ref, catalog.PartOf, catalog.NewRef("system", "", fmt.Sprint("s", random.IntN(3))), catalog.Hard)
		}
	}
	// The last owner that was stated is the one.
	w.edges = slices.DeleteFunc(w.edges, func(e catalog.Edge) bool {
		return e.Type == catalog.OwnedBy && w.entities[e.From].Owner != e.To
	})
	snapshot := w.snapshot(1)
	c := newClient(snapshot)
	filters := map[string]func(*catalog.Entity) bool{
		`{}`: func(*catalog.Entity) bool { return true },
		`{kinds:["Component","API"]}`: func(e *catalog.Entity) bool {
			return e.Ref.Kind() == "component" || e.Ref.Kind() == "api"
		},
		`{owned:false}`:                  func(e *catalog.Entity) bool { return e.Owner == "" && e.IsOwnable() },
		`{owned:true,tiers:[1,0]}`:       func(e *catalog.Entity) bool { return e.Owner != "" && e.Tier() < 2 && e.IsOwnable() },
		`{placeholder:true}`:             func(e *catalog.Entity) bool { return e.Placeholder },
		`{discovered:true,stale:false}`:  func(e *catalog.Entity) bool { return e.Discovered && !e.Stale },
		`{owners:["a","user:u"]}`:        func(e *catalog.Entity) bool { return e.Owner == owners[0] || e.Owner == owners[2] },
		`{owners:["a"],kinds:["api"]}`:   func(e *catalog.Entity) bool { return e.Owner == owners[0] && e.Ref.Kind() == "api" },
		`{owners:[]}`:                    func(*catalog.Entity) bool { return false },
		`{namePrefix:"n1",stale:true}`:   func(e *catalog.Entity) bool { return strings.HasPrefix(e.Ref.Name(), "n1") && e.Stale },
		`{systems:["s0","s1","s0"]}`:     inSystem(w, "system:default/s0", "system:default/s1"),
		`{systems:["s2"],owners:["b"]}`:  func(e *catalog.Entity) bool { return e.Owner == owners[1] && inSystem(w, "system:default/s2")(e) },
		`{namespaces:["other"]}`:         func(*catalog.Entity) bool { return false },
		`{hasProblems:false,tiers:[2]}`:  func(e *catalog.Entity) bool { return e.Tier() == 2 },
		`{kinds:[],namespaces:null}`:     func(*catalog.Entity) bool { return false },
		`{tiers:[3],discovered:false}`:   func(e *catalog.Entity) bool { return e.Tier() == 3 && !e.Discovered },
		`{kinds:["journey"],owned:true}`: func(e *catalog.Entity) bool { return e.Ref.Kind() == "journey" && e.Owner != "" && e.IsOwnable() },
	}
	for filter, passes := range filters {
		var want []string
		for e := range snapshot.Entities("") {
			if passes(e) {
				want = append(want, string(e.Ref))
			}
		}
		for _, order := range []string{"REF", "NAME", "TIER"} {
			var got []string
			after := ""
			for page := 0; ; page++ {
				answer := c.data(t, fmt.Sprintf(`query($after:String){entities(filter:%s,orderBy:%s,first:7,after:$after){totalCount nodes{ref} pageInfo{hasNextPage endCursor}}}`,
					filter, order), map[string]any{"after": after})
				if total := at(answer, "entities.totalCount"); total != float64(len(want)) {
					t.Fatalf("%s by %s: %v are counted, not %d", filter, order, total, len(want))
				}
				got = append(got, refsOf(at(answer, "entities.nodes"))...)
				if at(answer, "entities.pageInfo.hasNextPage") == false {
					break
				}
				after = at(answer, "entities.pageInfo.endCursor").(string)
			}
			if !slices.IsSortedFunc(got, func(a, b string) int { return orderOf(w, order, a, b) }) {
				t.Errorf("%s by %s: in no order: %v", filter, order, got)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s by %s (-want +got):\n%s", filter, order, diff)
			}
		}
	}
}

func inSystem(w *world, systems ...catalog.Ref) func(*catalog.Entity) bool {
	return func(e *catalog.Entity) bool {
		return slices.ContainsFunc(w.edges, func(edge catalog.Edge) bool {
			return edge.From == e.Ref && edge.Type == catalog.PartOf && slices.Contains(systems, edge.To)
		})
	}
}

func orderOf(w *world, order, a, b string) int {
	x, y := w.entities[catalog.Ref(a)], w.entities[catalog.Ref(b)]
	tier := func(e *catalog.Entity) int { return (e.Tier() + 4) % 5 } // none comes last
	switch {
	case order == "NAME" && x.Ref.Name() != y.Ref.Name():
		if x.Ref.Name() < y.Ref.Name() {
			return -1
		}
		return 1
	case order == "TIER" && tier(x) != tier(y):
		return tier(x) - tier(y)
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
