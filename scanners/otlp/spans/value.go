package spans

import (
	"math"
	"strconv"
)

// MaxText is the most bytes that are read of a text; what is longer is cut off, maybe within a character.
const MaxText = 1024

// Value is that of an attribute. The zero value says nothing, as does that of a kind which no recognized attribute has. Of
// an array, readers give the first element.
type Value struct {
	text []byte
	bits uint64 // of a number
	kind valueKind
}

type valueKind uint8

const (
	valueNone valueKind = iota
	valueText
	valueWhole
	valueNumber
	valueBool
)

// Text is a value of letters. It is not copied.
func Text(text []byte) Value { return Value{kind: valueText, text: text} }

// Whole is a value that is an integer.
func Whole(n int64) Value { return Value{kind: valueWhole, bits: uint64(n)} }

// Number is a value that is a floating-point number.
func Number(n float64) Value { return Value{kind: valueNumber, bits: math.Float64bits(n)} }

// Bool is a value that is true or false.
func Bool(b bool) Value {
	v := Value{kind: valueBool}
	if b {
		v.bits = 1
	}
	return v
}

// asText is the value as a text of at most MaxText bytes, numbers in digits; nil where there is none.
func (v Value) asText() []byte {
	switch v.kind {
	case valueText:
		return short(v.text)
	case valueWhole:
		return digits(int64(v.bits))
	case valueNumber:
		if n, whole := v.asWhole(); whole {
			return digits(n)
		}
		return strconv.AppendFloat(nil, math.Float64frombits(v.bits), 'g', -1, 64)
	case valueBool:
		return strconv.AppendBool(nil, v.bits != 0)
	default:
		return nil
	}
}

// asWhole is the value as an integer, if it is one or a text of one.
func (v Value) asWhole() (int64, bool) {
	const digitsOfInt64 = 20
	switch v.kind {
	case valueWhole:
		return int64(v.bits), true
	case valueNumber:
		number := math.Float64frombits(v.bits)
		if number != math.Trunc(number) || math.Abs(number) > 1<<53 {
			return 0, false
		}
		return int64(number), true
	case valueText:
		if len(v.text) > digitsOfInt64 {
			return 0, false
		}
		n, err := strconv.ParseInt(string(v.text), 10, 64)
		return n, err == nil
	default:
		return 0, false
	}
}

// asBool is the value as true or false; what is neither is false.
func (v Value) asBool() bool {
	switch v.kind {
	case valueBool, valueWhole:
		return v.bits != 0
	case valueNumber:
		number := math.Float64frombits(v.bits)
		return number < 0 || number > 0
	case valueText:
		return len(v.text) == len("true") && (string(v.text) == "true" || string(v.text) == "True" || string(v.text) == "TRUE")
	default:
		return false
	}
}

// short is the first MaxText bytes of text.
func short(text []byte) []byte { return text[:min(len(text), MaxText)] }

// smallDigits are the numbers from 0 to 15, as Redis numbers its databases by default.
var smallDigits = []byte("0123456789101112131415")

// digits is n in decimal, without an allocation if it is small. It is not to be written to.
func digits(n int64) []byte {
	switch {
	case n >= 0 && n < 10:
		return smallDigits[n : n+1 : n+1]
	case n >= 10 && n < 16:
		at := 10 + 2*(n-10)
		return smallDigits[at : at+2 : at+2]
	default:
		return strconv.AppendInt(nil, n, 10)
	}
}
