package boltpeer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// PackStream, as https://neo4j.com/docs/bolt/current/packstream/ states it. Values are nil, bool, int64, float64, string,
// []byte, []any, map[string]any and structure.

type structure struct {
	tag    byte
	fields []any
}

var errPackStream = errors.New("not PackStream")

// maxDepth of lists, maps and structures in each other.
const maxDepth = 100

// unpacker reads values from the front of rest.
type unpacker struct {
	rest  []byte
	depth int
}

func (u *unpacker) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.rest) {
		return nil, errPackStream
	}
	taken := u.rest[:n]
	u.rest = u.rest[n:]
	return taken, nil
}

// number reads a big-endian unsigned integer of 1, 2, 4 or 8 bytes.
func (u *unpacker) number(size int) (uint64, error) {
	b, err := u.take(size)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[8-size:], b)
	return binary.BigEndian.Uint64(wide[:]), nil
}

func (u *unpacker) length(size int) (int, error) {
	n, err := u.number(size)
	if err != nil || n > uint64(len(u.rest)) { // each element has at least a byte
		return 0, errPackStream
	}
	return int(n), nil
}

func (u *unpacker) value() (any, error) {
	head, err := u.take(1)
	if err != nil {
		return nil, err
	}
	marker := head[0]
	switch low := int(marker & 0x0F); {
	case marker <= 0x7F || marker >= 0xF0:
		return int64(int8(marker)), nil
	case marker <= 0x8F:
		return u.text(low)
	case marker <= 0x9F:
		return u.list(low)
	case marker <= 0xAF:
		return u.dictionary(low)
	case marker <= 0xBF:
		tag, err := u.take(1)
		if err != nil {
			return nil, err
		}
		fields, err := u.list(low)
		return structure{tag[0], fields}, err
	}
	switch marker {
	case 0xC0:
		return nil, nil
	case 0xC1:
		n, err := u.number(8)
		return math.Float64frombits(n), err
	case 0xC2, 0xC3:
		return marker == 0xC3, nil
	case 0xC8:
		n, err := u.number(1)
		return int64(int8(n)), err
	case 0xC9:
		n, err := u.number(2)
		return int64(int16(n)), err
	case 0xCA:
		n, err := u.number(4)
		return int64(int32(n)), err
	case 0xCB:
		n, err := u.number(8)
		return int64(n), err
	}
	for _, sized := range []struct {
		first byte // the marker with a length of 1 byte; those of 2 and 4 follow
		read  func(n int) (any, error)
	}{
		{0xCC, func(n int) (any, error) { b, err := u.take(n); return slices.Clone(b), err }},
		{0xD0, func(n int) (any, error) { return u.text(n) }},
		{0xD4, func(n int) (any, error) { return u.list(n) }},
		{0xD8, func(n int) (any, error) { return u.dictionary(n) }},
	} {
		if marker >= sized.first && marker <= sized.first+2 {
			n, err := u.length(1 << (marker - sized.first))
			if err != nil {
				return nil, err
			}
			return sized.read(n)
		}
	}
	return nil, fmt.Errorf("%w: marker %#x", errPackStream, marker)
}

func (u *unpacker) text(n int) (string, error) {
	b, err := u.take(n)
	return string(b), err
}

func (u *unpacker) list(n int) ([]any, error) {
	if u.depth++; u.depth > maxDepth || n > len(u.rest) {
		return nil, errPackStream
	}
	defer func() { u.depth-- }()
	values := make([]any, n)
	for i := range values {
		var err error
		if values[i], err = u.value(); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (u *unpacker) dictionary(n int) (map[string]any, error) {
	if n > len(u.rest) {
		return nil, errPackStream
	}
	values := make(map[string]any, n)
	pairs, err := u.list(2 * n)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, errPackStream
		}
		values[key] = pairs[i+1]
	}
	return values, nil
}

// pack appends a value. Of maps the keys come sorted. It panics for a type that no message of ours has.
func pack(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, 0xC0)
	case bool:
		if v {
			return append(b, 0xC3)
		}
		return append(b, 0xC2)
	case int64:
		if v >= -16 && v <= math.MaxInt8 {
			return append(b, byte(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 0xCB), uint64(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0xC1), math.Float64bits(v))
	case []byte:
		return append(packHead(b, -1, 0xCC, len(v)), v...)
	case string:
		return append(packHead(b, 0x80, 0xD0, len(v)), v...)
	case []any:
		b = packHead(b, 0x90, 0xD4, len(v))
		for _, element := range v {
			b = pack(b, element)
		}
		return b
	case map[string]any:
		b = packHead(b, 0xA0, 0xD8, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = pack(pack(b, key), v[key])
		}
		return b
	case structure:
		b = append(b, 0xB0|byte(len(v.fields)), v.tag)
		for _, field := range v.fields {
			b = pack(b, field)
		}
		return b
	default:
		panic(fmt.Sprintf("boltpeer: no PackStream of %T", value))
	}
}

// packHead appends the marker and length of what is counted. tiny is the marker of fewer than 16, negative where there is
// none; sized the one with a length of 1 byte, which those of 2 and 4 follow.
func packHead(b []byte, tiny int, sized byte, n int) []byte {
	switch {
	case tiny >= 0 && n < 16:
		return append(b, byte(tiny|n))
	case n <= math.MaxUint8:
		return append(b, sized, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, sized+1), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(b, sized+2), uint32(n))
	}
}
