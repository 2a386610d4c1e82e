package descriptor

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep maps and lists may nest. Entities need about five.
const maxDepth = 100

// maxAliasCount is the measure of how far aliases may blow a document up; it is that of the npm package `yaml`.
const maxAliasCount = 100

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
