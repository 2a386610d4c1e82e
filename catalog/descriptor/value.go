package descriptor

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// valueType is the JSON type of a YAML value.
type valueType uint8

const (
	null valueType = iota
	boolean
	number
	str
	list
	object
)

// The core schema of YAML 1.2: dates, yes and on are strings, 012 is twelve, << is a key like any other.
var (
	coreInteger = regexp.MustCompile(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat   = regexp.MustCompile(`^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$`)
)

// typeOf is the type of a value that is no alias.
func typeOf(n *yaml.Node) valueType {
	switch n.Kind {
	case yaml.MappingNode:
		return object
	case yaml.SequenceNode:
		return list
	}
	plain := n.Style&^yaml.TaggedStyle == 0
	if n.Style&yaml.TaggedStyle != 0 {
		// A tag forces its type where the text fits it, and gives a string otherwise.
		tagged := map[string]valueType{"!!null": null, "!!bool": boolean, "!!int": number, "!!float": number}
		want, ok := tagged[n.Tag]
		if ok && plainType(n.Value) == want {
			return want
		}
		return str
	}
	if !plain {
		return str
	}
	return plainType(n.Value)
}

func plainType(s string) valueType {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolean
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return number
	}
	if c := s[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		if coreInteger.MatchString(s) || coreFloat.MatchString(s) {
			return number
		}
	}
	return str
}

// numberOf is the value of a number.
func numberOf(s string) float64 {
	lower := strings.ToLower(s)
	switch {
	case lower == ".nan":
		return math.NaN()
	case strings.HasSuffix(lower, ".inf"):
		return math.Inf(map[bool]int{true: -1, false: 1}[s[0] == '-'])
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0o"):
		if v, err := strconv.ParseUint(s, 0, 64); err == nil {
			return float64(v)
		}
		return math.Inf(1)
	}
	v, _ := strconv.ParseFloat(s, 64)
	return v
}

// keyText is what a key is called in JSON; a key that is no scalar gets a name that fits no field.
func keyText(n *yaml.Node) string {
	n = resolve(n)
	switch typeOf(n) {
	case null:
		return ""
	case boolean:
		return strings.ToLower(n.Value)
	case number:
		switch v := numberOf(n.Value); {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 0):
			return strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+") + "inity"
		default:
			return strconv.FormatFloat(v+0, 'f', -1, 64)
		}
	case str:
		return n.Value
	case list:
		return "[...]"
	default:
		return "{...}"
	}
}

// resolve follows an alias. The checker has made sure that this ends.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// lookup finds the value of a key in a map, aliases followed; nil where it is absent. Of two keys with the same name in
// JSON, the later counts.
func lookup(n *yaml.Node, name string) *yaml.Node {
	key, value := lookupEntry(n, name)
	if key == nil {
		return nil
	}
	return value
}

func lookupEntry(n *yaml.Node, name string) (key, value *yaml.Node) {
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if keyText(n.Content[i]) == name {
			return n.Content[i], resolve(n.Content[i+1])
		}
	}
	return nil, nil
}

// describe names a value for people.
func describe(n *yaml.Node) string {
	switch typeOf(n) {
	case null:
		return "empty (null)"
	case boolean:
		return "the boolean " + n.Value
	case number:
		return "the number " + n.Value
	case str:
		return "the text " + quote(n.Value)
	case list:
		return "a list"
	default:
		return "a map"
	}
}

// quote shows a text in a message, cut where it is long.
func quote(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
