package descriptor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// document is one entity under reading: what it says so far, and what is wrong with it.
type document struct {
	file *file
	line int // of the file, on which the document starts

	ref        catalog.Ref
	descriptor catalog.Descriptor
	aliases    []catalog.AliasClaim
	stated     map[catalog.Alias]bool // those in aliases
	kubernetes kubernetes
	edges      []catalog.EdgeClaim
	known      map[edgeKey]bool      // those in edges
	detailed   []catalog.EdgeClaim   // entries of dependencies and steps, before they are joined with edges
	entries    map[catalog.Ref][]int // their places in detailed, by target
	location   *LocationSpec

	placeholders *placeholders // nil where there are none

	refused  bool
	problems []catalog.Problem
}

// at turns a line of the document into one of the file.
func (d *document) at(line int) int32 {
	if line == 0 {
		return 0
	}
	return int32(d.line + line - 1)
}

// fail notes a problem that refuses the document.
func (d *document) fail(line int, field, code, message, fix string) {
	d.refused = true
	d.note(catalog.Error, line, field, code, message, fix)
}

// warn notes a problem that does not.
func (d *document) warn(line int, field, code, message, fix string) {
	d.note(catalog.Warning, line, field, code, message, fix)
}

func (d *document) note(severity catalog.Severity, line int, field, code, message, fix string) {
	// The field is shown with its whole path beside the message, which needs no more than its end.
	if _, end, ok := strings.Cut(field, "."); ok && strings.HasPrefix(message, field) {
		message = end + message[len(field):]
	}
	d.problems = append(d.problems, catalog.Problem{
		Location: d.file.options.Location, Line: d.at(line), Field: field, Severity: severity, Code: code,
		Message: message, Fix: fix,
	})
}

func sortProblems(problems []catalog.Problem) {
	slices.SortFunc(problems, catalog.CompareProblems)
}

// read judges a map that is meant as an entity.
func (d *document) read(root *yaml.Node) {
	apiVersion := d.envelopeText(root, root, "apiVersion", "backstage.io/v1alpha1")
	kindName := d.envelopeText(root, root, "kind", "Component")
	known := apiVersion != nil && kindName != nil
	if apiVersion != nil && !versionFormat.matchesPrefixed(apiVersion.Value) {
		d.badFormat(apiVersion, "apiVersion", versionFormat, "backstage.io/v1alpha1")
		known = false
	}
	if kindName != nil && !kindFormat.matches(kindName.Value) {
		d.badFormat(kindName, "kind", kindFormat, "Component")
		known = false
	}
	metadata := d.metadataMap(root)
	var name *yaml.Node
	if metadata != nil {
		name = d.envelopeText(root, metadata, "metadata.name", "my-service")
		if name != nil && !nameFormat.matches(name.Value) {
			d.badFormat(name, "metadata.name", nameFormat, suggestName(name.Value))
		}
	}
	namespace := d.namespace(metadata)
	d.tellRef(kindName, namespace, name)
	d.foreignFields(root)
	if metadata != nil {
		d.readMetadata(metadata)
	}
	if !known {
		return
	}
	kind := d.kind(apiVersion, kindName)
	if kind == nil {
		return
	}
	d.descriptor.Kind, d.descriptor.Namespace = kindName.Value, namespace
	if name != nil {
		d.descriptor.Name = name.Value
	}
	d.readSpec(root, kind)
}

// envelopeText reads a text that every entity has; path is its place, of which the last part is the key in m.
func (d *document) envelopeText(root, m *yaml.Node, path, example string) *yaml.Node {
	name := path[strings.LastIndexByte(path, '.')+1:]
	value := lookup(m, name)
	line := m.Line
	if m == root {
		line = root.Line
	}
	switch {
	case value == nil:
		d.fail(line, path, CodeMissingField, path+" is missing", "add it, for example "+name+": "+example)
	case typeOf(value) != str:
		d.wrongType(value, path, "a text")
		value = nil
	case value.Value == "":
		d.fail(value.Line, path, CodeEmptyValue, path+" is empty", "fill it in, for example "+name+": "+example)
		value = nil
	}
	return value
}

func (d *document) metadataMap(root *yaml.Node) *yaml.Node {
	key, metadata := lookupEntry(root, "metadata")
	switch {
	case key == nil:
		d.fail(root.Line, "metadata", CodeMissingField, "metadata is missing", "add metadata with a name")
		return nil
	case typeOf(metadata) != object:
		d.wrongType(metadata, "metadata", "a map")
		return nil
	}
	return metadata
}

func (d *document) namespace(metadata *yaml.Node) string {
	if metadata == nil {
		return catalog.DefaultNamespace
	}
	value := lookup(metadata, "namespace")
	switch {
	case value == nil:
		return catalog.DefaultNamespace
	case typeOf(value) != str:
		d.wrongType(value, "metadata.namespace", "a text")
		return ""
	case value.Value == "":
		d.fail(value.Line, "metadata.namespace", CodeEmptyValue, "metadata.namespace is empty",
			"leave it out for the namespace default")
		return ""
	case !namespaceFormat.matches(value.Value):
		d.badFormat(value, "metadata.namespace", namespaceFormat, strings.ToLower(suggestName(value.Value)))
		return ""
	}
	return value.Value
}

// tellRef names the entity where all three parts of its Ref are in order, whatever else is wrong.
func (d *document) tellRef(kind *yaml.Node, namespace string, name *yaml.Node) {
	if kind == nil || name == nil || namespace == "" {
		return
	}
	if kindFormat.matches(kind.Value) && nameFormat.matches(name.Value) {
		d.ref = catalog.NewRef(kind.Value, namespace, name.Value)
		d.descriptor.Ref = d.ref
	}
}

// rootFields are all that an entity may have at its root.
var rootFields = []string{"apiVersion", "kind", "metadata", "spec"}

func (d *document) foreignFields(root *yaml.Node) {
	for i := 0; i < len(root.Content); i += 2 {
		name := keyText(root.Content[i])
		if slices.Contains(rootFields, name) {
			continue
		}
		fix := "remove it, or move it below spec"
		if near := nearest(name, rootFields); near != "" {
			fix = "write " + near
		} else if slices.Contains(metadataFields, name) {
			fix = "move it below metadata"
		}
		d.fail(root.Content[i].Line, name, CodeUnknownField, fmt.Sprintf("an entity has no field %q at its root", name), fix)
	}
}

func (d *document) wrongType(value *yaml.Node, path, want string) {
	fix := "write " + want
	switch t := typeOf(value); {
	case want == "a text" && (t == number || t == boolean):
		fix = "put it in quotes: " + strconv.Quote(value.Value)
	case t == null:
		fix = "fill it in, or remove the field"
	case want == "a list" && t == str:
		fix = "write [" + value.Value + "]"
	}
	d.fail(value.Line, path, CodeWrongType, fmt.Sprintf("%s must be %s, not %s", path, want, describe(value)), fix)
}

func (d *document) badFormat(value *yaml.Node, path string, format *format, example string) {
	fix := "write for example " + example
	if example == "" {
		fix = "use only these characters"
	}
	d.fail(value.Line, path, CodeInvalidFormat,
		fmt.Sprintf("%s is %s, but must be %s", path, quote(value.Value), format.expected), fix)
}

// suggestName turns a text into the nearest name; "" where nothing is left of it.
func suggestName(s string) string {
	mapped := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '-'
	}, s)
	for strings.Contains(mapped, "--") {
		mapped = strings.ReplaceAll(mapped, "--", "-")
	}
	if len(mapped) > 63 {
		mapped = mapped[:63]
	}
	return strings.Trim(mapped, "-_.")
}

// textOf is a text, or "" for anything else.
func textOf(n *yaml.Node) string {
	if n == nil || typeOf(n) != str {
		return ""
	}
	return n.Value
}

// keyPath is the path of an entry of a map whose keys may hold dots.
func keyPath(path, key string) string { return path + "[" + strconv.Quote(key) + "]" }

// itemPath is the path of an entry of a list.
func itemPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
