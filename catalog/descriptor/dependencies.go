package descriptor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sosodev/duration"
	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// entryField is one field of an entry of `dependencies` or `steps`.
type entryField struct {
	name, about string
	take        func(d *document, edge *catalog.EdgeClaim, value *yaml.Node, path string)
}

// entryFields is the table of them, beside ref.
var entryFields = []entryField{
	{"strength", "What a failure of it does: hard (default), soft (there is a fallback) or async.", takeStrength},
	{"fallback", "What happens without it, in your words.", takeFallback},
	{"anyOf", "The name of a group of alternatives, of which one is enough.", takeAnyOf},
	{"callsPerRequest", "How often it is called for one request, on average.", takeCalls},
	{"timeout", "How long is waited for it, such as 300ms or 2s.", takeTimeout},
	{"role", "On a topic: publish or consume; an entry for each where it does both.", takeRole},
}

func entryFieldNames() []string {
	names := []string{"ref"}
	for _, f := range entryFields {
		names = append(names, f.name)
	}
	return names
}

// doubt warns of a value in a field of our own, which Backstage lets pass whatever it is.
func (d *document) doubt(value *yaml.Node, path, want, fix string) {
	d.warn(value.Line, path, CodeInvalidValue, fmt.Sprintf("%s must be %s, not %s", path, want, describe(value)), fix)
}

// dependencyList reads `dependencies` or `steps`. What is wrong is told and kept as far as it makes sense.
func (d *document) dependencyList(spec view, name string) {
	value := spec.get(name)
	path := spec.path + "." + name
	if value == opaque || typeOf(value) == null {
		return
	}
	if typeOf(value) != list {
		d.doubt(value, path, "a list", "write a list of references, or of maps with ref")
		if t := typeOf(value); t == str || t == object {
			d.dependency(value, path)
		}
		return
	}
	for i, item := range value.Content {
		d.dependency(d.filled(item, itemPath(path, i)), itemPath(path, i))
	}
}

func (d *document) dependency(entry *yaml.Node, path string) {
	edge := catalog.EdgeClaim{Type: catalog.DependsOn, Evidence: catalog.Declared, Line: d.at(entry.Line), Detailed: true}
	ref, refPath := entry, path
	switch {
	case entry == opaque:
		return
	case typeOf(entry) == object:
		refPath = path + ".ref"
		ref = lookup(entry, "ref")
		if ref == nil {
			d.warn(entry.Line, refPath, CodeInvalidValue, refPath+" is missing; the entry has no effect",
				"add ref: component:name")
			return
		}
	}
	if typeOf(ref) != str || ref.Value == "" {
		d.doubt(ref, refPath, "a reference", "write for example component:payments")
		return
	}
	edge.Target.Ref = d.parseRef(ref, refPath, "", d.warn)
	if edge.Target.Ref == "" {
		return
	}
	if typeOf(entry) == object {
		for _, f := range entryFields {
			if value := lookup(entry, f.name); value != nil && typeOf(value) != null {
				f.take(d, &edge, value, path+"."+f.name)
			}
		}
		d.strangeKeys(entry, path, entryFieldNames())
	}
	d.addDetailed(edge, path)
}

// addDetailed keeps one entry for each target, the stricter one; of a topic one for each side, as the same service may
// send and receive.
func (d *document) addDetailed(edge catalog.EdgeClaim, path string) {
	places := d.entries[edge.Target.Ref]
	at := slices.IndexFunc(places, func(i int) bool { return d.detailed[i].Role|edge.Role != catalog.PublishAndConsume })
	if at < 0 {
		if d.entries == nil {
			d.entries = map[catalog.Ref][]int{}
		}
		d.entries[edge.Target.Ref] = append(places, len(d.detailed))
		d.detailed = append(d.detailed, edge)
		if edge.Target.Ref == d.ref && d.ref != "" && len(places) == 0 {
			d.selfDependency(edge.Line, path)
		}
		return
	}
	i := places[at]
	first := d.detailed[i].Line
	d.detailed[i] = stricterOf(d.detailed[i], edge)
	d.problems = append(d.problems, catalog.Problem{
		Location: d.file.options.Location, Line: edge.Line, Field: path, Severity: catalog.Warning,
		Code:    CodeDuplicateDependency,
		Message: fmt.Sprintf("%s is named already in line %d; the stricter entry counts", edge.Target.Ref, first),
		Fix:     "keep one of the two",
	})
}

// stricterOf chooses one of two entries to the same target. A side of a topic that only the other names stays known.
func stricterOf(a, b catalog.EdgeClaim) catalog.EdgeClaim {
	if stricter(b, a) {
		a, b = b, a
	}
	if a.Role == catalog.NoRole && b.Role != catalog.NoRole {
		a.Strength, a.Role = effective(a), b.Role
	}
	return a
}

// stricter says whether a lets more failure through than b.
func stricter(a, b catalog.EdgeClaim) bool {
	if x, y := effective(a), effective(b); x != y {
		return x > y
	}
	return a.AnyOf == "" && b.AnyOf != ""
}

func effective(edge catalog.EdgeClaim) catalog.Strength {
	switch {
	case edge.Strength != catalog.Unstated:
		return edge.Strength
	case edge.Role == catalog.Consume:
		return catalog.Async
	}
	return catalog.Hard
}

// settleEdges joins the entries of `dependencies` with the plain relations: to one target there is one edge, whose details
// win (one for each side of a topic); where consumesApis named it, it is that.
func (d *document) settleEdges() {
	if len(d.detailed) == 0 {
		return
	}
	joined := make(map[catalog.Ref]bool)
	for i := range d.edges {
		edge := &d.edges[i]
		places, ok := d.entries[edge.Target.Ref]
		if !ok || edge.Reverse || edge.Type != catalog.DependsOn && edge.Type != catalog.ConsumesAPI {
			continue
		}
		for _, other := range places[1:] {
			d.detailed[other].Type = edge.Type
		}
		entry := d.detailed[places[0]]
		entry.Type = edge.Type
		*edge = entry
		joined[entry.Target.Ref] = true
	}
	for i, entry := range d.detailed {
		if !joined[entry.Target.Ref] || i != d.entries[entry.Target.Ref][0] {
			d.edges = append(d.edges, entry)
		}
	}
}

func takeStrength(d *document, edge *catalog.EdgeClaim, value *yaml.Node, path string) {
	if err := edge.Strength.UnmarshalText([]byte(textOf(value))); err != nil || edge.Strength == catalog.Unstated {
		edge.Strength = catalog.Hard
		d.doubt(value, path, "hard, soft or async", "choose one of them; until then it counts as hard")
	}
}

func takeRole(d *document, edge *catalog.EdgeClaim, value *yaml.Node, path string) {
	err := edge.Role.UnmarshalText([]byte(textOf(value)))
	if err != nil || edge.Role != catalog.Publish && edge.Role != catalog.Consume {
		edge.Role = catalog.NoRole
		d.doubt(value, path, "publish or consume", "choose one of them, or write an entry for each")
	}
}

func takeFallback(d *document, edge *catalog.EdgeClaim, value *yaml.Node, path string) {
	if typeOf(value) != str {
		d.doubt(value, path, "a text", "say what happens without it")
		return
	}
	edge.Fallback = value.Value
}

func takeAnyOf(d *document, edge *catalog.EdgeClaim, value *yaml.Node, path string) {
	switch t := typeOf(value); {
	case t == str && value.Value != "":
		edge.AnyOf = value.Value
	case t == number || t == boolean:
		edge.AnyOf = keyText(value)
		d.doubt(value, path, "a text", "put it in quotes: "+strconv.Quote(value.Value))
	default:
		d.doubt(value, path, "a text", "name the group of alternatives, the same in each entry of it")
	}
}

func takeCalls(d *document, edge *catalog.EdgeClaim, value *yaml.Node, path string) {
	if v, ok := d.positive(value, path); ok {
		edge.CallsPerRequest = v
	}
}

func takeTimeout(d *document, edge *catalog.EdgeClaim, value *yaml.Node, path string) {
	edge.Timeout = d.duration(value, path, "300ms")
}

// positive reads a number over 0. One in quotes is taken, with a warning.
func (d *document) positive(value *yaml.Node, path string) (float64, bool) {
	s := value.Value
	isNumber := typeOf(value) == number
	if !isNumber && (typeOf(value) != str || plainTypeOf(s) != number) {
		d.doubt(value, path, "a number over 0", "write a number")
		return 0, false
	}
	v := numberOf(s)
	if !(v > 0 && v <= maxNumber) {
		d.doubt(value, path, "a number over 0", "write a number over 0")
		return 0, false
	}
	if !isNumber {
		d.doubt(value, path, "a number", "write it without quotes")
	}
	return v, true
}

// maxNumber bounds numbers, so that sums of them stay finite.
const maxNumber = 1e15

func plainTypeOf(s string) valueType {
	if s == "" {
		return str
	}
	return plainType(s)
}

// duration reads 300ms, 1m30s, 30d, 2w or an ISO 8601 duration; 0 where the value is none.
func (d *document) duration(value *yaml.Node, path, example string) time.Duration {
	if typeOf(value) == str {
		if v, ok := parseDuration(value.Value); ok {
			return v
		}
	}
	d.doubt(value, path, "a duration", "write it with its unit, for example "+example)
	return 0
}

func parseDuration(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	var v time.Duration
	switch unit := time.Duration(0); {
	case s == "" || len(s) > 64:
		return 0, false
	case s[0] == 'P':
		iso, err := duration.Parse(s)
		if err != nil || iso.Years > 100 || iso.Months > 1200 || iso.Weeks > 5000 || iso.Days > 36500 ||
			iso.Hours > 1e6 || iso.Minutes > 1e8 || iso.Seconds > 1e9 {
			return 0, false
		}
		v = iso.ToTimeDuration()
	default:
		switch s[len(s)-1] {
		case 'd':
			unit = 24 * time.Hour
		case 'w':
			unit = 7 * 24 * time.Hour
		}
		if unit > 0 {
			number, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
			if err != nil || number > 36500 {
				return 0, false
			}
			v = time.Duration(number) * unit
			break
		}
		parsed, err := time.ParseDuration(s)
		if err != nil {
			return 0, false
		}
		v = parsed
	}
	return v, v > 0
}

// objective reads spec.slo.
func (d *document) objective(value *yaml.Node, path string) {
	if !d.isOwnMap(value, path) {
		return
	}
	d.strangeKeys(value, path, []string{"availability", "window"})
	availability := lookup(value, "availability")
	if availability == nil {
		d.warn(value.Line, path+".availability", CodeInvalidValue, path+".availability is missing; the objective has no effect",
			"add it, for example availability: 99.9")
		return
	}
	v, ok := d.positive(availability, path+".availability")
	if ok && v > 100 {
		d.doubt(availability, path+".availability", "a percentage over 0 and at most 100", "write for example 99.9")
		ok = false
	}
	if !ok {
		return
	}
	slo := &catalog.SLO{Availability: v}
	if window := lookup(value, "window"); window != nil && typeOf(window) != null {
		slo.Window = d.duration(window, path+".window", "30d")
	}
	d.descriptor.SLO = slo
}

// capacity reads spec.capacity.
func (d *document) capacity(value *yaml.Node, path string) {
	if !d.isOwnMap(value, path) {
		return
	}
	d.strangeKeys(value, path, []string{"requestsPerSecond"})
	requests := lookup(value, "requestsPerSecond")
	if requests == nil {
		d.warn(value.Line, path+".requestsPerSecond", CodeInvalidValue,
			path+".requestsPerSecond is missing; the capacity has no effect", "add it, for example requestsPerSecond: 800")
		return
	}
	if v, ok := d.positive(requests, path+".requestsPerSecond"); ok {
		d.descriptor.Capacity = &catalog.Capacity{RequestsPerSecond: v}
	}
}

func (d *document) isOwnMap(value *yaml.Node, path string) bool {
	switch {
	case value == opaque || typeOf(value) == null:
		return false
	case typeOf(value) != object:
		d.doubt(value, path, "a map", "see the JSON Schema for its fields")
		return false
	}
	return true
}

// strangeKeys warns of keys that a map of ours does not have.
func (d *document) strangeKeys(m *yaml.Node, path string, known []string) {
	for i := 0; i < len(m.Content); i += 2 {
		name := keyText(m.Content[i])
		if slices.Contains(known, name) {
			continue
		}
		fix := "use one of " + strings.Join(known, ", ")
		if near := nearest(name, known); near != "" {
			fix = "write " + near
		}
		d.warn(m.Content[i].Line, path+"."+name, CodeMisspeltField, path+"."+name+" has no effect", fix)
	}
}
