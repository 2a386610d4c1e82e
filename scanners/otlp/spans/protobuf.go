package spans

import (
	"hash/maphash"
	"math"
)

// MaxLinks is the most links that are read of a span.
const MaxLinks = 4096

// What the flags of a span say of its parent.
const (
	flagRemoteKnown = 1 << 8 // that they say where it is
	flagRemote      = 1 << 9 // that it is in another process
)

// The numbers of the fields that are read, as the .proto files of OTLP have them.
const (
	fieldResourceSpans = 1 // of ExportTraceServiceRequest and TracesData

	fieldResource   = 1 // of ResourceSpans
	fieldScopeSpans = 2

	fieldSpans = 2 // of ScopeSpans

	fieldResourceAttributes = 1 // of Resource

	fieldTraceID    = 1 // of Span
	fieldSpanID     = 2
	fieldTraceState = 3
	fieldParent     = 4
	fieldName       = 5
	fieldKind       = 6
	fieldStart      = 7
	fieldEnd        = 8
	fieldAttributes = 9
	fieldLinks      = 13
	fieldStatus     = 15
	fieldFlags      = 16

	fieldLinkTraceID = 1 // of Link
	fieldLinkSpanID  = 2

	fieldStatusCode = 3 // of Status

	fieldKey   = 1 // of KeyValue
	fieldValue = 2

	fieldString = 1 // of AnyValue
	fieldBool   = 2
	fieldInt    = 3
	fieldDouble = 4
	fieldArray  = 5
	fieldMap    = 6
	fieldBytes  = 7

	fieldElements = 1 // of ArrayValue
)

// wireOfSpan is how each field of a Span is written. Those that are not read are among the varints, which does no harm.
var wireOfSpan = [...]wireType{
	fieldTraceID: wireBytes, fieldSpanID: wireBytes, fieldTraceState: wireBytes, fieldParent: wireBytes, fieldName: wireBytes,
	fieldKind: wireVarint, fieldStart: wireFixed64, fieldEnd: wireFixed64, fieldAttributes: wireBytes, fieldLinks: wireBytes,
	fieldStatus: wireBytes, fieldFlags: wireFixed32,
}

// Reader reads spans out of requests. It keeps what makes the next request cheap to read, so one is to be used for many. It is
// not safe for use from several goroutines: each has its own, over the same Resources.
type Reader struct {
	resources *Resources
	// read has the resources that were read lately, by the hash of how they are written.
	read      map[uint64]readResource
	readBytes int
	seed      maphash.Seed

	span     Span
	links    []Link
	setter   Setter
	resource ResourceSetter
}

type readResource struct {
	written  []byte
	resource *Resource
}

// maxReadBytes is how much of written resources a Reader keeps.
const maxReadBytes = 4 << 20

// NewReader makes a Reader that interns resources in resources.
func NewReader(resources *Resources) *Reader {
	return &Reader{resources: resources, read: map[uint64]readResource{}, seed: maphash.MakeSeed()}
}

// CountProtobuf is how many spans a request has. A *MalformedError says that its messages are not what they should be.
func CountProtobuf(request []byte) (spans int, err error) {
	for pos := 0; pos < len(request); {
		f, after, err := next(request, pos, len(request))
		if err != nil {
			return 0, err
		}
		pos = after
		if f.number == fieldResourceSpans && f.wire == wireBytes {
			n, err := countResourceSpans(request, f)
			if err != nil {
				return 0, err
			}
			spans += n
		}
	}
	return spans, nil
}

func countResourceSpans(data []byte, of field) (spans int, err error) {
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return 0, err
		}
		pos = after
		switch {
		case f.wire != wireBytes:
		case f.number == fieldResource:
			if err := checkFields(data, f); err != nil {
				return 0, err
			}
		case f.number == fieldScopeSpans:
			n, err := countScopeSpans(data, f)
			if err != nil {
				return 0, err
			}
			spans += n
		}
	}
	return spans, nil
}

func countScopeSpans(data []byte, of field) (spans int, err error) {
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return 0, err
		}
		pos = after
		if f.number == fieldSpans && f.wire == wireBytes {
			spans++
			if err := checkSpan(data, f); err != nil {
				return 0, err
			}
		}
	}
	return spans, nil
}

func checkSpan(data []byte, of field) error {
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
		if f.wire != wireBytes {
			continue
		}
		switch f.number {
		case fieldTraceID:
			err = checkID(f, len(TraceID{}))
		case fieldSpanID, fieldParent:
			err = checkID(f, len(SpanID{}))
		case fieldStatus:
			err = checkFields(data, f)
		case fieldLinks:
			err = checkLink(data, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkLink(data []byte, of field) error {
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
		switch {
		case f.wire != wireBytes:
		case f.number == fieldLinkTraceID:
			err = checkID(f, len(TraceID{}))
		case f.number == fieldLinkSpanID:
			err = checkID(f, len(SpanID{}))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkID(f field, size int) error {
	if n := f.end - f.begin; n != size && n != 0 {
		return &MalformedError{Offset: int64(f.begin), Reason: "an id has a wrong length"}
	}
	return nil
}

func checkFields(data []byte, of field) error {
	for pos := of.begin; pos < of.end; {
		_, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
	}
	return nil
}

// Protobuf reads a request, an ExportTraceServiceRequest or what is written the same: a TracesData. Of a malformed one it hands
// over nothing and returns a *MalformedError. An attribute that cannot be read is as if it were not there. each gets the
// same Span each time, whose texts point into request; what it returns stops the reading and is returned.
func (r *Reader) Protobuf(request []byte, each func(*Span) error) error {
	if _, err := CountProtobuf(request); err != nil {
		return err
	}
	for pos := 0; pos < len(request); {
		f, after, err := next(request, pos, len(request))
		if err != nil {
			return err
		}
		pos = after
		if f.number == fieldResourceSpans && f.wire == wireBytes {
			if err := r.resourceSpans(request, f, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Reader) resourceSpans(data []byte, of field, each func(*Span) error) error {
	resource, err := r.resourceOf(data, of)
	if err != nil {
		return err
	}
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
		if f.number == fieldScopeSpans && f.wire == wireBytes {
			if err := r.scopeSpans(data, f, resource, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Reader) scopeSpans(data []byte, of field, resource *Resource, each func(*Span) error) error {
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
		if f.number == fieldSpans && f.wire == wireBytes {
			if err := r.readSpan(data, f, resource); err != nil {
				return err
			}
			if err := each(&r.span); err != nil {
				return err
			}
		}
	}
	return nil
}

// resourceOf is the resource of a ResourceSpans, wherever in it that stands.
func (r *Reader) resourceOf(data []byte, of field) (*Resource, error) {
	var written []byte
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return nil, err
		}
		pos = after
		if f.number == fieldResource && f.wire == wireBytes {
			written = joined(written, data[f.begin:f.end])
		}
	}
	hash := maphash.Bytes(r.seed, written)
	if known, found := r.read[hash]; found && string(known.written) == string(written) {
		return known.resource, nil
	}
	r.resource.Begin()
	for pos := 0; pos < len(written); {
		f, after, err := next(written, pos, len(written))
		if err != nil {
			return nil, err
		}
		pos = after
		if f.number == fieldResourceAttributes && f.wire == wireBytes {
			if key, value, ok := keyValue(written, f); ok {
				r.resource.set(nameOfResource(key), anyValue(value))
			}
		}
	}
	resource := r.resources.Intern(r.resource.Resource())
	r.remember(hash, written, resource)
	return resource, nil
}

// remember keeps how the resource was written, unless it is too long to be worth it.
func (r *Reader) remember(hash uint64, written []byte, resource *Resource) {
	size := len(written) + 100
	if size > maxReadBytes/64 {
		return
	}
	if r.readBytes+size > maxReadBytes {
		clear(r.read)
		r.readBytes = 0
	}
	if _, found := r.read[hash]; !found {
		r.readBytes += size
	}
	r.read[hash] = readResource{written: append([]byte(nil), written...), resource: resource}
}

// readSpan reads a span into r.span.
func (r *Reader) readSpan(data []byte, of field, resource *Resource) error {
	s := &r.span
	r.links = r.links[:0]
	*s = Span{Resource: resource, BadTraceID: true, BadID: true}
	r.setter.Begin(&s.Attributes)
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
		if f.number >= uint64(len(wireOfSpan)) || f.wire != wireOfSpan[f.number] {
			continue
		}
		switch f.number {
		case fieldAttributes:
			r.attribute(data, f)
		case fieldTraceID:
			s.BadTraceID = !readID(s.TraceID[:], data, f)
		case fieldSpanID:
			s.BadID = !readID(s.ID[:], data, f)
		case fieldParent:
			readID(s.Parent[:], data, f)
		case fieldTraceState:
			s.TraceState = data[f.begin:f.end]
		case fieldName:
			s.Name = clean(data[f.begin:f.end])
		case fieldKind:
			if s.Kind = KindUnspecified; f.value <= uint64(KindConsumer) {
				s.Kind = Kind(f.value)
			}
		case fieldStart:
			s.Start = f.value
		case fieldEnd:
			s.End = f.value
		case fieldFlags:
			s.HasRemoteParent, s.IsRemoteParent = f.value&flagRemoteKnown != 0, f.value&flagRemote != 0
		case fieldStatus:
			err = r.status(data, f)
		case fieldLinks:
			err = r.link(data, f)
		}
		if err != nil {
			return err
		}
	}
	s.Links = r.links
	return nil
}

func (r *Reader) status(data []byte, of field) error {
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
		if f.number == fieldStatusCode && f.wire == wireVarint {
			if r.span.Status = StatusUnset; f.value <= uint64(StatusError) {
				r.span.Status = Status(f.value)
			}
		}
	}
	return nil
}

func (r *Reader) link(data []byte, of field) error {
	if len(r.links) == MaxLinks {
		return nil
	}
	var link Link
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return err
		}
		pos = after
		switch f.number {
		case fieldLinkTraceID:
			readID(link.TraceID[:], data, f)
		case fieldLinkSpanID:
			readID(link.ID[:], data, f)
		}
	}
	r.links = append(r.links, link)
	return nil
}

// readID says whether there is an id.
func readID(into, data []byte, f field) bool {
	if f.end-f.begin != len(into) {
		clear(into)
		return false
	}
	copy(into, data[f.begin:f.end])
	return true
}

func (r *Reader) attribute(data []byte, of field) {
	key, value, ok := keyValue(data, of)
	if !ok {
		return
	}
	if what, rank := nameOf(key); what != nothing {
		r.setter.set(what, rank, anyValue(value))
	}
}

// keyValue is the key of an attribute and how its value is written; not ok if it cannot be read.
func keyValue(data []byte, of field) (key, value []byte, ok bool) {
	for pos := of.begin; pos < of.end; {
		f, after, err := next(data, pos, of.end)
		if err != nil {
			return nil, nil, false
		}
		pos = after
		if f.wire != wireBytes {
			continue
		}
		switch f.number {
		case fieldKey:
			key = data[f.begin:f.end]
		case fieldValue:
			value = joined(value, data[f.begin:f.end])
		}
	}
	return key, value, true
}

// joined is a message of which several parts were found: they count as if they were written in one.
func joined(before, part []byte) []byte {
	if len(before) == 0 {
		return part
	}
	return append(before[:len(before):len(before)], part...)
}

// anyValue is the value that is written so, none if it cannot be read, or is of a kind that is of no use. Of an array it is the
// first element.
func anyValue(written []byte) Value {
	return valueOf(written, true)
}

func valueOf(written []byte, arrays bool) (value Value) {
	for pos := 0; pos < len(written); {
		f, after, err := next(written, pos, len(written))
		if err != nil {
			return Value{}
		}
		pos = after
		if f.number >= uint64(len(wireOfValue)) || f.wire != wireOfValue[f.number] {
			continue
		}
		switch f.number {
		case fieldString:
			value = Text(written[f.begin:f.end])
		case fieldInt:
			value = Whole(int64(f.value))
		case fieldBool:
			value = Bool(f.value != 0)
		case fieldDouble:
			value = Number(math.Float64frombits(f.value))
		case fieldArray:
			if value = (Value{}); arrays {
				value = firstOf(written[f.begin:f.end])
			}
		case fieldMap, fieldBytes:
			value = Value{}
		}
	}
	return value
}

// wireOfValue is how each field of an AnyValue is written.
var wireOfValue = [...]wireType{
	0: wireGroupEnd, fieldString: wireBytes, fieldBool: wireVarint, fieldInt: wireVarint, fieldDouble: wireFixed64,
	fieldArray: wireBytes, fieldMap: wireBytes, fieldBytes: wireBytes,
}

// firstOf is the first element of an array.
func firstOf(written []byte) Value {
	for pos := 0; pos < len(written); {
		f, after, err := next(written, pos, len(written))
		if err != nil {
			return Value{}
		}
		pos = after
		if f.number == fieldElements && f.wire == wireBytes {
			return valueOf(written[f.begin:f.end], false)
		}
	}
	return Value{}
}
