package config

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

type decoder struct {
	file, dir string
	lookup    Lookup
	shown     map[string]string // masked text by field, where it differs from the value
	lines     map[string]int    // of the value, by field
	errs      Errors
}

// written is the value of a field as it may be shown.
func (d *decoder) written(at, value string) string {
	if masked, ok := d.shown[at]; ok {
		value = masked
	}
	return quoted(value)
}

// decodeMapping fills into from a mapping, by the table. at is the field of the mapping, "" for the root.
func decodeMapping[T any](d *decoder, node *yaml.Node, at string, settings []setting[T], into *T) {
	node = target(node)
	if node.Kind != yaml.MappingNode {
		d.fail(node.Line, at, "must hold settings, one `name: value` a line", "known: "+known(settings))
		return
	}
	values, ok := keyed(d, node, at, known(settings))
	if !ok {
		return
	}
	selectsFirst := func(a, b setting[T]) int { return rank(a.selects) - rank(b.selects) }
	for _, s := range slices.SortedStableFunc(slices.Values(settings), selectsFirst) {
		before := len(d.errs)
		value, given := values[s.name]
		switch {
		case !s.holds(selected(settings, into)):
			if given {
				d.fail(value.Line, field(at, s.name), "is not for "+quoted(selected(settings, into)),
					"it is for "+strings.Join(s.only, ", ")+": change "+selecting(settings)+", or remove it")
			}
		case given:
			decodeValue(d, value, field(at, s.name), s, into)
		case s.needed(selected(settings, into)):
			d.fail(node.Line, at, fmt.Sprintf("the setting %s is missing", s.name), s.help)
		default:
			s.fallback = s.otherwise(selected(settings, into))
			decodeDefault(d, node, field(at, s.name), s, into)
		}
		if s.selects && len(d.errs) > before {
			return
		}
	}
	for i := 0; i < len(node.Content); i += 2 {
		key := node.Content[i]
		if !slices.ContainsFunc(settings, func(s setting[T]) bool { return s.name == key.Value }) {
			d.fail(key.Line, field(at, key.Value), "unknown setting", nearest(key.Value, names(settings, selected(settings, into))))
		}
	}
}

// known lists the keys of a mapping for messages.
func known[T any](settings []setting[T]) string {
	list := make([]string, len(settings))
	for i, s := range settings {
		list[i] = s.name
	}
	return strings.Join(list, ", ")
}

// keyed maps the keys of a mapping to their values. It refuses keys that are no plain text or come twice.
func keyed(d *decoder, node *yaml.Node, at, known string) (map[string]*yaml.Node, bool) {
	values, lines := map[string]*yaml.Node{}, map[string]int{}
	ok := true
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			d.fail(key.Line, at, "a setting must have a plain name", "known: "+known)
			return nil, false
		}
		if first, twice := lines[key.Value]; twice {
			d.fail(key.Line, field(at, key.Value), fmt.Sprintf("given twice (first in line %d)", first), "remove one")
			ok = false
			continue
		}
		lines[key.Value], values[key.Value] = key.Line, value
	}
	return values, ok
}

func decodeValue[T any](d *decoder, node *yaml.Node, at string, s setting[T], into *T) {
	d.lines[at] = node.Line
	if s.secret {
		d.shown[at] = maskedSecret
	}
	node = target(node)
	if isNull(node) {
		d.fail(node.Line, at, "has no value", "give it one or remove the line")
		return
	}
	switch place := s.into(into).(type) {
	case *Graph:
		decodeMapping(d, node, at, graphSettings(), place)
	case *Identity:
		decodeMapping(d, node, at, identitySettings(), place)
	case *[]Rewrite:
		decodeList(d, node, at, rewriteSettings(), place)
	case *Health:
		decodeMapping(d, node, at, healthSettings(), place)
	case *Replicas:
		decodeMapping(d, node, at, replicasSettings(), place)
	case *TLS:
		decodeMapping(d, node, at, tlsSettings(), place)
	case *GitHubApp:
		decodeMapping(d, node, at, gitHubAppSettings(), place)
	case *Tracing:
		decodeMapping(d, node, at, tracingSettings(), place)
	case *[]Exemption:
		decodeList(d, node, at, exemptionSettings(), place)
	case *[]Source:
		decodeList(d, node, at, sourceSettings(), place)
	case *map[string][]string:
		d.lists(node, at, place)
	case *time.Duration:
		if text, ok := d.text(node, at); ok {
			*place = d.duration(node, at, text, s.least, s.most)
		}
	case *Bytes:
		if text, ok := d.text(node, at); ok {
			*place = d.bytes(node, at, text, s.leastBytes, s.mostBytes)
		}
	case *float64:
		if text, ok := d.number(node, at); ok {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(n) {
				d.fail(node.Line, at, "must be a number, not "+quoted(node.Value), "")
			}
			*place = n
		}
	case *string:
		if text, ok := d.text(node, at); ok {
			*place = finish(d, node, at, s, text)
		}
	case *[]string:
		items := d.items(node, at)
		if len(items) == 0 && node.Kind == yaml.SequenceNode {
			d.fail(node.Line, at, "is empty", "name at least one")
		}
		for i, item := range items {
			if text, ok := d.text(target(item), index(at, i)); ok {
				*place = append(*place, finish(d, item, index(at, i), s, text))
			}
		}
	case *int:
		if text, ok := d.scalar(node, at, "!!int", "a whole number"); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				d.fail(node.Line, at, "must be a whole number, not "+quoted(node.Value), "")
			}
			*place = n
		}
	case *bool:
		if text, ok := d.scalar(node, at, "!!bool", "true or false"); ok {
			switch strings.ToLower(text) {
			case "true":
				*place = true
			case "false":
				*place = false
			default:
				d.fail(node.Line, at, "must be true or false, not "+quoted(node.Value), "")
			}
		}
	}
}

// decodeList adds a value for each mapping of a list.
func decodeList[T any](d *decoder, node *yaml.Node, at string, settings []setting[T], into *[]T) {
	for i, item := range d.items(node, at) {
		var value T
		d.lines[index(at, i)] = item.Line
		decodeMapping(d, item, index(at, i), settings, &value)
		*into = append(*into, value)
	}
}

// lists reads a mapping of names of one's own to lists of texts.
func (d *decoder) lists(node *yaml.Node, at string, into *map[string][]string) {
	if node.Kind != yaml.MappingNode {
		d.fail(node.Line, at, "must hold lists by name", "write `name: [a, b]`, one a line")
		return
	}
	values, ok := keyed(d, node, at, "any name of your own")
	if !ok {
		return
	}
	*into = make(map[string][]string, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, at := target(values[name]), field(at, name)
		d.lines[at] = values[name].Line
		list := []string{}
		for i, item := range d.items(value, at) {
			if text, ok := d.text(target(item), index(at, i)); ok {
				list = append(list, text)
			}
		}
		(*into)[name] = list
	}
}

// decodeDefault fills what the file does not give.
func decodeDefault[T any](d *decoder, parent *yaml.Node, at string, s setting[T], into *T) {
	switch place := s.into(into).(type) {
	case *Graph:
		decodeMapping(d, &yaml.Node{Kind: yaml.MappingNode, Line: parent.Line}, at, graphSettings(), place)
	case *time.Duration:
		*place, _ = s.fallback.(time.Duration)
	case *string:
		if text, ok := s.fallback.(string); ok {
			*place = finish(d, parent, at, s, text)
		}
	case *Bytes:
		*place, _ = s.fallback.(Bytes)
	case *float64:
		*place, _ = s.fallback.(float64)
	case *int:
		*place, _ = s.fallback.(int)
	case *bool:
		*place, _ = s.fallback.(bool)
	}
}

// finish checks the choices and makes paths start from the file's folder.
func finish[T any](d *decoder, node *yaml.Node, at string, s setting[T], text string) string {
	if s.choices != nil && !slices.Contains(s.choices, text) {
		d.fail(node.Line, at, fmt.Sprintf("%s is no %s that exists", quoted(target(node).Value), cmp.Or(s.noun, s.name)), nearest(text, s.choices))
	}
	if s.secret { // also what of it did not come of a variable
		d.shown[at] = maskedSecret
	}
	if !s.isPath {
		return text
	}
	if text == "~" || strings.HasPrefix(text, "~/") {
		d.fail(node.Line, at, "~ is not expanded", "write ${HOME}"+text[1:])
	}
	if filepath.IsAbs(text) {
		return filepath.Clean(text)
	}
	if masked, ok := d.shown[at]; ok {
		d.shown[at] = filepath.Join(d.dir, masked)
	}
	return filepath.Join(d.dir, text)
}

// text reads text that must not be empty. A number or a date is refused, so that nothing is read another way than meant.
func (d *decoder) text(node *yaml.Node, at string) (string, bool) {
	text, ok := d.scalar(node, at, "!!str", "text (write it in quotes)")
	switch {
	case !ok:
	case text == "":
		d.fail(node.Line, at, "has no value", "give it one or remove the line")
		ok = false
	case strings.ContainsFunc(text, unicode.IsControl):
		d.fail(node.Line, at, "holds a control character", "remove it")
		ok = false
	}
	return text, ok
}

// scalar expands a scalar. Unless it was expanded, YAML must see it as the tag says.
func (d *decoder) scalar(node *yaml.Node, at, tag, what string) (string, bool) {
	if node.Kind != yaml.ScalarNode {
		d.fail(node.Line, at, "must be "+what, "")
		return "", false
	}
	text, masked, err := Expand(node.Value, d.lookup)
	switch {
	case err != nil:
		d.fail(node.Line, at, err.Error(), "")
		return "", false
	case text == node.Value && node.ShortTag() != tag:
		d.fail(node.Line, at, fmt.Sprintf("must be %s, not %s", what, d.written(at, node.Value)), "")
		return "", false
	}
	if masked = credentials.ReplaceAllString(masked, "${1}"+maskedSecret+"@"); masked != text {
		d.shown[at] = masked
	}
	d.lines[at] = node.Line
	return text, true
}

// number reads a number, with or without a fraction.
func (d *decoder) number(node *yaml.Node, at string) (string, bool) {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!int" {
		return d.scalar(node, at, "!!int", "a number")
	}
	return d.scalar(node, at, "!!float", "a number")
}

func (d *decoder) items(node *yaml.Node, at string) []*yaml.Node {
	if node.Kind != yaml.SequenceNode {
		d.fail(node.Line, at, "must be a list", "write [a, b] or one `- a` a line")
		return nil
	}
	return node.Content
}

// target follows an alias to what it names; YAML has no alias of an alias.
func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

func field(at, name string) string {
	if len(name) > 60 {
		name = strings.ToValidUTF8(name[:60], "") + "…"
	}
	if at == "" {
		return name
	}
	return at + "." + name
}

func index(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}
