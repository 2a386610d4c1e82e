package neo4jstore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"
)

// Keys are strings of the database that stand for any bytes: equal exactly when those are, in the order of those, and
// readable where those are plain ASCII. A part of a key has each byte as the character of that number; what is below 3 is
// escaped, so that separator comes before everything.
const (
	separator = '\x01'
	escape    = '\x02'
)

// maxIndexed is how many bytes of a key go into an index, which takes some 8,000 for all properties together. What is
// longer is cut, and told apart by a hash.
const maxIndexed = 7000

// key joins the parts to one key, of any length.
func key(parts ...string) string {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte(separator)
		}
		for _, c := range []byte(part) {
			if c < 3 {
				b.WriteByte(escape)
				c++
			}
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

var errBadKey = errors.New("it has a key that this program does not write")

// parts undoes key.
func parts(key string) ([]string, error) {
	var (
		all  []string
		part []byte
		esc  bool
	)
	for _, c := range key {
		switch {
		case c > 0xff:
			return nil, errBadKey
		case esc:
			part, esc = append(part, byte(c)-1), false
		case c == separator:
			all, part = append(all, string(part)), nil
		case c == escape:
			esc = true
		default:
			part = append(part, byte(c))
		}
	}
	if esc {
		return nil, errBadKey
	}
	return append(all, string(part)), nil
}

// indexed is the key of the parts in a form that fits into an index: where it had to be cut, a hash of the whole is its end.
func indexed(parts ...string) string {
	whole := key(parts...)
	if len(whole) <= maxIndexed {
		return whole
	}
	cut := maxIndexed
	for !utf8.RuneStart(whole[cut]) {
		cut--
	}
	sum := sha256.Sum256([]byte(whole))
	return whole[:cut] + string(separator) + hex.EncodeToString(sum[:])
}

// maxReadable bounds what is written for people beside a key.
const maxReadable = 1000

// readable is the string as people see it in the database: valid UTF-8, and not too long for an index.
func readable(s string) string {
	if len(s) > maxReadable {
		s = s[:maxReadable]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
