package resolve_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// world is a small catalog under construction.
type world struct {
	entities map[catalog.Ref]*catalog.Entity
	edges    []catalog.Edge
	problems []catalog.Problem
}

var origin = &catalog.Origin{Source: "repos", Location: "shop/catalog-info.yaml"}

func newWorld() *world { return &world{entities: map[catalog.Ref]*catalog.Entity{}} }

// add makes an entity, or gives one that is there.
func (w *world) add(ref catalog.Ref) *catalog.Entity {
	if e := w.entities[ref]; e != nil {
		return e
	}
	e := &catalog.Entity{Origin: origin, Line: 7, Descriptor: catalog.Descriptor{
		Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name(),
	}}
	w.entities[ref] = e
	return e
}

// relate makes an edge, and placeholders for ends that are not there.
func (w *world) relate(from catalog.Ref, relation catalog.RelationType, to catalog.Ref, strength catalog.Strength) *catalog.Edge {
	for _, ref := range []catalog.Ref{from, to} {
		if w.entities[ref] == nil {
			w.add(ref).Placeholder = true
		}
	}
	if relation == catalog.OwnedBy {
		w.entities[from].Owner = to
	}
	w.edges = append(w.edges, catalog.Edge{
		From: from, To: to, Type: relation, Strength: strength,
		Evidence: []catalog.Evidence{{Kind: catalog.Declared, Origin: origin, Line: 9}},
	})
	return &w.edges[len(w.edges)-1]
}

func (w *world) snapshot(revision graph.Revision) *graph.Snapshot {
	model := &catalog.Model{Edges: slices.Clone(w.edges), Problems: slices.Clone(w.problems)}
	for _, e := range w.entities {
		model.Entities = append(model.Entities, e)
	}
	slices.SortFunc(model.Entities, func(a, b *catalog.Entity) int { return cmp.Compare(a.Ref, b.Ref) })
	slices.SortFunc(model.Edges, func(a, b catalog.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Environment, b.Environment))
	})
	slices.SortFunc(model.Problems, catalog.CompareProblems)
	return graph.Build(graph.Input{Revision: revision, Model: model, Sources: []graph.Source{
		{ID: "a", Kind: "files", State: graph.SourceOK, Documents: 3, Lost: map[string]int64{"too-large": 2}},
		{ID: "b", Kind: "files", State: graph.SourcePending},
	}})
}

// shop is a world that has a little of everything.
func shop() *world {
	w := newWorld()
	payments := w.add("group:default/payments")
	payments.Annotations = map[string]string{"pagerduty.com/service-id": "P123"}
	payments.Profile = &catalog.Profile{DisplayName: "Payments", Email: "payments@shop.example"}
	w.relate("user:default/ada", catalog.MemberOf, "group:default/payments", catalog.Unstated)
	w.relate("user:default/bob", catalog.MemberOf, "group:default/payments", catalog.Unstated)
	for _, name := range []string{"checkout", "payments", "ledger", "fraud", "mail", "web", "pricing"} {
		e := w.add(catalog.NewRef("component", "", name))
		e.Type, e.Lifecycle, e.Tags = "service", "production", []string{"Go", name[:1]}
		w.relate(e.Ref, catalog.PartOf, "system:default/shop", catalog.Hard)
	}
	w.add("component:default/payments").Annotations = map[string]string{catalog.AnnotationTier: "1"}
	w.add("component:default/checkout").Annotations = map[string]string{catalog.AnnotationTier: "2"}
	w.add("component:default/mail").Links = []catalog.Link{{URL: "https://run.example/mail", Type: "runbook"}}
	w.add("component:default/mail").Aliases = []catalog.EntityAlias{{Alias: "dns:mail.shop.svc", MatchedBy: catalog.MatchedByDeclaration}}
	w.add("component:default/mail").SLO = &catalog.SLO{Availability: 99.9}
	w.add("api:default/payments")
	w.relate("component:default/payments", catalog.OwnedBy, "group:default/payments", catalog.Unstated)
	w.relate("component:default/ledger", catalog.OwnedBy, "group:default/payments", catalog.Unstated)
	w.relate("component:default/payments", catalog.ProvidesAPI, "api:default/payments", catalog.Hard)
	w.relate("component:default/checkout", catalog.ConsumesAPI, "api:default/payments", catalog.Hard)
	w.relate("component:default/web", catalog.DependsOn, "component:default/checkout", catalog.Hard)
	w.relate("component:default/payments", catalog.DependsOn, "component:default/ledger", catalog.Hard)
	w.relate("component:default/ledger", catalog.DependsOn, "resource:default/ledger-db", catalog.Hard)
	w.relate("component:default/payments", catalog.DependsOn, "component:default/mail", catalog.Async)
	w.relate("component:default/payments", catalog.DependsOn, "component:default/fraud", catalog.Soft).Details = &catalog.EdgeDetails{Fallback: "accept small sums", CallsPerRequest: 2}
	w.relate("component:default/pricing", catalog.DependsOn, "component:default/web", catalog.Hard)
	w.relate("component:default/web", catalog.DependsOn, "component:default/pricing", catalog.Hard)
	w.add("journey:default/buy")
	w.relate("journey:default/buy", catalog.DependsOn, "component:default/web", catalog.Hard)
	w.problems = []catalog.Problem{
		{Location: "a.yaml", Line: 3, Field: "spec.owner", Severity: catalog.Warning, Code: "dangling", Message: "nobody", Ref: "component:default/payments"},
		{Location: "a.yaml", Line: 3, Field: "spec.owner", Severity: catalog.Warning, Code: "dangling", Message: "somebody", Ref: "component:default/payments"},
		{Location: "b.yaml", Severity: catalog.Error, Code: "not-yaml", Message: "broken", Fix: "mend it"},
	}
	return w
}

// holder gives the snapshot that it holds.
type holder struct {
	current atomic.Pointer[graph.Snapshot]
	asked   atomic.Int64
}

func (h *holder) Snapshot() *graph.Snapshot {
	h.asked.Add(1)
	return h.current.Load()
}

// client asks an executor.
type client struct {
	holder
	exec *executor.Executor
	log  bytes.Buffer
}

func newClient(snapshot *graph.Snapshot) *client {
	c := &client{}
	c.current.Store(snapshot)
	c.exec = resolve.NewExecutor(resolve.Config{Snapshots: &c.holder, Log: zerolog.New(&c.log)})
	return c
}

type answer struct {
	Data       map[string]any
	Errors     []fault
	Extensions map[string]any
}

type fault struct {
	Message    string
	Path       []any
	Extensions struct {
		Code       string
		Candidates []string
	}
}

func (c *client) ask(t testing.TB, query string, variables map[string]any) answer {
	t.Helper()
	sent, err := json.Marshal(variables) // as they come over the wire
	if err != nil {
		t.Fatal(err)
	}
	variables = nil
	decoder := json.NewDecoder(bytes.NewReader(sent))
	decoder.UseNumber()
	if err := decoder.Decode(&variables); err != nil {
		t.Fatal(err)
	}
	ctx := graphql.StartOperationTrace(t.Context())
	operation, refused := c.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	var response *graphql.Response
	if refused != nil {
		response = c.exec.DispatchError(graphql.WithOperationContext(ctx, operation), refused)
	} else {
		responses, ctx := c.exec.DispatchOperation(ctx, operation)
		response = responses(ctx)
	}
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return a
}

// data asks and fails on any error.
func (c *client) data(t testing.TB, query string, variables map[string]any) map[string]any {
	t.Helper()
	a := c.ask(t, query, variables)
	if len(a.Errors) > 0 {
		t.Fatalf("%s: %+v\n%s", query, a.Errors, c.log.String())
	}
	return a.Data
}

// at follows a path of names in an answer.
func at(data any, path string) any {
	for _, name := range strings.Split(path, ".") {
		object, ok := data.(map[string]any)
		if !ok {
			return fmt.Sprintf("no object above %s", name)
		}
		data = object[name]
	}
	return data
}

func refsOf(nodes any) []string {
	var refs []string
	for _, node := range nodes.([]any) {
		refs = append(refs, node.(map[string]any)["ref"].(string))
	}
	return refs
}
