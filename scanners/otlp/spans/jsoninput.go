package spans

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonInput reads values by their form. null is always as if nothing were there.
type jsonInput struct {
	*jsontext.Decoder
	base int64  // where the input of the decoder begins in that of the request
	text []byte // holds the texts of one span or resource
}

// stopError is what the taker of spans returned.
type stopError struct{ error }

func (e *stopError) Unwrap() error { return e.error }

// told turns an error of reading into what callers are told.
func (j *jsonInput) told(err error) error {
	var stop *stopError
	var malformed *MalformedError
	var syntax *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &stop):
		return stop.error
	case errors.As(err, &malformed):
		return malformed
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return j.wrong("the input ends in the middle")
	case errors.As(err, &syntax):
		return &MalformedError{Offset: j.base + syntax.ByteOffset, Reason: "this is no JSON: " + syntax.Err.Error()}
	}
	return err // of what the decoder reads from
}

func (j *jsonInput) offset() int64 { return j.base + j.InputOffset() }

func (j *jsonInput) wrong(format string, args ...any) error {
	return &MalformedError{Offset: j.offset(), Reason: fmt.Sprintf(format, args...)}
}

// object reads an object field by field; field reads the value. The name is good until then.
func (j *jsonInput) object(field func(name []byte) error) error {
	if there, err := j.begin(jsontext.KindBeginObject, "an object"); err != nil || !there {
		return err
	}
	for j.PeekKind() != jsontext.KindEndObject {
		name, err := j.ReadValue()
		if err != nil {
			return err
		}
		if err := field(name[1 : len(name)-1]); err != nil {
			return err
		}
	}
	_, err := j.ReadToken()
	return err
}

// array reads an array; element reads one.
func (j *jsonInput) array(element func() error) error {
	if there, err := j.begin(jsontext.KindBeginArray, "a list"); err != nil || !there {
		return err
	}
	for j.PeekKind() != jsontext.KindEndArray {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := j.ReadToken()
	return err
}

func (j *jsonInput) begin(kind jsontext.Kind, what string) (there bool, err error) {
	switch j.PeekKind() {
	case jsontext.KindNull:
		return false, j.SkipValue()
	case kind, jsontext.KindInvalid: // an error is told by reading
		_, err := j.ReadToken()
		return true, err
	}
	return false, j.wrong("%s is expected here", what)
}

// string reads a text into j.text.
func (j *jsonInput) string() ([]byte, error) {
	switch j.PeekKind() {
	case jsontext.KindNull:
		return nil, j.SkipValue()
	case jsontext.KindString, jsontext.KindInvalid:
	default:
		return nil, j.wrong("a text is expected here")
	}
	quoted, err := j.ReadValue()
	if err != nil {
		return nil, err
	}
	begin := len(j.text)
	j.text, _ = jsontext.AppendUnquote(j.text, quoted) // which only complains of what it replaced: invalid UTF-8
	return j.text[begin:len(j.text):len(j.text)], nil
}

// scratch reads a text or number, and gives its letters, which are good until something else is read.
func (j *jsonInput) scratch() ([]byte, error) {
	switch j.PeekKind() {
	case jsontext.KindNumber:
		return j.ReadValue()
	case jsontext.KindString:
		begin := len(j.text)
		text, err := j.string()
		j.text = j.text[:begin]
		return text, err
	case jsontext.KindInvalid, jsontext.KindNull:
		return nil, j.SkipValue()
	}
	return nil, j.wrong("a number is expected here")
}

// unsigned reads a number of 64 bits, which may be written as text.
func (j *jsonInput) unsigned() (uint64, error) {
	digits, err := j.scratch()
	if err != nil || len(digits) == 0 {
		return 0, err
	}
	if number, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
		return number, nil
	}
	number, err := strconv.ParseFloat(string(digits), 64) // 1.7e18 is the same to JSON
	if err != nil || !(number >= 0 && number < 1<<64) || number != math.Trunc(number) {
		return 0, j.wrong("a whole number of 64 bits is expected here")
	}
	return uint64(number), nil
}

// enum reads a number or its name; one that is not known is 0.
func (j *jsonInput) enum(names map[string]uint64) (uint64, error) {
	if j.PeekKind() != jsontext.KindString {
		return j.unsigned()
	}
	name, err := j.scratch()
	if err != nil {
		return 0, err
	}
	if number, err := strconv.ParseUint(string(name), 10, 32); err == nil {
		return number, nil
	}
	return names[string(name)], nil
}

// id reads an id in hex or, as protobuf's JSON mapping has it, in base64, into one that is all zero. It says whether there
// is none; one of another length makes the request malformed.
func (j *jsonInput) id(into []byte) (none bool, err error) {
	text, err := j.scratch()
	if err != nil || len(text) == 0 {
		return true, err
	}
	var decoded [24]byte
	n := 0
	switch {
	case len(text) == hex.EncodedLen(len(into)):
		n, err = hex.Decode(decoded[:], text)
	case len(text) == base64.StdEncoding.EncodedLen(len(into)):
		n, err = base64.StdEncoding.Decode(decoded[:], text)
	}
	if err != nil || n != len(into) {
		return true, j.wrong("an id of %d bytes is expected here, in hex", len(into))
	}
	copy(into, decoded[:])
	return false, nil
}

func (j *jsonInput) boolean() (Value, error) {
	switch j.PeekKind() {
	case jsontext.KindTrue:
		return Bool(true), j.SkipValue()
	case jsontext.KindFalse:
		return Bool(false), j.SkipValue()
	case jsontext.KindNull, jsontext.KindInvalid:
		return Value{}, j.SkipValue()
	}
	return Value{}, j.wrong("true or false is expected here")
}

func (j *jsonInput) number() (Value, error) {
	letters, err := j.scratch()
	if err != nil || len(letters) == 0 {
		return Value{}, err
	}
	if whole, err := strconv.ParseInt(string(letters), 10, 64); err == nil {
		return Whole(whole), nil
	}
	number, err := strconv.ParseFloat(string(letters), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return Value{}, j.wrong("a number is expected here")
	}
	return Number(number), nil
}

// The names of the enums, as protobuf's JSON mapping writes them.
var (
	kindNumbers = map[string]uint64{
		"SPAN_KIND_INTERNAL": uint64(KindInternal), "SPAN_KIND_SERVER": uint64(KindServer),
		"SPAN_KIND_CLIENT": uint64(KindClient), "SPAN_KIND_PRODUCER": uint64(KindProducer),
		"SPAN_KIND_CONSUMER": uint64(KindConsumer),
	}
	statusNumbers = map[string]uint64{"STATUS_CODE_OK": uint64(StatusOK), "STATUS_CODE_ERROR": uint64(StatusError)}
)
