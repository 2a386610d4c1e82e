package edges

import (
	"cmp"
	"slices"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// Named is a host that the configuration of a workload names and that is surely meant as one, by the rules of the package.
type Named struct {
	Workload *inventory.Workload // whose configuration it is
	Host     string              // as in [hosts.Reference]
	Port     int32               // 0 = none stated
	Protocol string              // "" = unknown
	Setting  string              // the variable or key that it stands under; "" = none, as in a command
	Line     int32               // in the object of the workload; 0 = it has no lines
	// Behind are the workloads that the Service of that name leads to. None: with External it is a host of the internet,
	// else nothing in the inventory answers to the name, which may be of somebody else.
	Behind   []*inventory.Workload
	External bool
}

// NamedHosts finds what the workloads of a namespace name, by workload, then host, each host once a workload. Unlike
// [Infer] it also tells of what the inventory has no answer to: for readers of a part of a cluster, such as one repository.
func NamedHosts(inv *inventory.Inventory, namespace string) []Named {
	in := newInference(inv, namespace)
	var named []Named
	for _, j := range in.judgeAll() {
		in.rests = j.rests
		var own []Named
		for i := range j.findings {
			f := &j.findings[i]
			n := j.named(&f.mention, in.protocol(f))
			if n.External = f.service == nil; n.External {
				n.Host = f.external
			} else {
				n.Behind = in.behind(f.service)
			}
			own = append(own, n)
		}
		for i := range j.dangling {
			own = append(own, j.named(&j.dangling[i], j.dangling[i].Protocol))
		}
		slices.SortStableFunc(own, func(a, b Named) int { return cmp.Compare(a.Host, b.Host) })
		named = append(named, slices.CompactFunc(own, func(a, b Named) bool { return a.Host == b.Host })...)
	}
	return named
}

func (j *judged) named(m *mention, protocol string) Named {
	return Named{
		Workload: j.w, Host: m.Host, Port: m.Port, Protocol: protocol, Setting: m.name, Line: j.w.Object.Line(m.field),
	}
}
