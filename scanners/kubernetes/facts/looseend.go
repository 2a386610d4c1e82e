package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// looseEnd tells that an object leads to nothing, at one of its fields.
func looseEnd(o *inventory.Object, kind, code, field, message string) catalog.LooseEnd {
	return catalog.LooseEnd{
		Kind: kind, Namespace: o.Namespace, Name: o.Name, Code: code, Message: clip(message, 2*maxText),
		Location: o.Location, Line: o.Line(field),
	}
}

// coversWorkloads says whether a workload that is not in the inventory is not in the namespace either.
func (d *Deriver) coversWorkloads(namespace string) bool {
	return d.inv.Covers(inventory.Operated, namespace) && !slices.ContainsFunc(workloadKinds(""), func(kind inventory.Kind) bool { return !d.inv.Covers(kind, namespace) })
}

// clusterDocuments say that the cluster is there, and what in it leads to nothing. Of a folder of manifests nobody has seen
// the cluster: it is there only for its loose ends to be shown.
func (d *Deriver) clusterDocuments() []*catalog.Document {
	var loose []catalog.LooseEnd
	for _, ends := range d.loose {
		loose = append(loose, ends...)
	}
	if len(loose) == 0 && !d.live() {
		return nil
	}
	slices.SortFunc(loose, compareLooseEnds)
	var left cuts
	loose = keep(&left, loose, maxLooseEnds, "objects that lead to nothing")
	ref := catalog.ClusterRef(d.inv.Cluster())
	claim := catalog.Claim{Subject: catalog.Subject{Ref: ref}, Found: true}
	if len(loose) > 0 {
		claim.Facts = &catalog.Facts{LooseEnds: loose}
	}
	document := &catalog.Document{Claims: []catalog.Claim{claim}}
	if d.live() {
		document.Location = d.inv.Cluster()
	}
	if len(left) > 0 {
		document.Problems = []catalog.Problem{{
			Location: document.Location, Severity: catalog.Warning, Code: "too-many", Ref: ref,
			Message: fmt.Sprintf("left out are %s", left[0]), Fix: "mend the ones that are shown",
		}}
	}
	return []*catalog.Document{document}
}

// compareLooseEnds orders by namespace, kind, name and code.
func compareLooseEnds(a, b catalog.LooseEnd) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name),
		strings.Compare(a.Code, b.Code))
}
