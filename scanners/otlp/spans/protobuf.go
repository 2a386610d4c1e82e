package spans

import "hash/maphash"

// MaxLinks is the most links that are read of a span.
const MaxLinks = 4096

// What the flags of a span say of its parent.
const (
	flagRemoteKnown = 1 << 8 // that they say where it is
	flagRemote      = 1 << 9 // that it is in another process
)

// Reader reads spans out of requests. It keeps what makes the next request cheap to read, so one is to be used for many. It is
// not safe for use from several goroutines: each has its own, over the same Resources.
type Reader struct {
	resources *Resources
	// known has the resources that were read lately, by a digest of how they are written.
	known      map[digest]*Resource
	knownBytes int
	seeds      [2]maphash.Seed

	span     Span
	links    []Link
	setter   Setter
	resource ResourceSetter
}

// digest tells written resources apart. Nobody who does not know the seeds can make two that have the same.
type digest [2]uint64

// maxKnownBytes bounds what a Reader knows of written resources.
const maxKnownBytes = 16 << 20

// NewReader makes a Reader that interns resources in resources.
func NewReader(resources *Resources) *Reader {
	return &Reader{
		resources: resources, known: map[digest]*Resource{}, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
	}
}

// CountProtobuf is how many spans a request has. A *MalformedError says that its messages are not what they should be.
func CountProtobuf(request []byte) (spans int, err error) {
	err = eachBytes(request, 0, tagResourceSpans, func(begin, end int) error {
		resourceSpans := request[:end]
		if err := eachBytes(resourceSpans, begin, tagResource, func(begin, end int) error {
			return checkFields(resourceSpans[:end], begin)
		}); err != nil {
			return err
		}
		return eachBytes(resourceSpans, begin, tagScopeSpans, func(begin, end int) error {
			n, err := countScopeSpans(resourceSpans[:end], begin)
			spans += n
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	return spans, nil
}

// Protobuf reads a request, an ExportTraceServiceRequest or what is written the same: a TracesData. Of a malformed one it hands
// over nothing and returns a *MalformedError. An attribute that cannot be read is as if it were not there. each gets the
// same Span each time, whose texts point into request; what it returns stops the reading and is returned.
func (r *Reader) Protobuf(request []byte, each func(*Span) error) error {
	if _, err := CountProtobuf(request); err != nil {
		return err
	}
	defer r.letGo()
	return eachBytes(request, 0, tagResourceSpans, func(begin, end int) error {
		resourceSpans := request[:end]
		resource, err := r.resourceOf(resourceSpans, begin)
		if err != nil {
			return err
		}
		return eachBytes(resourceSpans, begin, tagScopeSpans, func(begin, end int) error {
			return r.scopeSpans(resourceSpans[:end], begin, resource, each)
		})
	})
}

// letGo drops what points into the request, which may be large.
func (r *Reader) letGo() {
	r.span = Span{}
	r.setter.service = nil
	r.resource.Begin()
}

func (r *Reader) scopeSpans(data []byte, pos int, resource *Resource, each func(*Span) error) error {
	for pos < len(data) {
		tag, _, begin, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
		if tag == tagSpan {
			if err := r.readSpan(data[:after], begin, resource); err != nil {
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
func (r *Reader) resourceOf(data []byte, pos int) (*Resource, error) {
	var written []byte
	if err := eachBytes(data, pos, tagResource, func(begin, end int) error {
		written = joined(written, data[begin:end])
		return nil
	}); err != nil {
		return nil, err
	}
	digest := digest{maphash.Bytes(r.seeds[0], written), maphash.Bytes(r.seeds[1], written)}
	if known := r.known[digest]; known != nil {
		return known, nil
	}
	r.resource.Begin()
	if err := eachBytes(written, 0, tagResourceAttribute, func(begin, end int) error {
		if key, value, ok := keyValue(written[:end], begin); ok {
			r.resource.set(nameOfResource(key), valueOf(value))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	resource := r.resources.Intern(r.resource.Resource())
	size := resource.Size()
	if r.knownBytes+size > maxKnownBytes {
		clear(r.known)
		r.knownBytes = 0
	}
	r.knownBytes += size
	r.known[digest] = resource
	return resource, nil
}

// readSpan reads the span that begins at pos and ends with data into r.span.
func (r *Reader) readSpan(data []byte, pos int, resource *Resource) error {
	s := &r.span
	r.links = r.links[:0]
	*s = Span{}
	s.Resource, s.BadTraceID, s.BadID = resource, true, true
	r.setter.fill(&s.Attributes)
	for pos < len(data) {
		tag, value, begin, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
		switch tag {
		case tagAttribute:
			r.attribute(data[:after], begin)
		case tagTraceID:
			s.BadTraceID = !readID(s.TraceID[:], data[begin:after])
		case tagSpanID:
			s.BadID = !readID(s.ID[:], data[begin:after])
		case tagParent:
			readID(s.Parent[:], data[begin:after])
		case tagTraceState:
			s.TraceState = data[begin:after]
		case tagName:
			s.Name = short(data[begin:after])
		case tagKind:
			if s.Kind = KindUnspecified; value <= uint64(KindConsumer) {
				s.Kind = Kind(value)
			}
		case tagStart:
			s.Start = value
		case tagEnd:
			s.End = value
		case tagFlags:
			s.HasRemoteParent, s.IsRemoteParent = value&flagRemoteKnown != 0, value&flagRemote != 0
		case tagStatus:
			if err := r.status(data[:after], begin); err != nil {
				return err
			}
		case tagLink:
			if err := r.link(data[:after], begin); err != nil {
				return err
			}
		}
	}
	s.Links = r.links
	return nil
}

func (r *Reader) status(data []byte, pos int) error {
	for pos < len(data) {
		tag, value, _, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
		if tag == tagStatusCode {
			if r.span.Status = StatusUnset; value <= uint64(StatusError) {
				r.span.Status = Status(value)
			}
		}
	}
	return nil
}

func (r *Reader) link(data []byte, pos int) error {
	if len(r.links) == MaxLinks {
		return nil
	}
	var link Link
	for pos < len(data) {
		tag, _, begin, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
		switch tag {
		case tagLinkTraceID:
			readID(link.TraceID[:], data[begin:after])
		case tagLinkSpanID:
			readID(link.ID[:], data[begin:after])
		}
	}
	r.links = append(r.links, link)
	return nil
}

// readID says whether there is an id.
func readID(into, written []byte) bool {
	if len(written) != len(into) {
		clear(into)
		return false
	}
	copy(into, written)
	return true
}

func (r *Reader) attribute(data []byte, pos int) {
	key, value, ok := keyValue(data, pos)
	if !ok {
		return
	}
	if what, rank := nameOf(key); what != nothing {
		r.setter.set(what, rank, valueOf(value))
	}
}
