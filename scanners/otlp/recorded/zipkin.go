package recorded

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

const (
	// maxSharing is how many spans that share an id are looked at together.
	maxSharing = 64
	// shareOfWaiting is the part of what is held in memory, as it is written, that spans may be which wait for others: one in
	// so many, since they take a few times as much when read.
	shareOfWaiting = 4
)

// zipkinSpan is a span of Zipkin v2, and of v1 with its own fields.
type zipkinSpan struct {
	Trace       text               `json:"traceId"`
	ID          text               `json:"id"`
	Parent      text               `json:"parentId"`
	Kind        text               `json:"kind"`
	Name        text               `json:"name"`
	Timestamp   moment             `json:"timestamp"`
	Duration    duration           `json:"duration"`
	Local       *zipkinEndpoint    `json:"localEndpoint"`
	Remote      *zipkinEndpoint    `json:"remoteEndpoint"`
	Tags        map[string]text    `json:"tags"`
	Shared      truth              `json:"shared"`
	Annotations []zipkinAnnotation `json:"annotations"`
	Binary      []zipkinBinaryV1   `json:"binaryAnnotations"`
}

type zipkinEndpoint struct {
	Service text `json:"serviceName"`
	IPv4    text `json:"ipv4"`
	IPv6    text `json:"ipv6"`
	Port    text `json:"port"`
}

func (e *zipkinEndpoint) service() string {
	if e == nil {
		return ""
	}
	return string(e.Service)
}

type zipkinAnnotation struct {
	Timestamp moment          `json:"timestamp"`
	Value     text            `json:"value"`
	Endpoint  *zipkinEndpoint `json:"endpoint"` // v1
}

// zipkinKey is what Zipkin tells spans apart by: the two sides of a call may share one.
type zipkinKey struct{ trace, id string }

// zipkin is one span that waits for those that share its id, or are below it.
type zipkin struct {
	zipkinSpan
	at     place
	id, up spans.SpanID // of the span and its parent: not those that are written, where halves share one
	lower  bool         // it is the callee's half of a span
	told   bool         // by another piece of it
}

// zipkinSpan takes in one span. It is told when the others of its trace are known, or too many wait.
func (c *content) zipkinSpan(data []byte, at place) error {
	var read zipkinSpan
	if err := json.Unmarshal(data, &read); err != nil {
		c.unreadable(at, "a span", err)
		return nil
	}
	for _, half := range read.halves() {
		c.waiting = append(c.waiting, &zipkin{zipkinSpan: half, at: at})
		c.waitingBytes += len(data)
	}
	if c.waitingBytes < c.held/shareOfWaiting {
		return nil
	}
	return c.tellZipkin()
}

// completes says whether the other is of the same side of the same span: a tracer may report what it knows in pieces, of
// which one has the duration.
func (z *zipkin) completes(other *zipkin) bool {
	return z.Local.service() == other.Local.service() && (z.Duration == 0) != (other.Duration == 0) &&
		(z.Kind == other.Kind && z.Shared == other.Shared || z.Kind == "" || other.Kind == "")
}

func (z *zipkin) complete(other *zipkin) {
	if z.Kind == "" {
		z.Kind, z.Shared = other.Kind, other.Shared
	}
	if z.Timestamp == 0 || other.Timestamp != 0 && other.Timestamp < z.Timestamp {
		z.Timestamp = other.Timestamp
	}
	z.Duration = max(z.Duration, other.Duration)
	if z.Parent == "" {
		z.Parent = other.Parent
	}
	if z.Remote == nil {
		z.Remote = other.Remote
	}
	if z.Name == "" {
		z.Name = other.Name
	}
	for key, value := range other.Tags {
		if z.Tags == nil {
			z.Tags = make(map[string]text)
		}
		z.Tags[key] = value
	}
}

// tellZipkin hands over the spans that wait.
func (c *content) tellZipkin() error {
	waiting := c.waiting
	c.waiting, c.waitingBytes = nil, 0
	longTraces(waiting)
	byID := make(map[zipkinKey][]*zipkin, len(waiting))
	for _, z := range waiting {
		z.id, _ = c.ids.span(string(z.ID))
		z.up, _ = c.ids.span(string(z.Parent))
		key := zipkinKey{string(z.Trace), string(z.ID)}
		if len(byID[key]) >= maxSharing {
			continue // nobody shares with so many; comparing them all would take for ever
		}
		if piece := slices.IndexFunc(byID[key], z.completes); piece >= 0 {
			byID[key][piece].complete(z)
			z.told = true
			continue
		}
		byID[key] = append(byID[key], z)
	}
	for _, same := range byID {
		part(same)
	}
	for _, z := range waiting {
		z.under(byID[zipkinKey{string(z.Trace), string(z.Parent)}])
	}
	for _, z := range waiting {
		if z.told {
			continue
		}
		if err := c.tellZipkinSpan(z); err != nil {
			return err
		}
	}
	return nil
}

// longTraces gives spans the trace id of 128 bits where others of the trace name only its lower half.
func longTraces(waiting []*zipkin) {
	const digits = 32
	long := make(map[text]text)
	for _, z := range waiting {
		if len(z.Trace) == digits {
			long[z.Trace[digits/2:]] = z.Trace
		}
	}
	for _, z := range waiting {
		if whole, ok := long[z.Trace]; ok {
			z.Trace = whole
		}
	}
}

// part gives the halves of a call that share an id their own ones, the callee's below the caller's. What is marked as shared
// and has nobody here to share with keeps the id: its parent is the next one above.
func part(same []*zipkin) {
	var caller *zipkin
	for _, z := range same {
		if caller == nil && !bool(z.Shared) && z.calling() {
			caller = z
		}
	}
	if caller == nil {
		return
	}
	for _, z := range same {
		if z.serving() {
			z.id, z.up, z.lower = below(caller.id, z.Local.service()), caller.id, true
		}
	}
}

func (z *zipkin) calling() bool { return is(z.Kind, "CLIENT") || is(z.Kind, "PRODUCER") }
func (z *zipkin) serving() bool { return is(z.Kind, "SERVER") || is(z.Kind, "CONSUMER") }

func is(kind text, name string) bool { return strings.EqualFold(string(kind), name) }

// under chooses whose child the span is, where two halves have the id of its parent: its own service's, else the callee's,
// who went on.
func (z *zipkin) under(parents []*zipkin) {
	var caller, callee *zipkin
	for _, parent := range parents {
		switch {
		case !parent.lower:
			caller = parent
		case callee == nil || parent.Local.service() == z.Local.service():
			callee = parent
		}
	}
	if z.lower || callee == nil || caller == nil {
		return
	}
	if own := z.Local.service(); caller.Local.service() == own && callee.Local.service() != own {
		return
	}
	z.up = callee.id
}
