package graph

import (
	"fmt"
	"strings"
)

// Outcome is how a judgement over the catalog came out: a health check, a rule of a scorecard ...
type Outcome uint8

// The outcomes. OutcomeUnknown means that what would have to be known is not; OutcomeNotApplicable that there is nothing
// to judge, or that somebody is exempted.
const (
	OutcomeNotApplicable Outcome = iota
	OutcomePass
	OutcomeUnknown
	OutcomeFail
)

var outcomeNames = [...]string{"NOT_APPLICABLE", "PASS", "UNKNOWN", "FAIL"}

// Outcomes lists all of them, the worst first.
func Outcomes() []Outcome {
	return []Outcome{OutcomeFail, OutcomeUnknown, OutcomePass, OutcomeNotApplicable}
}

// String is the upper-case name.
func (o Outcome) String() string {
	if int(o) >= len(outcomeNames) {
		return ""
	}
	return outcomeNames[o]
}

// MarshalText writes [Outcome.String].
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a name in any case.
func (o *Outcome) UnmarshalText(text []byte) error {
	for value, name := range outcomeNames {
		if strings.EqualFold(name, string(text)) {
			*o = Outcome(value)
			return nil
		}
	}
	return fmt.Errorf("unknown outcome %q (one of PASS, FAIL, UNKNOWN, NOT_APPLICABLE)", text)
}
