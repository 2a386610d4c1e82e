package descriptor

import (
	"iter"

	"go.yaml.in/yaml/v3"
)

// view reads the fields of one map by name, placeholders filled in.
type view struct {
	d    *document
	m    *yaml.Node
	path string
}

func (d *document) view(m *yaml.Node, path string) view { return view{d: d, m: m, path: path} }

// get is the value of a field, nil where it is absent, [opaque] where it cannot be looked into.
func (v view) get(name string) *yaml.Node {
	value := lookup(v.m, name)
	if value == nil {
		return nil
	}
	return v.d.filled(value, v.path+"."+name)
}

// text reads an optional text; "" where it is absent or wrong.
func (v view) text(name string, notEmpty bool) string {
	value := v.get(name)
	path := v.path + "." + name
	switch {
	case value == nil, value == opaque:
		return ""
	case typeOf(value) != str:
		v.d.wrongType(value, path, "a text")
		return ""
	case value.Value == "" && notEmpty:
		v.d.fail(value.Line, path, CodeEmptyValue, path+" is empty", "fill it in, or remove the field")
	}
	return value.Value
}

// items reads an optional list, placeholders in it filled in.
func (v view) items(name string) []*yaml.Node {
	value := v.get(name)
	path := v.path + "." + name
	if value == nil || value == opaque {
		return nil
	}
	if typeOf(value) != list {
		v.d.wrongType(value, path, "a list")
		return nil
	}
	items := make([]*yaml.Node, len(value.Content))
	for i, item := range value.Content {
		items[i] = v.d.filled(item, itemPath(path, i))
	}
	return items
}

// texts reads an optional list of texts that are not empty; it yields those that are in order, by their positions.
func (v view) texts(name string) iter.Seq2[int, *yaml.Node] {
	return func(yield func(int, *yaml.Node) bool) {
		for i, item := range v.items(name) {
			path := itemPath(v.path+"."+name, i)
			switch {
			case item == opaque:
			case typeOf(item) != str:
				v.d.wrongType(item, path, "a text")
			case item.Value == "":
				v.d.fail(item.Line, path, CodeEmptyValue, path+" is empty", "fill it in, or remove the entry")
			case !yield(i, item):
				return
			}
		}
	}
}
