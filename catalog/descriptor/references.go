package descriptor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// refer takes one reference of a Backstage field as an edge. One that cannot be read refuses the document.
func (d *document) refer(value *yaml.Node, path string, f *field) {
	if ref := d.parseRef(value, path, f.defaultKind, d.fail); ref != "" {
		d.relate(ref, value.Line, path, f)
	}
}

// parseRef reads a reference in the namespace of the entity. A bare name where the kind must be written is taken for a
// component, with a warning; what cannot be read at all goes to report, and is "".
func (d *document) parseRef(
	value *yaml.Node, path, defaultKind string, report func(line int, field, code, message, fix string),
) catalog.Ref {
	ref, err := catalog.ParseRef(value.Value, defaultKind, d.descriptor.Namespace)
	switch {
	case errors.Is(err, catalog.ErrRefKind):
		ref, err = catalog.ParseRef(value.Value, catalog.KindComponent, d.descriptor.Namespace)
		if err != nil {
			break
		}
		likely := "component:" + value.Value
		d.warn(value.Line, path, CodeBareReference,
			fmt.Sprintf("%s names no kind; it is taken as %s", quote(value.Value), likely),
			"write "+likely+", or resource:"+value.Value+" if it is one; Backstage refuses the whole entity")
		return ref
	case err == nil:
		return ref
	}
	report(value.Line, path, CodeInvalidReference, fmt.Sprintf("%s is no reference to an entity", quote(value.Value)),
		"write [kind:][namespace/]name, for example "+strings.ToLower(catalog.KindComponent)+":payments")
	return ""
}

// relate adds the edge that a field states.
func (d *document) relate(ref catalog.Ref, line int, path string, f *field) {
	if f.relation == catalog.OwnedBy {
		d.descriptor.Owner = ref
	}
	d.checkTargetKind(ref, line, path, f)
	d.addEdge(catalog.EdgeClaim{
		Target: catalog.Subject{Ref: ref}, Type: f.relation, Reverse: f.reverse, Evidence: catalog.Declared, Line: d.at(line),
	}, path)
}

func (d *document) checkTargetKind(ref catalog.Ref, line int, path string, f *field) {
	if f.defaultKind == "" {
		return
	}
	meant := append([]string{f.defaultKind}, f.also...)
	if slices.ContainsFunc(meant, func(kind string) bool { return strings.EqualFold(kind, ref.Kind()) }) {
		return
	}
	d.warn(line, path, CodeUnexpectedKind,
		fmt.Sprintf("%s refers to %s, but is meant for the kind %s", path, quote(string(ref)), strings.Join(meant, " or ")),
		"check the reference")
}

// addEdge keeps an edge once; the first mention counts.
func (d *document) addEdge(edge catalog.EdgeClaim, path string) {
	if edge.Target.Ref == d.ref && d.ref != "" && edge.Type.IsDependency() {
		d.selfDependency(edge.Line, path)
	}
	key := edgeKey{edge.Target.Ref, edge.Type, edge.Reverse}
	if d.known[key] {
		return
	}
	if d.known == nil {
		d.known = map[edgeKey]bool{}
	}
	d.known[key] = true
	d.edges = append(d.edges, edge)
}

// edgeKey tells the edges of one document apart.
type edgeKey struct {
	target  catalog.Ref
	kind    catalog.RelationType
	reverse bool
}

func (d *document) selfDependency(line int32, path string) {
	d.problems = append(d.problems, catalog.Problem{
		Location: d.file.options.Location, Line: line, Field: path, Severity: catalog.Warning,
		Code: CodeSelfDependency, Message: "the entity refers to itself", Fix: "remove the entry, or name what was meant",
	})
}

// looseReferences reads dependencyOf as Backstage does, which has no schema for it: nothing, one reference, or a list;
// each a text or a map of kind, namespace and name.
func (d *document) looseReferences(value *yaml.Node, path string, f *field) {
	switch {
	case value == opaque || isFalsy(value):
	case typeOf(value) == list:
		for i, item := range value.Content {
			if item = d.filled(item, itemPath(path, i)); item != opaque {
				d.looseReference(item, itemPath(path, i), f)
			}
		}
	default:
		d.looseReference(value, path, f)
	}
}

func (d *document) looseReference(value *yaml.Node, path string, f *field) {
	if typeOf(value) == object {
		kind, name := textOf(lookup(value, "kind")), textOf(lookup(value, "name"))
		namespace, ok := d.descriptor.Namespace, true
		if given := lookup(value, "namespace"); given != nil && typeOf(given) != null {
			namespace = textOf(given)
			ok = namespace != ""
		}
		if ok && kind != "" && name != "" {
			d.relate(catalog.NewRef(kind, namespace, name), value.Line, path, f)
			return
		}
	}
	if typeOf(value) != str {
		d.wrongType(value, path, "a reference such as component:payments")
		return
	}
	d.refer(value, path, f)
}
