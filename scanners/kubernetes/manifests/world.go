package manifests

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// world is everything that the files of a source say, joined.
type world struct {
	files   map[string]parsed           // by location
	claims  map[inventory.Key][]claimed // who states an object, the one that counts first
	inv     *inventory.Inventory        // what counts
	deriver *facts.Deriver              // of inv
	missing had                         // objects that were read once, and may still be
	history history                     // to keep
}

// claimed is an object where it is stated.
type claimed struct {
	location string
	index    int // in its file
	object   *inventory.Object
}

func newWorld(cluster string) *world {
	w := &world{
		files: make(map[string]parsed), claims: make(map[inventory.Key][]claimed), inv: inventory.New(cluster),
		missing: make(had), history: newHistory(),
	}
	w.inv.Cover(w.covers)
	w.deriver = facts.NewDeriver(w.inv, catalog.Declared)
	return w
}

// covers says whether all objects of a kind in a namespace ("" = in all of them) are there.
func (w *world) covers(kind inventory.Kind, namespace string) bool {
	if resource := inventory.ResourceOf(kind); namespace == "" && resource != nil && !resource.Cluster {
		return len(w.missing[kind]) == 0
	}
	return len(w.missing[kind][namespace]) == 0
}

// put takes in what a file says now, in place of what it said before; nothing in it = the file is gone. It returns the
// files whose problems may have changed by that.
func (w *world) put(location string, now parsed) []string {
	keys := make(map[inventory.Key]bool)
	for _, o := range w.files[location].objects {
		keys[o.Key] = true
		w.claims[o.Key] = slices.DeleteFunc(w.claims[o.Key], func(c claimed) bool { return c.location == location })
	}
	delete(w.files, location)
	if len(now.objects) > 0 || len(now.problems) > 0 || now.lost {
		w.files[location] = now
	}
	for i, o := range now.objects {
		keys[o.Key] = true
		w.claims[o.Key] = append(w.claims[o.Key], claimed{location, i, o})
	}
	touched := []string{location}
	for key := range keys {
		slices.SortFunc(w.claims[key], func(a, b claimed) int {
			return cmp.Or(cmp.Compare(a.location, b.location), cmp.Compare(a.index, b.index))
		})
		for _, c := range w.claims[key] {
			touched = append(touched, c.location)
		}
		before := w.inv.Get(key.Kind, key.Namespace, key.Name)
		switch claims := w.claims[key]; {
		case len(claims) == 0:
			delete(w.claims, key)
			w.inv.Delete(key)
			w.deriver.Changed(key)
		case claims[0].object != before:
			w.inv.Put(claims[0].object)
			w.deriver.Changed(key)
		}
	}
	slices.Sort(touched)
	return slices.Compact(touched)
}

// problems are those of a file, what it says twice included.
func (w *world) problems(location string) []catalog.Problem {
	file := w.files[location]
	problems := slices.Clone(file.problems)
	for i, o := range file.objects {
		first := w.claims[o.Key][0]
		if o.Kind == inventory.Operated || first.location == location && first.index == i {
			continue
		}
		if len(problems) >= maxProblems {
			break
		}
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "/" + o.Name
		}
		problems = append(problems, catalog.Problem{
			Location: location, Line: o.Line(""), Severity: catalog.Warning, Code: codeDuplicate,
			Message: fmt.Sprintf("%s %s stands in %s:%d, too; what is said there counts", o.Kind, name, first.location, first.object.Line("")),
			Fix:     "delete one of them, or scan the folders as clusters of their own",
		})
	}
	slices.SortStableFunc(problems, catalog.CompareProblems)
	return problems
}
