package descriptor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlError says why a text is no YAML that we read.
type yamlError struct {
	line               int // within the text, 1-based; 0 = unknown
	code, message, fix string
}

// decode reads the text as one YAML document and returns its root; nil and no error where it is empty or null. dollar says
// that some key starts with $, so that there may be placeholders.
func decode(t text) (root *yaml.Node, dollar bool, failure *yamlError) {
	if i := bytes.IndexByte(t.bytes, 0); i >= 0 {
		return nil, false, &yamlError{
			line: 1 + bytes.Count(t.bytes[:i], []byte("\n")), code: CodeNUL, message: "the document holds a NUL byte",
			fix: "save the file as plain UTF-8 text",
		}
	}
	shielded, isShielded := shield(t.bytes)
	document, err := parseOne(shielded)
	if err != nil {
		if mended := mend(shielded); !bytes.Equal(mended, shielded) {
			shielded = mended
			document, err = parseOne(shielded)
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, false, nil
	case err != nil:
		return nil, false, syntaxError(shielded, err)
	case len(document.Content) == 0:
		return nil, false, nil
	}
	root = document.Content[0]
	check := checker{shielded: isShielded, anchors: map[*yaml.Node]*anchor{}}
	if failure := check.node(root, 1); failure != nil {
		return nil, false, failure
	}
	if failure := indentation(shielded, root); failure != nil {
		return nil, false, failure
	}
	if typeOf(root) == null {
		return nil, false, nil
	}
	return root, check.dollar, nil
}

// parseOne parses a text that must hold one document. The library's own panics on odd input become errors.
func parseOne(b []byte) (document *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			document, err = nil, fmt.Errorf("yaml: the text cannot be parsed: %v", r)
		}
	}()
	// A block scalar that ends with the text has its last line break all the same.
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(bytes.Clone(b), '\n')
	}
	decoder := yaml.NewDecoder(bytes.NewReader(b))
	document = new(yaml.Node)
	if err := decoder.Decode(document); err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); err == nil {
		return nil, errors.New("yaml: there is text behind the end of the document")
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return document, nil
}

// commentTabs are tabs before a comment, or on an empty line, which the parser takes for indentation.
var commentTabs = regexp.MustCompile(`(?m)^ *\t[ \t]*(#|\r?$)`)

// itemTabs are tabs between the dash of a list and a value on the same line that begins no map of its own.
var itemTabs = regexp.MustCompile(`(?m)^( *-)[ \t]*\t[ \t]*([^\s:]+(?::[^\s:]+)*\r?)$`)

// escapedSlash finds pairs that begin with a backslash. JSON may write a slash as \/, which the parser does not know.
var escapedSlash = regexp.MustCompile(`\\[\\/]`)

// mend rewrites what is YAML 1.2 and beyond the parser. It is tried on what the parser refuses, since it may touch more
// than it should.
func mend(b []byte) []byte {
	b = commentTabs.ReplaceAll(b, []byte("$1"))
	b = itemTabs.ReplaceAll(b, []byte("$1 $2"))
	return escapedSlash.ReplaceAllFunc(b, func(pair []byte) []byte {
		if pair[1] == '/' {
			return pair[1:]
		}
		return pair
	})
}

var (
	errorLine     = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

func syntaxError(b []byte, err error) *yamlError {
	failure := &yamlError{code: CodeYAML, fix: "mend the YAML; quote values that start with, or hold, special characters"}
	message := err.Error()
	if match := errorLine.FindStringSubmatch(message); match != nil {
		failure.line, _ = strconv.Atoi(match[1])
		message = message[len(match[0]):]
	}
	if match := unknownAnchor.FindStringSubmatch(message); match != nil {
		failure.fix = "define it before, as &" + match[1] + ", or quote the value"
		if i := bytes.Index(b, []byte("*"+match[1])); i >= 0 {
			failure.line = 1 + bytes.Count(b[:i], []byte("\n"))
		}
	} else if !strings.Contains(message, "end of stream") {
		failure.line = failingLine(b, err, failure.line)
	}
	failure.line = min(failure.line, 1+bytes.Count(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")))
	failure.message = "this is not valid YAML: " + message
	return failure
}

// maxSearched is the size up to which the line of a mistake is looked for.
const maxSearched = 256 << 10

// failingLine finds the line on which a mistake shows. The parser names the one on which the map or list around it began,
// which may be far above: so it is the first line with which the text fails in this way.
func failingLine(b []byte, failure error, told int) int {
	if len(b) > maxSearched {
		return told
	}
	lines := bytes.SplitAfter(b, []byte("\n"))
	line := 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, err := parseOne(bytes.Join(lines[:i+1], nil))
		return err != nil && err.Error() == failure.Error()
	})
	for line > 1 && len(bytes.TrimSpace(lines[line-1])) == 0 {
		line--
	}
	return line
}
