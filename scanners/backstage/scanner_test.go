package backstage_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/backstage"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func TestSuite(t *testing.T) {
	f := newFake(component("checkout"), component("ledger"), entity("User", "ann", object{"memberOf": []any{}}))
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	from := func(url string) func(t *testing.T) scanners.Scanner {
		return func(t *testing.T) scanners.Scanner {
			scanner, err := backstage.New(backstage.Config{URL: url, PageSize: 2})
			if err != nil {
				t.Fatal(err)
			}
			return scanner
		}
	}
	scantest.Run(t, scantest.Subject{New: from(server.URL), Broken: from(gone.URL)})
}

// What an entity says is what its file would have said, at the place of that file.
func TestImport(t *testing.T) {
	f := newFake(component("Checkout", func(metadata, spec object) {
		metadata["namespace"] = "shop"
		metadata["generation"] = 7
		metadata["title"] = "The checkout \u2028 \U0001F6D2 \x7f"
		metadata["annotations"].(object)["backstage.io/view-url"] = "https://github.com/acme/checkout"
		metadata["annotations"].(object)["orrery.dev/tier"] = "1"
		spec["dependsOn"] = []any{"resource:orders-db"}
		spec["dependencies"] = []any{object{"ref": "component:pricing", "strength": "soft"}}
		spec["slo"] = object{"availability": 99.95}
		spec["consumesApi"] = []any{"api:x"}
	}))
	got := scan(t, f.scanner(t, backstage.Config{}))
	const location = "https://github.com/acme/Checkout/blob/main/catalog-info.yaml"
	want := map[string]scanners.Scope{"component:shop/checkout": {
		Name: "component:shop/checkout",
		Documents: []*catalog.Document{{
			Location: location,
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: "component:shop/checkout"},
				Descriptor: &catalog.Descriptor{
					Ref: "component:shop/checkout", Kind: "Component", Namespace: "shop", Name: "Checkout",
					Title:       "The checkout \u2028 \U0001F6D2 \x7f",
					Annotations: map[string]string{"backstage.io/view-url": "https://github.com/acme/checkout", "orrery.dev/tier": "1"},
					Type:        "service", Lifecycle: "production", Owner: "group:shop/payments",
					SLO: &catalog.SLO{Availability: 99.95},
				},
				Edges: []catalog.EdgeClaim{
					{Target: catalog.Subject{Ref: "group:shop/payments"}, Type: catalog.OwnedBy, Evidence: catalog.Declared},
					{Target: catalog.Subject{Ref: "resource:shop/orders-db"}, Type: catalog.DependsOn, Evidence: catalog.Declared},
					{Target: catalog.Subject{Ref: "component:shop/pricing"}, Type: catalog.DependsOn, Evidence: catalog.Declared, Strength: catalog.Soft, Detailed: true},
				},
			}},
			Problems: []catalog.Problem{{
				Location: location, Field: "spec.consumesApi", Severity: catalog.Warning, Code: "misspelt-field",
				Message: "consumesApi has no effect", Fix: "write consumesApis", Ref: "component:shop/checkout",
			}},
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What Backstage adds to an entity makes it no other than its file says; what the file says stays.
func TestAnnotations(t *testing.T) {
	const file = "https://github.com/acme/shop/blob/main/svc/catalog-info.yaml"
	for name, c := range map[string]struct {
		location string
		added    map[string]string
		keep     bool
	}{
		"GitHub": {"url:" + file, map[string]string{
			"view-url": file, "edit-url": "https://github.com/acme/shop/edit/main/svc/catalog-info.yaml",
			"source-location": "url:https://github.com/acme/shop/tree/main/svc/",
		}, false},
		"GitLab": {"url:https://gitlab.com/acme/shop/-/blob/main/catalog-info.yaml", map[string]string{
			"view-url":        "https://gitlab.com/acme/shop/-/blob/main/catalog-info.yaml",
			"edit-url":        "https://gitlab.com/acme/shop/-/edit/main/catalog-info.yaml",
			"source-location": "url:https://gitlab.com/acme/shop/-/tree/main/",
		}, false},
		"Bitbucket": {"url:https://bitbucket.org/acme/shop/src/main/catalog-info.yaml", map[string]string{
			"edit-url":        "https://bitbucket.org/acme/shop/src/main/catalog-info.yaml?mode=edit&at=main",
			"source-location": "url:https://bitbucket.org/acme/shop/src/main/",
		}, false},
		"of one's own": {"url:" + file, map[string]string{
			"view-url": "https://wiki/shop", "edit-url": "https://wiki/shop?edit",
			"source-location": "url:https://github.com/acme/shop/tree/main/",
		}, true},
		"of a file": {"file:/srv/a.yaml", map[string]string{"view-url": "/srv/a.yaml", "edit-url": "", "source-location": "url:./"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{"acme.com/x": "y"}
			f := newFake(component("a", func(metadata, _ object) {
				annotations := object{
					"acme.com/x": "y", "backstage.io/managed-by-location": c.location,
					"backstage.io/managed-by-origin-location": "url:https://h/all.yaml", "backstage.io/orphan": "false",
				}
				for key, value := range c.added {
					annotations["backstage.io/"+key] = value
					if c.keep {
						want["backstage.io/"+key] = value
					}
				}
				metadata["annotations"] = annotations
			}))
			got := scan(t, f.scanner(t, backstage.Config{}))["component:default/a"].Documents[0].Claims[0].Descriptor.Annotations
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLocation(t *testing.T) {
	for name, c := range map[string]struct {
		annotations object
		want        string
	}{
		"url":        {object{"managed-by-location": "url:https://h/a.yaml", "managed-by-origin-location": "url:https://h/all.yaml"}, "https://h/a.yaml"},
		"file":       {object{"managed-by-location": "file:/srv/a.yaml"}, "/srv/a.yaml"},
		"a provider": {object{"managed-by-location": "msgraph:default/7-7"}, "msgraph:default/7-7"},
		"the origin": {object{"managed-by-location": "url:", "managed-by-origin-location": "url:https://h/all.yaml"}, "https://h/all.yaml"},
		"the view":   {object{"view-url": "https://h/view"}, "https://h/view"},
		"nowhere":    {object{}, "https://b.test/x/api/catalog/entities/by-name/component/default/a"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(component("A", func(metadata, _ object) {
				annotations := object{}
				for key, value := range c.annotations {
					annotations["backstage.io/"+key] = value
				}
				metadata["annotations"] = annotations
			}))
			f.before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				r.URL.Path = strings.TrimPrefix(r.URL.Path, "/x")
				return false
			}
			got := scan(t, f.scanner(t, backstage.Config{URL: "https://b.test/x/"}))["component:default/a"]
			if location := got.Documents[0].Location; location != c.want {
				t.Errorf("the location is %q, want %q", location, c.want)
			}
		})
	}
}

// What is wrong with an entity is its own affair: refused here, in error there, an orphan.
func TestWrongEntities(t *testing.T) {
	orphan := component("orphan", func(metadata, _ object) {
		metadata["annotations"].(object)["backstage.io/orphan"] = "true"
	})
	broken := component("broken")
	broken["status"] = object{"items": []any{
		object{"type": "backstage.io/catalog-processing", "level": "error", "message": "InputError:\n  cannot read"},
		object{"level": "info", "message": "nothing to see"},
	}}
	registered := func(name string) object {
		return entity("Location", "generated-"+strings.Repeat(name, 40), object{"type": "url", "target": "https://h/all.yaml"})
	}
	lost := registered("a")
	lost["status"] = object{"items": []any{object{"level": "error", "message": "NotFoundError: no file"}}}
	f := newFake(component("fine"), orphan, broken, lost, registered("b"),
		component("refused", func(_, spec object) { spec["owner"] = object{"name": "x"} }),
		entity("Robot", "r2", object{"wheels": 3}),
	)
	var got []string
	for name, scope := range scan(t, f.scanner(t, backstage.Config{})) {
		line := fmt.Sprintf("%s state %d claims %d", name, scope.State, len(scope.Documents[0].Claims))
		for _, p := range scope.Documents[0].Problems {
			line += fmt.Sprintf(" [%s %s %s: %s]", p.Severity, p.Ref, p.Code, p.Message)
		}
		got = append(got, line+scope.Error)
	}
	slices.Sort(got)
	want := []string{
		"component:default/broken state 0 claims 1 [WARNING component:default/broken backstage-error: Backstage reports: InputError: cannot read]",
		"component:default/fine state 0 claims 1",
		"component:default/orphan state 0 claims 1 [WARNING component:default/orphan orphan: the entity is an orphan in Backstage: no registered location leads to it any more]",
		"component:default/refused state 3 claims 0 [ERROR component:default/refused wrong-type: owner must be a text, not a map]owner must be a text, not a map",
		"location:default/generated-" + strings.Repeat("a", 40) + " state 0 claims 0 [WARNING  backstage-error: Backstage reports: NotFoundError: no file]",
		"robot:default/r2 state 0 claims 1 [WARNING robot:default/r2 unknown-kind: the kind \"Robot\" has no rules; it is kept as a custom kind]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Relations follow from spec; those that a processor made up are read, and none is told twice.
func TestRelations(t *testing.T) {
	with := func(e object, relations ...string) object {
		var list []any
		for _, r := range relations {
			kind, target, _ := strings.Cut(r, " ")
			list = append(list, object{"type": kind, "targetRef": target})
		}
		e["relations"] = list
		return e
	}
	f := newFake(
		with(entity("User", "ann", object{}, func(_, spec object) { spec["memberOf"] = []any{} }),
			"memberOf group:default/payments", "memberOf group:default/guild"),
		with(entity("Group", "payments", object{"type": "team", "children": []any{}, "members": []any{"ann"}}),
			"hasMember user:default/ann", "ownerOf component:default/a"),
		with(component("a", func(_, spec object) { delete(spec, "owner"); spec["owner"] = "payments" }),
			"ownedBy group:default/payments", "dependsOn component:default/b", "dependsOn component:default/c",
			"partOf system:default/made-up", "friendOf component:default/b", "dependsOn nonsense"),
		with(component("b", func(_, spec object) { spec["dependencyOf"] = []any{"component:a"} }), "dependencyOf component:default/a"),
		with(entity("Robot", "r2", object{}), "ownedBy user:default/ann"),
	)
	var got []string
	for _, scope := range scan(t, f.scanner(t, backstage.Config{PageSize: 1})) {
		for _, claim := range scope.Documents[0].Claims {
			for _, e := range claim.Edges {
				arrow := " " + e.Type.String() + " "
				if e.Reverse {
					arrow = " reverse" + arrow
				}
				got = append(got, string(claim.Subject.Ref)+arrow+string(e.Target.Ref))
			}
			if claim.Subject.Ref == "robot:default/r2" && claim.Descriptor.Owner != "user:default/ann" {
				t.Errorf("the owner of %s is %q", claim.Subject.Ref, claim.Descriptor.Owner)
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"component:default/a dependsOn component:default/c",
		"component:default/a ownedBy group:default/payments",
		"component:default/a partOf system:default/made-up",
		"component:default/b ownedBy group:default/payments",
		"component:default/b reverse dependsOn component:default/a",
		"group:default/payments reverse memberOf user:default/ann",
		"robot:default/r2 ownedBy user:default/ann",
		"user:default/ann memberOf group:default/guild",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Definitions of APIs are bulk that nobody needs, so they are not asked for; what else stands there is the same.
func TestDefinitionsAreNotAskedFor(t *testing.T) {
	api := func(name string) object {
		return entity("API", name, object{
			"type": "openapi", "lifecycle": "production", "owner": "payments", "system": "shop",
			"definition": "DEFINITION", "dependencies": []any{"component:a"}, "slo": object{"availability": 99.9},
			"capacity": object{"requestsPerSecond": 5.0},
		})
	}
	server := entity("API", "tools", object{
		"type": "mcp-server", "lifecycle": "production", "owner": "payments", "remotes": []any{object{"type": "sse", "url": "https://h"}},
	})
	for name, filter := range map[string][]string{
		"everything": nil,
		"some":       {"spec.owner=payments", "metadata.name=b,kind=component"},
		"two terms":  {"spec.owner=payments,spec.lifecycle=production", "spec.owner=nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(api("a"), api("b"), server, component("a"), component("b", func(_, spec object) { spec["owner"] = "others" }))
			answered := 0
			f.before = func(int, http.ResponseWriter, *http.Request) bool { answered++; return false }
			got := scan(t, f.scanner(t, backstage.Config{Filter: filter, PageSize: 2}))
			split := !strings.Contains(strings.Join(filter, " "), "kind=")
			if asked := strings.Join(f.asked(), "\n"); strings.Contains(asked, "fields=") != split {
				t.Errorf("asked:\n%s", asked)
			}
			f.noQuery = true // such a backend answers whole entities
			if diff := cmp.Diff(scan(t, f.scanner(t, backstage.Config{Filter: filter})), got); diff != "" {
				t.Errorf("(-whole +in parts)\n%s", diff)
			}
			for name, scope := range got {
				if scope.State != scanners.Read {
					t.Errorf("%s: %s", name, scope.Error)
				}
			}
		})
	}
}

// What the backend's index of kinds lacks is not lost.
func TestIncompleteIndex(t *testing.T) {
	f := newFake(component("a"), component("b"), entity("API", "c", object{"type": "grpc", "lifecycle": "x", "owner": "y"}),
		entity("Robot", "r2", object{}))
	f.unindexed = "Robot"
	if got := scan(t, f.scanner(t, backstage.Config{})); len(got) != 4 {
		t.Errorf("%d scopes, want 4: %v", len(got), slices.Collect(maps.Keys(got)))
	}
	f.uncounted = true // then it cannot be known
	if got := scan(t, f.scanner(t, backstage.Config{})); len(got) != 3 {
		t.Errorf("%d scopes, want 3: %v", len(got), slices.Collect(maps.Keys(got)))
	}
}

func TestNewRefuses(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, config := range map[string]backstage.Config{
		"the url of the Backstage backend is missing":         {},
		"the url is not one of a Backstage backend":           {URL: "backstage.example.com"},
		"the url is not one of a Backstage backend: write":    {URL: "ftp://backstage.example.com"},
		"the url is not one of a Backstage backend: write it": {URL: "http://[::1"},
		"the url holds a user name or password":               {URL: "https://u:s3cr3t@h"},
		"the url has something behind ? or #":                 {URL: "https://h?x=s3cr3t"},
		"the token holds white space":                         {URL: "https://h", Token: "Bearer s3cr3t"},
		"a filter is empty":                                   {URL: "https://h", Filter: []string{"kind=api", " "}},
		"read the certificates to trust: open ":               {URL: "https://h", CAFile: noPEM + "x"},
		noPEM + " holds no certificate in PEM form":           {URL: "https://h", CAFile: noPEM},
	} {
		scanner, err := backstage.New(config)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%+v: the error is %v, want %q", config, err, want)
		}
		if scanner != nil {
			t.Errorf("%+v: there is a scanner", config)
		}
	}
}

func TestURLForms(t *testing.T) {
	f := newFake(component("a"))
	for _, url := range []string{"http://h", "http://h/", "http://h/api/catalog", " http://h/api/catalog/ "} {
		if got := scan(t, f.scanner(t, backstage.Config{URL: url})); len(got) != 1 {
			t.Errorf("%q: %d scopes", url, len(got))
		}
	}
}

// An empty catalog is an answer like any other; what it would remove is for others to judge.
func TestEmptyCatalog(t *testing.T) {
	if got := scan(t, newFake().scanner(t, backstage.Config{})); len(got) != 0 {
		t.Errorf("%v", slices.Collect(maps.Keys(got)))
	}
}

// The fields that are asked for of an API are all that the reader of catalog files knows, but for the definition.
func TestAPIFieldsAreComplete(t *testing.T) {
	f := newFake(entity("API", "a", object{"type": "grpc", "lifecycle": "x", "owner": "y"}))
	scan(t, f.scanner(t, backstage.Config{}))
	asked, err := url.ParseQuery(strings.TrimPrefix(f.asked()[1], "entities/by-query?"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for field := range strings.SplitSeq(asked.Get("fields"), ",") {
		if name, ok := strings.CutPrefix(field, "spec."); ok {
			got = append(got, name)
		}
	}
	var schema any
	if err := json.Unmarshal(descriptor.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	alternatives, _ := at(schema, "$defs.API.properties.spec.anyOf").([]any) // the map itself, and a placeholder
	if len(alternatives) == 0 {
		t.Fatal("the schema has another form")
	}
	known, _ := at(alternatives[0], "properties").(object)
	want := slices.Sorted(maps.Keys(known))
	want = slices.DeleteFunc(want, func(name string) bool { return name == "definition" })
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("(-known +asked for)\n%s", diff)
	}
}

// A unit of a hundred thousand people is one entity like any other.
func TestLargeGroup(t *testing.T) {
	members := make([]any, 100_000)
	for i := range members {
		members[i] = fmt.Sprintf("user:default/person-%06d", i)
	}
	f := newFake(entity("Group", "all", object{"type": "company", "children": []any{}, "members": members}))
	if edges := scan(t, f.scanner(t, backstage.Config{}))["group:default/all"].Documents[0].Claims[0].Edges; len(edges) != len(members) {
		t.Errorf("%d members", len(edges))
	}
}
