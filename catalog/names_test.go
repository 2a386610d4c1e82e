package catalog_test

import (
	"encoding"
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

// name is what each set of named values can do.
type name[T any] interface {
	*T
	encoding.TextUnmarshaler
}

func checkNames[T interface {
	comparable
	fmt.Stringer
	encoding.TextMarshaler
}, P name[T]](t *testing.T, want string, values ...T) {
	t.Helper()
	var written []string
	for _, value := range values {
		text, err := value.MarshalText()
		if err != nil || string(text) != value.String() {
			t.Errorf("%v is written %q, %v", value, text, err)
		}
		written = append(written, string(text))
		for _, spelling := range []string{string(text), strings.ToLower(string(text)), strings.ToUpper(string(text))} {
			var read T
			if err := P(&read).UnmarshalText([]byte(spelling)); err != nil || read != value {
				t.Errorf("%q reads as %v, %v", spelling, read, err)
			}
		}
	}
	if got := strings.Join(written, " "); got != want {
		t.Errorf("the names are %q; want %q", got, want)
	}
	var read T
	if err := P(&read).UnmarshalText([]byte("nothing of it")); err == nil || !strings.Contains(err.Error(), written[0]) {
		t.Errorf("the error for an unknown name tells no known one: %v", err)
	}
}

func TestNames(t *testing.T) {
	checkNames(t, "dependsOn consumesApi providesApi partOf ownedBy memberOf runsOn", catalog.DependsOn, catalog.ConsumesAPI,
		catalog.ProvidesAPI, catalog.PartOf, catalog.OwnedBy, catalog.MemberOf, catalog.RunsOn)
	checkNames(t, "ASYNC SOFT HARD", catalog.Async, catalog.Soft, catalog.Hard)
	checkNames(t, "PUBLISH CONSUME", catalog.Publish, catalog.Consume)
	checkNames(t, "DECLARED OBSERVED INFERRED", catalog.Declared, catalog.Observed, catalog.Inferred)
	checkNames(t, "WARNING ERROR", catalog.Warning, catalog.Error)
	if got := catalog.RelationType(99).String() + catalog.Strength(99).String() + catalog.EvidenceKind(99).String(); got != "" {
		t.Errorf("unknown values have the name %q", got)
	}
}

func TestProblemString(t *testing.T) {
	for want, problem := range map[string]catalog.Problem{
		"a.yaml:3: error: spec.owner: is missing (add it) [missing-field]": {
			Location: "a.yaml", Line: 3, Field: "spec.owner", Severity: catalog.Error, Code: "missing-field",
			Message: "is missing", Fix: "add it",
		},
		"a.yaml: warning: odd [c]": {Location: "a.yaml", Severity: catalog.Warning, Code: "c", Message: "odd"},
	} {
		if got := problem.String(); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}
