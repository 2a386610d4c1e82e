package descriptor

import (
	"bytes"
	"encoding/json"

	"github.com/orrery-catalog/orrery/catalog"
)

// SchemaID is the identifier of the published JSON Schema.
const SchemaID = "https://orrery.dev/schema/catalog-info.json"

// Schema is the JSON Schema (draft 2020-12) of one catalog document, for editors and checks before a commit. It is made
// from the tables that Parse goes by. It refuses what Parse refuses, as far as a schema can tell (references are texts to
// it, placeholders stand for anything), and the wrong values of Orrery's own fields, of which Parse only warns.
func Schema() []byte {
	kindSchemas := schema{}
	var branches []schema
	for i := range kinds {
		k := &kinds[i]
		kindSchemas[k.name] = kindSchema(k)
		branches = append(branches, schema{
			"if":   schema{"properties": schema{"kind": schema{"const": k.name}}, "required": []string{"kind"}},
			"then": schema{"$ref": "#/$defs/" + k.name},
		})
	}
	kindSchemas["placeholder"] = schema{
		"description": "Stands for the content of another file.", "type": "object", "minProperties": 1, "maxProperties": 1,
		"patternProperties":    schema{`^\$(text|json|yaml|openapi|asyncapi)$`: schema{"type": "string"}},
		"additionalProperties": false,
	}
	kindSchemas["dependency"] = dependencySchema()
	kindSchemas["metadata"] = metadataSchema()
	whole := schema{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         SchemaID,
		"title":       "A catalog entity",
		"description": "One document of a catalog-info file, as Backstage and Orrery read it.",
		"type":        "object",
		"required":    []string{"apiVersion", "kind", "metadata"},
		"properties": schema{
			"apiVersion": formatSchema(versionFormat, "The group and version of the kind."),
			"kind":       formatSchema(kindFormat, "What the entity is. Other kinds than the built-in ones are kept as they are."),
			"metadata":   schema{"$ref": "#/$defs/metadata"},
			"spec":       schema{"type": "object"},
		},
		"additionalProperties": false,
		"allOf":                branches,
		"$defs":                kindSchemas,
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(whole); err != nil {
		return nil // maps of texts and numbers always encode
	}
	return out.Bytes()
}

// schema is a piece of JSON Schema; its keys come out sorted.
type schema map[string]any

func kindSchema(k *kind) schema {
	properties := schema{}
	required := []string{}
	for _, f := range k.fields {
		properties[f.name] = fieldSchema(&f)
		if f.required && f.shape != bulk {
			required = append(required, f.name)
		}
	}
	spec := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		spec["required"] = required
	}
	if k.field("definition") != nil {
		spec["if"] = schema{
			"properties": schema{"type": schema{"const": "mcp-server"}}, "required": []string{"type"},
			"not": schema{"required": []string{"definition"}},
		}
		spec["then"] = schema{"required": []string{"remotes"}, "properties": schema{"remotes": remotesSchema()}}
		spec["else"] = schema{"required": []string{"definition"}}
	}
	return schema{
		"description": k.about,
		"required":    []string{"spec"},
		"properties": schema{
			"apiVersion": schema{"enum": k.versions},
			"spec":       orPlaceholder(spec),
		},
	}
}

func fieldSchema(f *field) schema {
	var s schema
	text := schema{"type": "string", "minLength": 1}
	switch f.shape {
	case text1, bulk, reference:
		s = orPlaceholder(text)
	case references, texts:
		s = orPlaceholder(schema{"type": "array", "items": orPlaceholder(text)})
	case looseRefs, remotes:
		s = schema{}
	case profile:
		s = orPlaceholder(schema{"type": "object", "properties": schema{
			"displayName": orPlaceholder(text), "email": orPlaceholder(text), "picture": orPlaceholder(text),
		}})
	case presence:
		s = schema{"enum": []string{"required", "optional"}}
	case dependencyList:
		s = schema{"type": "array", "items": schema{"$ref": "#/$defs/dependency"}}
		if f.required {
			s["minItems"] = 1
		}
	case objective:
		s = schema{
			"type": "object", "required": []string{"availability"}, "additionalProperties": false,
			"properties": schema{
				"availability": schema{"type": "number", "exclusiveMinimum": 0, "maximum": 100, "description": "Percent."},
				"window":       durationSchema("The time over which it counts, such as 30d."),
			},
		}
	case capacity:
		s = schema{
			"type": "object", "required": []string{"requestsPerSecond"}, "additionalProperties": false,
			"properties": schema{"requestsPerSecond": positiveSchema("Requests a second at most.")},
		}
	}
	s["description"] = f.about
	return s
}

// orPlaceholder lets a placeholder stand in for the value.
func orPlaceholder(s schema) schema {
	return schema{"anyOf": []any{s, schema{"$ref": "#/$defs/placeholder"}}}
}

func remotesSchema() schema {
	text := schema{"type": "string", "minLength": 1}
	return schema{"type": "array", "minItems": 1, "items": schema{
		"type": "object", "required": []string{"type", "url"}, "properties": schema{"type": text, "url": text},
	}}
}

func dependencySchema() schema {
	properties := schema{"ref": schema{"type": "string", "minLength": 1, "description": "The entity, such as component:pricing."}}
	for _, f := range entryFields {
		var s schema
		switch f.name {
		case "strength":
			s = schema{"type": "string", "pattern": "^([Hh][Aa][Rr][Dd]|[Ss][Oo][Ff][Tt]|[Aa][Ss][Yy][Nn][Cc])$"}
		case "role":
			s = schema{"type": "string", "pattern": "^([Pp][Uu][Bb][Ll][Ii][Ss][Hh]|[Cc][Oo][Nn][Ss][Uu][Mm][Ee])$"}
		case "callsPerRequest":
			s = positiveSchema("")
		case "timeout":
			s = durationSchema("")
		case "anyOf":
			s = schema{"type": "string", "minLength": 1}
		default:
			s = schema{"type": "string"}
		}
		s["description"] = f.about
		properties[f.name] = s
	}
	return schema{"anyOf": []any{
		schema{"type": "string", "minLength": 1},
		schema{"type": "object", "required": []string{"ref"}, "properties": properties, "additionalProperties": false},
	}}
}

func positiveSchema(about string) schema {
	return schema{"type": "number", "exclusiveMinimum": 0, "maximum": maxNumber, "description": about}
}

func durationSchema(about string) schema {
	return schema{
		"type":        "string",
		"pattern":     `^(\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+|[0-9]+[dw]|P[0-9.YMWDTHS]+)$`,
		"description": about,
	}
}

func formatSchema(f *format, about string) schema {
	return schema{"type": "string", "minLength": 1, "maxLength": f.most, "pattern": f.pattern, "description": about}
}

func metadataSchema() schema {
	text := schema{"type": "string", "minLength": 1}
	pairs := func(about string, value schema) schema {
		return orPlaceholder(schema{
			"type": "object", "description": about, "propertyNames": schema{"maxLength": keyFormat.most, "pattern": keyFormat.pattern},
			"additionalProperties": orPlaceholder(value),
		})
	}
	annotations := pairs("Facts for tools, such as github.com/project-slug.", schema{"type": "string"})
	own := schema{
		catalog.AnnotationTier: schema{"type": "string", "pattern": "^ *[1-4] *$", "description": "1 is most critical, 4 least."},
	}
	return schema{
		"type": "object", "required": []string{"name"},
		"properties": schema{
			"name":        formatSchema(nameFormat, "The name, once for each kind and namespace."),
			"namespace":   formatSchema(namespaceFormat, "The namespace; default without it."),
			"title":       describedAs(orPlaceholder(text), "The name for people."),
			"description": describedAs(orPlaceholder(schema{"type": "string"}), "What it is, in a line or two."),
			"uid":         text,
			"etag":        text,
			"labels": pairs("Words to find it by.", schema{"anyOf": []any{
				schema{"const": ""}, schema{"type": "string", "maxLength": nameFormat.most, "pattern": nameFormat.pattern},
			}}),
			"annotations": schema{"anyOf": []any{
				schema{"allOf": []any{annotations, schema{"properties": own}}}, schema{"enum": []any{nil, false, 0, ""}},
			}},
			"tags": orPlaceholder(schema{"type": "array", "items": orPlaceholder(formatSchema(tagFormat, ""))}),
			"links": orPlaceholder(schema{"type": "array", "items": orPlaceholder(schema{
				"type": "object", "required": []string{"url"},
				"properties": schema{
					"url":   orPlaceholder(schema{"type": "string", "pattern": `^\s*[A-Za-z][A-Za-z0-9+.\-]*:`}),
					"title": orPlaceholder(schema{"type": "string", "pattern": `\S`}), "icon": orPlaceholder(schema{
						"type":    "string",
						"pattern": `\S`,
					}), "type": orPlaceholder(text),
				},
			})}),
		},
	}
}

func describedAs(s schema, about string) schema {
	s["description"] = about
	return s
}
