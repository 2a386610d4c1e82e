package testenv

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPartOfADescription(t *testing.T) {
	const whole = `{"openapi": "3.0.3", "paths": {
		"/a": {"get": {"schema": {"$ref": "#/components/schemas/one"}}}, "/b": {"get": {"schema": {"$ref": "#/components/schemas/other"}}}},
		"x-webhooks": {"push": {"post": {"$ref": "#/components/schemas/three"}}, "star": {"post": {"$ref": "#/components/schemas/other"}}},
		"components": {"schemas": {
			"one": {"properties": {"$ref": {"type": "string"}, "next": {"oneOf": [{"$ref": "#/components/schemas/one"}, {"$ref": "#/components/schemas/two"}]}}},
			"two": {"type": "string"}, "three": {"type": "string"}, "other": {"type": "string"}}}}`
	part, err := partOf([]byte(whole), "^/a$", "^push$")
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(part, &got); err != nil {
		t.Fatal(err)
	}
	const wanted = `{"openapi": "3.0.3", "paths": {"/a": {"get": {"schema": {"$ref": "#/components/schemas/one"}}},
		"/webhooks/push": {"post": {"$ref": "#/components/schemas/three"}}},
		"components": {"schemas": {
			"one": {"properties": {"$ref": {"type": "string"}, "next": {"oneOf": [{"$ref": "#/components/schemas/one"}, {"$ref": "#/components/schemas/two"}]}}},
			"two": {"type": "string"}, "three": {"type": "string"}}}}`
	if err := json.Unmarshal([]byte(wanted), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, broken := range []string{`{`, `{}`, `{"paths": {"/b": {}}, "components": {}}`, `{"paths": {"/a": {"$ref": "#/components/x/y"}}, "components": {}}`} {
		if part, err := partOf([]byte(broken), "^/a$", "^push$"); err == nil {
			t.Errorf("a part of %s is %s", broken, part)
		}
	}
}
