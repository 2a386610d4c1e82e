package manifests

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"

	"go.yaml.in/yaml/v3"
)

const (
	// maxFields is how many fields an object may have, what its aliases stand for included, and maxDepth how deep they lie.
	maxFields = 200_000
	maxDepth  = 100
	// maxJSON is the length in bytes of the longest object as JSON.
	maxJSON = 16 << 20
)

var (
	errTooLarge = fmt.Errorf("the object is larger than %d fields or %d MiB, with what its aliases stand for", maxFields, maxJSON>>20)
	errTooDeep  = fmt.Errorf("the object is more than %d levels deep", maxDepth)
	errKey      = errors.New("a key of a map is neither a word nor a number")
)

// encoder writes an object as JSON, and notes where its fields stand.
type encoder struct {
	base    int32 // added to the lines of nodes
	merged  int   // keys of maps that were looked at to be merged
	out     []byte
	fields  lines
	offsets []int // in out, of the values of fields
}

// encode writes the object that a node is. Its status is left out: no manifest can state it.
func encode(node *yaml.Node, base int32) (*encoder, error) {
	e := &encoder{base: base}
	err := e.value("", node.Line, node, 0)
	return e, err
}

// at finds the field whose value, or the beginning of it, ends at an offset of the JSON.
func (e *encoder) at(offset int64) int32 {
	i := sort.Search(len(e.offsets), func(i int) bool { return int64(e.offsets[i]) >= offset })
	return int32(max(i-1, 0)) //nolint:gosec // at most maxFields
}

// value writes the value of a field.
func (e *encoder) value(key string, line int, node *yaml.Node, depth int) error {
	switch {
	case depth > maxDepth:
		return errTooDeep
	case len(e.fields) >= maxFields || len(e.out) > maxJSON:
		return errTooLarge
	}
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	at := len(e.fields)
	e.fields = append(e.fields, field{key: key, line: e.base + int32(min(line, math.MaxInt32/2))}) //nolint:gosec // as bounded
	e.offsets = append(e.offsets, len(e.out))
	var err error
	switch node.Kind {
	case yaml.MappingNode:
		err = e.mapping(node, depth)
	case yaml.SequenceNode:
		e.out = append(e.out, '[')
		for i, element := range node.Content {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			if err = e.value("["+strconv.Itoa(i)+"]", element.Line, element, depth+1); err != nil {
				break
			}
		}
		e.out = append(e.out, ']')
	default:
		e.scalar(node)
	}
	e.fields[at].end = int32(len(e.fields)) //nolint:gosec // at most maxFields
	return err
}

// pair is a key of a map with its value.
type pair struct {
	key   *yaml.Node
	value *yaml.Node
}

func (e *encoder) mapping(node *yaml.Node, depth int) error {
	pairs, err := e.pairs(node, depth)
	if err != nil {
		return err
	}
	e.out = append(e.out, '{')
	first := true
	for _, p := range pairs {
		if depth == 0 && p.key.Value == "status" {
			continue
		}
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		e.text(p.key.Value)
		e.out = append(e.out, ':')
		if err := e.value(p.key.Value, p.key.Line, p.value, depth+1); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

// pairs are those of a map, with what is merged into it. Of a key that stands there twice the last counts, and a key
// before one that is merged.
func (e *encoder) pairs(node *yaml.Node, depth int) ([]pair, error) {
	if e.merged += len(node.Content) + 1; e.merged > 4*maxFields {
		return nil, errTooLarge
	}
	var pairs []pair
	index := make(map[string]int, len(node.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, errKey
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
			continue
		}
		if twice, ok := index[key.Value]; ok {
			pairs[twice] = pair{key, value}
			continue
		}
		index[key.Value] = len(pairs)
		pairs = append(pairs, pair{key, value})
	}
	for _, from := range merged {
		for from.Kind == yaml.AliasNode {
			from = from.Alias
		}
		sources := []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			sources = from.Content
		}
		for _, source := range sources {
			more, err := e.merge(source, depth+1)
			if err != nil {
				return nil, err
			}
			for _, p := range more {
				if _, there := index[p.key.Value]; !there {
					index[p.key.Value] = len(pairs)
					pairs = append(pairs, p)
				}
			}
		}
	}
	return pairs, nil
}

// merge are the pairs of a map that is merged into another.
func (e *encoder) merge(node *yaml.Node, depth int) ([]pair, error) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Kind != yaml.MappingNode:
		return nil, errors.New("what is merged by << is no map")
	case depth > maxDepth:
		return nil, errTooDeep
	}
	return e.pairs(node, depth)
}

// scalar writes what Kubernetes takes a value for, whose YAML is of version 1.1: yes and on are true there.
func (e *encoder) scalar(node *yaml.Node) {
	switch node.ShortTag() {
	case "!!null":
		e.out = append(e.out, "null"...)
		return
	case "!!bool":
		var b bool
		if node.Decode(&b) == nil {
			e.out = strconv.AppendBool(e.out, b)
			return
		}
	case "!!int":
		var i int64
		if node.Decode(&i) == nil {
			e.out = strconv.AppendInt(e.out, i, 10)
			return
		}
		fallthrough
	case "!!float":
		var f float64
		if node.Decode(&f) == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			number, err := json.Marshal(f)
			if err == nil {
				e.out = append(e.out, number...)
				return
			}
		}
	case "!!str":
		if node.Style == 0 {
			switch node.Value {
			case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
				e.out = append(e.out, "true"...)
				return
			case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
				e.out = append(e.out, "false"...)
				return
			}
		}
	}
	e.text(node.Value)
}

// text writes a string.
func (e *encoder) text(s string) {
	quoted, err := json.Marshal(s)
	if err != nil { // no string is refused
		quoted = []byte(`""`)
	}
	e.out = append(e.out, quoted...)
}
