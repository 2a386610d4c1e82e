package descriptor

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"
)

// synonyms are names that people give to fields and that are too far from them to be found by their letters.
var synonyms = map[string]string{
	"implementsapis":        "providesApis",
	"exposesapis":           "providesApis",
	"usesapis":              "consumesApis",
	"partof":                "system",
	"subcomponents":         "subcomponentOf, on each of the parts",
	"apiconsumedby":         "consumesApis, on the entity that calls",
	"apiprovidedby":         "providesApis, on the entity that serves",
	"trackeddependencies":   "dependsOn or dependencies",
	"dependencyof":          "dependencyOf",
	"owners":                "owner",
	"parentof":              "children",
	"childof":               "parent",
	"hasmember":             "members",
	"hasmembers":            "members",
	"teams":                 "memberOf",
	"groups":                "memberOf",
	"subsystemof":           "domain",
	"consumes":              "consumesApis",
	"provides":              "providesApis",
	"depends":               "dependsOn",
	"servicelevelobjective": "slo",
}

// nearest is the known name that a wrong one is most likely meant for; "" where none is near.
func nearest(name string, known []string) string {
	best, bestDistance := "", 3
	folded := fold(name)
	if len(folded) > 64 {
		return ""
	}
	for _, candidate := range known {
		other := fold(candidate)
		distance := levenshtein.ComputeDistance(folded, other)
		// A short name differs from another by little: one letter in three is as far as a slip goes.
		if distance < bestDistance && distance*3 < max(len(folded), len(other)) && candidate != name {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// misspelling finds the key in a map that was likely meant for a field; nil where there is none.
func misspelling(m *yaml.Node, field string) *yaml.Node {
	for i := 0; i < len(m.Content); i += 2 {
		if name := keyText(m.Content[i]); name != field && nearest(name, []string{field}) != "" {
			return m.Content[i]
		}
	}
	return nil
}

// misplaced are fields of metadata that are found below spec.
var misplaced = map[string]bool{"annotations": true, "labels": true, "tags": true, "links": true, "namespace": true}

// specHints warns of fields of spec that have no effect because of their spelling or place. Fields that look like nothing
// of ours are somebody's own, and none of our business.
func (d *document) specHints(m *yaml.Node, k *kind) {
	var known []string
	for _, f := range k.fields {
		known = append(known, f.name)
	}
	for i := 0; i < len(m.Content); i += 2 {
		name, line := keyText(m.Content[i]), m.Content[i].Line
		if k.field(name) != nil {
			continue
		}
		path := "spec." + name
		switch near, synonym := nearest(name, known), synonyms[fold(name)]; {
		case misplaced[name]:
			d.warn(line, path, CodeMisplacedField, name+" has no effect below spec", "move it below metadata")
		case isSpecField(name) && name != "lifecycle" && k.name != "":
			d.warn(line, path, CodeMisplacedField, fmt.Sprintf("%s has no effect on the kind %s", name, k.name), k.instead(name))
		case near != "" && lookup(m, near) == nil:
			d.warn(line, path, CodeMisspeltField, path+" has no effect", "write "+near)
		case near == "" && synonym != "" && k.takes(synonym):
			d.warn(line, path, CodeMisspeltField, path+" has no effect", "write "+synonym)
		case near != "" && fold(near) == fold(name):
			d.warn(line, path, CodeMisspeltField, path+" has no effect", "remove it, "+near+" is there")
		}
	}
}

// takes says whether a hint makes sense on the kind. One that names another entity always does.
func (k *kind) takes(hint string) bool {
	name, elsewhere, _ := strings.Cut(hint, ",")
	name, _, _ = strings.Cut(name, " ")
	return elsewhere != "" || k.field(name) != nil
}

// instead says what does the work of a field that another kind has.
func (k *kind) instead(name string) string {
	switch name {
	case "dependsOn", "consumesApis", "dependencies", "steps":
		for _, other := range []string{"steps", "dependsOn", "dependencies"} {
			if other != name && k.field(other) != nil {
				return "use " + other
			}
		}
	case "system", "domain", "subdomainOf", "subcomponentOf":
		for _, other := range []string{"system", "domain", "subdomainOf"} {
			if other != name && k.field(other) != nil {
				return "use " + other + " for what it is a part of"
			}
		}
	}
	return "remove it"
}
