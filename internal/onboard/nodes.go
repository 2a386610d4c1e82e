package onboard

import (
	"iter"

	"go.yaml.in/yaml/v3"
)

// maxAliases is how many aliases of YAML are followed from one node.
const maxAliases = 8

// real is what an alias stands for.
func real(n *yaml.Node) *yaml.Node {
	for range maxAliases {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// field is a value of a map; nil = it is not there, or this is no map.
func field(n *yaml.Node, name string) *yaml.Node {
	for key, value := range pairs(n) {
		if key.Value == name {
			return value
		}
	}
	return nil
}

// pairs goes through a map; nothing where it is none.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(*yaml.Node, *yaml.Node) bool) {
		n = real(n)
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			value := real(n.Content[i+1])
			if value != nil && !yield(n.Content[i], value) {
				return
			}
		}
	}
}

// items goes through a list of scalars, with nil beside each, or through a map.
func items(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	n = real(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return pairs(n)
	}
	return func(yield func(*yaml.Node, *yaml.Node) bool) {
		for _, item := range n.Content {
			if item = real(item); item != nil && item.Kind == yaml.ScalarNode && !yield(item, nil) {
				return
			}
		}
	}
}

// text is a scalar's; "" for everything else.
func text(n *yaml.Node) string {
	if n = real(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}
