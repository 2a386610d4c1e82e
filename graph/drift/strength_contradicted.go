package drift

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
)

// strengthContradicted finds declared edges whose traffic shows another strength: the requests of the caller fail with the
// called though a fallback is declared, or go on without it though none is. What is declared stands; this is only told.
func (f *finder) strengthContradicted(entity *catalog.Entity) {
	out, _ := f.Relations(entity.Ref)
	for edge := range out {
		if !isCall(edge) || !f.here(edge) || !edge.KindsOfEvidence().Has(catalog.Declared) {
			continue
		}
		seen := f.measure(false, edge)
		behaves := seen.Together.Behaves()
		if behaves == catalog.Unstated || behaves == edge.Strength || edge.Strength == catalog.Async && behaves == catalog.Soft {
			continue
		}
		finding := seen.finding(StrengthContradicted, entity.Ref)
		finding.From, finding.To = edge.From, edge.To
		t := seen.Together
		finding.Message = fmt.Sprintf("%s declares that it needs %s %s, and behaves %s: of %s in which the call failed, %d failed",
			edge.From, edge.To, edge.Strength, behaves, amount(float64(t.BothFailed+t.CallFailed), "request", "requests"), t.BothFailed)
		if others := t.RequestFailed + t.NoneFailed; others > 0 {
			finding.Message += fmt.Sprintf("; of %d others %d", others, t.RequestFailed)
		}
		finding.Confidence = Medium
		if t.BothFailed+t.CallFailed >= 100 {
			finding.Confidence = High
		}
		finding.Patch = f.changeStrength(entity, edge, behaves)
		f.add(finding)
	}
}
