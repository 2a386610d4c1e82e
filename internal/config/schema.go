package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema is the JSON Schema of the configuration file, for editors.
func Schema() *jsonschema.Schema {
	schema := schemaOf(rootSettings())
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	schema.Title = "Orrery configuration"
	return schema
}

func schemaOf[T any](settings []setting[T]) *jsonschema.Schema {
	schema := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	var zero T
	for _, s := range settings {
		property := schemaOfValue(s.into(&zero), s.choices)
		property.Description = s.help
		if s.fallback != nil && s.fallbacks == nil {
			property.Default = defaultOf(s.fallback)
		}
		schema.Properties[s.name] = property
		schema.PropertyOrder = append(schema.PropertyOrder, s.name)
		if s.required && s.only == nil {
			schema.Required = append(schema.Required, s.name)
		}
		if s.selects {
			for _, choice := range s.choices {
				schema.AllOf = append(schema.AllOf, schemaBeside(settings, s, choice))
			}
		}
	}
	return schema
}

// schemaBeside says which settings must and must not be there where the one that selects has the value.
func schemaBeside[T any](settings []setting[T], selects setting[T], value string) *jsonschema.Schema {
	var is any = value
	chosen := &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{selects.name: {Const: &is}}}
	if selects.fallback != is { // which holds where nothing is chosen, too
		chosen.Required = []string{selects.name}
	}
	rules := &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{}}
	for _, s := range settings {
		switch {
		case !s.holds(value):
			rules.Properties[s.name] = &jsonschema.Schema{Not: &jsonschema.Schema{}}
		case s.needed(value) && s.only != nil:
			rules.Required = append(rules.Required, s.name)
		case s.fallbacks != nil && s.otherwise(value) != nil:
			rules.Properties[s.name] = &jsonschema.Schema{Default: defaultOf(s.otherwise(value))}
		}
	}
	return &jsonschema.Schema{If: chosen, Then: rules}
}

func defaultOf(fallback any) json.RawMessage {
	data, _ := json.Marshal(written(fallback)) // texts, numbers and truth values encode without fail
	return data
}

func schemaOfValue(place any, choices []string) *jsonschema.Schema {
	minItems := 1
	switch place.(type) {
	case *Graph:
		return schemaOf(graphSettings())
	case *Identity:
		return schemaOf(identitySettings())
	case *[]Rewrite:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(rewriteSettings())}
	case *Health:
		return schemaOf(healthSettings())
	case *Replicas:
		return schemaOf(replicasSettings())
	case *TLS:
		return schemaOf(tlsSettings())
	case *GitHubApp:
		return schemaOf(gitHubAppSettings())
	case *Tracing:
		return schemaOf(tracingSettings())
	case *[]Exemption:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(exemptionSettings())}
	case *[]Source:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(sourceSettings())}
	case *[]string:
		return &jsonschema.Schema{Type: "array", Items: schemaOfText(choices), MinItems: &minItems}
	case *map[string][]string:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{
			Type: "array", Items: &jsonschema.Schema{Type: "string"},
		}}
	case *time.Duration:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: durationPattern}, expandable()}}
	case *Bytes:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: bytesPattern}, expandable()}}
	case *float64:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "number"}, expandable()}}
	case *int:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "integer"}, expandable()}}
	case *bool:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "boolean"}, expandable()}}
	}
	return schemaOfText(choices)
}

func schemaOfText(choices []string) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string"}
	if choices == nil {
		return text
	}
	for _, choice := range choices {
		text.Enum = append(text.Enum, choice)
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, expandable()}}
}

// expandable is text that becomes the value only when the environment is known.
func expandable() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: `\$\{`}
}

// shownChoices is up to how many choices are told in a reference; the help of a setting with more says where they are.
const shownChoices = 10

// Reference describes every setting for people, as plain text.
func Reference() string {
	var b strings.Builder
	describe(&b, "", rootSettings())
	return b.String()
}

func describe[T any](b *strings.Builder, at string, settings []setting[T]) {
	var zero T
	for _, s := range settings {
		fmt.Fprintf(b, "%s\n    %s", field(at, s.name), s.help)
		if s.only != nil {
			fmt.Fprintf(b, " Only for: %s.", strings.Join(s.only, ", "))
		}
		if s.choices != nil && len(s.choices) <= shownChoices {
			fmt.Fprintf(b, " One of: %s.", strings.Join(s.choices, ", "))
		}
		switch {
		case s.required && s.optional != nil:
			fmt.Fprintf(b, " Required, but for: %s.", strings.Join(s.optional, ", "))
		case s.required:
			b.WriteString(" Required.")
		case s.fallback != nil:
			fmt.Fprintf(b, " Default: %v", written(s.fallback))
			for _, value := range slices.Sorted(maps.Keys(s.fallbacks)) {
				fmt.Fprintf(b, ", or %v for %s", written(s.fallbacks[value]), value)
			}
			b.WriteString(".")
		case s.fallbacks != nil:
			for _, value := range slices.Sorted(maps.Keys(s.fallbacks)) {
				fmt.Fprintf(b, " Default for %s: %v.", value, written(s.fallbacks[value]))
			}
		}
		b.WriteString("\n")
		switch s.into(&zero).(type) {
		case *Graph:
			describe(b, s.name, graphSettings())
		case *Identity:
			describe(b, s.name, identitySettings())
		case *[]Rewrite:
			describe(b, field(at, s.name)+"[]", rewriteSettings())
		case *Health:
			describe(b, s.name, healthSettings())
		case *Replicas:
			describe(b, field(at, s.name), replicasSettings())
		case *TLS:
			describe(b, field(at, s.name), tlsSettings())
		case *GitHubApp:
			describe(b, field(at, s.name), gitHubAppSettings())
		case *Tracing:
			describe(b, s.name, tracingSettings())
		case *[]Exemption:
			describe(b, field(at, s.name)+"[]", exemptionSettings())
		case *[]Source:
			describe(b, s.name+"[]", sourceSettings())
		}
	}
}

// written is a default as the file would say it.
func written(value any) any {
	if d, ok := value.(time.Duration); ok {
		return shownDuration(d)
	}
	if b, ok := value.(Bytes); ok {
		return b.String()
	}
	return value
}
