package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The shapes of the public contract: a word is the type of a value ("string", "number", "boolean", "any"; with ? it may
// be null), a map an object with at least these fields, a list with one element a list of such.
type object = map[string]any

var (
	evidenceShape = object{"kind": "enum", "location": "string?", "line": "number?"}
	edgeShape     = object{
		"from": "string", "to": "string", "strength": "enum", "evidence": []any{evidenceShape}, "anyOf": "string?", "stale": "boolean",
	}
	contactShape = object{"kind": "string", "target": "string"}
	linkShape    = object{"url": "string", "title": "string?"}
	problemShape = object{
		"file": "string?", "line": "number?", "field": "string?", "severity": "enum", "code": "string", "message": "string", "ref": "string?",
	}
	contract = map[string]object{
		"health --catalog testdata/running": {
			"services": []any{object{
				"ref": "string", "outcome": "enum", "owner": "string?", "tier": "number?",
				"checks": []any{object{
					"id": "string", "outcome": "enum", "severity": "enum", "workload": "string?", "container": "string?", "message": "string",
					"location": "string?", "line": "number?", "exemption": "any",
				}},
			}},
			"problems": []any{},
		},
		"validate %s": {"entities": "number", "problems": []any{problemShape}},
		"owner checkout --catalog %s": {
			"ref": "string", "owner": object{"ref": "string", "name": "string", "displayName": "string", "email": "string", "members": []any{"string"}},
			"oncall": []any{contactShape}, "runbooks": []any{"string"}, "links": []any{linkShape},
			"source": object{"location": "string", "line": "number"},
		},
		"owner scoring --catalog %s": {
			"ref": "string", "owner": "null", "oncall": []any{}, "runbooks": []any{}, "links": []any{}, "source": "null",
		},
		"deps checkout --direction needs --depth 2 --catalog %s": {
			"ref": "string", "edges": []any{edgeShape}, "entities": []any{object{"ref": "string", "distance": "number"}},
		},
		"blast-radius ledger-db --catalog %s": {
			"failed": []any{"string"},
			"impacted": []any{object{
				"ref": "string", "kind": "string", "impact": "enum", "distance": "number", "path": []any{"string"}, "owner": "string?", "steps": []any{edgeShape},
			}},
			"journeys": []any{object{"ref": "string", "impact": "enum"}},
			"teams":    []any{object{"ref": "string?", "impacted": "number", "worst": "enum", "oncall": []any{}}},
			"totals":   object{"OUTAGE": "number", "DEGRADED": "number", "DELAYED": "number"},
		},
		"export --catalog %s": {
			"revision": "number",
			"entities": []any{object{
				"ref": "string", "kind": "string", "namespace": "string", "name": "string", "title": "string?", "description": "string?",
				"owner": "string?", "lifecycle": "string?", "stale": "boolean", "entryPoint": "any", "aliases": []any{},
			}},
			"edges": []any{object{
				"from": "string", "to": "string", "type": "string", "strength": "enum?", "behaves": "any", "anyOf": "string?", "via": "string?",
				"protocol": "any", "environment": "string?", "stale": "boolean",
				"evidence": []any{object{
					"kind": "enum", "source": "string", "location": "string?", "firstSeen": "any", "lastSeen": "any", "requests": "any", "errors": "any",
				}},
			}},
			"sources": []any{object{"id": "string", "kind": "string", "state": "enum", "error": "string?", "lost": object{}}},
		},
		"problems --catalog %s": {"problems": []any{problemShape}},
		"cycles --catalog %s":   {"cycles": []any{object{"size": "number", "entities": []any{"string"}}}},
		"sources --catalog %s":  {"sources": []any{object{"id": "string", "kind": "string", "state": "enum", "error": "string?", "lost": object{}}}},
		"list --catalog %s":     {"entities": []any{object{"ref": "string", "kind": "string", "namespace": "string", "name": "string", "owner": "string?"}}},
		"show checkout --catalog %s": {
			"ref": "string", "kind": "string", "owner": "string", "tier": "number", "labels": object{}, "dependencies": []any{edgeShape},
			"dependents": []any{edgeShape}, "problems": []any{}, "source": object{"location": "string", "line": "number"},
		},
		"path checkout ledger-db --catalog %s": {"from": "string", "to": "string", "found": "boolean", "path": []any{"string"}, "edges": []any{edgeShape}},
		"version":                              {"version": "string", "go": "string"},
	}
)

// TestContract holds the JSON that scripts rely on: names, types, lists that are never null, enums in upper case, unknown
// values that are null.
func TestContract(t *testing.T) {
	t.Parallel()
	for question, shape := range contract {
		args := strings.Fields(strings.ReplaceAll(question, "%s", "testdata/shop"))
		got := orrery(t, append(args, "--format", "json")...)
		if got.stderr != "" || got.status > statusNo {
			t.Errorf("%s: status %d, %s", question, got.status, got.stderr)
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(got.stdout), &value); err != nil {
			t.Errorf("%s: %v", question, err)
			continue
		}
		fits(t, question, value, shape)
		nothingEmpty(t, question, value)
	}
}

// fits checks a value against a shape. A list that is to have a shape must have an element, so that it was looked at.
func fits(t *testing.T, at string, value, shape any) {
	t.Helper()
	switch shape := shape.(type) {
	case object:
		fields, ok := value.(map[string]any)
		if !ok {
			t.Errorf("%s is %v, not an object", at, value)
		}
		for _, name := range slices.Sorted(maps.Keys(shape)) {
			if field, there := fields[name]; there {
				fits(t, at+"."+name, field, shape[name])
			} else if ok {
				t.Errorf("%s.%s is missing", at, name)
			}
		}
	case []any:
		elements, ok := value.([]any)
		if !ok || len(shape) > 0 && len(elements) == 0 {
			t.Errorf("%s is %v, not a list with elements", at, value)
		}
		for i, element := range elements {
			if len(shape) > 0 {
				fits(t, fmt.Sprintf("%s[%d]", at, i), element, shape[0])
			}
		}
	case string:
		kind, mayBeNull := strings.CutSuffix(shape, "?")
		if value == nil && (mayBeNull || kind == "null" || kind == "any") || kind == "any" {
			return
		}
		text, isText := value.(string)
		_, isNumber := value.(float64)
		_, isBool := value.(bool)
		isEnum := isText && text == strings.ToUpper(text) && text != ""
		if !map[string]bool{"string": isText, "number": isNumber, "boolean": isBool, "enum": isEnum}[kind] {
			t.Errorf("%s is %v, not %s", at, value, shape)
		}
	}
}

// nothingEmpty holds that an unknown value is null, not an empty text.
func nothingEmpty(t *testing.T, at string, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		for name, field := range value {
			nothingEmpty(t, at+"."+name, field)
		}
	case []any:
		for i, element := range value {
			nothingEmpty(t, fmt.Sprintf("%s[%d]", at, i), element)
		}
	case string:
		if value == "" {
			t.Errorf("%s is an empty text", at)
		}
	}
}

// lengthsOf counts the elements of every list of a JSON document, by its path.
func lengthsOf(t *testing.T, document string) map[string]int {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(document), &value); err != nil {
		t.Fatalf("%v in %.200s", err, document)
	}
	lengths := map[string]int{}
	var count func(at string, value any)
	count = func(at string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, field := range value {
				count(strings.TrimPrefix(at+"."+name, "."), field)
			}
		case []any:
			lengths[at] = len(value)
			for i, element := range value {
				count(fmt.Sprintf("%s[%d]", at, i), element)
			}
		}
	}
	count("", value)
	return lengths
}

// TestBlastRadiusOrder holds that impacted are sorted by impact, then distance, then ref, and paths lead to a failed one.
func TestBlastRadiusOrder(t *testing.T) {
	t.Parallel()
	var got blast
	if err := json.Unmarshal([]byte(must(t, "blast-radius", "ledger-db", "--catalog", demoFolder(t), "--format", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Impacted) < 3 {
		t.Fatalf("%d impacted: too few to see an order", len(got.Impacted))
	}
	worst := map[string]int{"OUTAGE": 0, "DEGRADED": 1, "DELAYED": 2}
	key := func(hit impacted) string { return fmt.Sprintf("%d %05d %s", worst[hit.Impact], hit.Distance, hit.Ref) }
	if !slices.IsSortedFunc(got.Impacted, func(a, b impacted) int { return strings.Compare(key(a), key(b)) }) {
		t.Errorf("impacted are not sorted: %+v", got.Impacted)
	}
	totals := map[string]int{}
	for _, hit := range got.Impacted {
		totals[hit.Impact]++
		if hit.Path[0] != hit.Ref || !slices.Contains(got.Failed, hit.Path[len(hit.Path)-1]) || len(hit.Path) != hit.Distance+1 {
			t.Errorf("the path of %s is %v", hit.Ref, hit.Path)
		}
	}
	if got.Totals != (blastTotals{totals["OUTAGE"], totals["DEGRADED"], totals["DELAYED"]}) {
		t.Errorf("totals are %+v, counted %v", got.Totals, totals)
	}
}
