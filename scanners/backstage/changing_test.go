package backstage_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/backstage"
)

// A catalog that changes while it is listed: whatever was there all the time, under whichever id, is imported, each
// entity once; nothing that never was there is.
func TestChangesWhileListing(t *testing.T) {
	seeds := 300
	if testing.Short() {
		seeds = 60
	}
	for _, old := range []bool{false, true} {
		for seed := range uint64(seeds) {
			t.Run(fmt.Sprintf("old %v seed %d", old, seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 0))
				f := newFake(many(20 + random.IntN(30))...)
				f.noQuery = old
				ever, always := names(f), names(f)
				changes := 1 + random.IntN(3)
				f.before = func(n int, _ http.ResponseWriter, r *http.Request) bool {
					f.mu.Lock()
					defer f.mu.Unlock()
					if changes == 0 || n < 3 || !strings.Contains(r.URL.Path, "entities") || random.IntN(3) > 0 {
						return false
					}
					changes--
					gone := f.change(random)
					for name := range names(f) {
						ever[name] = true
					}
					delete(always, gone)
					return false
				}
				sink := newCollector()
				if _, err := f.scanner(t, backstage.Config{PageSize: 1 + random.IntN(9)}).Scan(t.Context(), nil, sink); err != nil {
					t.Fatal(err)
				}
				if len(sink.twice) > 0 {
					t.Errorf("reported twice: %v", sink.twice)
				}
				for name := range always {
					if _, ok := sink.scopes[name]; !ok {
						t.Errorf("%s was there all the time and is lost\n%s", name, strings.Join(f.asked(), "\n"))
					}
				}
				for name := range sink.scopes {
					if !ever[name] {
						t.Errorf("%s never was there", name)
					}
				}
			})
		}
	}
}

func names(f *fake) map[string]bool {
	names := make(map[string]bool)
	for _, e := range f.entities {
		names[refOf(e)] = true
	}
	return names
}

// change registers an entity anew under another id, as when its file has moved, adds one, or removes one; gone is the ref
// of the removed.
func (f *fake) change(random *rand.Rand) (gone string) {
	ids := make([]string, 0, len(f.entities))
	for id := range f.entities {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := ids[random.IntN(len(ids))]
	e := f.entities[id]
	fresh := fmt.Sprintf("uid-Component-a%05d-%d", random.IntN(50), random.Uint32())
	switch random.IntN(3) {
	case 0:
		delete(f.entities, id)
		f.put(object{"apiVersion": e["apiVersion"], "kind": e["kind"], "spec": e["spec"], "metadata": object{
			"name": at(e, "metadata.name"), "namespace": "default", "uid": fresh,
		}})
	case 1:
		f.put(component(fmt.Sprintf("b%d", random.Uint32()), func(metadata, _ object) { metadata["uid"] = fresh }))
	default:
		delete(f.entities, id)
		return refOf(e)
	}
	return ""
}

// Every way of listing gives the same, whatever the size of the pages, in no more requests than there are pages and three.
func TestPaging(t *testing.T) {
	f := newFake(many(100)...)
	whole := scan(t, f.scanner(t, backstage.Config{}))
	for _, size := range []int{1, 2, 3, 7, 50, 99, 100, 101} {
		for name, change := range map[string]func(f *fake){
			"new": func(*fake) {}, "without totals": func(f *fake) { f.uncounted = true },
			"old": func(f *fake) { f.noQuery = true },
		} {
			f := newFake(many(100)...)
			change(f)
			if diff := cmp.Diff(whole, scan(t, f.scanner(t, backstage.Config{PageSize: size}))); diff != "" {
				t.Errorf("%s, pages of %d (-whole +paged)\n%s", name, size, diff)
			}
			most := 3 + (100+size-1)/size
			if f.noQuery {
				most++ // which shows that there is no by-query
			}
			if n := len(f.asked()); n > most {
				t.Errorf("%s, pages of %d: %d requests, want at most %d", name, size, n, most)
			}
		}
	}
}

// A large catalog arrives whole, each entity once.
func TestHundredThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a quarter of a minute")
	}
	f := newFake(many(100_000)...)
	sink := &counter{names: make(map[string]bool)}
	if _, err := f.scanner(t, backstage.Config{PageSize: 5000}).Scan(t.Context(), nil, sink); err != nil {
		t.Fatal(err)
	}
	if len(sink.names) != 100_000 || sink.reports != 100_000 {
		t.Errorf("%d entities in %d reports", len(sink.names), sink.reports)
	}
}
