package recorded

import "strings"

// zipkinBinaryV1 is a tag of Zipkin v1, with who wrote it.
type zipkinBinaryV1 struct {
	Key      text            `json:"key"`
	Value    text            `json:"value"`
	Endpoint *zipkinEndpoint `json:"endpoint"`
}

// halves are the spans that a span of v1 stands for: it has both sides of a call in one. One of v2 stands for itself.
func (z *zipkinSpan) halves() []zipkinSpan {
	if z.Local != nil || z.Kind != "" || len(z.Binary) == 0 && !z.annotated() {
		return []zipkinSpan{*z}
	}
	var halves []zipkinSpan
	for _, side := range [...]struct{ kind, begin, end, remote, other string }{
		{"CLIENT", "cs", "cr", "sa", "sr"},
		{"SERVER", "sr", "ss", "ca", "cs"},
		{"PRODUCER", "ms", "", "ma", ""},
		{"CONSUMER", "mr", "", "ma", ""},
	} {
		if half, there := z.half(side.kind, side.begin, side.end, side.remote, side.other); there {
			half.Shared = truth(side.kind == "SERVER" && len(halves) > 0)
			halves = append(halves, half)
		}
	}
	if len(halves) == 0 {
		halves = []zipkinSpan{z.local()}
	}
	return halves
}

func (z *zipkinSpan) annotated() bool {
	for _, annotation := range z.Annotations {
		if annotation.Endpoint != nil {
			return true
		}
	}
	return false
}

// half is one side of the span, if it is there: annotations say when it began and ended, and who it is.
func (z *zipkinSpan) half(kind, begin, end, remote, other string) (half zipkinSpan, there bool) {
	half = zipkinSpan{Trace: z.Trace, ID: z.ID, Parent: z.Parent, Name: z.Name, Kind: text(kind)}
	var from, to moment
	for _, annotation := range z.Annotations {
		switch string(annotation.Value) {
		case begin:
			from, there = annotation.Timestamp, true
		case end:
			to, there = annotation.Timestamp, true
		case other:
			half.Remote = annotation.Endpoint
			continue
		default:
			continue
		}
		if half.Local == nil {
			half.Local = annotation.Endpoint
		}
	}
	half.Timestamp, half.Duration = from, z.Duration
	if from == 0 {
		half.Timestamp = z.Timestamp
	}
	if from > 0 && to >= from {
		half.Duration = duration(to - from)
	}
	z.tag(&half, remote)
	return half, there
}

// local is the span where it has no side.
func (z *zipkinSpan) local() zipkinSpan {
	local := zipkinSpan{Trace: z.Trace, ID: z.ID, Parent: z.Parent, Name: z.Name, Timestamp: z.Timestamp, Duration: z.Duration}
	for _, annotation := range z.Annotations {
		if local.Local == nil {
			local.Local = annotation.Endpoint
		}
	}
	for _, binary := range z.Binary {
		if local.Local == nil && !isAddress(string(binary.Key)) {
			local.Local = binary.Endpoint
		}
	}
	z.tag(&local, "sa")
	return local
}

// tag gives a half what its own service wrote, and the address of the other side.
func (z *zipkinSpan) tag(half *zipkinSpan, remote string) {
	half.Tags = make(map[string]text)
	for _, binary := range z.Binary {
		switch key := string(binary.Key); {
		case key == remote:
			half.Remote = binary.Endpoint
		case isAddress(key):
		case binary.Endpoint == nil || half.Local == nil || strings.EqualFold(binary.Endpoint.service(), half.Local.service()):
			half.Tags[key] = binary.Value
		}
	}
}

func isAddress(key string) bool { return key == "sa" || key == "ca" || key == "ma" }
