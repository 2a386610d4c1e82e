package graph

import (
	"fmt"
	"strings"
)

// Impact is what a failure does to an entity. The order of the values is the order of badness.
type Impact uint8

// The impacts.
const (
	None Impact = iota
	Delayed
	Degraded
	Outage
)

var impactNames = [...]string{"NONE", "DELAYED", "DEGRADED", "OUTAGE"}

// String is the upper-case name.
func (i Impact) String() string {
	if int(i) >= len(impactNames) {
		return ""
	}
	return impactNames[i]
}

// MarshalText writes [Impact.String].
func (i Impact) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads a name in any case.
func (i *Impact) UnmarshalText(text []byte) error {
	for value, name := range impactNames {
		if strings.EqualFold(name, string(text)) {
			*i = Impact(value)
			return nil
		}
	}
	return fmt.Errorf("unknown impact %q (one of OUTAGE, DEGRADED, DELAYED, NONE)", text)
}
