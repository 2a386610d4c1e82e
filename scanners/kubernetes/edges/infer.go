package edges

import (
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// Inferred is what the configuration of one workload, or one way into a mesh, says that is needed.
type Inferred struct {
	// Scope is edges/<namespace>/<kind>/<name>, where the kind is that of a workload or virtualservice.
	Scope     string
	Documents []*catalog.Document // none where nothing was found
	// Namespaces are those, other than the one that was asked for, that the result rests on: when Services, workloads or
	// policies in them change, it may be another. Sorted.
	Namespaces []string
}

// Infer finds what the workloads of a namespace need, and what its VirtualServices lead to. It costs what there is in the
// namespace and what that names; with addresses and public names it looks over the Services of the cluster, once.
func Infer(inv *inventory.Inventory, namespace string) []Inferred {
	in := newInference(inv, namespace)
	all := in.judgeAll()
	var inferred []Inferred
	for _, j := range all {
		in.rests = j.rests
		documents := in.documents(j)
		if len(documents) > 0 || len(j.rests) > 0 {
			inferred = append(inferred, Inferred{
				Scope: scope(namespace, j.w.Kind, j.w.Name()), Documents: documents, Namespaces: slices.Sorted(maps.Keys(j.rests)),
			})
		}
	}
	return append(inferred, in.mesh()...)
}

func newInference(inv *inventory.Inventory, namespace string) *inference {
	return &inference{
		inv: inv, namespace: namespace,
		leads: make(map[inventory.Key][]*inventory.Workload), policies: make(map[string]*policies),
	}
}

// judgeAll judges what the workloads of the namespace mention, each by itself and beside the others.
func (in *inference) judgeAll() []*judged {
	var all []*judged
	for w := range in.inv.Workloads(in.namespace) {
		in.files = in.files || w.Object.Lines != nil
		if strings.Contains(w.Object.Value.GetAnnotations()["helm.sh/hook"], "test") {
			continue // it runs when somebody tests the chart, and calls what it tests
		}
		all = append(all, in.workload(w))
	}
	in.weigh(all)
	return all
}

func scope(namespace, kind, name string) string {
	return "edges/" + namespace + "/" + kind + "/" + name
}

// inference is one run of Infer. What it looks up for the whole of the cluster it looks up when it is first asked.
type inference struct {
	inv        *inventory.Inventory
	namespace  string
	files      bool            // the objects stand in files
	rests      map[string]bool // namespaces that what is looked up now rests on
	namespaces map[string]bool
	addresses  map[string]*inventory.Object // Services by their addresses
	entries    map[string]bool              // hosts of ServiceEntries
	variables  map[string]*inventory.Object // Services of the namespace by the stems of their variables
	leads      map[inventory.Key][]*inventory.Workload
	owned      map[catalog.Alias][]string // Services of the namespace by the workloads that they lead to
	policies   map[string]*policies       // by namespace
	fronts     map[string]bool            // hosts of the Ingresses of the namespace
}

// judged is a workload with what its configuration mentions.
type judged struct {
	w        *inventory.Workload
	rests    map[string]bool
	findings []finding // that are proof, as far as they go
	dangling []mention
	lists    map[list]*contents
}

func (in *inference) workload(w *inventory.Workload) *judged {
	j := &judged{w: w, rests: make(map[string]bool), lists: make(map[list]*contents)}
	in.rests = j.rests
	r := reader{in: in, w: w}
	for _, m := range r.read() {
		f, verdict := in.judge(w, &m)
		switch verdict {
		case proof:
			j.findings = append(j.findings, f)
		case dangling:
			j.dangling = append(j.dangling, m)
		}
		if m.list == (list{}) || verdict != proof && verdict != itself {
			continue
		}
		c := j.lists[m.list]
		if c == nil {
			c = &contents{targets: make(map[string]bool)}
			j.lists[m.list] = c
		}
		c.targets[f.group] = true
		c.names = c.names || verdict == itself
	}
	return j
}
