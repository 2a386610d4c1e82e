package descriptor_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// verdict is what Backstage says about one file.
type verdict struct {
	File       string         `json:"file"`
	YAMLErrors []string       `json:"yamlErrors"`
	Docs       []verdictOfOne `json:"docs"`
}

type verdictOfOne struct {
	Index     int         `json:"i"`
	Kind      string      `json:"kind"`
	OK        bool        `json:"ok"`
	Ref       catalog.Ref `json:"ref"`
	Error     string      `json:"error"`
	Relations []string    `json:"relations"`
}

// maxDifferences is how many of the documents may be judged otherwise than by Backstage, on purpose.
const maxDifferences = 0.02

func TestCorpus(t *testing.T) {
	corpora := testenv.Corpora(t)
	file, err := os.Open(filepath.Join(corpora, "catalogs-verdicts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	documents, accepted := 0, 0
	byRule := map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(corpora, "catalogs", filepath.FromSlash(v.File)))
		if err != nil {
			t.Fatal(err)
		}
		result := descriptor.Parse(data, descriptor.Options{Location: v.File})
		checkShape(t, result, v.File)
		documents += len(v.Docs)
		for _, ours := range result.Documents {
			if ours.Document != nil {
				accepted++
			}
		}
		for _, rule := range compare(t, v, result, data) {
			byRule[rule]++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	different := 0
	for _, rule := range slices.Sorted(maps.Keys(byRule)) {
		t.Logf("%-24s %4d", rule, byRule[rule])
		different += byRule[rule]
	}
	t.Logf("%d documents, %d accepted here, %d judged otherwise on purpose (%.2f %%)", documents, accepted, different,
		100*float64(different)/float64(documents))
	if documents == 0 || float64(different) > maxDifferences*float64(documents) {
		t.Errorf("%d of %d documents are judged otherwise, more than %.0f %%", different, documents, 100*maxDifferences)
	}
}

// compare returns the rules by which documents of a file are judged otherwise, and fails the test for any other
// difference.
func compare(t *testing.T, v verdict, result descriptor.Result, data []byte) (rules []string) {
	t.Helper()
	// A broken document has no verdict of its own there, so the others are told apart by their order among the unbroken.
	ours := map[int]descriptor.Parsed{}
	broken := 0
	for _, parsed := range result.Documents {
		if isBroken(parsed) {
			broken++
			continue
		}
		ours[parsed.Index-broken] = parsed
	}
	if broken != len(v.YAMLErrors) && !result.NotCatalog {
		t.Errorf("%s: %d documents are broken YAML, Backstage says %d: %v", v.File, broken, len(v.YAMLErrors), v.YAMLErrors)
	}
	for _, theirs := range v.Docs {
		parsed := ours[theirs.Index]
		if rule := ruleOf(theirs, parsed, data); rule != "" {
			rules = append(rules, rule)
			continue
		}
		if theirs.OK != (parsed.Document != nil) {
			t.Errorf("%s #%d: accepted %v, Backstage says %v (%s): %v", v.File, theirs.Index, parsed.Document != nil,
				theirs.OK, theirs.Error, parsed.Problems)
			continue
		}
		if !theirs.OK {
			continue
		}
		if parsed.Ref != theirs.Ref {
			t.Errorf("%s #%d: %s, Backstage says %s", v.File, theirs.Index, parsed.Ref, theirs.Ref)
		}
		if diff := cmp.Diff(ownWords(theirs.Relations), relations(parsed.Document)); diff != "" {
			t.Errorf("%s #%d: relations (-Backstage +here):\n%s", v.File, theirs.Index, diff)
		}
	}
	return rules
}

// ruleOf names the rule by which we differ on purpose, "" for none.
func ruleOf(theirs verdictOfOne, parsed descriptor.Parsed, data []byte) string {
	accepted := parsed.Document != nil
	switch {
	case !theirs.OK && accepted && theirs.Error == "nokind":
		return "custom kinds are kept"
	case !theirs.OK && accepted && hasProblem(parsed, descriptor.CodeBareReference):
		return "a bare dependsOn is kept"
	case !theirs.OK && accepted && strings.Contains(theirs.Error, " must be ") && dataPlaceholder.Match(data):
		return "$yaml is not looked into" // the verdicts were recorded with a text in its place
	case theirs.OK && accepted && slices.ContainsFunc(parsed.Document.Claims[0].Edges, isOnlyDetailed):
		return "dependencies are read"
	}
	return ""
}

var dataPlaceholder = regexp.MustCompile(`\$(yaml|json)\b`)

func isOnlyDetailed(edge catalog.EdgeClaim) bool { return edge.Detailed }

func hasProblem(parsed descriptor.Parsed, code string) bool {
	return slices.ContainsFunc(parsed.Problems, func(p catalog.Problem) bool { return p.Code == code })
}

func isBroken(parsed descriptor.Parsed) bool {
	for _, code := range []string{descriptor.CodeYAML, descriptor.CodeDuplicateKey, descriptor.CodeAlias} {
		if hasProblem(parsed, code) {
			return true
		}
	}
	return parsed.Template && strings.Contains(parsed.Problems[0].Message, "valid YAML")
}

// relations renders the edges of a document as the pairs that Backstage makes of them.
func relations(document *catalog.Document) []string {
	names := map[catalog.RelationType][2]string{
		catalog.DependsOn: {"dependsOn", "dependencyOf"}, catalog.ConsumesAPI: {"consumesApi", "apiConsumedBy"},
		catalog.ProvidesAPI: {"providesApi", "apiProvidedBy"}, catalog.PartOf: {"partOf", "hasPart"},
		catalog.OwnedBy: {"ownedBy", "ownerOf"}, catalog.MemberOf: {"memberOf", "hasMember"},
	}
	out := map[string]bool{}
	for _, claim := range document.Claims {
		for _, edge := range claim.Edges {
			from, to := claim.Subject.Ref, edge.Target.Ref
			if edge.Reverse {
				from, to = to, from
			}
			out[fmt.Sprintf("%s %s %s", from, names[edge.Type][0], to)] = true
			out[fmt.Sprintf("%s %s %s", to, names[edge.Type][1], from)] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// ownWords says childOf and parentOf in our words: a group is a member of its parent.
func ownWords(theirs []string) []string {
	out := map[string]bool{}
	for _, relation := range theirs {
		relation = strings.Replace(relation, " childOf ", " memberOf ", 1)
		out[strings.Replace(relation, " parentOf ", " hasMember ", 1)] = true
	}
	return slices.Sorted(maps.Keys(out))
}

// checkShape fails the test where a result is not what the contract says of every result.
func checkShape(t *testing.T, result descriptor.Result, location string) {
	t.Helper()
	if result.NotCatalog != (len(result.Documents) == 0) {
		t.Errorf("%s: NotCatalog is %v with %d documents", location, result.NotCatalog, len(result.Documents))
	}
	last := -1
	for _, parsed := range result.Documents {
		if parsed.Index < last {
			t.Errorf("%s: the documents are out of order", location)
		}
		last = parsed.Index
		refused := false
		for _, p := range parsed.Problems {
			refused = refused || p.Severity == catalog.Error
			if p.Location != location || p.Code == "" || p.Message == "" || p.Fix == "" || p.Line < 0 {
				t.Errorf("%s: a problem is incomplete: %#v", location, p)
			}
		}
		switch {
		case parsed.Template && (parsed.Document != nil || refused || len(parsed.Problems) != 1):
			t.Errorf("%s: a template is not set aside by one warning: %v", location, parsed.Problems)
		case !parsed.Template && refused == (parsed.Document != nil):
			t.Errorf("%s: refused is %v and the document %v", location, refused, parsed.Document)
		}
		if parsed.Document == nil {
			continue
		}
		d := parsed.Document
		if len(d.Claims) != 1 || d.Claims[0].Subject.Ref != parsed.Ref || parsed.Ref == "" || d.Claims[0].Descriptor.Ref != parsed.Ref {
			t.Errorf("%s: an accepted document has no single subject: %+v", location, d)
		}
		for _, edge := range d.Claims[0].Edges {
			if edge.Target.Ref == "" || edge.Type == 0 || edge.Evidence != catalog.Declared || edge.Line == 0 {
				t.Errorf("%s: an edge is incomplete: %+v", location, edge)
			}
		}
	}
}
