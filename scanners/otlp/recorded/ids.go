package recorded

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// identities turns the ids of a file of Jaeger or Zipkin into ours. Those formats write numbers in hex, with or without
// leading zeros; what people wrote by hand, or tools that hide the true ids, may be any words.
type identities struct {
	file string
}

// shortID is up to which number a trace id is one that somebody made up: of ids that are random one in four billion is
// smaller. Such an id tells traces apart in its file only.
const shortID = 1 << 32

// trace is a trace id; bad = there is none.
func (i identities) trace(text string) (id spans.TraceID, bad bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return id, true
	}
	if !number(text, id[:]) {
		digest := i.hash("trace", text)
		copy(id[:], digest[:])
		return id, false
	}
	if high, low := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]); high == 0 && low > 0 && low < shortID {
		digest := i.hash("short", string(id[:]))
		copy(id[:], digest[:])
	}
	return id, false
}

// span is a span id; bad = there is none.
func (i identities) span(text string) (id spans.SpanID, bad bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return id, true
	}
	if !number(text, id[:]) {
		digest := i.hash("span", text)
		copy(id[:], digest[:])
	}
	return id, false
}

func (i identities) hash(words ...string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join(append(words, i.file), "\x00")))
}

// number reads a number in hex, or in base64 as protobuf's JSON mapping writes bytes, that fits.
func number(text string, into []byte) bool {
	if len(text) <= hex.EncodedLen(len(into)) {
		digits := text
		if len(digits)%2 == 1 {
			digits = "0" + digits
		}
		if decoded, err := hex.DecodeString(digits); err == nil {
			copy(into[len(into)-len(decoded):], decoded)
			return true
		}
	}
	if len(text) == base64.StdEncoding.EncodedLen(len(into)) {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && len(decoded) == len(into) {
			copy(into, decoded)
			return true
		}
	}
	return false
}

// below is an id for the part of a span that the format gives the same id as its parent.
func below(parent spans.SpanID, which string) (id spans.SpanID) {
	digest := sha256.Sum256(append(parent[:], which...))
	copy(id[:], digest[:])
	return id
}
