package recorded

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// text is a value that should be a text, and may be a number or a truth value; anything else is "".
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(data []byte) error {
	*t = ""
	switch {
	case len(data) == 0, data[0] == '{', data[0] == '[', string(data) == "null":
	case data[0] == '"':
		var s string
		if json.Unmarshal(data, &s) == nil {
			*t = text(s)
		}
	default:
		*t = text(data)
	}
	return nil
}

// truth is a value that should be true or false, and may be a text of it.
type truth bool

// UnmarshalJSON never fails.
func (t *truth) UnmarshalJSON(data []byte) error {
	*t = truth(strings.EqualFold(unquoted(data), "true"))
	return nil
}

// moment is a time in microseconds since 1970, or as protobuf's JSON mapping writes it (RFC 3339); 0 = unknown.
type moment float64

// UnmarshalJSON never fails.
func (m *moment) UnmarshalJSON(data []byte) error {
	*m = moment(positive(data))
	if at, err := time.Parse(time.RFC3339Nano, unquoted(data)); err == nil {
		*m = moment(max(0, at.UnixMicro()))
	}
	return nil
}

// duration is one in microseconds, or as protobuf's JSON mapping writes it (in seconds, with an s behind); 0 = unknown.
type duration float64

// UnmarshalJSON never fails.
func (d *duration) UnmarshalJSON(data []byte) error {
	*d = duration(positive(data))
	if long, err := time.ParseDuration(unquoted(data)); err == nil && long > 0 {
		*d = duration(float64(long) / float64(time.Microsecond))
	}
	return nil
}

func unquoted(data []byte) string { return string(bytes.Trim(data, `"`)) }

// positive is a number that may be written as a text; what is none, or below 0, is 0.
func positive(data []byte) float64 {
	number, err := strconv.ParseFloat(unquoted(data), 64)
	if err != nil || !(number > 0) || math.IsInf(number, 0) {
		return 0
	}
	return number
}

// between are the nanoseconds since 1970 at which something began and ended; 0 = unknown.
func between(begin moment, long duration) (start, end uint64) {
	const most = math.MaxInt64 / 1000
	if begin == 0 || float64(begin)+float64(long) > most {
		return 0, 0
	}
	return uint64(begin) * 1000, uint64(float64(begin)+float64(long)) * 1000
}

// value is that of an attribute, as it is written.
func value(data json.RawMessage) spans.Value {
	if len(data) == 0 {
		return spans.Value{}
	}
	switch data[0] {
	case '"':
		var s string
		if json.Unmarshal(data, &s) != nil {
			return spans.Value{}
		}
		return spans.Text([]byte(s))
	case 't', 'f':
		return spans.Bool(data[0] == 't')
	case '[':
		var elements []json.RawMessage
		if json.Unmarshal(data, &elements) != nil || len(elements) == 0 || elements[0][0] == '[' {
			return spans.Value{}
		}
		return value(elements[0])
	case 'n', '{':
		return spans.Value{}
	}
	if whole, err := strconv.ParseInt(string(data), 10, 64); err == nil {
		return spans.Whole(whole)
	}
	number, err := strconv.ParseFloat(string(data), 64)
	if err != nil {
		return spans.Value{}
	}
	return spans.Number(number)
}
