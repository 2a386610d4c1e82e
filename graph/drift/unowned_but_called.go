package drift

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
)

// unownedButCalled finds what others call and nobody answers for: discovered software above all.
func (f *finder) unownedButCalled(entity *catalog.Entity) {
	if entity.Owner != "" || !entity.IsOwnable() || entity.Ref.Kind() == "external" {
		return
	}
	callers, seen := f.callers(entity)
	if len(callers) == 0 {
		return
	}
	finding := seen.finding(UnownedButCalled, entity.Ref)
	what := "nobody is named as its owner"
	if entity.Discovered || entity.Placeholder {
		what = "nobody has declared it"
	}
	finding.Message = fmt.Sprintf("%s is called by %s%s, and %s", entity.Ref, list(callers), seen.words(), what)
	finding.Patch = f.declare(entity)
	f.add(finding)
}

// callers are those that were seen to call an entity lately, in order, with their traffic.
func (f *finder) callers(entity *catalog.Entity) (callers []catalog.Ref, sum measured) {
	var edges []*catalog.Edge
	_, in := f.Relations(entity.Ref)
	for edge := range in {
		if !isCall(edge) || !f.here(edge) {
			continue
		}
		if seen := f.measure(false, edge); seen.seen() {
			callers, edges = append(callers, edge.From), append(edges, edge)
		}
	}
	return callers, f.measure(false, edges...)
}

// list names a few of the entities.
func list(refs []catalog.Ref) string {
	const shown = 3
	text := ""
	for i, ref := range refs {
		switch {
		case i == shown:
			return text + fmt.Sprintf(" and %d more", len(refs)-shown)
		case i > 0:
			text += ", "
		}
		text += string(ref)
	}
	return text
}
