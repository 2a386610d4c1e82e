package drift

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
)

// observedNotDeclared finds what an entity with a catalog file calls, and neither declares nor reaches by a declared path:
// merging has put what such a path covers on the path's own edges.
func (f *finder) observedNotDeclared(entity *catalog.Entity) {
	if entity.Origin == nil || entity.Discovered || entity.Found {
		return // nobody wrote a file that could declare it
	}
	out, _ := f.Relations(entity.Ref)
	for edge := range out {
		if !isCall(edge) || !f.here(edge) || edge.KindsOfEvidence().Has(catalog.Declared) {
			continue
		}
		seen := f.measure(false, edge)
		if !seen.seen() {
			continue
		}
		finding := seen.finding(ObservedNotDeclared, entity.Ref)
		finding.From, finding.To = edge.From, edge.To
		finding.Message = fmt.Sprintf("%s %s %s%s, which its catalog file does not name", edge.From, verb(edge), edge.To, seen.words())
		finding.Patch = f.addDependency(entity, edge, &seen)
		f.add(finding)
	}
}

// verb is what the source of an edge does to its target.
func verb(edge *catalog.Edge) string {
	switch {
	case edge.Role.Publishes():
		return "publishes to"
	case edge.Role.Consumes():
		return "consumes"
	case edge.Strength == catalog.Async:
		return "gets messages of"
	}
	return "calls"
}

// words tell how much traffic it is, behind the name of what is called.
func (m *measured) words() string {
	text := ""
	if m.Requests > 0 {
		text += fmt.Sprintf(" (%s since %s", amount(m.Requests, "request", "requests"), m.First.UTC().Format("2006-01-02"))
		if m.Errors >= 0.5 {
			text += fmt.Sprintf(", %.3g %% failed", 100*m.Errors/m.Requests)
		}
		text += ")"
	}
	return text
}

func amount(n float64, one, many string) string {
	if n < 1.5 {
		return "1 " + one
	}
	return fmt.Sprintf("%.0f %s", n, many)
}
