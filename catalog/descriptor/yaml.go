package descriptor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep maps and lists may nest. Entities need about five.
const maxDepth = 100

// maxAliasCount is the measure of how far aliases may blow a document up; it is that of the npm package `yaml`.
const maxAliasCount = 100

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

// escapedSlash finds pairs that begin with a backslash. JSON may write a slash as \/, which the parser does not know.
var escapedSlash = regexp.MustCompile(`\\[\\/]`)

// mend rewrites what is YAML 1.2 and beyond the parser. It is tried on what the parser refuses, since it may touch more
// than it should.
func mend(b []byte) []byte {
	b = commentTabs.ReplaceAll(b, []byte("$1"))
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

// anchor counts the uses of one anchored node, as the npm package `yaml` does.
type anchor struct {
	open       bool // the walk is inside of it
	uses, bulk int
}

// checker walks a parsed document once, in its order, before anything else looks at it.
type checker struct {
	shielded bool
	dollar   bool
	anchors  map[*yaml.Node]*anchor
}

func (c *checker) node(n *yaml.Node, depth int) *yamlError {
	if depth > maxDepth {
		return &yamlError{
			line: n.Line, code: CodeTooDeep, message: fmt.Sprintf("maps and lists nest more than %d deep", maxDepth),
			fix: "flatten the document",
		}
	}
	if n.Kind == yaml.AliasNode {
		return c.alias(n)
	}
	if c.shielded {
		n.Value = unshield(n.Value)
	}
	if n.Anchor != "" {
		a := &anchor{open: true, uses: 1}
		c.anchors[n] = a
		defer func() { a.open = false }()
	}
	if n.Kind == yaml.MappingNode {
		if failure := uniqueKeys(n); failure != nil {
			return failure
		}
	}
	for i, child := range n.Content {
		if failure := c.node(child, depth+1); failure != nil {
			return failure
		}
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			c.dollar = c.dollar || strings.HasPrefix(resolve(child).Value, "$")
		}
	}
	return nil
}

func (c *checker) alias(n *yaml.Node) *yamlError {
	a := c.anchors[n.Alias]
	if a == nil || a.open {
		return &yamlError{
			line: n.Line, code: CodeAlias, message: fmt.Sprintf("the alias *%s stands inside of what it repeats", n.Value),
			fix: "write the value out",
		}
	}
	a.uses++
	if a.bulk == 0 {
		a.bulk = c.bulk(n.Alias)
	}
	if a.uses*a.bulk > maxAliasCount {
		return &yamlError{
			line: n.Line, code: CodeAlias, message: fmt.Sprintf("the alias *%s is used too often", n.Value),
			fix: "write the values out",
		}
	}
	return nil
}

func (c *checker) bulk(n *yaml.Node) int {
	switch n.Kind {
	case yaml.AliasNode:
		if a := c.anchors[n.Alias]; a != nil {
			return a.uses * a.bulk
		}
		return 0
	case yaml.MappingNode, yaml.SequenceNode:
		most := 0
		for _, child := range n.Content {
			most = max(most, c.bulk(child))
		}
		return most
	default:
		return 1
	}
}

// uniqueKeys refuses a map that has one key twice. Keys are equal when their values are: 1 and 0x1 are, 1 and "1" not.
func uniqueKeys(n *yaml.Node) *yamlError {
	type key struct {
		kind valueType
		text string
	}
	var seen map[key]bool
	if len(n.Content) > 32 {
		seen = make(map[key]bool, len(n.Content)/2)
	}
	keys := make([]key, 0, 16)
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Kind != yaml.ScalarNode {
			continue
		}
		k := key{typeOf(n.Content[i]), keyText(n.Content[i])}
		repeated := seen[k]
		if seen != nil {
			seen[k] = true
		} else {
			for _, other := range keys {
				repeated = repeated || other == k
			}
			keys = append(keys, k)
		}
		if repeated {
			return &yamlError{
				line: n.Content[i].Line, code: CodeDuplicateKey,
				message: fmt.Sprintf("the key %q stands twice in the same map", k.text), fix: "keep one of the two",
			}
		}
	}
	return nil
}

// valueType is the JSON type of a YAML value.
type valueType uint8

const (
	null valueType = iota
	boolean
	number
	str
	list
	object
)

// The core schema of YAML 1.2: dates, yes and on are strings, 012 is twelve, << is a key like any other.
var (
	coreInteger = regexp.MustCompile(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat   = regexp.MustCompile(`^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$`)
)

// typeOf is the type of a value that is no alias.
func typeOf(n *yaml.Node) valueType {
	switch n.Kind {
	case yaml.MappingNode:
		return object
	case yaml.SequenceNode:
		return list
	}
	plain := n.Style&^yaml.TaggedStyle == 0
	if n.Style&yaml.TaggedStyle != 0 {
		// A tag forces its type where the text fits it, and gives a string otherwise.
		tagged := map[string]valueType{"!!null": null, "!!bool": boolean, "!!int": number, "!!float": number}
		want, ok := tagged[n.Tag]
		if ok && plainType(n.Value) == want {
			return want
		}
		return str
	}
	if !plain {
		return str
	}
	return plainType(n.Value)
}

func plainType(s string) valueType {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolean
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return number
	}
	if c := s[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		if coreInteger.MatchString(s) || coreFloat.MatchString(s) {
			return number
		}
	}
	return str
}

// numberOf is the value of a number.
func numberOf(s string) float64 {
	lower := strings.ToLower(s)
	switch {
	case lower == ".nan":
		return math.NaN()
	case strings.HasSuffix(lower, ".inf"):
		return math.Inf(map[bool]int{true: -1, false: 1}[s[0] == '-'])
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0o"):
		if v, err := strconv.ParseUint(s, 0, 64); err == nil {
			return float64(v)
		}
		return math.Inf(1)
	}
	v, _ := strconv.ParseFloat(s, 64)
	return v
}

// keyText is what a key is called in JSON; a key that is no scalar gets a name that fits no field.
func keyText(n *yaml.Node) string {
	n = resolve(n)
	switch typeOf(n) {
	case null:
		return ""
	case boolean:
		return strings.ToLower(n.Value)
	case number:
		switch v := numberOf(n.Value); {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 0):
			return strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+") + "inity"
		default:
			return strconv.FormatFloat(v+0, 'f', -1, 64)
		}
	case str:
		return n.Value
	case list:
		return "[...]"
	default:
		return "{...}"
	}
}

// resolve follows an alias. The checker has made sure that this ends.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// lookup finds the value of a key in a map, aliases followed; nil where it is absent. Of two keys with the same name in
// JSON, the later counts.
func lookup(n *yaml.Node, name string) *yaml.Node {
	key, value := lookupEntry(n, name)
	if key == nil {
		return nil
	}
	return value
}

func lookupEntry(n *yaml.Node, name string) (key, value *yaml.Node) {
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if keyText(n.Content[i]) == name {
			return n.Content[i], resolve(n.Content[i+1])
		}
	}
	return nil, nil
}

// describe names a value for people.
func describe(n *yaml.Node) string {
	switch typeOf(n) {
	case null:
		return "empty (null)"
	case boolean:
		return "the boolean " + n.Value
	case number:
		return "the number " + n.Value
	case str:
		return "the text " + quote(n.Value)
	case list:
		return "a list"
	default:
		return "a map"
	}
}

// quote shows a text in a message, cut where it is long.
func quote(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
