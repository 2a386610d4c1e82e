package descriptor

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// text is the text of one document of a file.
type text struct {
	bytes    []byte
	line     int  // of the file, 1-based, on which the text starts
	repaired bool // it held invalid UTF-8, now U+FFFD
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// split cuts a YAML stream into its documents, by the markers `---` and `...` at the start of a line, so that a mistake
// in one cannot take the others with it. Directives and comments before a `---` stay with the document it opens.
func split(data []byte) []text {
	data = bytes.TrimPrefix(data, byteOrderMark)
	var texts []text
	start, startLine := 0, 1 // of the document under way
	open := false            // it has begun: by a marker or by content
	end := func(at int) {
		if open && !isEmpty(data[start:at]) {
			texts = append(texts, newText(data[start:at], startLine))
		}
	}
	line := 1
	for at := 0; at < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		current := data[at:next]
		switch {
		case isMarker(current, "---"):
			if open {
				end(at)
				start, startLine = at, line
			}
			open = true
		case isMarker(current, "..."):
			end(at)
			start, startLine, open = next, line+1, false
		case !open && !isPrologue(current):
			open = true
		}
		at = next
	}
	end(len(data))
	return texts
}

func newText(b []byte, line int) text {
	t := text{bytes: b, line: line}
	if !utf8.Valid(b) {
		t.bytes, t.repaired = bytes.ToValidUTF8(b, []byte("\uFFFD")), true
	}
	return t
}

// isMarker says whether the line is the given document marker, alone or followed by white space and anything.
func isMarker(line []byte, marker string) bool {
	if len(line) < 3 || string(line[:3]) != marker {
		return false
	}
	return len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0
}

// isEmpty says whether a text that a marker opened holds nothing but that.
func isEmpty(b []byte) bool {
	return len(b) <= 8 && len(bytes.Trim(b, "- \t\r\n")) == 0 && isMarker(b, "---")
}

// isPrologue says whether the line may stand before a document without being a part of one.
func isPrologue(line []byte) bool {
	if line[0] == '%' {
		return true
	}
	line = bytes.TrimLeft(line, " \t\r\n")
	return len(line) == 0 || line[0] == '#'
}
