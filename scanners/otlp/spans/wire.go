package spans

import "encoding/binary"

// How the fields of protobuf messages are written: the last three bits of a tag, before which the field's number stands.
const (
	wireVarint   = 0
	wireFixed64  = 1
	wireBytes    = 2
	wireGroup    = 3
	wireGroupEnd = 4
	wireFixed32  = 5
)

// maxGroups is how deep groups may nest. OTLP has none.
const maxGroups = 64

// broken says in place of a position that there is no field.
const broken = -1

// next reads the field at pos of a message that ends where data ends. Of a field of bytes, the content is data[begin:after],
// of a number it is value and begin == after. The next field begins at after: where that is broken, malformed tells why.
//
// It does what most fields need, and is small for that reason: tag and size or value are one byte each.
func next(data []byte, pos int) (tag, value uint64, begin, after int) {
	if pos+1 < len(data) {
		first, second := data[pos], data[pos+1]
		if first >= 1<<3 && first < 0x80 && second < 0x80 {
			switch begin = pos + 2; first & 7 {
			case wireBytes:
				if after = begin + int(second); after <= len(data) {
					return uint64(first), 0, begin, after
				}
				return 0, 0, broken, broken
			case wireVarint:
				return uint64(first), uint64(second), begin, begin
			}
		}
	}
	return nextOfAny(data, pos)
}

// nextOfAny is next for whatever field there is.
func nextOfAny(data []byte, pos int) (tag, value uint64, begin, after int) {
	tag, pos = varint(data, pos)
	if pos == broken || tag < 1<<3 || tag > 1<<32-1 {
		return 0, 0, broken, broken
	}
	switch tag & 7 {
	case wireVarint:
		value, after = varint(data, pos)
		return tag, value, after, after
	case wireBytes:
		size, begin := varint(data, pos)
		if begin == broken || size > uint64(len(data)-begin) {
			return 0, 0, broken, broken
		}
		return tag, 0, begin, begin + int(size)
	case wireFixed64:
		if len(data)-pos < 8 {
			return 0, 0, broken, broken
		}
		return tag, binary.LittleEndian.Uint64(data[pos:]), pos + 8, pos + 8
	case wireFixed32:
		if len(data)-pos < 4 {
			return 0, 0, broken, broken
		}
		return tag, uint64(binary.LittleEndian.Uint32(data[pos:])), pos + 4, pos + 4
	case wireGroup:
		after = skipGroup(data, pos)
		return tag, 0, after, after
	default:
		return 0, 0, broken, broken
	}
}

// skipGroup says where the group that begins before pos is over.
func skipGroup(data []byte, pos int) (after int) {
	for depth := 1; depth > 0; {
		tag, at := varint(data, pos)
		switch {
		case at == broken:
			return broken
		case tag&7 == wireGroup:
			if depth++; depth > maxGroups {
				return broken
			}
			pos = at
		case tag&7 == wireGroupEnd:
			depth--
			pos = at
		default:
			if _, _, _, pos = nextOfAny(data, pos); pos == broken {
				return broken
			}
		}
	}
	return pos
}

// varint reads the number at pos, and says where it is over, or broken.
func varint(data []byte, pos int) (n uint64, after int) {
	for shift := 0; pos < len(data) && shift < 70; shift += 7 {
		b := data[pos]
		pos++
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n, pos
		}
	}
	return 0, broken
}

// malformed tells why next found no field at pos.
func malformed(data []byte, pos int) error {
	reason := "a field is not complete, or longer than what it stands in"
	if tag, at := varint(data, pos); at == broken || tag < 1<<3 || tag > 1<<32-1 {
		reason = "no field begins here"
	} else if wire := tag & 7; wire == wireGroup {
		reason = "a group is not complete, or nested too deep"
	} else if wire > wireFixed32 || wire == wireGroupEnd {
		reason = "a field is written in a way that there is not"
	}
	return &MalformedError{Offset: int64(pos), Reason: reason}
}
