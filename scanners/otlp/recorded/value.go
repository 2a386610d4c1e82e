package recorded

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// maxNested is how deep in a document traces may stand.
const maxNested = 6

// wrapping says whether answers of tools have traces in a field of the name: Jaeger's and Grafana's data, Tempo's trace,
// Jaeger's result.
func wrapping(name string) bool {
	switch name {
	case "data", "trace", "traces", "result", "results":
		return true
	}
	return false
}

// requesting says whether a field of the name has the spans of OTLP.
func requesting(name string) bool {
	return name == "resourceSpans" || name == "resource_spans" || name == "batches"
}

// field is one of an object.
type field struct {
	name   string
	value  []byte
	offset int // in the object, of the value
}

// maxFields is how many fields of an object are looked at: no form of traces has a tenth of them.
const maxFields = 256

// fields are those of an object; data is valid JSON.
func fields(data []byte) []field {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data), lenient()...)
	if _, err := decoder.ReadToken(); err != nil {
		return nil
	}
	var found []field
	for decoder.PeekKind() == jsontext.KindString && len(found) < maxFields {
		name, err := decoder.ReadToken()
		if err != nil {
			return found
		}
		f := field{name: name.String()}
		value, err := decoder.ReadValue()
		if err != nil {
			return found
		}
		end := int(decoder.InputOffset())
		f.offset = end - len(value)
		f.value = data[f.offset:end]
		found = append(found, f)
	}
	return found
}

// value reads a whole document, or a part of one that may be one by itself. data is valid JSON.
func (c *content) value(data []byte, at place, depth int) error {
	data = bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(data) == 0 || depth > maxNested:
		return nil
	case data[0] == '[':
		return c.list(data, at, depth)
	case data[0] == '{':
		return c.object(data, at, depth)
	}
	return nil
}

func (c *content) list(data []byte, at place, depth int) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data), lenient()...)
	if _, err := decoder.ReadToken(); err != nil {
		return nil //nolint:nilerr // data is valid
	}
	if decoder.PeekKind() == jsontext.KindEndArray {
		c.found = true // the answer that there is no trace
	}
	lines := lineCounter{data: data, line: at.line}
	for decoder.PeekKind() != jsontext.KindEndArray {
		element, err := decoder.ReadValue()
		if err != nil {
			return nil //nolint:nilerr // data is valid
		}
		end := int(decoder.InputOffset())
		where := at
		if at.line > 0 {
			where.line = lines.of(end - len(element))
		}
		if err := c.value(data[end-len(element):end], where, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *content) object(data []byte, at place, depth int) error {
	found := fields(data)
	has := func(names ...string) bool {
		return slices.ContainsFunc(found, func(f field) bool { return slices.Contains(names, f.name) })
	}
	switch {
	case slices.ContainsFunc(found, func(f field) bool { return requesting(f.name) }):
		return c.request(data, at)
	case has("scopeSpans", "scope_spans", "instrumentationLibrarySpans"): // an element of a request
		return c.request(slices.Concat([]byte(`{"resourceSpans":[`), data, []byte(`]}`)), at)
	case has("spans") && (has("processes", "processMap", "traceID") || len(found) == 1):
		c.found = true
		return c.jaeger(data, at)
	case has("traceID", "traceId") && has("spanID", "spanId") && has("operationName"):
		c.found = true
		return c.jaegerSpan(data, nil, at)
	case has("traceId") && has("id"):
		c.found = true
		return c.zipkinSpan(data, at)
	case has("resourceMetrics", "resourceLogs", "resourceProfiles"):
		c.found = true // of the same collector, and none of ours
		return nil
	}
	lines := lineCounter{data: data, line: at.line}
	for _, f := range found {
		if !wrapping(f.name) {
			continue
		}
		where := at
		if at.line > 0 {
			where.line = lines.of(f.offset)
		}
		if err := c.value(f.value, where, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// request reads a request of OTLP. Of a malformed one nothing counts.
func (c *content) request(data []byte, at place) error {
	c.found = true
	var refused error
	err := spans.ReadJSON(c.resources, data, func(s *spans.Span) error {
		refused = c.each(s)
		return refused
	})
	if refused != nil {
		return refused
	}
	var malformed *spans.MalformedError
	if errors.As(err, &malformed) && at.line > 0 {
		lines := lineCounter{data: data, line: at.line}
		at.line = lines.of(int(min(malformed.Offset, int64(len(data)))))
	}
	if err != nil {
		c.rejected(at, "this request", plain(err))
	}
	return nil
}
