package spans

// wireType is how a field of a protobuf message is written.
type wireType uint8

const (
	wireVarint wireType = iota
	wireFixed64
	wireBytes
	wireGroup
	wireGroupEnd
	wireFixed32
)

// field is one field of a protobuf message.
type field struct {
	number uint64
	wire   wireType
	value  uint64 // of a varint or fixed-size field
	// begin and end are where the content of a field of bytes stands; of the others, nothing.
	begin, end int
}

// maxGroups is how deep groups may nest. OTLP has none.
const maxGroups = 64

// next reads the field of data[:end] at pos, and says where the next one begins.
func next(data []byte, pos, end int) (f field, after int, err error) {
	tag, at := varint(data, pos, end)
	if at == 0 {
		return field{}, 0, &MalformedError{Offset: int64(pos), Reason: "no field begins here"}
	}
	f.number, f.wire = tag>>3, wireType(tag&7)
	if f.number == 0 || f.number > 1<<29-1 {
		return field{}, 0, &MalformedError{Offset: int64(pos), Reason: "a field has a number that none can have"}
	}
	switch f.wire {
	case wireVarint:
		f.value, after = varint(data, at, end)
		if after == 0 {
			return field{}, 0, &MalformedError{Offset: int64(at), Reason: "a number ends too early or is too long"}
		}
		return f, after, nil
	case wireBytes:
		size, begin := varint(data, at, end)
		if begin == 0 || size > uint64(end-begin) {
			return field{}, 0, &MalformedError{Offset: int64(at), Reason: "a field is longer than what it stands in"}
		}
		f.begin, f.end = begin, begin+int(size)
		return f, f.end, nil
	case wireFixed64:
		if end-at < 8 {
			return field{}, 0, &MalformedError{Offset: int64(at), Reason: "a number ends too early"}
		}
		f.value = fixed64(data[at : at+8])
		return f, at + 8, nil
	case wireFixed32:
		if end-at < 4 {
			return field{}, 0, &MalformedError{Offset: int64(at), Reason: "a number ends too early"}
		}
		f.value = uint64(data[at]) | uint64(data[at+1])<<8 | uint64(data[at+2])<<16 | uint64(data[at+3])<<24
		return f, at + 4, nil
	case wireGroup:
		after, err = skipGroup(data, at, end)
		return f, after, err
	default:
		return field{}, 0, &MalformedError{Offset: int64(pos), Reason: "a field is written in a way that there is not"}
	}
}

// skipGroup says where the group that begins before pos is over.
func skipGroup(data []byte, pos, end int) (int, error) {
	for depth := 1; depth > 0; {
		if tag, at := varint(data, pos, end); at != 0 {
			switch wireType(tag & 7) {
			case wireGroup:
				if depth++; depth > maxGroups {
					return 0, &MalformedError{Offset: int64(pos), Reason: "groups are nested too deep"}
				}
				pos = at
				continue
			case wireGroupEnd:
				depth--
				pos = at
				continue
			}
		}
		_, after, err := next(data, pos, end)
		if err != nil {
			return 0, err
		}
		pos = after
	}
	return pos, nil
}

// varint reads the number of data[:end] at pos, and says where it is over: 0 if there is none.
func varint(data []byte, pos, end int) (n uint64, after int) {
	if pos < end && pos < len(data) && data[pos] < 0x80 {
		return uint64(data[pos]), pos + 1
	}
	return longVarint(data, pos, end)
}

func longVarint(data []byte, pos, end int) (n uint64, after int) {
	for shift := 0; pos < end && shift < 70; shift += 7 {
		b := data[pos]
		pos++
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n, pos
		}
	}
	return 0, 0
}

func fixed64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
