package config

import (
	"maps"
	"slices"
	"strings"
	"time"

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
		if !s.holds(selected(settings, from)) || s.fallback == nil && isEmpty(s.into(from)) {
			continue // what is empty may not be written; absent means the same
		}
		mapping.Content = append(mapping.Content, plain(s.name), shownValue(c, field(at, s.name), s.into(from)))
	}
	return mapping
}

func isEmpty(place any) bool {
	switch value := place.(type) {
	case *string:
		return *value == ""
	case *time.Duration:
		return *value == 0
	case *bool:
		return !*value
	case *[]string:
		return len(*value) == 0
	case *map[string][]string:
		return len(*value) == 0
	case *[]Rewrite:
		return len(*value) == 0
	case *Identity:
		return len(value.Rewrites) == 0
	case *int:
		return *value == 0
	case *Health:
		return saysNothing(healthSettings(), value)
	case *Replicas:
		return saysNothing(replicasSettings(), value)
	case *TLS:
		return saysNothing(tlsSettings(), value)
	case *GitHubApp:
		return saysNothing(gitHubAppSettings(), value)
	case *Tracing:
		return value.Endpoint == ""
	case *Bytes:
		return *value == 0
	case *float64:
		return *value == 0
	case *[]Exemption:
		return len(*value) == 0
	}
	return false
}

// saysNothing says whether every setting is empty.
func saysNothing[T any](settings []setting[T], from *T) bool {
	return !slices.ContainsFunc(settings, func(s setting[T]) bool { return !isEmpty(s.into(from)) })
}

func shownValue(c *Config, at string, place any) *yaml.Node {
	switch value := place.(type) {
	case *Graph:
		return shownMapping(c, at, graphSettings(), value)
	case *Identity:
		return shownMapping(c, at, identitySettings(), value)
	case *[]Rewrite:
		return shownList(c, at, rewriteSettings(), *value)
	case *Health:
		return shownMapping(c, at, healthSettings(), value)
	case *Replicas:
		return shownMapping(c, at, replicasSettings(), value)
	case *TLS:
		return shownMapping(c, at, tlsSettings(), value)
	case *GitHubApp:
		return shownMapping(c, at, gitHubAppSettings(), value)
	case *Tracing:
		return shownMapping(c, at, tracingSettings(), value)
	case *Bytes:
		return plain(value.String())
	case *[]Exemption:
		return shownList(c, at, exemptionSettings(), *value)
	case *[]Source:
		return shownList(c, at, sourceSettings(), *value)
	case *map[string][]string:
		lists := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range slices.Sorted(maps.Keys(*value)) {
			list := (*value)[name]
			lists.Content = append(lists.Content, plain(name), shownValue(c, field(at, name), &list))
		}
		return lists
	case *time.Duration:
		return plain(shownDuration(*value))
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

func shownList[T any](c *Config, at string, settings []setting[T], from []T) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range from {
		list.Content = append(list.Content, shownMapping(c, index(at, i), settings, &from[i]))
	}
	return list
}

func plain(value any) *yaml.Node {
	var node yaml.Node
	// Texts, numbers and truth values encode without fail.
	_ = node.Encode(value)
	return &node
}
