package resolve_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// shopTime is when the revision of the same number was made.
func shopTime(revision graph.Revision) time.Time {
	return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC).Add(time.Duration(revision) * time.Minute)
}

// memory is a past by the plainest means. States before compacted are no longer told.
type memory struct {
	states    []*graph.Snapshot // in order
	records   []graph.Recorded  // the newest first
	compacted graph.Revision
}

func (m *memory) At(_ context.Context, at graph.AsOf) (*graph.Snapshot, error) {
	var found *graph.Snapshot
	for _, s := range m.states {
		if !s.Time().After(at.Time) {
			found = s
		}
	}
	switch {
	case found == nil:
		return nil, graph.ErrNoRevision
	case found.Revision() < m.compacted:
		return nil, graph.ErrCompacted
	}
	return found, nil
}

func (m *memory) History(_ context.Context, q graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		n := 0
		for _, r := range m.records {
			if r.Revision <= q.After || q.Through > 0 && (r.Revision > q.Through || r.Revision == q.Through && r.Position < q.From) ||
				r.Time.Before(q.Since) || !q.Until.IsZero() && !r.Time.Before(q.Until) ||
				len(q.Refs) > 0 && !slices.Contains(q.Refs, r.Ref) || q.Limit > 0 && n == q.Limit {
				continue
			}
			if n++; !yield(r, nil) {
				return
			}
		}
	}
}

// record makes a revision of a world, with its records.
func (m *memory) record(w *world, changes ...graph.FieldChange) {
	revision := graph.Revision(len(m.states) + 1)
	s := w.snapshot(revision)
	m.states = append(m.states, s.Apply(nil, revision, shopTime(revision), s.Sources()))
	var made []graph.Recorded
	for i, change := range changes {
		made = append(made, graph.Recorded{FieldChange: change, Revision: revision, Time: shopTime(revision), Position: i})
	}
	m.records = append(made, m.records...)
}

// shopHistory is a shop that changed twice.
func shopHistory() *memory {
	m, w := &memory{}, shop()
	m.record(w, birth("component:default/checkout"), birth("component:default/ledger"), birth("resource:default/ledger-db"))
	w.add("component:default/checkout").Title = "The checkout"
	w.add("component:default/old")
	w.add("component:default/web").Aliases = []catalog.EntityAlias{{Alias: "otel:shop/web", MatchedBy: catalog.MatchedByName}}
	m.record(w,
		graph.FieldChange{Ref: "component:default/checkout", Field: "title", New: "The checkout", Source: "a"},
		birth("component:default/old"),
		graph.FieldChange{Ref: "component:shop/web", Old: "DISCOVERED", Source: "traces"}) // the web took it over
	delete(w.entities, "component:default/old")
	delete(w.entities, "component:default/mail")
	w.edges = slices.DeleteFunc(w.edges, func(e catalog.Edge) bool {
		return e.From == "component:default/mail" || e.To == "component:default/mail"
	})
	w.add("component:default/ledger").Lifecycle = "deprecated"
	m.record(w,
		graph.FieldChange{Ref: "component:default/ledger", Field: "lifecycle", Old: "production", New: "deprecated", Source: "a"},
		graph.FieldChange{Ref: "component:default/mail", Old: "DESCRIBED", Source: "a"},
		graph.FieldChange{Ref: "component:default/old", Old: "DESCRIBED", Source: "a"})
	return m
}

func birth(ref catalog.Ref) graph.FieldChange {
	return graph.FieldChange{Ref: ref, New: "DESCRIBED", Source: "a"}
}

func newClientWithPast(past *memory) *client {
	c := &client{}
	c.current.Store(past.states[len(past.states)-1])
	c.exec = resolve.NewExecutor(resolve.Config{Snapshots: &c.holder, Past: past, Log: zerolog.New(&c.log)})
	return c
}

// asOfQueries ask every field of the API; %s is where `at` goes.
var asOfQueries = map[string]string{
	"snapshot":     `{snapshot%s{revision time entities}}`,
	"entity":       `{entity(ref:"checkout" %s){ref title parents{ref} dependencies{nodes{to{ref lifecycle}}} changes{totalCount nodes{ref field}} problems{totalCount}}}`,
	"entities":     `{entities(orderBy:NAME %s){totalCount nodes{ref title lifecycle relations{totalCount}}}}`,
	"complete":     `{complete(prefix:"component:" %s){text entity{ref}}}`,
	"dependencies": `{dependencies(of:"web" %s){entities{nodes{entity{ref lifecycle} distance}}}}`,
	"blastRadius":  `{blastRadius(of:["ledger"] %s){totals{outage degraded delayed} impacted{nodes{entity{ref lifecycle}}}}}`,
	"path":         `{path(from:"web",to:"ledger" %s){length steps{to{ref lifecycle}}}}`,
	"cycles":       `{cycles%s{totalCount nodes{entities{nodes{ref title}}}}}`,
	"problems":     `{problems%s{totalCount nodes{ref entity{ref title}}}}`,
	"sources":      `{sources%s{nodes{id state}}}`,
	"search":       `{search(text:"checkout" %s){nodes{entity{ref title}}}}`,
	"health":       `{health(first:10 %s){totalCount totals{services{pass fail}} nodes{entity{ref title} outcome}}}`,
	"drift":        `{drift(first:10 %s){totalCount totals{kind count} nodes{kind message entity{ref title}}}}`,
	"changes":      `{changes(first:10 %s){totalCount nodes{revision ref field entity{ref title}}}}`,
}

// TestEveryFieldAnswersAsOf compares the answer as of each past moment with that of a server for which it is now.
func TestEveryFieldAnswersAsOf(t *testing.T) {
	past := shopHistory()
	c := newClientWithPast(past)
	fields := gen.NewExecutableSchema(gen.Config{}).Schema().Query.Fields
	for _, field := range fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		query, ok := asOfQueries[field.Name]
		if !ok || field.Arguments.ForName("at") == nil {
			t.Errorf("%s is not asked as of a past moment", field.Name)
			continue
		}
		ask := func(argument string) string {
			if !strings.Contains(query, "(") || strings.Index(query, "%s") < strings.Index(query, "(") {
				if argument != "" {
					argument = "(" + argument + ")"
				}
			}
			return fmt.Sprintf(query, argument)
		}
		for i, then := range past.states {
			was := newClientWithPast(&memory{states: past.states[:i+1], records: past.records})
			want := was.data(t, ask(""), nil)
			for _, at := range []time.Time{then.Time(), then.Time().Add(59 * time.Second)} {
				got := c.data(t, ask(fmt.Sprintf("at:%q", at.Format(time.RFC3339Nano))), nil)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s as of revision %d (-want +got):\n%s", field.Name, then.Revision(), diff)
				}
			}
		}
	}
}

// TestMomentsOfOneOperation asks about several moments at once, by literals, variables and fragments.
func TestMomentsOfOneOperation(t *testing.T) {
	c := newClientWithPast(shopHistory())
	data := c.data(t, `query($at:Time,$none:Time){
		now: snapshot{revision} none: snapshot(at:$none){revision} one: snapshot(at:$at){revision}
		... on Query { two: snapshot(at:"2026-01-31T13:02:30+01:00") {revision} } ...then }
		fragment then on Query { three: entity(ref:"mail", at:$at){ref} four: entity(ref:"ledger"){lifecycle} }`,
		map[string]any{"at": shopTime(1)})
	want := map[string]any{
		"now": map[string]any{"revision": 3.}, "none": map[string]any{"revision": 3.}, "one": map[string]any{"revision": 1.},
		"two": map[string]any{"revision": 2.}, "three": map[string]any{"ref": "component:default/mail"},
		"four": map[string]any{"lifecycle": "deprecated"},
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMomentsThatCannotBeShown(t *testing.T) {
	past := shopHistory()
	past.compacted = 2
	c := newClientWithPast(past)
	present := newClient(past.states[2])
	moment := func(at time.Time) map[string]any { return map[string]any{"at": at} }
	many := "query{"
	for i := range 4 {
		many += fmt.Sprintf(" s%d: snapshot(at:%q){revision}", i, shopTime(3).Add(-time.Duration(i)*time.Second).Format(time.RFC3339))
	}
	many += "}"
	tests := map[string]struct {
		client *client
		query  string
		at     time.Time
		code   string
		says   string
		data   any
	}{
		"compacted":       {c, `query($at:Time){entities(at:$at){totalCount}}`, shopTime(1), "COMPACTED", "no longer kept", nil},
		"before it began": {c, `query($at:Time){entities(at:$at){totalCount}}`, shopTime(0), "NOT_FOUND", "no revision then", nil},
		"the rest is answered": {
			c, `query($at:Time){entity(ref:"mail",at:$at){ref} snapshot{revision}}`, shopTime(0), "NOT_FOUND", "no revision then",
			map[string]any{"entity": nil, "snapshot": map[string]any{"revision": 3.}},
		},
		"the future":    {c, `query($at:Time){snapshot(at:$at){revision}}`, time.Now().Add(time.Hour), "BAD_INPUT", "in the future", nil},
		"no history":    {present, `query($at:Time){snapshot(at:$at){revision}}`, shopTime(1), "BAD_INPUT", "kept in a store", nil},
		"no changes":    {present, `{changes{totalCount}}`, time.Time{}, "BAD_INPUT", "kept in a store", nil},
		"too many":      {c, many, time.Time{}, "TOO_COMPLEX", "4 different moments", nil},
		"no time":       {c, `{snapshot(at:"yesterday"){revision}}`, time.Time{}, "BAD_INPUT", "RFC 3339", nil},
		"empty":         {c, `{snapshot(at:""){revision}}`, time.Time{}, "BAD_INPUT", "no time", nil},
		"zero":          {c, `{snapshot(at:"0001-01-01T00:00:00Z"){revision}}`, time.Time{}, "BAD_INPUT", "no time", nil},
		"no text":       {c, `{snapshot(at:2026){revision}}`, time.Time{}, "BAD_INPUT", "RFC 3339", nil},
		"no time since": {c, `{changes(since:"yesterday"){totalCount}}`, time.Time{}, "BAD_INPUT", "RFC 3339", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			variables := moment(test.at)
			if test.at.IsZero() {
				variables = nil
			}
			a := test.client.ask(t, test.query, variables)
			if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != test.code || !strings.Contains(a.Errors[0].Message, test.says) {
				t.Fatalf("got %+v, want %s that says %q", a.Errors, test.code, test.says)
			}
			var want map[string]any
			if test.data != nil {
				want = test.data.(map[string]any)
				if diff := cmp.Diff([]any{"entity"}, a.Errors[0].Path); diff != "" {
					t.Error(diff)
				}
			}
			if diff := cmp.Diff(want, a.Data); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	// What is called now by a clock that is a little ahead is now.
	if got := at(c.data(t, `query($at:Time){snapshot(at:$at){revision}}`, moment(time.Now().Add(30*time.Second))), "snapshot.revision"); got != 3. {
		t.Errorf("revision %v", got)
	}
}

func TestChanges(t *testing.T) {
	tests := map[string]struct{ query, want string }{
		"all": {
			`{changes{nodes{revision ref}}}`,
			"3 component:default/ledger, 3 component:default/mail, 3 component:default/old, 2 component:default/checkout, " +
				"2 component:default/old, 2 component:shop/web, 1 component:default/checkout, 1 component:default/ledger, 1 resource:default/ledger-db",
		},
		"since":                {`{changes(since:"2026-01-31T12:03:00Z"){nodes{revision ref}}}`, "3 component:default/ledger, 3 component:default/mail, 3 component:default/old"},
		"until":                {`{changes(since:"2026-01-31T12:02:00Z",until:"2026-01-31T12:03:00Z"){nodes{revision ref}}}`, "2 component:default/checkout, 2 component:default/old, 2 component:shop/web"},
		"of what it took over": {`{changes(of:"web"){nodes{revision ref}}}`, "2 component:shop/web"},
		"by its former name":   {`{changes(of:"component:shop/web"){nodes{revision ref}}}`, "2 component:shop/web"},
		"of":                   {`{changes(of:"Checkout"){nodes{revision ref}}}`, "2 component:default/checkout, 1 component:default/checkout"},
		"of what is gone":      {`{changes(of:"component:old"){nodes{revision ref}}}`, "3 component:default/old, 2 component:default/old"},
		"upstream":             {`{changes(of:"payments-api-user",first:0){nodes{revision ref}}}`, "NOT_FOUND"},
		"upstream of web":      {`{changes(of:"web",upstream:true,since:"2026-01-31T12:02:00Z"){nodes{revision ref}}}`, "3 component:default/ledger, 2 component:default/checkout, 2 component:shop/web"},
		"upstream as of":       {`{changes(of:"web",upstream:true,at:"2026-01-31T12:02:00Z"){nodes{revision ref}}}`, "2 component:default/checkout, 2 component:shop/web, 1 component:default/checkout, 1 component:default/ledger, 1 resource:default/ledger-db"},
		"upstream of all":      {`{changes(upstream:true){nodes{revision ref}}}`, "BAD_INPUT"},
		"never heard of":       {`{changes(of:"component:default/unheard"){nodes{revision ref}}}`, "NOT_FOUND"},
		"later than asked":     {`{changes(of:"component:old",at:"2026-01-31T12:01:00Z"){nodes{revision ref}}}`, "NOT_FOUND"},
		"no cursor":            {`{changes(after:"x"){nodes{revision ref}}}`, "BAD_INPUT"},
	}
	c := newClientWithPast(shopHistory())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := c.ask(t, test.query, nil)
			var got []string
			for _, e := range a.Errors {
				got = append(got, e.Extensions.Code)
			}
			if len(a.Errors) == 0 {
				for _, node := range at(a.Data, "changes.nodes").([]any) {
					got = append(got, fmt.Sprint(at(node, "revision"), " ", at(node, "ref")))
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	data := c.data(t, `{changes(first:2){totalCount nodes{time field old new source entity{ref}}} entity(ref:"checkout"){changes{nodes{field old new}}}}`, nil)
	want := map[string]any{
		"changes": map[string]any{"totalCount": 9., "nodes": []any{
			map[string]any{
				"time": "2026-01-31T12:03:00Z", "field": "lifecycle", "old": "production", "new": "deprecated", "source": "a",
				"entity": map[string]any{"ref": "component:default/ledger"},
			},
			map[string]any{"time": "2026-01-31T12:03:00Z", "field": nil, "old": "DESCRIBED", "new": nil, "source": "a", "entity": nil},
		}},
		"entity": map[string]any{"changes": map[string]any{"nodes": []any{
			map[string]any{"field": "title", "old": nil, "new": "The checkout"}, map[string]any{"field": nil, "old": nil, "new": "DESCRIBED"},
		}}},
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPagesOfChanges puts pages of any size together while the catalog changes between them.
func TestPagesOfChanges(t *testing.T) {
	for first := 1; first <= 9; first++ {
		past := shopHistory()
		c := newClientWithPast(past)
		var want, got []string
		for _, r := range past.records {
			want = append(want, fmt.Sprint(r.Revision, " ", r.Ref))
		}
		var after any
		for more := true; more; {
			data := c.data(t, `query($first:Int,$after:String){changes(first:$first,after:$after){nodes{revision ref}
				edges{cursor} pageInfo{hasNextPage hasPreviousPage endCursor}}}`, map[string]any{"first": first, "after": after})
			nodes, edges := at(data, "changes.nodes").([]any), at(data, "changes.edges").([]any)
			for _, node := range nodes {
				got = append(got, fmt.Sprint(at(node, "revision"), " ", at(node, "ref")))
			}
			if len(edges) != len(nodes) || at(edges[len(edges)-1], "cursor") != at(data, "changes.pageInfo.endCursor") ||
				at(data, "changes.pageInfo.hasPreviousPage") != (after != nil) {
				t.Fatalf("a page of %d: %v", first, data)
			}
			after, more = at(data, "changes.pageInfo.endCursor"), at(data, "changes.pageInfo.hasNextPage").(bool)
			past.record(shop(), birth("component:default/later"))
			c.current.Store(past.states[len(past.states)-1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in pages of %d (-want +got):\n%s", first, diff)
		}
	}
}

func TestProvenance(t *testing.T) {
	w := shop()
	origin := &catalog.Origin{Source: "a", Location: "shop/catalog-info.yaml"}
	seen := func(minute int) catalog.Instant { return catalog.InstantOf(shopTime(graph.Revision(minute))) }
	web := w.add("component:default/web")
	web.Origin, web.FirstSeen = origin, seen(1)
	web.Aliases = []catalog.EntityAlias{{Alias: "otel:web", MatchedBy: catalog.MatchedByName, Origin: &catalog.Origin{Source: "traces"}}}
	old := w.add("component:default/old")
	old.Origin, old.Stale, old.FirstSeen, old.LastSeen = origin, true, seen(1), seen(2)
	edge := w.relate("component:default/web", catalog.DependsOn, "component:default/old", catalog.Hard)
	edge.Evidence = []catalog.Evidence{
		{Kind: catalog.Declared, Origin: origin, Line: 7, FirstSeen: seen(1)},
		{Kind: catalog.Declared, Origin: origin, Line: 8, FirstSeen: seen(1), LastSeen: seen(2), Stale: true},
		{Kind: catalog.Observed, Origin: &catalog.Origin{Source: "nowhere"}},
	}
	snapshot := w.snapshot(1)
	sources := slices.Clone(snapshot.Sources())
	sources[0].LastGood = shopTime(9)
	c := newClient(snapshot.Apply(nil, 1, shopTime(1), sources))
	got := c.data(t, `{web:entity(ref:"web"){firstSeen lastSeen formerRefs aliases{alias source{source location line}}
		dependencies{nodes{to{ref} evidence{line firstSeen lastSeen}}}} old:entity(ref:"old"){firstSeen lastSeen}
		none:entity(ref:"ledger-db"){firstSeen lastSeen}}`, nil)
	web1 := at(got, "web").(map[string]any)
	for _, node := range at(web1, "dependencies.nodes").([]any) {
		if at(node, "to.ref") == "component:default/old" {
			web1["dependencies"] = at(node, "evidence")
		}
	}
	want := map[string]any{
		"web": map[string]any{
			"firstSeen": "2026-01-31T12:01:00Z", "lastSeen": "2026-01-31T12:09:00Z", "formerRefs": []any{},
			"aliases": []any{map[string]any{"alias": "otel:web", "source": map[string]any{"source": "traces", "location": nil, "line": nil}}},
			"dependencies": []any{
				map[string]any{"line": 7., "firstSeen": "2026-01-31T12:01:00Z", "lastSeen": "2026-01-31T12:09:00Z"},
				map[string]any{"line": 8., "firstSeen": "2026-01-31T12:01:00Z", "lastSeen": "2026-01-31T12:02:00Z"},
				map[string]any{"line": nil, "firstSeen": nil, "lastSeen": nil},
			},
		},
		"old":  map[string]any{"firstSeen": "2026-01-31T12:01:00Z", "lastSeen": "2026-01-31T12:02:00Z"},
		"none": map[string]any{"firstSeen": nil, "lastSeen": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
