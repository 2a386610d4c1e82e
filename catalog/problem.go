package catalog

import (
	"cmp"
	"fmt"
	"strings"
)

// Severity says whether a Problem cost the document its place in the catalog.
type Severity uint8

// The severities. An ERROR means that a document was not accepted (its last good claims stand, where there are any);
// everything that was accepted and yet deserves a look is a WARNING.
const (
	Warning Severity = iota + 1
	Error
)

var severityNames = [...]string{"", "WARNING", "ERROR"}

// String is the upper-case name.
func (s Severity) String() string { return nameOf(severityNames[:], int(s)) }

// MarshalText writes [Severity.String].
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name in any case.
func (s *Severity) UnmarshalText(text []byte) error {
	return parseName(s, severityNames[:], text, "severity")
}

// Problem is something wrong in the input, told so that the person who wrote the input can mend it.
type Problem struct {
	Location string   `cbor:"1,keyasint,omitempty"` // the file's path or URL
	Line     int32    `cbor:"2,keyasint,omitempty"` // 1-based; 0 = the whole file
	Field    string   `cbor:"3,keyasint,omitempty"` // path in the document, e.g. "spec.dependsOn[2]"; "" = the whole document
	Severity Severity `cbor:"4,keyasint"`
	Code     string   `cbor:"5,keyasint"`           // stable, kebab-case, e.g. "missing-field"
	Message  string   `cbor:"6,keyasint"`           // what is wrong
	Fix      string   `cbor:"7,keyasint,omitempty"` // what to do about it
	Ref      Ref      `cbor:"8,keyasint,omitempty"` // the entity it is about; "" = none could be told
	// Version is the location in version control; nil = it is not there. Who finds a problem in the place of its document
	// leaves it out: Merge fills in that of the document.
	Version *Version `cbor:"9,keyasint,omitempty"`
}

// String is the one-line form: location:line: severity: field: message (fix) [code].
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Location)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	fmt.Fprintf(&b, ": %s: ", strings.ToLower(p.Severity.String()))
	if p.Field != "" {
		fmt.Fprintf(&b, "%s: ", p.Field)
	}
	b.WriteString(p.Message)
	if p.Fix != "" {
		fmt.Fprintf(&b, " (%s)", p.Fix)
	}
	fmt.Fprintf(&b, " [%s]", p.Code)
	return b.String()
}

// CompareProblems orders by location, line, field, code, ref and message; the rest decides between equals, so that 0
// means the same problem. It is the same at another Version, too.
func CompareProblems(a, b Problem) int {
	return cmp.Or(
		cmp.Compare(a.Location, b.Location), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Code, b.Code), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Fix, b.Fix),
	)
}
