package backstage

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners"
)

// maxEntityBytes bounds what is read of one entity, without its bulk.
const maxEntityBytes = 16 << 20

// The codes of problems that Backstage knows of.
const (
	CodeBackstageError = "backstage-error" // it could not process the entity, or the files behind a location
	CodeOrphan         = "orphan"          // nothing leads to the entity any more
)

// entity is one entity as the API answers it. metadata and spec stay as they are: they are read as files are.
type entity struct {
	APIVersion any            `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       any            `json:"spec"`
	Relations  []relation     `json:"relations"`
	Status     struct {
		Items []struct {
			Level   string `json:"level"`
			Message string `json:"message"`
		} `json:"items"`
	} `json:"status"`
}

// id tells entities apart in one listing; "" = it is no entity.
func (e *entity) id() string {
	if e.name() == "" || e.Kind == "" {
		return ""
	}
	if uid, ok := e.Metadata["uid"].(string); ok && uid != "" {
		return uid
	}
	return string(e.ref())
}

func (e *entity) name() string {
	name, _ := e.Metadata["name"].(string)
	return name
}

// ref is the Ref of the entity, whether its parts are well formed or not.
func (e *entity) ref() catalog.Ref {
	namespace, _ := e.Metadata["namespace"].(string)
	if namespace == "" {
		namespace = catalog.DefaultNamespace
	}
	return catalog.NewRef(e.Kind, namespace, e.name())
}

var generatedName = regexp.MustCompile(`^generated-[0-9a-f]{40}$`)

// isGenerated says whether the entity is the backend's note that a location is registered, which nobody has written.
func (e *entity) isGenerated() bool {
	return strings.EqualFold(e.Kind, catalog.KindLocation) && generatedName.MatchString(e.name())
}

// document is the entity as the file it was made of could have said it: without what the backend keeps for itself, which
// changes with every round of its own, and without bulk.
func (e *entity) document() ([]byte, error) {
	metadata := maps.Clone(e.Metadata)
	for _, key := range []string{"uid", "etag", "generation"} {
		delete(metadata, key)
	}
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		metadata["annotations"] = e.written(annotations)
	}
	fields := map[string]any{"apiVersion": e.APIVersion, "kind": e.Kind, "metadata": metadata}
	if e.Spec != nil {
		fields["spec"] = e.spec()
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(fields)
	return buffer.Bytes(), err
}

// spec has a word where the definition of an API stands: Backstage has checked that there is one, and it was not asked for.
func (e *entity) spec() any {
	spec, ok := e.Spec.(map[string]any)
	if !ok || e.Kind != catalog.KindAPI || spec["remotes"] != nil {
		return e.Spec
	}
	spec = maps.Clone(spec)
	spec["definition"] = "left in Backstage"
	return spec
}

// scope reads the entity. report is false where it says nothing. Relations are not looked at.
func (e *entity) scope(base string) (scope scanners.Scope, report bool, err error) {
	scope.Name = e.scopeName()
	location := e.location(base)
	known := e.problems(location)
	if e.isGenerated() {
		if len(known) == 0 {
			return scope, false, nil
		}
		scope.Documents = []*catalog.Document{{Location: location, Problems: known}}
		return scope, true, nil
	}
	data, err := e.document()
	if err != nil {
		return scope, false, err
	}
	parsed := descriptor.Parse(data, descriptor.Options{Location: location, MaxBytes: maxEntityBytes, Certain: true}).Documents[0]
	problems := append(parsed.Problems, known...)
	for i := range problems {
		problems[i].Line = 0 // lines are those of the answer, not of the file
	}
	slices.SortStableFunc(problems, catalog.CompareProblems)
	if parsed.Document == nil {
		scope.State, scope.Error = scanners.Unreadable, oneLine(firstError(problems), 300)
		scope.Documents = []*catalog.Document{{Location: location, Problems: problems}}
		return scope, true, nil
	}
	parsed.Document.Problems = problems
	for i := range parsed.Document.Claims {
		withoutLines(&parsed.Document.Claims[i])
	}
	scope.Documents = []*catalog.Document{parsed.Document}
	return scope, true, nil
}

// scopeName is the Ref; a name that ends in a slash would stand for more than the entity.
func (e *entity) scopeName() string { return strings.TrimRight(string(e.ref()), "/") }

func firstError(problems []catalog.Problem) string {
	for _, problem := range problems {
		if problem.Severity == catalog.Error {
			return problem.Message
		}
	}
	return "it could not be read"
}

func withoutLines(claim *catalog.Claim) {
	claim.Line = 0
	for i := range claim.Aliases {
		claim.Aliases[i].Line = 0
	}
	for i := range claim.Edges {
		claim.Edges[i].Line = 0
	}
	for i := range claim.Selectors {
		claim.Selectors[i].Line = 0
	}
}

// problems are those that Backstage itself knows of.
func (e *entity) problems(location string) []catalog.Problem {
	ref := e.ref()
	if e.isGenerated() {
		ref = ""
	}
	var problems []catalog.Problem
	for _, item := range e.Status.Items {
		if item.Level != "error" && item.Level != "warning" {
			continue
		}
		problems = append(problems, catalog.Problem{
			Location: location, Severity: catalog.Warning, Code: CodeBackstageError, Ref: ref,
			Message: "Backstage reports: " + oneLine(item.Message, 500),
			Fix:     "mend the file that Backstage reads; until then it keeps what it knew before",
		})
	}
	if e.annotation(annotationOrphan) == "true" {
		problems = append(problems, catalog.Problem{
			Location: location, Severity: catalog.Warning, Code: CodeOrphan, Ref: ref,
			Message: "the entity is an orphan in Backstage: no registered location leads to it any more",
			Fix:     "remove it in Backstage, or register the place that describes it",
		})
	}
	return problems
}
