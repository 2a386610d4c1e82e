package descriptor

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// metadataFields are those with a meaning; metadata may hold any others.
var metadataFields = []string{
	"name", "namespace", "title", "description", "labels", "annotations", "tags", "links", "uid", "etag",
}

func (d *document) readMetadata(metadata *yaml.Node) {
	view := d.view(metadata, "metadata")
	d.descriptor.Title = view.text("title", true)
	d.descriptor.Description = view.text("description", false)
	view.text("uid", true)
	view.text("etag", true)
	d.descriptor.Labels = d.labels(view)
	d.descriptor.Annotations = d.annotations(view)
	d.descriptor.Tags = d.tags(view)
	d.descriptor.Links = d.links(view)
	d.metadataHints(metadata)
	if annotations := view.get("annotations"); annotations != nil {
		d.readAnnotations(annotations)
	}
}

func (d *document) labels(view view) map[string]string {
	labels := view.get("labels")
	if labels == nil {
		return nil
	}
	if typeOf(labels) != object {
		d.wrongType(labels, "metadata.labels", "a map")
		return nil
	}
	return d.pairs(labels, "metadata.labels", func(value *yaml.Node, path string) {
		if value.Value != "" && !nameFormat.matches(value.Value) {
			d.badFormat(value, path, nameFormat, suggestName(value.Value))
		}
	})
}

// annotations may be empty in any way: Backstage takes null, false, 0 and "" for no annotations.
func (d *document) annotations(view view) map[string]string {
	annotations := view.get("annotations")
	switch {
	case annotations == nil, isFalsy(annotations):
		return nil
	case typeOf(annotations) != object:
		d.wrongType(annotations, "metadata.annotations", "a map")
		return nil
	}
	return d.pairs(annotations, "metadata.annotations", func(*yaml.Node, string) {})
}

// isFalsy says whether JavaScript takes the value for false.
func isFalsy(n *yaml.Node) bool {
	switch typeOf(n) {
	case null:
		return true
	case boolean:
		return strings.EqualFold(n.Value, "false")
	case number:
		v := numberOf(n.Value)
		return v == 0 || v != v
	case str:
		return n.Value == ""
	}
	return false
}

// pairs reads a map of texts whose keys are label or annotation keys.
func (d *document) pairs(m *yaml.Node, path string, check func(value *yaml.Node, path string)) map[string]string {
	out := make(map[string]string, len(m.Content)/2)
	for i := 0; i < len(m.Content); i += 2 {
		key := keyText(m.Content[i])
		at := keyPath(path, key)
		if !keyFormat.matchesPrefixed(key) {
			d.fail(m.Content[i].Line, at, CodeInvalidFormat,
				fmt.Sprintf("the key %s is not %s", quote(key), keyFormat.expected), "rename the key")
		}
		value := d.filled(m.Content[i+1], at)
		switch {
		case value == opaque:
			continue
		case typeOf(value) != str:
			d.wrongType(value, at, "a text")
			continue
		}
		check(value, at)
		out[key] = value.Value
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (d *document) tags(view view) []string {
	var tags []string
	for i, tag := range view.texts("tags") {
		if !tagFormat.matches(tag.Value) {
			suggestion := strings.ReplaceAll(suggestName(strings.ToLower(tag.Value)), "_", "-")
			d.badFormat(tag, itemPath("metadata.tags", i), tagFormat, strings.ReplaceAll(suggestion, ".", "-"))
		}
		tags = append(tags, tag.Value)
	}
	return tags
}

func (d *document) links(view view) []catalog.Link {
	var links []catalog.Link
	for i, item := range view.items("links") {
		path := itemPath("metadata.links", i)
		if item == opaque {
			continue
		}
		if typeOf(item) != object {
			d.wrongType(item, path, "a map with a url")
			continue
		}
		link := d.view(item, path)
		if link.get("url") == nil {
			d.fail(item.Line, path+".url", CodeMissingField, path+".url is missing", "add the URL that the link opens")
		}
		l := catalog.Link{
			URL: link.text("url", true), Title: link.text("title", true), Icon: link.text("icon", true),
			Type: link.text("type", true),
		}
		if url := link.get("url"); url != nil && l.URL != "" && !isURL(l.URL) {
			d.fail(url.Line, path+".url", CodeInvalidFormat, fmt.Sprintf("%s.url is %s, which is no absolute URL", path,
				quote(l.URL)), "write it with its scheme, for example https://example.com/docs")
		}
		for _, name := range []string{"title", "icon"} {
			if value := link.get(name); value != nil && textOf(value) != "" && isBlank(value.Value) {
				d.fail(value.Line, path+"."+name, CodeEmptyValue, path+"."+name+" is blank", "fill it in, or remove the field")
			}
		}
		links = append(links, l)
	}
	return links
}

// metadataHints warns of fields that are misspelt, or that belong below spec.
func (d *document) metadataHints(metadata *yaml.Node) {
	for i := 0; i < len(metadata.Content); i += 2 {
		key := metadata.Content[i]
		name := keyText(key)
		path := "metadata." + name
		if slices.Contains(metadataFields, name) {
			continue
		}
		if near := nearest(name, metadataFields); near != "" {
			if lookup(metadata, near) == nil {
				d.warn(key.Line, path, CodeMisspeltField, fmt.Sprintf("%s has no effect", path), "write "+near)
			}
		} else if isSpecField(name) {
			d.warn(key.Line, path, CodeMisplacedField, fmt.Sprintf("%s has no effect below metadata", name),
				"move it below spec")
		}
	}
}
