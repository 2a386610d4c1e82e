package catalog_test

import (
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestEdgesCombine(t *testing.T) {
	const a, b = catalog.Ref("component:default/a"), catalog.Ref("component:default/b")
	type change = func(*catalog.EdgeClaim)
	plain := func(changes ...change) catalog.EdgeClaim {
		edge := dependsOn(b)
		for _, c := range changes {
			c(&edge)
		}
		return edge
	}
	entry := func(changes ...change) catalog.EdgeClaim {
		return with(plain(changes...), func(e *catalog.EdgeClaim) { e.Detailed = true })
	}
	consumed := func(e *catalog.EdgeClaim) { e.Type = catalog.ConsumesAPI }
	hard := func(e *catalog.EdgeClaim) { e.Strength = catalog.Hard }
	soft := func(e *catalog.EdgeClaim) { e.Strength = catalog.Soft }
	async := func(e *catalog.EdgeClaim) { e.Strength = catalog.Async }
	publish := func(e *catalog.EdgeClaim) { e.Role = catalog.Publish }
	consume := func(e *catalog.EdgeClaim) { e.Role = catalog.Consume }
	anyOf := func(group string) change { return func(e *catalog.EdgeClaim) { e.AnyOf = group } }
	line := func(line int32) change { return func(e *catalog.EdgeClaim) { e.Line = line } }
	said := func(e *catalog.EdgeClaim) {
		e.Fallback, e.CallsPerRequest, e.Timeout, e.Protocol = "cache", 2, time.Second, "grpc"
	}
	seen := func(e *catalog.EdgeClaim) { e.Evidence = catalog.Observed }
	guessed := func(e *catalog.EdgeClaim) { e.Evidence = catalog.Inferred }

	for _, c := range []struct {
		name string
		own  []catalog.EdgeClaim // in a's descriptor, file a
		of   []catalog.EdgeClaim // in b's descriptor, file b, reversed
		live []catalog.EdgeClaim // of a, from a source in production, file live
		want string
	}{
		{
			name: "a call is hard", own: []catalog.EdgeClaim{plain()},
			want: "component:default/a dependsOn component:default/b HARD [DECLARED a:2]",
		},
		{
			name: "a consumer is async", own: []catalog.EdgeClaim{entry(consume)},
			want: "component:default/a dependsOn component:default/b ASYNC CONSUME [DECLARED a:2]",
		},
		{
			name: "a publisher is hard", own: []catalog.EdgeClaim{entry(publish)},
			want: "component:default/a dependsOn component:default/b HARD PUBLISH [DECLARED a:2]",
		},
		{
			name: "a stated strength goes before the role", own: []catalog.EdgeClaim{entry(consume, soft)},
			want: "component:default/a dependsOn component:default/b SOFT CONSUME [DECLARED a:2]",
		},
		{
			name: "both places of a file are evidence of one edge, and the entry wins",
			own:  []catalog.EdgeClaim{plain(), entry(line(5), soft, anyOf("g"), said)},
			want: "component:default/a dependsOn component:default/b SOFT anyOf=g {Fallback:cache CallsPerRequest:2 Timeout:1s Protocol:grpc} [DECLARED a:2] [DECLARED a:5]",
		},
		{
			name: "the entry wins over a stricter plain one", own: []catalog.EdgeClaim{plain(hard), entry(soft)},
			want: "component:default/a dependsOn component:default/b SOFT [DECLARED a:2]",
		},
		{
			name: "with consumesApis it is that", own: []catalog.EdgeClaim{entry(line(5), soft), plain(consumed)},
			want: "component:default/a consumesApi component:default/b SOFT [DECLARED a:2] [DECLARED a:5]",
		},
		{
			name: "with both lists it is consumesApi, once", own: []catalog.EdgeClaim{plain(), entry(async), plain(consumed, line(4))},
			want: "component:default/a consumesApi component:default/b ASYNC [DECLARED a:2] [DECLARED a:4]",
		},
		{
			name: "without an entry the two lists are two relations", own: []catalog.EdgeClaim{plain(), plain(consumed)},
			want: "component:default/a dependsOn component:default/b HARD [DECLARED a:2]\n" +
				"component:default/a consumesApi component:default/b HARD [DECLARED a:2]",
		},
		{
			name: "twice an entry: the stricter", own: []catalog.EdgeClaim{entry(async), entry(soft)},
			want: "component:default/a dependsOn component:default/b SOFT [DECLARED a:2]",
		},
		{
			name: "a stated strength goes before none", own: []catalog.EdgeClaim{entry(), entry(async)},
			want: "component:default/a dependsOn component:default/b ASYNC [DECLARED a:2]",
		},
		{
			name: "who publishes and consumes does both", own: []catalog.EdgeClaim{entry(consume), entry(publish, line(5))},
			want: "component:default/a dependsOn component:default/b HARD PUBLISH_AND_CONSUME [DECLARED a:2] [DECLARED a:5]",
		},
		{
			name: "of both sides the stricter strength counts", own: []catalog.EdgeClaim{entry(consume, soft), entry(publish, async)},
			want: "component:default/a dependsOn component:default/b SOFT PUBLISH_AND_CONSUME [DECLARED a:2]",
		},
		{
			name: "both sides of an API are one edge, too", own: []catalog.EdgeClaim{plain(consumed), entry(consume), entry(publish)},
			want: "component:default/a consumesApi component:default/b HARD PUBLISH_AND_CONSUME [DECLARED a:2]",
		},
		{
			name: "what is seen adds no side to what is declared", own: []catalog.EdgeClaim{entry(consume)}, live: []catalog.EdgeClaim{plain(seen, publish, line(0))},
			want: "component:default/a dependsOn component:default/b ASYNC CONSUME [DECLARED a:2] [OBSERVED live:0]",
		},
		{
			name: "a group goes before none", own: []catalog.EdgeClaim{entry(), plain(anyOf("g"))},
			want: "component:default/a dependsOn component:default/b HARD anyOf=g [DECLARED a:2]",
		},
		{
			name: "of two groups the first", own: []catalog.EdgeClaim{entry(anyOf("z")), entry(anyOf("b"))},
			want: "component:default/a dependsOn component:default/b HARD anyOf=z [DECLARED a:2]",
		},
		{
			name: "dependencyOf is turned round", of: []catalog.EdgeClaim{plain(line(9))},
			want: "component:default/a dependsOn component:default/b HARD [DECLARED b:9]",
		},
		{
			name: "the word of the source goes before that of the target", own: []catalog.EdgeClaim{plain(soft)}, of: []catalog.EdgeClaim{plain(hard, line(9))},
			want: "component:default/a dependsOn component:default/b SOFT [DECLARED a:2] [DECLARED b:9]",
		},
		{
			name: "where the source says nothing the target does", own: []catalog.EdgeClaim{plain()}, of: []catalog.EdgeClaim{plain(soft, line(9))},
			want: "component:default/a dependsOn component:default/b SOFT [DECLARED a:2] [DECLARED b:9]",
		},
		{
			name: "what is seen has its environment", live: []catalog.EdgeClaim{plain(seen, consume, line(0))},
			want: "component:default/a dependsOn component:default/b ASYNC CONSUME production [OBSERVED live:0]",
		},
		{
			name: "what a live source declares holds everywhere", live: []catalog.EdgeClaim{plain(line(0))},
			want: "component:default/a dependsOn component:default/b HARD [DECLARED live:0]",
		},
		{
			name: "what is declared covers what is seen", own: []catalog.EdgeClaim{entry(soft)}, live: []catalog.EdgeClaim{plain(seen, hard, line(0)), plain(guessed, anyOf("g"), line(0))},
			want: "component:default/a dependsOn component:default/b SOFT [DECLARED a:2] [OBSERVED live:0] [INFERRED live:0]",
		},
		{
			name: "what is seen says how, where nothing is declared of it", own: []catalog.EdgeClaim{plain()}, live: []catalog.EdgeClaim{plain(seen, consume, said, line(0))},
			want: "component:default/a dependsOn component:default/b ASYNC CONSUME {Fallback:cache CallsPerRequest:2 Timeout:1s Protocol:grpc} [DECLARED a:2] [OBSERVED live:0]",
		},
		{
			name: "what is seen may be of a group of its own", live: []catalog.EdgeClaim{plain(seen, anyOf("g"), line(0))},
			want: "component:default/a dependsOn component:default/b HARD production anyOf=g [OBSERVED live:0]",
		},
		{
			name: "a relation of another type is another edge", own: []catalog.EdgeClaim{plain(), plain(func(e *catalog.EdgeClaim) { e.Type = catalog.PartOf })},
			want: "component:default/a dependsOn component:default/b HARD [DECLARED a:2]\n" +
				"component:default/a partOf component:default/b HARD [DECLARED a:2]",
		},
		{
			name: "ownership has no strength", own: []catalog.EdgeClaim{plain(hard, anyOf("g"), said, func(e *catalog.EdgeClaim) { e.Type = catalog.OwnedBy })},
			want: "component:default/a ownedBy component:default/b [DECLARED a:2]",
		},
		{
			name: "without a line of its own a relation is where the claim is", own: []catalog.EdgeClaim{plain(line(0))},
			want: "component:default/a dependsOn component:default/b HARD [DECLARED a:1]",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var reversed []catalog.EdgeClaim
			for _, edge := range c.of {
				edge.Target.Ref, edge.Reverse = a, true
				reversed = append(reversed, edge)
			}
			live := document("live", catalog.Claim{Subject: catalog.Subject{Ref: a}, Edges: c.live})
			live.Environment, live.ID.Source = "production", "traces"
			model := merge(document("b", describe(b, reversed...)), live, document("a", describe(a, c.own...)))
			checkText(t, drawing(model.Edges), c.want+"\n")
			if len(model.Problems) > 0 {
				t.Error(lines(model.Problems))
			}
		})
	}
}

func TestEnvironmentsStayApart(t *testing.T) {
	call := with(dependsOn("component:default/b"), func(e *catalog.EdgeClaim) { e.Evidence, e.Line = catalog.Observed, 0 })
	in := func(environment, location string, stale bool) *catalog.Document {
		d := document(location, catalog.Claim{Subject: catalog.Subject{Ref: "component:default/a"}, Edges: []catalog.EdgeClaim{call}})
		d.Environment, d.Stale = environment, stale
		return d
	}
	model := merge(in("staging", "s", false), in("production", "q", true), in("production", "p", true))
	checkText(t, drawing(model.Edges), `
		component:default/a dependsOn component:default/b HARD production stale [OBSERVED p:0] [OBSERVED q:0]
		component:default/a dependsOn component:default/b HARD staging [OBSERVED s:0]
	`)
	if got := model.Edges[1].Evidence[0].Origin.Environment; got != "staging" {
		t.Errorf("the evidence was seen in %q", got)
	}
}

func TestSelfEdges(t *testing.T) {
	const want = "component:default/a dependsOn component:default/a HARD [DECLARED a:2]\n"
	own := describe("component:default/a", dependsOn("component:default/a"))
	model := merge(document("a", own))
	checkText(t, drawing(model.Edges), want)
	checkText(t, lines(model.Problems), `
		component:default/a a:2: warning: component:default/a refers to itself (dependsOn) (remove the reference, or name what was meant) [self-dependency]
	`)

	told := document("a", own)
	told.Problems = []catalog.Problem{{
		Location: "a", Line: 2, Severity: catalog.Warning, Code: catalog.CodeSelfDependency, Message: "told", Ref: "component:default/a",
	}}
	model = merge(told)
	checkText(t, drawing(model.Edges), want)
	if len(model.Problems) != 1 || model.Problems[0].Message != "told" {
		t.Errorf("it is told twice:\n%s", lines(model.Problems))
	}
}
