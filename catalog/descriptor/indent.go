package descriptor

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// YAML asks that the lines of a quoted text or of a [..] or {..} stand deeper than the block they are in. The parser does
// not look, so that a forgotten quote swallows the lines up to the next one unnoticed, keys and all. indentation looks.

// indentation finds the first line of the document that stands too far left; nil where there is none.
func indentation(text []byte, root *yaml.Node) *yamlError {
	s := &source{text: text}
	return s.block(root)
}

type source struct {
	text  []byte
	lines []int // offsets at which lines start, made on demand
}

func (s *source) block(n *yaml.Node) *yamlError {
	if n.Kind == yaml.AliasNode || n.Kind == yaml.ScalarNode || n.Style&yaml.FlowStyle != 0 {
		return nil
	}
	for _, child := range n.Content {
		var failure *yamlError
		switch {
		case child.Kind == yaml.ScalarNode && child.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0,
			child.Kind != yaml.AliasNode && child.Style&yaml.FlowStyle != 0:
			failure = s.inline(child, n.Column)
		default:
			failure = s.block(child)
		}
		if failure != nil {
			return failure
		}
	}
	return nil
}

// inline checks one text in quotes or flow collection, all of whose lines must begin at least indent spaces deep.
func (s *source) inline(n *yaml.Node, indent int) *yamlError {
	at := s.offset(n)
	if at < 0 {
		return nil
	}
	line, depth := n.Line, 0
	quote := byte(0)
	tokenStart := true // a quote here opens a text
	for at < len(s.text) {
		c := s.text[at]
		at++
		switch {
		case c == '\n':
			line++
			spaces := 0
			for at+spaces < len(s.text) && s.text[at+spaces] == ' ' {
				spaces++
			}
			rest := bytes.TrimLeft(s.text[at+spaces:], " \t\r")
			if len(rest) == 0 || rest[0] == '\n' || quote == 0 && rest[0] == '#' {
				continue
			}
			isEnd := quote == 0 && depth == 1 && spaces == indent-1 && (rest[0] == ']' || rest[0] == '}')
			if spaces < indent && !isEnd {
				what := "a list or map in brackets"
				if n.Kind == yaml.ScalarNode {
					what = "a text in quotes"
				}
				return &yamlError{
					line: line, code: CodeYAML,
					message: "this is not valid YAML: " + what + " is still open here, and the line is not indented",
					fix:     "close the quote or bracket that opens before it, or indent the line",
				}
			}
		case quote == '"' && c == '\\':
			if at < len(s.text) && s.text[at] != '\n' {
				at++
			}
		case quote != 0:
			if c != quote {
				continue
			}
			if quote == '\'' && at < len(s.text) && s.text[at] == '\'' {
				at++
				continue
			}
			quote, tokenStart = 0, false
			if depth == 0 {
				return nil
			}
		case c == '"' || c == '\'':
			if tokenStart || depth == 0 {
				quote = c
			}
			tokenStart = false
		case c == '[' || c == '{':
			depth++
			tokenStart = true
		case c == ']' || c == '}':
			if depth--; depth <= 0 {
				return nil
			}
			tokenStart = false
		case c == '#' && at > 1 && strings.IndexByte(" \t\n", s.text[at-2]) >= 0:
			for at < len(s.text) && s.text[at] != '\n' {
				at++
			}
		case c == ',' || c == ':' || c == '?':
			tokenStart = true
		case c == '&' || c == '!' || c == '*':
			if tokenStart { // a property of what follows
				for at < len(s.text) && strings.IndexByte(" \t\r\n,[]{}", s.text[at]) < 0 {
					at++
				}
			}
		case c != ' ' && c != '\t' && c != '\r':
			tokenStart = false
		}
	}
	return nil
}

// offset is where the value itself starts, behind its anchor and tag; -1 where that cannot be told.
func (s *source) offset(n *yaml.Node) int {
	if s.lines == nil {
		s.lines = append(s.lines, 0)
		for i, c := range s.text {
			if c == '\n' {
				s.lines = append(s.lines, i+1)
			}
		}
	}
	if n.Line < 1 || n.Line > len(s.lines) {
		return -1
	}
	at := s.lines[n.Line-1]
	for column := 1; column < n.Column && at < len(s.text); column++ {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	for at < len(s.text) && (s.text[at] == '&' || s.text[at] == '!') {
		for at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[at]) < 0 {
			at++
		}
		for at < len(s.text) && strings.IndexByte(" \t\r", s.text[at]) >= 0 {
			at++
		}
	}
	if at >= len(s.text) || strings.IndexByte(`"'[{`, s.text[at]) < 0 {
		return -1
	}
	return at
}
