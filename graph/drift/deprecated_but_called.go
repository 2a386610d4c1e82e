package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// leaving are the lifecycles of what is to go away.
var leaving = [...]string{"deprecated", "retired", "end-of-life", "eol", "decommissioned", "sunset", "legacy-deprecated"}

// deprecatedButCalled finds who still calls what is to go away: for each caller one finding, since each has to move.
func (f *finder) deprecatedButCalled(entity *catalog.Entity) {
	if !slices.Contains(leaving[:], strings.ToLower(entity.Lifecycle)) {
		return
	}
	_, in := f.Relations(entity.Ref)
	for edge := range in {
		if !isCall(edge) || !f.here(edge) {
			continue
		}
		seen := f.measure(false, edge)
		if !seen.seen() {
			continue
		}
		finding := seen.finding(DeprecatedButCalled, edge.From)
		finding.From, finding.To = edge.From, edge.To
		finding.Message = fmt.Sprintf("%s %s %s%s, whose lifecycle is %s", edge.From, verb(edge), edge.To, seen.words(), entity.Lifecycle)
		f.add(finding)
	}
}
