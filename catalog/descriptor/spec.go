package descriptor

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// readSpec checks spec by the table of the kind and takes what it says.
func (d *document) readSpec(root *yaml.Node, k *kind) {
	key, raw := lookupEntry(root, "spec")
	if key == nil {
		if !k.noSpec {
			d.fail(root.Line, "spec", CodeMissingField, "spec is missing",
				"add spec with "+strings.Join(requiredFields(k), ", "))
		}
		return
	}
	m := d.filled(raw, "spec")
	if m == opaque {
		return
	}
	if typeOf(m) != object {
		d.wrongType(m, "spec", "a map")
		return
	}
	spec := d.view(m, "spec")
	for i := range k.fields {
		f := &k.fields[i]
		if lookup(m, f.name) == nil {
			if f.required && !d.excused(spec, f) {
				d.missing(m, f)
			}
			continue
		}
		d.readField(spec, f, k)
	}
	if k.field("lifecycle") == nil {
		d.descriptor.Lifecycle = textOf(lookup(m, "lifecycle"))
	}
	d.specHints(m, k)
	d.settleEdges()
}

func requiredFields(k *kind) []string {
	var names []string
	for _, f := range k.fields {
		if f.required {
			names = append(names, f.name)
		}
	}
	return names
}

// excused says whether a required field may be absent all the same: the API of an MCP server has remotes instead of a
// definition.
func (d *document) excused(spec view, f *field) bool {
	return f.shape == bulk && textOf(spec.get("type")) == "mcp-server" && lookup(spec.m, "remotes") != nil
}

func (d *document) missing(m *yaml.Node, f *field) {
	path := "spec." + f.name
	fix := "add it, for example " + f.name + ": "
	switch {
	case f.name == "owner":
		fix += "group:my-team"
	case f.shape == references:
		fix += "[]"
	case f.shape == dependencyList:
		fix += "[{ref: component:storefront}]"
	case f.name == "lifecycle":
		fix += "production"
	case f.name == "definition":
		fix = "add it, for example definition: {$text: ./openapi.yaml}"
	default:
		fix += "service"
	}
	if key := misspelling(m, f.name); key != nil {
		fix = fmt.Sprintf("rename %s in line %d to %s", keyText(key), d.at(key.Line), f.name)
	}
	d.fail(m.Line, path, CodeMissingField, path+" is missing", fix)
}

func (d *document) readField(spec view, f *field, k *kind) {
	path := "spec." + f.name
	switch f.shape {
	case text1:
		value := spec.text(f.name, true)
		switch {
		case k.name == catalog.KindLocation:
			d.readLocation(spec, f, value)
		case f.name == "type":
			d.descriptor.Type = value
		case f.name == "lifecycle":
			d.descriptor.Lifecycle = value
		}
	case bulk:
		value := resolve(lookup(spec.m, f.name))
		if d.placeholders != nil && d.placeholders.found[value] {
			if typeOf(resolve(value.Content[1])) != str {
				d.filled(value, path) // says so
			}
			return
		}
		spec.text(f.name, true)
	case reference:
		if value := spec.text(f.name, true); value != "" {
			d.refer(spec.get(f.name), path, f)
		}
	case references:
		for i, item := range spec.texts(f.name) {
			d.refer(item, itemPath(path, i), f)
		}
	case looseRefs:
		d.looseReferences(spec.get(f.name), path, f)
	case profile:
		d.readProfile(spec, f.name)
	case texts, presence:
		d.readLocation(spec, f, "")
	case remotes:
		d.checkRemotes(spec, f.name)
	case dependencyList:
		if f.required && !d.isList(spec, f.name) {
			return
		}
		d.dependencyList(spec, f.name)
	case objective:
		d.objective(spec.get(f.name), path)
	case capacity:
		d.capacity(spec.get(f.name), path)
	}
}

// isList refuses the document where a list of our own kinds is none, or empty.
func (d *document) isList(spec view, name string) bool {
	value := spec.get(name)
	path := spec.path + "." + name
	switch {
	case value == opaque:
		return false
	case typeOf(value) != list:
		d.wrongType(value, path, "a list")
		return false
	case len(value.Content) == 0:
		d.fail(value.Line, path, CodeEmptyValue, path+" is empty", "add at least one entry, for example {ref: component:storefront}")
		return false
	}
	return true
}

func (d *document) readProfile(spec view, name string) {
	value := spec.get(name)
	if value == opaque {
		return
	}
	path := spec.path + "." + name
	if typeOf(value) != object {
		d.wrongType(value, path, "a map")
		return
	}
	view := d.view(value, path)
	p := catalog.Profile{
		DisplayName: view.text("displayName", true), Email: view.text("email", true), Picture: view.text("picture", true),
	}
	if p != (catalog.Profile{}) {
		d.descriptor.Profile = &p
	}
}

// checkRemotes counts only on the API of an MCP server; elsewhere remotes are a field like any other.
func (d *document) checkRemotes(spec view, name string) {
	if textOf(spec.get("type")) != "mcp-server" || lookup(spec.m, "definition") != nil {
		return
	}
	path := spec.path + "." + name
	items := spec.items(name)
	if value := spec.get(name); typeOf(value) == list && len(items) == 0 {
		d.fail(value.Line, path, CodeEmptyValue, path+" is empty", "add the type and url of at least one")
	}
	for i, item := range items {
		at := itemPath(path, i)
		if item == opaque {
			continue
		}
		if typeOf(item) != object {
			d.wrongType(item, at, "a map with type and url")
			continue
		}
		remote := d.view(item, at)
		for _, key := range []string{"type", "url"} {
			if remote.get(key) == nil {
				d.fail(item.Line, at+"."+key, CodeMissingField, at+"."+key+" is missing", "add it")
			}
			remote.text(key, true)
		}
	}
}

// readLocation takes one field of a Location.
func (d *document) readLocation(spec view, f *field, value string) {
	if d.location == nil {
		d.location = new(LocationSpec)
	}
	path := "spec." + f.name
	switch f.name {
	case "type":
		d.location.Type = value
		if value != "" && value != "url" && value != "file" {
			d.warn(spec.get("type").Line, path, CodeLocationType,
				fmt.Sprintf("a location of type %s is not followed", quote(value)), "use url or file, or configure a source for it")
		}
	case "target":
		if value != "" {
			d.target(spec.get("target"), path)
		}
	case "targets":
		for i, item := range spec.texts("targets") {
			d.target(item, itemPath(path, i))
		}
	case "presence":
		switch value := spec.get("presence"); {
		case value == opaque:
		case typeOf(value) != str:
			d.wrongType(value, path, "a text")
		case value.Value != "required" && value.Value != "optional":
			d.fail(value.Line, path, CodeInvalidFormat, fmt.Sprintf("%s is %s, but must be required or optional", path,
				quote(value.Value)), "write required or optional")
		default:
			d.location.Optional = value.Value == "optional"
		}
	}
}

func (d *document) target(value *yaml.Node, path string) {
	if d.location.Type == "file" && strings.HasSuffix(value.Value, "/") {
		d.fail(value.Line, path, CodeInvalidFormat, fmt.Sprintf("%s is the folder %s, not a file", path, quote(value.Value)),
			"name a file, or write "+value.Value+"*.yaml")
	}
	d.location.Targets = append(d.location.Targets, Target{value.Value, d.at(value.Line), path})
}
