package boltpeer

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestPackStreamRoundTrip(t *testing.T) {
	long := make([]any, 70_000)
	for i := range long {
		long[i] = int64(i)
	}
	for _, value := range []any{
		nil, true, false, int64(0), int64(-16), int64(-17), int64(127), int64(128), int64(math.MinInt64), int64(math.MaxInt64), 1.5,
		"", "é\x00", strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 255), strings.Repeat("x", 65_536),
		[]byte{},
		[]byte{0, 255},
		bytes.Repeat([]byte{7}, 300),
		[]any{},
		[]any{nil, "a", []any{int64(1)}},
		long,
		map[string]any{},
		map[string]any{"a": int64(1), "b": map[string]any{"c": []any{false}}},
		structure{0x71, []any{"x", int64(2)}},
	} {
		u := unpacker{rest: pack(nil, value)}
		got, err := u.value()
		if err != nil || len(u.rest) != 0 || !reflect.DeepEqual(got, value) {
			t.Errorf("%.60v came back as %.60v, %d bytes left, %v", value, got, len(u.rest), err)
		}
	}
}

// The examples of the specification, with lengths and integers in every width.
func TestPackStreamOfOthers(t *testing.T) {
	for _, test := range []struct {
		packed string
		want   any
	}{
		{"\x2A", int64(42)},
		{"\xF0", int64(-16)},
		{"\xC8\xD6", int64(-42)},
		{"\xC9\x00\x2A", int64(42)},
		{"\xCA\xFF\xFF\xFF\xD6", int64(-42)},
		{"\xCB\x80\x00\x00\x00\x00\x00\x00\x00", int64(math.MinInt64)},
		{"\xC1\x3F\xF3\xAE\x14\x7A\xE1\x47\xAE", 1.23},
		{"\xCD\x00\x01\x09", []byte{9}},
		{"\xD0\x01A", "A"},
		{"\xD2\x00\x00\x00\x01A", "A"},
		{"\x93\x01\x02\x03", []any{int64(1), int64(2), int64(3)}},
		{"\xD5\x00\x01\x01", []any{int64(1)}},
		{"\xA1\x81a\x01", map[string]any{"a": int64(1)}},
		{"\xDA\x00\x00\x00\x00", map[string]any{}},
		{"\xB1\x70\xA0", structure{0x70, []any{map[string]any{}}}},
	} {
		u := unpacker{rest: []byte(test.packed)}
		if got, err := u.value(); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("% x is %v, %v, want %v", test.packed, got, err, test.want)
		}
	}
}

func FuzzPackStream(f *testing.F) {
	f.Add([]byte("\xB3\x10\x81x\xA0\xA1\x82dbD"))
	f.Add([]byte("\xD6\xFF\xFF\xFF\xFF"))
	f.Add(bytes.Repeat([]byte{0x91}, 1000))
	f.Add([]byte("\xCE\xFF\xFF\xFF\xFF\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u := unpacker{rest: data}
		value, err := u.value()
		if err != nil {
			return
		}
		packed := pack(nil, value)
		u = unpacker{rest: packed}
		again, err := u.value()
		if err != nil || !bytes.Equal(pack(nil, again), packed) { // NaN is no equal of itself
			t.Fatalf("%v was packed as % x and came back as %v, %v", value, packed, again, err)
		}
	})
}
