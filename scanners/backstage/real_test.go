package backstage_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/backstage"
	"github.com/orrery-catalog/orrery/scanners/files"
)

// TestRealBackend imports from a running Backstage backend and compares with a scan of the files that it was given:
//
//	ORRERY_TEST_BACKSTAGE_URL    address of the backend
//	ORRERY_TEST_BACKSTAGE_TOKEN  its token, where it wants one
//	ORRERY_TEST_BACKSTAGE_FILES  absolute folder of the files, the same path that the backend has them at (locations of
//	                             type file); without it, the import alone is looked at
func TestRealBackend(t *testing.T) {
	url, folder := os.Getenv("ORRERY_TEST_BACKSTAGE_URL"), os.Getenv("ORRERY_TEST_BACKSTAGE_FILES")
	if url == "" {
		t.Skip("ORRERY_TEST_BACKSTAGE_URL names no running Backstage backend")
	}
	scanner, err := backstage.New(backstage.Config{URL: url, Token: os.Getenv("ORRERY_TEST_BACKSTAGE_TOKEN")})
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	imported := scan(t, scanner)
	took := time.Since(started)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%d scopes in %v, %.0f a second; %d MiB from the system", len(imported), took.Round(time.Millisecond),
		float64(len(imported))/took.Seconds(), memory.Sys>>20)
	if diff := cmp.Diff(imported, scan(t, scanner)); diff != "" {
		t.Errorf("a second import differs, though nobody changed anything (-first +second):\n%s", diff)
	}
	compareWithRelations(t, imported, url)
	if folder != "" {
		compareWithFiles(t, imported, folder)
	}
}

// backwards are the relations of Backstage that are told from the end where Orrery does not keep them, with those they
// mirror; inwards those that Orrery keeps.
var (
	inwards = map[string]string{
		"dependsOn": "dependsOn", "consumesApi": "consumesApi", "providesApi": "providesApi", "partOf": "partOf",
		"ownedBy": "ownedBy", "memberOf": "memberOf", "childOf": "memberOf",
	}
	backwards = map[string]string{
		"dependencyOf": "dependsOn", "apiConsumedBy": "consumesApi", "apiProvidedBy": "providesApi", "hasPart": "partOf",
		"ownerOf": "ownedBy", "hasMember": "memberOf", "parentOf": "memberOf",
	}
)

// compareWithRelations holds that the merged import has the relations that the backend tells, read by another way, and no
// others but those of fields that Backstage does not know.
func compareWithRelations(t *testing.T, imported map[string]scanners.Scope, url string) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/catalog/entities", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("ORRERY_TEST_BACKSTAGE_TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var entities []struct {
		Kind      string
		Metadata  struct{ Namespace, Name string }
		Relations []struct{ Type, TargetRef string }
	}
	if err := json.NewDecoder(response.Body).Decode(&entities); err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	rows := 0
	for _, e := range entities {
		self := strings.ToLower(e.Kind + ":" + e.Metadata.Namespace + "/" + e.Metadata.Name)
		for _, r := range e.Relations {
			rows++
			if kind := inwards[r.Type]; kind != "" {
				told[self+" "+kind+" "+r.TargetRef] = true
			} else if kind := backwards[r.Type]; kind != "" {
				told[r.TargetRef+" "+kind+" "+self] = true
			}
		}
	}
	var documents []*catalog.Document
	generated := 0
	for name, scope := range imported {
		for _, document := range scope.Documents {
			document.ID = catalog.DocumentID{Source: "s", Scope: name, Key: name}
			documents = append(documents, document)
		}
	}
	for _, e := range entities {
		if e.Kind == "Location" && strings.HasPrefix(e.Metadata.Name, "generated-") {
			generated++
		}
	}
	t.Logf("the backend tells %d entities (%d of them its own notes of locations) and %d rows of %d relations", len(entities), generated,
		rows, len(told))
	model := catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
	if diff := cmp.Diff(slices.Sorted(maps.Keys(told)), relations(model)); diff != "" {
		t.Errorf("the relations differ (-Backstage +import):\n%s", diff)
	}
}

func compareWithFiles(t *testing.T, imported map[string]scanners.Scope, folder string) {
	reader, err := files.New(files.Config{Roots: []files.Root{{Path: folder}}})
	if err != nil {
		t.Fatal(err)
	}
	byPlace := make(map[string]*catalog.Document) // location and ref
	for name, scope := range scan(t, reader) {
		for _, document := range scope.Documents {
			document.ID = catalog.DocumentID{Source: "s", Scope: name, Key: document.Location}
			for _, claim := range document.Claims {
				document.ID.Key = string(claim.Subject.Ref)
				byPlace[document.Location+" "+string(claim.Subject.Ref)] = document
			}
		}
	}

	var fromBackstage, sameFiles []*catalog.Document
	places := make(map[string]bool)
	equal, different, unreadable, nowhere := 0, 0, 0, 0
	for name, scope := range imported {
		if scope.State == scanners.Unreadable {
			unreadable++
			t.Logf("refused here, accepted there: %s: %s", name, scope.Error)
			continue
		}
		for _, document := range scope.Documents {
			if len(document.Claims) == 0 {
				continue
			}
			document.ID = catalog.DocumentID{Source: "s", Scope: name, Key: name}
			fromBackstage = append(fromBackstage, document)
			place := document.Location + " " + name
			places[place] = true
			file := byPlace[place]
			if file == nil {
				nowhere++
				t.Errorf("%s of %s is in no file", name, document.Location)
				continue
			}
			sameFiles = append(sameFiles, file)
			if diff := cmp.Diff(comparable(file.Claims), comparable(document.Claims), cmpopts.EquateEmpty()); diff != "" {
				different++
				t.Errorf("%s of %s (-file +Backstage):\n%s", name, document.Location, diff)
				continue
			}
			equal++
		}
	}
	unread := make(map[string]bool)
	known, refs := make(map[string]bool), make(map[string]bool) // files and entities that Backstage has
	for place := range places {
		location, ref, _ := strings.Cut(place, " ")
		known[location], refs[ref] = true, true
	}
	reasons := make(map[string]int)
	for place, document := range byPlace {
		_, ref, _ := strings.Cut(place, " ")
		switch {
		case places[place]:
		case refs[ref]:
			reasons["Backstage has the entity from another file"]++
		case known[document.Location]:
			reasons["Backstage has others of the file"]++
			t.Logf("only in its file: %s", place)
		default:
			reasons["Backstage has nothing of the file"]++
			unread[document.Location] = true
		}
	}
	t.Logf("%d entities are equal to what their file says, %d differ, %d are in no file, %d were refused", equal, different, nowhere, unreadable)
	for location := range unread {
		if strings.HasPrefix(path.Base(location), "catalog-info.") {
			t.Logf("Backstage has nothing of %s", location)
		}
	}
	t.Logf("descriptors that only a scan of all files finds: %v, the last in %d files", reasons, len(unread))

	want, got := catalog.Merge(slices.Values(sameFiles), catalog.MergeOptions{}), catalog.Merge(slices.Values(fromBackstage), catalog.MergeOptions{})
	if diff := cmp.Diff(relations(want), relations(got)); diff != "" {
		t.Errorf("the relations differ (-files +Backstage):\n%s", diff)
	}
	t.Logf("%d entities and %d relations after merging, of the same files %d and %d", len(got.Entities), len(got.Edges),
		len(want.Entities), len(want.Edges))
}

// comparable is claims without what a file has and an import has not: lines, and the order of edges.
func comparable(claims []catalog.Claim) []catalog.Claim {
	claims = slices.Clone(claims)
	for i := range claims {
		claim := &claims[i]
		claim.Line = 0
		claim.Aliases = slices.Clone(claim.Aliases)
		for j := range claim.Aliases {
			claim.Aliases[j].Line = 0
		}
		claim.Edges = slices.Clone(claim.Edges)
		for j := range claim.Edges {
			claim.Edges[j].Line = 0
		}
		claim.Selectors = slices.Clone(claim.Selectors)
		for j := range claim.Selectors {
			claim.Selectors[j].Line = 0
		}
		slices.SortFunc(claim.Edges, func(a, b catalog.EdgeClaim) int {
			return strings.Compare(a.Type.String()+string(a.Target.Ref), b.Type.String()+string(b.Target.Ref))
		})
	}
	return claims
}

func relations(model *catalog.Model) []string {
	var list []string
	for _, edge := range model.Edges {
		list = append(list, string(edge.From)+" "+edge.Type.String()+" "+string(edge.To))
	}
	slices.Sort(list)
	return list
}

// scan collects one whole scan by the names of its scopes.
func scan(t testing.TB, scanner scanners.Scanner) map[string]scanners.Scope {
	t.Helper()
	sink := newCollector()
	if _, err := scanner.Scan(t.Context(), nil, sink); err != nil {
		t.Fatalf("scan: %v", err)
	}
	return sink.scopes
}

// collector is a sink that keeps everything.
type collector struct {
	mu     sync.Mutex
	scopes map[string]scanners.Scope
	twice  []string // names that were reported again
}

func newCollector() *collector { return &collector{scopes: make(map[string]scanners.Scope)} }

func (c *collector) Report(_ context.Context, scope scanners.Scope) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.scopes[scope.Name]; ok {
		c.twice = append(c.twice, scope.Name)
	}
	c.scopes[scope.Name] = scope
	return nil
}

// counter is a sink that keeps names alone.
type counter struct {
	mu      sync.Mutex
	names   map[string]bool
	reports int
}

func (c *counter) Report(_ context.Context, scope scanners.Scope) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[scope.Name] = true
	c.reports++
	return nil
}
