package spans

import "math"

// The fields that are read, by how they begin: number and way of writing as the .proto files of OTLP have them. What has the
// number and is written in another way is as unknown as what has another number.
const (
	tagResourceSpans = 1<<3 | wireBytes // of ExportTraceServiceRequest and TracesData

	tagResource   = 1<<3 | wireBytes // of ResourceSpans
	tagScopeSpans = 2<<3 | wireBytes

	tagResourceAttribute = 1<<3 | wireBytes // of Resource

	tagSpan = 2<<3 | wireBytes // of ScopeSpans

	tagTraceID    = 1<<3 | wireBytes // of Span
	tagSpanID     = 2<<3 | wireBytes
	tagTraceState = 3<<3 | wireBytes
	tagParent     = 4<<3 | wireBytes
	tagName       = 5<<3 | wireBytes
	tagKind       = 6<<3 | wireVarint
	tagStart      = 7<<3 | wireFixed64
	tagEnd        = 8<<3 | wireFixed64
	tagAttribute  = 9<<3 | wireBytes
	tagLink       = 13<<3 | wireBytes
	tagStatus     = 15<<3 | wireBytes
	tagFlags      = 16<<3 | wireFixed32

	tagLinkTraceID = 1<<3 | wireBytes // of Link
	tagLinkSpanID  = 2<<3 | wireBytes

	tagStatusCode = 3<<3 | wireVarint // of Status

	tagKey   = 1<<3 | wireBytes // of KeyValue
	tagValue = 2<<3 | wireBytes

	tagString = 1<<3 | wireBytes // of AnyValue
	tagBool   = 2<<3 | wireVarint
	tagInt    = 3<<3 | wireVarint
	tagDouble = 4<<3 | wireFixed64
	tagArray  = 5<<3 | wireBytes
	tagMap    = 6<<3 | wireBytes
	tagBytes  = 7<<3 | wireBytes

	tagElement = 1<<3 | wireBytes // of ArrayValue
)

// eachBytes hands over where each field of the tag begins and ends, of the message that begins at pos and ends with data.
func eachBytes(data []byte, pos int, wanted uint64, each func(begin, end int) error) error {
	for pos < len(data) {
		tag, _, begin, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
		if tag == wanted {
			if err := each(begin, after); err != nil {
				return err
			}
		}
	}
	return nil
}

func countScopeSpans(data []byte, pos int) (spans int, err error) {
	for pos < len(data) {
		tag, _, begin, after := next(data, pos)
		if after == broken {
			return 0, malformed(data, pos)
		}
		pos = after
		if tag == tagSpan {
			spans++
			if err := checkSpan(data[:after], begin); err != nil {
				return 0, err
			}
		}
	}
	return spans, nil
}

func checkSpan(data []byte, pos int) error {
	for pos < len(data) {
		tag, _, begin, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
		var err error
		switch tag {
		case tagTraceID:
			err = checkID(begin, after, len(TraceID{}))
		case tagSpanID, tagParent:
			err = checkID(begin, after, len(SpanID{}))
		case tagStatus:
			err = checkFields(data[:after], begin)
		case tagLink:
			err = checkLink(data[:after], begin)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkLink(data []byte, pos int) error {
	for pos < len(data) {
		tag, _, begin, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
		var err error
		switch tag {
		case tagLinkTraceID:
			err = checkID(begin, after, len(TraceID{}))
		case tagLinkSpanID:
			err = checkID(begin, after, len(SpanID{}))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkID(begin, end, size int) error {
	if n := end - begin; n != size && n != 0 {
		return &MalformedError{Offset: int64(begin), Reason: "an id has a wrong length"}
	}
	return nil
}

func checkFields(data []byte, pos int) error {
	for pos < len(data) {
		_, _, _, after := next(data, pos)
		if after == broken {
			return malformed(data, pos)
		}
		pos = after
	}
	return nil
}

// joined is a message of which several parts were found: they count as if they were written in one.
func joined(before, part []byte) []byte {
	if len(before) == 0 {
		return part
	}
	return append(before[:len(before):len(before)], part...)
}

// keyValue is the key of an attribute and how its value is written; not ok if it cannot be read.
func keyValue(data []byte, pos int) (key, value []byte, ok bool) {
	for pos < len(data) {
		tag, _, begin, after := next(data, pos)
		if after == broken {
			return nil, nil, false
		}
		pos = after
		switch tag {
		case tagKey:
			key = data[begin:after]
		case tagValue:
			value = joined(value, data[begin:after])
		}
	}
	return key, value, true
}

// valueOf is the value that is written so, none if it cannot be read, or is of a kind that is of no use. Of an array it is the
// first element.
func valueOf(written []byte) Value { return valueOrElement(written, true) }

// valueOrElement is valueOf, or where there are no arrays what is valueOf of an element of one.
func valueOrElement(written []byte, arrays bool) (value Value) {
	for pos := 0; pos < len(written); {
		tag, number, begin, after := next(written, pos)
		if after == broken {
			return Value{}
		}
		pos = after
		switch tag {
		case tagString:
			value = Text(written[begin:after])
		case tagInt:
			value = Whole(int64(number))
		case tagBool:
			value = Bool(number != 0)
		case tagDouble:
			value = Number(math.Float64frombits(number))
		case tagArray:
			if value = (Value{}); arrays {
				value = firstOf(written[begin:after])
			}
		case tagMap, tagBytes:
			value = Value{}
		}
	}
	return value
}

// firstOf is the first element of an array, unless that is an array itself.
func firstOf(written []byte) Value {
	for pos := 0; pos < len(written); {
		tag, _, begin, after := next(written, pos)
		if after == broken {
			return Value{}
		}
		pos = after
		if tag == tagElement {
			return valueOrElement(written[begin:after], false)
		}
	}
	return Value{}
}
