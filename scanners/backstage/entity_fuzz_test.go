package backstage_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/backstage"
)

// FuzzAnswer holds that no answer makes an import panic, and that what it reports is as the contract says.
func FuzzAnswer(f *testing.F) {
	for _, e := range []object{
		component("a"), entity("Location", "b", object{"targets": []any{"x", 7}}), entity("API", "c", object{"remotes": "x", "definition": nil}),
		entity("User", "d/", object{"memberOf": nil}),
		{"kind": "X", "metadata": object{"name": "$text", "annotations": 7, "labels": []any{}}, "spec": "x"},
	} {
		data, _ := json.Marshal(object{"items": []object{e}, "totalItems": 1})
		f.Add(string(data))
	}
	f.Add(`{"items":[{"kind":"Component","metadata":{"name":"a","namespace":"/"},"relations":[{"type":"dependsOn","targetRef":"a:b/c"}],"status":null}]}`)
	f.Fuzz(func(t *testing.T, page string) {
		server := newFake()
		server.before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "by-query") && json.Valid([]byte(page)) {
				_, _ = w.Write([]byte(page))
				return true
			}
			return false
		}
		sink := newCollector()
		_, err := server.scanner(t, backstage.Config{}).Scan(t.Context(), nil, sink)
		if len(sink.twice) > 0 {
			t.Errorf("reported twice: %q", sink.twice)
		}
		if err != nil {
			return
		}
		for name, scope := range sink.scopes {
			if name == "" || strings.HasSuffix(name, "/") || (scope.Error == "") != (scope.State == scanners.Read) {
				t.Errorf("%q: state %d, error %q", name, scope.State, scope.Error)
			}
			for _, document := range scope.Documents {
				if document.Location == "" || len(document.Claims)+len(document.Problems) == 0 {
					t.Errorf("%q: %+v", name, document)
				}
			}
		}
	})
}

// FuzzText holds that texts arrive as they are, although JSON is read as YAML on the way.
func FuzzText(f *testing.F) {
	for _, text := range []string{"", "a: b", "\u2028\u0085\ufeff", "\x00\x07\x1f\x7f", "\U0001F6D2 \ud7ff", "---\n...\n", `\/"'`, "${{ x }}", strings.Repeat("k", 3000), "  x  \n\t"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // JSON has none
		}
		server := newFake(component("a", func(metadata, spec object) {
			metadata["description"] = text
			spec["lifecycle"] = "x" + text
			if len(text) < 150 { // YAML has no keys of over 1,024 characters, escaped ones
				spec[text+"!"] = object{text: []any{text}}
			}
		}))
		scope := scan(t, server.scanner(t, backstage.Config{}))["component:default/a"]
		if scope.State != scanners.Read {
			t.Fatalf("refused: %s", scope.Error)
		}
		descriptor := scope.Documents[0].Claims[0].Descriptor
		if descriptor.Description != text || descriptor.Lifecycle != "x"+text {
			t.Errorf("%q became %q and %q", text, descriptor.Description, descriptor.Lifecycle)
		}
	})
}
