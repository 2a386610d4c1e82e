package spans

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// JSONReader reads export requests in JSON, one after the other as in the files of a collector. It takes what protobuf's JSON
// mapping says and what is written in fact: ids in hex or base64, numbers as text, the names of kinds and statuses, field
// names as in the proto files, unknown fields anywhere, Tempo's `batches`. It is not safe for use from several goroutines.
type JSONReader struct {
	jsonInput
	resources *Resources
	each      func(*Span) error
	span      Span
	links     []Link
	setter    Setter
	resource  ResourceSetter
}

// NewJSONReader makes a reader of the stream. It holds one span at a time; where a resource stands behind its spans, those of
// one resource.
func NewJSONReader(resources *Resources, from io.Reader) *JSONReader {
	return &JSONReader{jsonInput: jsonInput{Decoder: newDecoder(from)}, resources: resources}
}

// newDecoder takes telemetry as it is found: of a name that is there twice both count, and what is no UTF-8 is replaced.
func newDecoder(from io.Reader) *jsontext.Decoder {
	return jsontext.NewDecoder(from, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Next reads one request, and hands over each span of it. At the end of the stream it returns io.EOF. An error that each
// returns ends it and is returned. A *MalformedError says what is wrong with the input. After any error the reader is of no
// more use.
func (j *JSONReader) Next(each func(*Span) error) error {
	if j.PeekKind() == jsontext.KindInvalid {
		if _, err := j.ReadToken(); errors.Is(err, io.EOF) {
			return io.EOF
		}
	}
	j.each = each
	return j.told(j.object(func(name []byte) error {
		switch string(name) {
		case "resourceSpans", "resource_spans", "batches":
			return j.array(j.resourceSpans)
		}
		return j.SkipValue()
	}))
}

// ReadJSON reads data as one request, as JSONReader does; nothing may follow it. Of a malformed one it hands over nothing.
func ReadJSON(resources *Resources, data []byte, each func(*Span) error) error {
	if err := readJSON(resources, data, func(*Span) error { return nil }); err != nil {
		return err
	}
	return readJSON(resources, data, each)
}

func readJSON(resources *Resources, data []byte, each func(*Span) error) error {
	j := NewJSONReader(resources, bytes.NewBuffer(data))
	if err := j.Next(each); err != nil {
		if errors.Is(err, io.EOF) {
			return &MalformedError{Reason: "the request is empty"}
		}
		return err
	}
	if _, err := j.ReadToken(); !errors.Is(err, io.EOF) {
		return j.wrong("something follows the request")
	}
	return nil
}

func (j *JSONReader) resourceSpans() error {
	resource, held := (*Resource)(nil), jsontext.Value(nil)
	var heldAt int64
	err := j.object(func(name []byte) error {
		switch string(name) {
		case "resource":
			var err error
			resource, err = j.readResource()
			return err
		case "scopeSpans", "scope_spans", "instrumentationLibrarySpans":
			if resource != nil {
				return j.array(j.scopeSpansOf(resource))
			}
			// The resource may stand behind its spans, or nowhere.
			value, err := j.ReadValue()
			held, heldAt = value.Clone(), j.offset()-int64(len(value))
			return err
		}
		return j.SkipValue()
	})
	if err != nil || held == nil {
		return err
	}
	if resource == nil {
		j.resource.Begin()
		resource = j.resources.Intern(j.resource.Resource())
	}
	outer := j.jsonInput
	j.jsonInput = jsonInput{Decoder: newDecoder(bytes.NewBuffer(held)), base: heldAt}
	if err := j.array(j.scopeSpansOf(resource)); err != nil {
		return j.told(err)
	}
	j.jsonInput = outer
	return nil
}

func (j *JSONReader) readResource() (*Resource, error) {
	j.text = j.text[:0]
	j.resource.Begin()
	err := j.object(func(name []byte) error {
		if string(name) == "attributes" {
			return j.attributes(j.resource.Set)
		}
		return j.SkipValue()
	})
	if err != nil {
		return nil, err
	}
	return j.resources.Intern(j.resource.Resource()), nil
}

func (j *JSONReader) scopeSpansOf(resource *Resource) func() error {
	return func() error {
		return j.object(func(name []byte) error {
			if string(name) == "spans" {
				return j.array(func() error { return j.one(resource) })
			}
			return j.SkipValue()
		})
	}
}

func (j *JSONReader) one(resource *Resource) error {
	if j.PeekKind() == jsontext.KindNull {
		return j.SkipValue()
	}
	j.text, j.links = j.text[:0], j.links[:0]
	j.span = Span{Resource: resource, BadTraceID: true, BadID: true}
	j.setter.Begin(&j.span.Attributes)
	if err := j.object(j.spanField); err != nil {
		return err
	}
	j.span.Links = j.links
	if err := j.each(&j.span); err != nil {
		return &stopError{err}
	}
	return nil
}

func (j *JSONReader) spanField(name []byte) (err error) {
	s := &j.span
	switch string(name) {
	case "traceId", "trace_id":
		s.BadTraceID, err = j.id(s.TraceID[:])
	case "spanId", "span_id":
		s.BadID, err = j.id(s.ID[:])
	case "parentSpanId", "parent_span_id":
		_, err = j.id(s.Parent[:])
	case "traceState", "trace_state":
		s.TraceState, err = j.string()
	case "name":
		s.Name, err = j.string()
		s.Name = short(s.Name)
	case "kind":
		var kind uint64
		kind, err = j.enum(kindNumbers)
		if s.Kind = Kind(kind); kind > uint64(KindConsumer) {
			s.Kind = KindUnspecified
		}
	case "startTimeUnixNano", "start_time_unix_nano":
		s.Start, err = j.unsigned()
	case "endTimeUnixNano", "end_time_unix_nano":
		s.End, err = j.unsigned()
	case "flags":
		var flags uint64
		flags, err = j.unsigned()
		s.HasRemoteParent, s.IsRemoteParent = flags&flagRemoteKnown != 0, flags&flagRemote != 0
	case "status":
		err = j.object(j.statusField)
	case "links":
		err = j.array(j.link)
	case "attributes":
		err = j.attributes(j.setter.Set)
	default:
		err = j.SkipValue()
	}
	return err
}

func (j *JSONReader) statusField(name []byte) error {
	if string(name) != "code" {
		return j.SkipValue()
	}
	code, err := j.enum(statusNumbers)
	if j.span.Status = Status(code); code > uint64(StatusError) {
		j.span.Status = StatusUnset
	}
	return err
}

func (j *JSONReader) link() error {
	if j.PeekKind() == jsontext.KindNull {
		return j.SkipValue()
	}
	var link Link
	err := j.object(func(name []byte) (err error) {
		switch string(name) {
		case "traceId", "trace_id":
			_, err = j.id(link.TraceID[:])
		case "spanId", "span_id":
			_, err = j.id(link.ID[:])
		default:
			err = j.SkipValue()
		}
		return err
	})
	j.links = append(j.links, link)
	return err
}

// attributes reads a list of keys with values.
func (j *JSONReader) attributes(set func(key string, value Value)) error {
	return j.array(func() error {
		var key []byte
		var value Value
		err := j.object(func(name []byte) (err error) {
			switch string(name) {
			case "key":
				key, err = j.string()
			case "value":
				value, err = j.value()
			default:
				err = j.SkipValue()
			}
			return err
		})
		if err == nil {
			set(string(key), value)
		}
		return err
	})
}

// value reads an AnyValue; of an array the first element. Bytes and maps say nothing.
func (j *JSONReader) value() (value Value, err error) {
	err = j.object(func(name []byte) (err error) {
		switch string(name) {
		case "stringValue", "string_value":
			var text []byte
			text, err = j.string()
			value = Text(text)
		case "boolValue", "bool_value":
			value, err = j.boolean()
		case "intValue", "int_value", "doubleValue", "double_value":
			value, err = j.number()
		case "arrayValue", "array_value":
			value, err = j.first()
		default:
			err = j.SkipValue()
		}
		return err
	})
	return value, err
}

// first reads an ArrayValue. Its depth is bounded by the decoder.
func (j *JSONReader) first() (first Value, err error) {
	err = j.object(func(name []byte) error {
		if string(name) != "values" {
			return j.SkipValue()
		}
		elements := 0
		return j.array(func() (err error) {
			if elements++; elements > 1 {
				return j.SkipValue()
			}
			first, err = j.value()
			return err
		})
	})
	return first, err
}
