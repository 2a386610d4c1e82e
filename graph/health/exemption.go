package health

import (
	"fmt"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/catalog"
)

// Exemption excuses findings. It covers what all its globs match; "" matches everything.
type Exemption struct {
	Check string // id
	// Ref is of the entity, for example "component:shop/*"; Workload of "namespace/name"; Container of a name.
	Ref, Workload, Container string
	Reason                   string
	Expires                  time.Time // the first moment at which it counts no more; zero = never
	// Location and Line are where it is written, for the problem that an expired one is; "" and 0 = unknown.
	Location string
	Line     int32
}

// Expired says whether it counts no more.
func (e *Exemption) Expired(now time.Time) bool { return !e.Expires.IsZero() && !now.Before(e.Expires) }

// covers says whether a finding is excused.
func (e *Exemption) covers(check string, ref catalog.Ref, w *catalog.Workload, container string) bool {
	if e.Check != check || e.Ref != "" && !doublestar.MatchUnvalidated(strings.ToLower(e.Ref), string(ref)) {
		return false
	}
	if e.Workload != "" && (w == nil || !doublestar.MatchUnvalidated(e.Workload, w.Namespace+"/"+w.Name)) {
		return false
	}
	return e.Container == "" || doublestar.MatchUnvalidated(e.Container, container)
}

// CodeExemptionExpired is the code of the problem that an expired exemption is.
const CodeExemptionExpired = "exemption-expired"

// Problems tells the exemptions that have expired, in the order of the policy.
func (j *Judge) Problems(now time.Time) []catalog.Problem {
	problems := []catalog.Problem{}
	for i := range j.policy.Exemptions {
		e := &j.policy.Exemptions[i]
		if !e.Expired(now) {
			continue
		}
		problems = append(problems, catalog.Problem{
			Location: e.Location, Line: e.Line, Field: fmt.Sprintf("health.exemptions[%d]", i), Severity: catalog.Warning,
			Code:    CodeExemptionExpired,
			Message: fmt.Sprintf("the exemption from %s (%s) has expired and counts no more", e.Check, e.Reason),
			Fix:     "mend what it excused and remove it, or give it a later date",
		})
	}
	return problems
}
