package recorded

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// jaegerTrace is a trace as Jaeger's API and UI hand it out, and as its own stores have it: there every span has its process
// in it, and the names of ids are those of protobuf.
type jaegerTrace struct {
	Spans     []json.RawMessage        `json:"spans"`
	Processes map[string]jaegerProcess `json:"processes"`
	// ProcessMap stands for Processes in protobuf's JSON mapping.
	ProcessMap []struct {
		ID      text          `json:"processId"`
		Process jaegerProcess `json:"process"`
	} `json:"processMap"`
}

type jaegerProcess struct {
	Service text       `json:"serviceName"`
	Tags    jaegerTags `json:"tags"`
}

// Names of fields are compared without regard to case, so that traceId is traceID.
type jaegerSpan struct {
	Trace      text              `json:"traceID"`
	ID         text              `json:"spanID"`
	Parent     text              `json:"parentSpanID"`
	Operation  text              `json:"operationName"`
	References []jaegerReference `json:"references"`
	Start      moment            `json:"startTime"`
	Duration   duration          `json:"duration"`
	Tags       jaegerTags        `json:"tags"`
	ProcessID  text              `json:"processID"`
	Process    *jaegerProcess    `json:"process"`
}

type jaegerReference struct {
	Type  text `json:"refType"`
	Trace text `json:"traceID"`
	ID    text `json:"spanID"`
}

// follows says that the other span did not wait for this one.
func (r jaegerReference) follows() bool { return strings.EqualFold(string(r.Type), "FOLLOWS_FROM") }

// jaegerTags are a list of tags, or an object of them as Jaeger may store them in Elasticsearch.
type jaegerTags []jaegerTag

type jaegerTag struct {
	Key   text            `json:"key"`
	Value json.RawMessage `json:"value"`
	// The value as protobuf's JSON mapping has it.
	Text  *text           `json:"vStr"`
	Bool  json.RawMessage `json:"vBool"`
	Whole json.RawMessage `json:"vInt64"`
	Float json.RawMessage `json:"vFloat64"`
}

// UnmarshalJSON leaves out what is no tag.
func (t *jaegerTags) UnmarshalJSON(data []byte) error {
	*t = nil
	if len(data) > 0 && data[0] == '{' {
		var values map[string]json.RawMessage
		if err := json.Unmarshal(data, &values); err != nil {
			return err
		}
		for _, key := range sorted(values) {
			*t = append(*t, jaegerTag{Key: text(key), Value: values[key]})
		}
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) != nil {
		return nil //nolint:nilerr // a span without tags is one still
	}
	for _, element := range list {
		var tag jaegerTag
		if json.Unmarshal(element, &tag) == nil {
			*t = append(*t, tag)
		}
	}
	return nil
}

func (t jaegerTag) value() spans.Value {
	switch {
	case t.Text != nil:
		return spans.Text([]byte(*t.Text))
	case t.Bool != nil:
		return value(t.Bool)
	case t.Whole != nil:
		return value(t.Whole)
	case t.Float != nil:
		return value(t.Float)
	}
	return value(t.Value)
}

// text is the value in letters.
func (t jaegerTag) text() string {
	var letters text
	switch {
	case t.Text != nil:
		return string(*t.Text)
	case t.Bool != nil:
		return string(t.Bool)
	}
	_ = letters.UnmarshalJSON(t.Value) // which never fails
	return string(letters)
}

// jaeger reads one trace.
func (c *content) jaeger(data []byte, at place) error {
	var trace jaegerTrace
	if err := json.Unmarshal(data, &trace); err != nil {
		c.unreadable(at, "a trace", err)
		return nil
	}
	resources := make(map[string]*spans.Resource, len(trace.Processes))
	for id, process := range trace.Processes {
		resources[id] = c.process(process)
	}
	for _, entry := range trace.ProcessMap {
		resources[string(entry.ID)] = c.process(entry.Process)
	}
	for _, one := range trace.Spans {
		if err := c.jaegerSpan(one, resources, at); err != nil {
			return err
		}
	}
	return nil
}

// process is who made spans.
func (c *content) process(process jaegerProcess) *spans.Resource {
	c.resource.Begin()
	c.resource.Set("service.name", spans.Text([]byte(process.Service)))
	for _, tag := range process.Tags {
		c.resource.Set(string(tag.Key), tag.value())
	}
	return c.resources.Intern(c.resource.Resource())
}

// jaegerSpan reads one span. resources are those of its trace, by process.
func (c *content) jaegerSpan(data []byte, resources map[string]*spans.Resource, at place) error {
	var read jaegerSpan
	if err := json.Unmarshal(data, &read); err != nil {
		c.unreadable(at, "a span", err)
		return nil
	}
	resource := resources[string(read.ProcessID)]
	if resource == nil {
		process := jaegerProcess{}
		if read.Process != nil {
			process = *read.Process
		}
		resource = c.process(process)
	}
	c.span = spans.Span{Resource: resource, Name: []byte(read.Operation)}
	s := &c.span
	s.TraceID, s.BadTraceID = c.ids.trace(string(read.Trace))
	s.ID, s.BadID = c.ids.span(string(read.ID))
	s.Start, s.End = between(read.Start, read.Duration)
	c.setter.Begin(&s.Attributes)
	for _, tag := range read.Tags {
		c.jaegerTag(s, tag)
	}
	c.openTracingDatabase(read.Tags)
	c.refer(s, &read)
	return c.each(s)
}

// refer sets parent and links. The parent is the first that the span is a child of, else the first that it follows from.
func (c *content) refer(s *spans.Span, read *jaegerSpan) {
	parent := -1
	for i, reference := range read.References {
		if reference.Trace != "" && reference.Trace != read.Trace {
			continue
		}
		if parent < 0 || read.References[parent].follows() && !reference.follows() {
			parent = i
		}
	}
	for i, reference := range read.References {
		id, bad := c.ids.span(string(reference.ID))
		if i == parent {
			s.Parent = id
			continue
		}
		link := spans.Link{TraceID: s.TraceID, ID: id}
		if reference.Trace != "" {
			link.TraceID, _ = c.ids.trace(string(reference.Trace))
		}
		if !bad && len(s.Links) < spans.MaxLinks {
			s.Links = append(s.Links, link)
		}
	}
	if parent < 0 {
		s.Parent, _ = c.ids.span(string(read.Parent))
	}
}

func (c *content) jaegerTag(s *spans.Span, tag jaegerTag) {
	switch tag.Key {
	case "span.kind":
		s.Kind = kind(tag.text())
	case "otel.status_code":
		s.Status = status(tag.text())
	case "w3c.tracestate":
		s.TraceState = []byte(tag.text())
	case "peer.ipv4":
		c.setter.Set("peer.ipv4", address(tag))
	default:
		c.setter.Set(string(tag.Key), tag.value())
	}
}

// address is one of IPv4, which OpenTracing's tracers may write as a number.
func address(tag jaegerTag) spans.Value {
	number, err := strconv.ParseInt(tag.text(), 10, 64)
	if err != nil {
		return tag.value()
	}
	var bytes [4]byte
	binary.BigEndian.PutUint32(bytes[:], uint32(number)) //nolint:gosec // some write it with a sign
	return spans.Text([]byte(netip.AddrFrom4(bytes).String()))
}

// openTracingDatabase takes in what OpenTracing says of a database call: db.type is its system, unless it only says that it
// speaks SQL, and peer.address the host then.
func (c *content) openTracingDatabase(tags jaegerTags) {
	if len(c.span.DBSystem) > 0 {
		return
	}
	var system, address string
	for _, tag := range tags {
		switch tag.Key {
		case "db.type":
			system = strings.ToLower(tag.text())
		case "peer.address":
			address = tag.text()
		}
	}
	if system == "" || system == "sql" {
		return
	}
	c.setter.Set("db.system", spans.Text([]byte(system)))
	if len(c.span.ServerAddress) == 0 && len(c.span.NetworkAddress) == 0 && address != "" && !strings.Contains(address, "/") {
		host, port := address, ""
		if colon := strings.LastIndexByte(address, ':'); colon >= 0 && strings.Count(address, ":") == 1 {
			host, port = address[:colon], address[colon+1:]
		}
		c.setter.Set("peer.hostname", spans.Text([]byte(host)))
		c.setter.Set("peer.port", spans.Text([]byte(port)))
	}
}

// kind is one by its name, in any case, with or without the prefix of OTLP.
func kind(name string) spans.Kind {
	switch strings.TrimPrefix(strings.ToUpper(name), "SPAN_KIND_") {
	case "INTERNAL":
		return spans.KindInternal
	case "SERVER":
		return spans.KindServer
	case "CLIENT":
		return spans.KindClient
	case "PRODUCER":
		return spans.KindProducer
	case "CONSUMER":
		return spans.KindConsumer
	}
	return spans.KindUnspecified
}

// status is one by its name, in any case, with or without the prefix of OTLP.
func status(name string) spans.Status {
	switch strings.TrimPrefix(strings.ToUpper(name), "STATUS_CODE_") {
	case "OK":
		return spans.StatusOK
	case "ERROR":
		return spans.StatusError
	}
	return spans.StatusUnset
}

// unreadable tells of a part that cannot be read.
func (c *content) unreadable(at place, what string, err error) {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		at.field, err = mistyped.Field, fmt.Errorf("this cannot be a %s", mistyped.Value)
	}
	c.wrong(at, codeMalformed, fmt.Sprintf("%s cannot be read: %v", what, err), fixMalformed)
	c.lost[lostUnreadable]++
}
