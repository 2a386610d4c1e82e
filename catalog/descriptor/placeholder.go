package descriptor

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// placeholderBudget is how many bytes all placeholders of one file may bring in.
const placeholderBudget = 16 << 20

// opaque stands for what a placeholder names and nobody can look into. It fits every type and says nothing.
var opaque = &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Tag: "!!str", Value: "(opaque)"}

// resolvers are the placeholders that Backstage fills in; the last two by a module that most install. An unknown $word
// stays as it is.
var resolvers = map[string]bool{"$text": true, "$json": true, "$yaml": true, "$openapi": true, "$asyncapi": true}

// placeholders finds the maps that stand for something else: those with one key, a known resolver. Below a map that has a
// key with $ among others, nothing is filled in.
type placeholders struct {
	found   map[*yaml.Node]bool
	filled  map[*yaml.Node]*yaml.Node
	visited map[*yaml.Node]bool
}

func findPlaceholders(root *yaml.Node) *placeholders {
	p := &placeholders{
		found: map[*yaml.Node]bool{}, filled: map[*yaml.Node]*yaml.Node{}, visited: map[*yaml.Node]bool{},
	}
	p.walk(root)
	return p
}

func (p *placeholders) walk(n *yaml.Node) {
	n = resolve(n)
	if p.visited[n] {
		return
	}
	p.visited[n] = true
	switch n.Kind {
	case yaml.SequenceNode:
		for _, child := range n.Content {
			p.walk(child)
		}
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			if key := keyText(n.Content[i]); strings.HasPrefix(key, "$") {
				p.found[n] = len(n.Content) == 2 && resolvers[key]
				return
			}
		}
		for i := 1; i < len(n.Content); i += 2 {
			p.walk(n.Content[i])
		}
	}
}

// filled follows an alias and fills in a placeholder.
func (d *document) filled(n *yaml.Node, path string) *yaml.Node {
	n = resolve(n)
	if d.placeholders == nil || !d.placeholders.found[n] {
		return n
	}
	if value, ok := d.placeholders.filled[n]; ok {
		return value
	}
	value := d.fill(n, path)
	d.placeholders.filled[n] = value
	return value
}

func (d *document) fill(n *yaml.Node, path string) *yaml.Node {
	resolver, argument := keyText(n.Content[0]), resolve(n.Content[1])
	if typeOf(argument) != str {
		d.fail(argument.Line, path, CodePlaceholder,
			fmt.Sprintf("%s needs the path or URL of a file, not %s", resolver, describe(argument)), "write a text")
		return opaque
	}
	if d.file.options.Read == nil || isAbsolute.MatchString(argument.Value) ||
		resolver == "$openapi" || resolver == "$asyncapi" {
		return opaque
	}
	value, err := d.fetch(resolver, argument.Value, n.Line)
	if err != nil {
		d.warn(argument.Line, path, CodeUnresolvedPlaceholder,
			fmt.Sprintf("%s %s cannot be filled in: %v", resolver, quote(argument.Value), err),
			"check the path, which is relative to this file")
		return opaque
	}
	return value
}

var isAbsolute = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`)

// fetch reads what a placeholder names. The nodes it returns carry the line of the placeholder.
func (d *document) fetch(resolver, target string, line int) (*yaml.Node, error) {
	if d.file.budget <= 0 {
		return nil, errors.New("the placeholders of this file bring in too much")
	}
	data, err := d.file.options.Read(target)
	if err != nil {
		return nil, err
	}
	d.file.budget -= len(data)
	if d.file.budget < 0 || len(data) > d.file.maxBytes() {
		return nil, fmt.Errorf("the file has %d bytes, which is too much", len(data))
	}
	if resolver == "$text" {
		return &yaml.Node{
			Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Tag: "!!str", Line: line,
			Value: strings.ToValidUTF8(string(data), "\uFFFD"),
		}, nil
	}
	if resolver == "$json" && !json.Valid(data) {
		return nil, errors.New("it is not valid JSON")
	}
	var root *yaml.Node
	texts := split(data)
	if len(texts) != 1 {
		return nil, fmt.Errorf("it holds %d documents instead of one", len(texts))
	}
	root, _, failure := decode(texts[0])
	switch {
	case failure != nil:
		return nil, errors.New(failure.message)
	case root == nil:
		return nil, errors.New("it is empty")
	}
	setLine(root, line)
	return root, nil
}

func setLine(n *yaml.Node, line int) {
	n.Line = line
	for _, child := range n.Content {
		setLine(child, line)
	}
}
