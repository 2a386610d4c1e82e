package descriptor

import (
	"strings"
	"unicode/utf8"
)

// shieldBase starts a private range of code points into which characters move that YAML 1.2 takes as content and the
// parser, which follows YAML 1.1, refuses or takes as line breaks.
const shieldBase = 0x10_0000

// shield moves such characters out of the parser's way; unshield moves them back. The text is returned as it is where it
// holds none of them, as nearly every text does.
func shield(b []byte) ([]byte, bool) {
	at := 0
	for at < len(b) && !isShielded(b, at) {
		at++
	}
	if at == len(b) {
		return b, false
	}
	out := append(make([]byte, 0, len(b)+len(b)/8+8), b[:at]...)
	for at < len(b) {
		r, size := utf8.DecodeRune(b[at:])
		if isShielded(b, at) {
			if r == '\r' && at > 0 && b[at-1] == ':' {
				out = append(out, ' ') // white space to the colon, content to the value
			}
			r += shieldBase
		}
		out = utf8.AppendRune(out, r)
		at += size
	}
	return out, true
}

// isShielded says whether the character at b[at:] has to be moved. It is false within a character.
func isShielded(b []byte, at int) bool {
	c := b[at]
	switch {
	case c == '\n' || c == '\t':
		return false
	case c == '\r':
		return at+1 < len(b) && b[at+1] != '\n'
	case c == '?': // an indicator only where it stands alone; within a URL in brackets it is not
		return at > 0 && strings.IndexByte(" \t\r\n,[{", b[at-1]) < 0 ||
			at+1 < len(b) && strings.IndexByte(" \t\r\n,[]{}", b[at+1]) < 0
	case c >= 0x20 && c < 0x7F:
		return false
	case c < 0x20 || c == 0x7F:
		return true
	case c < utf8.RuneSelf || c == 0xC3 || c >= 0xC4 && c <= 0xDF:
		return false // the usual letters
	}
	r, _ := utf8.DecodeRune(b[at:])
	return r >= 0x80 && r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r == 0xFFFE || r == 0xFFFF
}

func unshield(s string) string {
	return strings.Map(func(r rune) rune {
		if r < shieldBase {
			return r
		}
		switch moved := r - shieldBase; {
		case moved < 0xA0, moved == 0x2028, moved == 0x2029, moved == 0xFEFF, moved == 0xFFFE, moved == 0xFFFF:
			return moved
		}
		return r
	}, s)
}
