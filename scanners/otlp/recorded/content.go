package recorded

import (
	"fmt"
	"maps"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// The codes of problems.
const (
	codeFile      = "unreadable-file"
	codeMalformed = "malformed-traces"
	codeCutOff    = "unfinished-traces"
	codeLarge     = "too-large"
	codeNone      = "no-traces"
)

const (
	fixMalformed = "write it again, or take it out"
	fixLarge     = "write smaller requests, or one request a line"

	lostUnreadable = traffic.LostUnreadable
	lostRejected   = traffic.LostRejectedRequest
	lostTooLarge   = traffic.LostTooLarge
)

// maxTold is how many problems of one file are told one by one.
const maxTold = 20

// place is where in a file something stands.
type place struct {
	line  int32 // 1-based; 0 = unknown
	field string
}

// content reads what one file holds.
type content struct {
	location  string
	held      int // bytes of one message, line or document in memory, at most
	resources *spans.Resources
	reader    *spans.Reader
	each      func(*spans.Span) error // takes each span; its error ends the reading
	ids       identities

	found    bool // something of traces
	lost     map[string]uint64
	problems []catalog.Problem
	untold   int // problems

	messages     *zstd.Decoder // of messages that are packed one by one; nil = there was none yet
	span         spans.Span
	setter       spans.Setter
	resource     spans.ResourceSetter
	waiting      []*zipkin
	waitingBytes int
}

// wrong tells of something wrong in the file.
func (c *content) wrong(at place, code, message, fix string) {
	severity := catalog.Error
	if code == codeCutOff || code == codeNone {
		severity = catalog.Warning
	}
	if len(c.problems) >= maxTold {
		c.untold++
		return
	}
	c.problems = append(c.problems, catalog.Problem{
		Location: c.location, Line: at.line, Field: at.field, Severity: severity, Code: code, Message: message, Fix: fix,
	})
}

// told are the problems of the file.
func (c *content) told() []catalog.Problem {
	if c.untold > 0 {
		c.problems = append(c.problems, catalog.Problem{
			Location: c.location, Severity: catalog.Error, Code: codeMalformed, Fix: fixMalformed,
			Message: fmt.Sprintf("%d more parts of it cannot be read", c.untold),
		})
		c.untold = 0
	}
	return c.problems
}

// rejected tells of a request that is malformed as a whole.
func (c *content) rejected(at place, what string, err error) {
	c.found = true
	c.wrong(at, codeMalformed, fmt.Sprintf("%s is malformed: %v", what, err), fixMalformed)
	c.lost[lostRejected]++
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
