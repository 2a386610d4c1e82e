package descriptor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog/descriptor"
)

// TestScalars holds the core schema of YAML 1.2: an annotation must be a text, so it tells what counts as one.
func TestScalars(t *testing.T) {
	texts := []string{
		"yes", "on", "y", "No", "OFF", "nUll", "tRUE", "2024-01-02", "2024-01-02T03:04:05Z", "1_000", "0b11", "1:30", "12abc", "1.2.3",
		"+-1", ".", "=", "<<", "0o8", "0xg", "1e", ".e1", "+.nan", "!!str 12", "!!str true", "! x", `"12"`, `'true'`, `""`, "!!int x",
		"!custom 12", "!!timestamp 2024-01-02", "a#b", "a:b", "?a", "x?y",
	}
	others := []string{
		"12", "012", "0o17", "0x1F", "-1", "+1", "1.5", ".5", "5.", "1e3", "-1.5E+3", ".inf", "-.INF", ".NaN", "true", "False", "TRUE", "null",
		"~", "Null", "", "!!int 12", "!!bool true", "!!null ~", "[]", "{}",
	}
	for _, scalar := range slices.Concat(texts, others) {
		text := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\n  annotations:\n    a: %s\nspec: {owner: o}\n", scalar)
		parsed := descriptor.Parse([]byte(text), descriptor.Options{}).Documents[0]
		if want := slices.Contains(texts, scalar); (parsed.Document != nil) != want {
			t.Errorf("%q is a text: %v, want %v: %v", scalar, !want, want, parsed.Problems)
		}
	}
}

// TestKeys holds how keys become names: as in JSON, whatever their type.
func TestKeys(t *testing.T) {
	text := "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\n  annotations:\n    1: a\n    true: b\n    0x10: c\n    1.50: d\n    1e3: e\nspec: {owner: o}\n"
	parsed := descriptor.Parse([]byte(text), descriptor.Options{}).Documents[0]
	if parsed.Document == nil {
		t.Fatal(parsed.Problems)
	}
	want := map[string]string{"1": "a", "true": "b", "16": "c", "1.5": "d", "1000": "e"}
	for key, value := range want {
		if got := parsed.Document.Claims[0].Descriptor.Annotations[key]; got != value {
			t.Errorf("%s is %q, want %q", key, got, value)
		}
	}
}

// TestDuplicateKeys: keys are equal when their values are.
func TestDuplicateKeys(t *testing.T) {
	for keys, want := range map[string]bool{
		"a: 1, a: 2": true, "1: a, 0x1: b": true, `1: a, "1": b`: false, "a: 1, A: 2": false, "null: a, ~: b": true,
		`"a": 1, a: 2`: true,
	} {
		parsed := descriptor.Parse([]byte(component("x: {"+keys+"}")), descriptor.Options{}).Documents[0]
		if got := hasProblem(parsed, descriptor.CodeDuplicateKey); got != want {
			t.Errorf("{%s} has a duplicate: %v, want %v", keys, got, want)
		}
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "k%d: 1, ", i)
	}
	parsed := descriptor.Parse([]byte(component("x: {"+many.String()+"k50: 2}")), descriptor.Options{}).Documents[0]
	if !hasProblem(parsed, descriptor.CodeDuplicateKey) {
		t.Error("a duplicate among many keys was not found")
	}
}

// TestAliases: the measure is that of the npm package `yaml`; an anchor may be repeated 99 times.
func TestAliases(t *testing.T) {
	for uses, want := range map[int]bool{1: true, 99: true, 100: false} {
		text := component("x: &a 1, y: [" + strings.TrimSuffix(strings.Repeat("*a, ", uses), ", ") + "]")
		parsed := descriptor.Parse([]byte(text), descriptor.Options{}).Documents[0]
		if got := parsed.Document != nil; got != want {
			t.Errorf("%d aliases are accepted: %v, want %v", uses, got, want)
		}
	}
}

// TestBlockScalars keep their last line break at the end of a file without one.
func TestBlockScalars(t *testing.T) {
	text := "apiVersion: backstage.io/v1alpha1\nkind: System\nspec: {owner: o}\nmetadata:\n  name: t\n  description: |\n    a\n    b"
	parsed := descriptor.Parse([]byte(text), descriptor.Options{}).Documents[0]
	if got := parsed.Document.Claims[0].Descriptor.Description; got != "a\nb\n" {
		t.Errorf("%q", got)
	}
}
