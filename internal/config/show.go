package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Show writes the effective configuration as YAML, with every default, and with secrets masked.
func (c *Config) Show() ([]byte, error) { return yaml.Marshal(shownMapping(c, "", rootSettings(), c)) }

// ShowValue is the same as Show as a value for JSON.
func (c *Config) ShowValue() any {
	var value any
	// What was made of texts, numbers and lists decodes again.
	_ = shownMapping(c, "", rootSettings(), c).Decode(&value)
	return value
}

func shownMapping[T any](c *Config, at string, settings []setting[T], from *T) *yaml.Node {
	mapping := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range settings {
		if s.refused != "" {
			continue
		}
		if list, ok := s.into(from).(*[]string); ok && len(*list) == 0 {
			continue // an empty list may not be written; absent means the same
		}
		mapping.Content = append(mapping.Content, plain(s.name), shownValue(c, field(at, s.name), s.into(from)))
	}
	return mapping
}

func shownValue(c *Config, at string, place any) *yaml.Node {
	switch value := place.(type) {
	case *Graph:
		return shownMapping(c, at, graphSettings(), value)
	case *[]Source:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range *value {
			list.Content = append(list.Content, shownMapping(c, index(at, i), sourceSettings(), &(*value)[i]))
		}
		return list
	case *[]string:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range *value {
			list.Content = append(list.Content, shownValue(c, index(at, i), &(*value)[i]))
		}
		return list
	default:
		if masked, ok := c.shown[at]; ok {
			place = &masked
		}
		if text, ok := place.(*string); ok {
			// What is shown may be written as a configuration again.
			return plain(strings.ReplaceAll(*text, "${", "$${"))
		}
		return plain(place)
	}
}

func plain(value any) *yaml.Node {
	var node yaml.Node
	// Texts, numbers and truth values encode without fail.
	_ = node.Encode(value)
	return &node
}
