package catalog_test

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
)

func digits(alias catalog.Alias) string {
	sum := sha256.Sum256([]byte(alias))
	return fmt.Sprintf("%x", sum[:4])
}

// A small world, so that claims meet.
var (
	worldRefs = []catalog.Ref{
		"component:default/a", "component:shop/a", "component:default/b", "resource:shop/b", "resource:default/orders",
		"external:default/api.psp.com", "api:default/p", "group:default/team", "component:default/nobody",
		"workload:shop/eu.deployment.a", "workload:shop/eu.job.x", "node:default/eu.n1", "component:default/f",
	}
	worldAliases = []catalog.Alias{
		"otel:a", "otel:b", "otel:shop/a", "dns:a.shop.svc", "k8s:eu/shop/deployment/a", "host:api.psp.com",
		"db:postgresql:b.shop.svc:5432/x", "topic:kafka:orders", "repo:github.com/acme/a", "k8s:eu/shop/job/x", "faas:f",
	}
	worldRules = catalog.MergeOptions{
		Rewrites: []catalog.Rewrite{
			{Match: regexp.MustCompile(`otel:(\w+)`), Replace: "component:shop/$1"},
			{Match: regexp.MustCompile(`otel`), Replace: "component:default/a"},
			{Match: regexp.MustCompile(`repo:.*/(.)`), Replace: "component:$1"},
			{Match: regexp.MustCompile(`.*`), Replace: "no ref"},
		},
		Environments: map[string]string{"live": "production", "prod": "production"},
	}
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomDocuments(r *rand.Rand) []*catalog.Document {
	documents := make([]*catalog.Document, r.IntN(8))
	for i := range documents {
		documents[i] = randomDocument(r, fmt.Sprint(i))
	}
	return documents
}

func randomDocument(r *rand.Rand, key string) *catalog.Document {
	document := &catalog.Document{
		ID:       catalog.DocumentID{Source: pick(r, "x", "y", "z"), Scope: pick(r, "1", "2"), Key: key},
		Ordinal:  r.IntN(2),
		Priority: pick(r, 100, 100, 50), Environment: pick(r, "", "production", "Prod", "live", "Staging"),
		Location: pick(r, "a.yaml", "b.yaml", "c.yaml"), Stale: r.IntN(4) == 0, Held: r.IntN(9) == 0,
		LastSeen: randomInstant(r),
	}
	document.Version = randomVersion(r)
	for range 1 + r.IntN(2) {
		document.Claims = append(document.Claims, randomClaim(r))
	}
	if r.IntN(3) == 0 {
		for range 3 + r.IntN(4) {
			document.Claims = append(document.Claims, randomPiece(r))
		}
	}
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(3) {
			document.Claims = append(document.Claims, randomPair(r))
		}
	}
	if r.IntN(6) == 0 {
		document.Problems = []catalog.Problem{{
			Location: document.Location, Severity: catalog.Warning, Code: pick(r, "self-dependency", "missing-field"),
			Ref: pick(r, worldRefs...), Version: randomVersion(r),
		}}
	}
	return document
}

// randomVersion differs by the commit alone.
func randomVersion(r *rand.Rand) *catalog.Version {
	if r.IntN(2) == 0 {
		return nil
	}
	return &catalog.Version{Repository: "github.com/acme/a", Path: "a.yaml", Commit: pick(r, "1", "2"), Web: "https://a.example/"}
}

func randomInstant(r *rand.Rand) catalog.Instant { return pick(r, catalog.Instant(0), 0, 10, 20, 30) }

func randomLabels(r *rand.Rand) map[string]string {
	labels := map[string]string{}
	for _, key := range worldLabels {
		if r.IntN(3) == 0 {
			labels[key] = pick(r, "a", "b", "orders", "zz")
		}
	}
	return labels
}

var worldLabels = []string{"backstage.io/kubernetes-id", "app.kubernetes.io/name", "app.kubernetes.io/instance", "app"}

func randomSelector(r *rand.Rand) catalog.Selector {
	selector := catalog.Selector{Namespace: pick(r, "", "", "shop"), Line: int32(r.IntN(2))}
	for range r.IntN(3) {
		required := catalog.Requirement{Key: pick(r, worldLabels...), Not: r.IntN(4) == 0}
		for range r.IntN(3) {
			required.Values = append(required.Values, pick(r, "a", "b"))
		}
		selector.Requirements = append(selector.Requirements, required)
	}
	return selector
}

func randomClaim(r *rand.Rand) catalog.Claim {
	claim := catalog.Claim{Subject: randomSubject(r), Line: int32(r.IntN(3)), FirstSeen: randomInstant(r)}
	if claim.Subject.Ref != "" && claim.Subject.Ref != "component:default/nobody" && r.IntN(4) > 0 {
		ref := claim.Subject.Ref
		claim.Descriptor = &catalog.Descriptor{
			Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name(),
			Title: pick(r, "", "", "One"), Owner: catalog.Ref(pick(r, "", "group:default/team", "user:default/u")),
		}
		if r.IntN(4) == 0 {
			claim.Descriptor.Tags, claim.Descriptor.Annotations = []string{}, map[string]string{}
		}
		if r.IntN(4) == 0 {
			claim.Descriptor.Links = []catalog.Link{{URL: "https://one.example", Title: "mine"}}
		}
	}
	for range r.IntN(3) {
		claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: pick(r, worldAliases...), Line: int32(r.IntN(2))})
	}
	if r.IntN(4) == 0 {
		claim.Links = []catalog.Link{{
			URL: pick(r, "https://one.example", "https://two.example"), Type: pick(r, "", "runbook"),
			Title: pick(r, "t", "u"),
		}}
	}
	if claim.Subject.Alias != "" && r.IntN(3) == 0 {
		claim.Hints = []catalog.Hint{
			{Name: pick(r, "B", "zz", "a"), Namespace: pick(r, "", "shop")}, {Name: pick(r, "orders", "b")},
		}
	}
	if claim.Subject.Alias != "" && r.IntN(2) == 0 {
		claim.Labels = randomLabels(r)
	}
	if r.IntN(3) == 0 {
		claim.Facts = randomFacts(r)
	}
	claim.Found, claim.Yields = r.IntN(3) == 0, r.IntN(3) == 0
	claim.Entry = pick(r, catalog.EntryUnknown, catalog.EntryUnknown, catalog.EntryInner, catalog.EntryPoint)
	claim.Stale, claim.LastSeen = r.IntN(3) == 0, randomInstant(r)
	if claim.Subject.Ref != "" && r.IntN(3) == 0 {
		claim.Selectors = []catalog.Selector{randomSelector(r), randomSelector(r)}[:1+r.IntN(2)]
	}
	for range r.IntN(4) {
		claim.Edges = append(claim.Edges, randomEdge(r))
	}
	if r.IntN(3) == 0 {
		claim.OwnerHints = []catalog.OwnerHint{{Name: pick(r, "@acme/team", "@u"), Location: "CODEOWNERS", Line: int32(r.IntN(2))}}
	}
	return claim
}

// randomPiece is what is seen between a few entities, or a piece of a declared path that may cover it.
func randomPiece(r *rand.Rand) catalog.Claim {
	ref := func(refs ...catalog.Ref) catalog.Subject { return catalog.Subject{Ref: pick(r, refs...)} }
	source, target := ref("component:default/a", "component:shop/a"), ref("component:default/b", "component:shop/a", "resource:shop/b")
	api, topic := ref("api:default/p", "api:default/q"), ref("resource:default/orders")
	whole := ref("system:default/s", "domain:default/d", "component:default/b")
	edge := randomEdge(r)
	edge.Reverse, edge.Role, edge.Type = false, catalog.NoRole, pick(r, catalog.DependsOn, catalog.ConsumesAPI)
	if edge.Evidence = catalog.Declared; r.IntN(8) == 0 {
		edge.Evidence = catalog.Inferred
	}
	var from catalog.Subject
	switch r.IntN(8) {
	case 0:
		from, edge.Target = source, api
	case 1:
		from, edge.Target, edge.Type = target, api, catalog.ProvidesAPI
	case 2:
		from, edge.Target, edge.Role = source, topic, pick(r, catalog.Publish, catalog.Consume)
	case 3:
		from, edge.Target, edge.Role = target, topic, pick(r, catalog.Publish, catalog.Consume)
	case 4:
		from, edge.Target = source, whole
	case 5:
		from, edge.Target, edge.Type = pick(r, target, whole), whole, catalog.PartOf
	default:
		from, edge.Target, edge.Type = source, target, catalog.DependsOn
		edge.Evidence = pick(r, catalog.Observed, catalog.Inferred)
	}
	edge.Detailed = edge.Detailed && edge.Evidence == catalog.Declared && edge.Type == catalog.DependsOn
	if r.IntN(4) == 0 {
		from, edge.Target, edge.Reverse = edge.Target, from, true
	}
	return catalog.Claim{Subject: from, Edges: []catalog.EdgeClaim{edge}, Line: int32(r.IntN(3))}
}

// randomPair is a service that says what runs it, or what runs it that says as which service it reports.
func randomPair(r *rand.Rand) catalog.Claim {
	service := pick(r, catalog.Alias("otel:a"), "otel:b", "otel:shop/a")
	workload := pick(r, catalog.Alias("k8s:eu/shop/deployment/a"), "k8s:eu/shop/job/x", "faas:f")
	if r.IntN(3) == 0 {
		service, workload = workload, service
	}
	claim := catalog.Claim{Subject: catalog.Subject{Alias: service}, Aliases: []catalog.AliasClaim{{Alias: workload}}}
	if r.IntN(4) == 0 {
		claim.Labels = randomLabels(r)
	}
	if r.IntN(4) == 0 {
		claim.Edges = []catalog.EdgeClaim{randomEdge(r)}
	}
	return claim
}

// randomFacts have few keys, so that they meet, in any order, some of them twice.
func randomFacts(r *rand.Rand) *catalog.Facts {
	f := &catalog.Facts{}
	if r.IntN(3) == 0 {
		f.Workload = &catalog.Workload{Cluster: "eu", Version: pick(r, "1", "2")}
	}
	if r.IntN(4) == 0 {
		f.Node = &catalog.Node{Name: pick(r, "n1", "n2")}
	}
	name := func() string { return pick(r, "a", "b", "c") }
	for range r.IntN(3) {
		f.Services = append(f.Services, catalog.Service{Namespace: pick(r, "shop", "x"), Name: name(), Type: name()})
	}
	for range r.IntN(3) {
		f.Routes = append(f.Routes, catalog.Route{Kind: pick(r, "Ingress", "HTTPRoute"), Name: name(), Hosts: []string{name()}})
	}
	for range r.IntN(2) {
		f.Autoscalers = append(f.Autoscalers, catalog.Autoscaler{Name: name(), Min: int32(r.IntN(3))})
		f.Budgets = append(f.Budgets, catalog.DisruptionBudget{Name: name(), MinAvailable: name()})
		f.Probed = append(f.Probed, catalog.ProbeResult{Container: name(), Purpose: name(), Status: int32(r.IntN(3))})
	}
	for range r.IntN(3) {
		f.Logs = append(f.Logs, catalog.LogSample{Container: name(), Format: pick(r, "json", "logfmt")})
		f.LooseEnds = append(f.LooseEnds, catalog.LooseEnd{Kind: "Service", Name: name(), Code: name(), Message: name()})
	}
	return f
}

func randomSubject(r *rand.Rand) catalog.Subject {
	if r.IntN(3) == 0 {
		return catalog.Subject{Alias: pick(r, worldAliases...)}
	}
	return catalog.Subject{Ref: pick(r, worldRefs...)}
}

func randomEdge(r *rand.Rand) catalog.EdgeClaim {
	edge := catalog.EdgeClaim{
		Target:   randomSubject(r),
		Type:     pick(r, catalog.DependsOn, catalog.DependsOn, catalog.ConsumesAPI, catalog.OwnedBy, catalog.PartOf, catalog.RunsOn),
		Reverse:  r.IntN(5) == 0,
		Evidence: pick(r, catalog.Declared, catalog.Declared, catalog.Observed, catalog.Inferred),
		Line:     int32(r.IntN(3)),
		Strength: pick(r, catalog.Unstated, catalog.Unstated, catalog.Hard, catalog.Soft, catalog.Async),
		Role:     pick(r, catalog.NoRole, catalog.NoRole, catalog.Publish, catalog.Consume, catalog.PublishAndConsume),
		AnyOf:    pick(r, "", "", "psp", "cdn"),
		Fallback: pick(r, "", "", "cache", "stale data"),
		Protocol: pick(r, "", "", "grpc", "http"),
		Timeout:  pick(r, 0, time.Second), FirstSeen: randomInstant(r), LastSeen: randomInstant(r), Stale: r.IntN(3) == 0,
		Flow: pick(r, catalog.FlowID(0), 0, 1, 2),
	}
	edge.CallsPerRequest = pick(r, 0, 0, 2.5)
	if edge.Evidence == catalog.Declared && !edge.Reverse && edge.Type == catalog.DependsOn {
		edge.Detailed = r.IntN(2) == 0
	}
	return edge
}

// randomRounds is how many sets of documents each property is tried on.
func randomRounds() uint64 {
	if testing.Short() {
		return 300
	}
	return 2000
}

func TestMergeEqualsOracle(t *testing.T) {
	// Of words that only people read the oracle knows nothing.
	reflectProblem := reflect.TypeFor[catalog.Problem]()
	words := gocmp.FilterPath(func(p gocmp.Path) bool {
		field := p.Last().String()
		return p.Index(-2).Type() == reflectProblem && (field == ".Message" || field == ".Fix")
	}, gocmp.Ignore())
	for seed := range randomRounds() {
		documents := randomDocuments(rand.New(rand.NewPCG(seed, 1)))
		options := worldRules
		if seed%2 == 0 {
			options = catalog.MergeOptions{}
		}
		got := catalog.Merge(slices.Values(documents), options)
		want := oracleMerge(documents, options)
		slices.SortFunc(got.Problems, withoutWords)
		slices.SortFunc(want.Problems, withoutWords)
		if diff := gocmp.Diff(want, got, words, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: the merge differs from the oracle (-oracle +merge):\n%s", seed, diff)
		}
	}
}

func withoutWords(a, b catalog.Problem) int {
	a.Message, a.Fix, b.Message, b.Fix = "", "", "", ""
	return cmp.Or(catalog.CompareProblems(a, b), cmp.Compare(fmt.Sprint(a.Version), fmt.Sprint(b.Version)))
}

func TestMergeIsTheSameInAnyOrder(t *testing.T) {
	for seed := range randomRounds() {
		r := rand.New(rand.NewPCG(seed, 2))
		documents := randomDocuments(r)
		want := catalog.Merge(slices.Values(documents), worldRules)
		shuffled := slices.Clone(documents)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := gocmp.Diff(want, catalog.Merge(slices.Values(shuffled), worldRules)); diff != "" {
			t.Fatalf("seed %d: another order gives another model:\n%s", seed, diff)
		}
	}
}

func TestMergedModelHoldsItsPromises(t *testing.T) {
	for seed := range randomRounds() {
		documents := randomDocuments(rand.New(rand.NewPCG(seed, 3)))
		model := catalog.Merge(slices.Values(documents), worldRules)
		if broken := brokenPromise(model); broken != "" {
			t.Fatalf("seed %d: %s", seed, broken)
		}
	}
}

func brokenPromise(model *catalog.Model) string {
	known := map[catalog.Ref]bool{}
	owner := map[catalog.Alias]catalog.Ref{}
	for i, e := range model.Entities {
		known[e.Ref] = true
		if i > 0 && model.Entities[i-1].Ref >= e.Ref {
			return fmt.Sprintf("the entity %s is out of order", e.Ref)
		}
		if e.Kind == "" || e.Namespace == "" || e.Name == "" {
			return fmt.Sprintf("%s has no kind, namespace or name", e.Ref)
		}
		described := !e.Placeholder && !e.Discovered && !e.Found
		if (described || e.Found) != (e.Origin != nil) || e.Placeholder && (e.Discovered || e.Found) {
			return fmt.Sprintf("%s is not exactly one of described, discovered or found, and placeholder", e.Ref)
		}
		if e.Discovered != (e.Lifecycle == catalog.LifecycleDiscovered) || e.Discovered && (e.Owner != "" || len(e.Aliases) == 0) {
			return fmt.Sprintf("%s is discovered with an owner or without an alias", e.Ref)
		}
		if !slices.IsSortedFunc(e.Aliases, func(a, b catalog.EntityAlias) int { return cmp.Compare(a.Alias, b.Alias) }) {
			return fmt.Sprintf("the aliases of %s are out of order", e.Ref)
		}
		for _, alias := range e.Aliases {
			if other, taken := owner[alias.Alias]; taken {
				return fmt.Sprintf("%s belongs to %s and %s", alias.Alias, other, e.Ref)
			}
			owner[alias.Alias] = e.Ref
		}
	}
	type identity struct {
		from, to    catalog.Ref
		relation    catalog.RelationType
		environment string
	}
	seen := map[identity]bool{}
	for i := range model.Edges {
		e := &model.Edges[i]
		id := identity{e.From, e.To, e.Type, e.Environment}
		everywhere := identity{e.From, e.To, e.Type, ""}
		fresh := slices.ContainsFunc(e.Evidence, func(x catalog.Evidence) bool { return !x.Stale })
		switch {
		case !known[e.From] || !known[e.To]:
			return fmt.Sprintf("%v has an end without an entity", id)
		case seen[id] || seen[everywhere]:
			return fmt.Sprintf("%v is there twice", id)
		case len(e.Evidence) == 0 || slices.ContainsFunc(e.Evidence, func(x catalog.Evidence) bool { return x.Origin == nil }):
			return fmt.Sprintf("%v has no evidence", id)
		case e.Stale == fresh:
			return fmt.Sprintf("%v is stale: %v", id, e.Stale)
		case e.Type.IsDependency() == (e.Strength == catalog.Unstated):
			return fmt.Sprintf("%v has the strength %q", id, e.Strength)
		case e.KindsOfEvidence().Has(catalog.Declared) && e.Environment != "" && e.Type != catalog.RunsOn:
			return fmt.Sprintf("%v is declared for one environment", id)
		}
		seen[id] = true
	}
	ordered := slices.IsSortedFunc(model.Edges, func(a, b catalog.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Environment, b.Environment))
	})
	switch {
	case !ordered:
		return "the edges are out of order"
	case !slices.IsSortedFunc(model.Problems, catalog.CompareProblems):
		return "the problems are out of order"
	}
	return ""
}
