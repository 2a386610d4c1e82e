package ingest_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// TestStatements tells what is left when a source says one thing and then another.
func TestStatements(t *testing.T) {
	const a, b, c = "component:default/a", "component:default/b", "component:default/c"
	tests := []struct {
		name        string
		scans       [][]scope
		fails       bool // the last scan
		want        []string
		problems    []string
		state       graph.SourceState
		put, gone   int // of the last scan
		documents   int
		sourceError string
	}{
		{
			name: "one scan", scans: [][]scope{{read("f", a, b), read("g", c)}},
			want: []string{a, b, c}, put: 3, documents: 3, state: graph.SourceOK,
		},
		{
			name: "the same again", scans: [][]scope{{read("f", a, b), read("g", c)}, {read("g", c), read("f", a, b)}},
			want: []string{a, b, c}, documents: 3, state: graph.SourceOK,
		},
		{
			name: "a document is said differently", scans: [][]scope{{read("f", a, b)}, {read("f", a+" Alpha", b)}},
			want: []string{a + " Alpha", b}, put: 1, documents: 2, state: graph.SourceOK,
		},
		{
			name: "a document is gone from its file", scans: [][]scope{{read("f", a, b)}, {read("f", a)}},
			want: []string{a}, gone: 1, documents: 1, state: graph.SourceOK,
		},
		{
			name: "a file is gone", scans: [][]scope{{read("f", a), read("g", b)}, {read("g", b)}},
			want: []string{b}, gone: 1, documents: 1, state: graph.SourceOK,
		},
		{
			name: "the only one is gone", scans: [][]scope{{read("f", a)}, {}},
			want: []string{}, gone: 1, state: graph.SourceOK,
		},
		{
			name: "everything is gone", scans: [][]scope{{read("f", a), read("g", b)}, {}},
			want: []string{a + " stale", b + " stale"}, problems: []string{"f removal-held", "g removal-held"},
			put: 2, documents: 2, state: graph.SourceHeld,
			sourceError: "2 of 2 entities are no longer there, and stand until their removal is approved",
		},
		{
			name: "a document moves to another file", scans: [][]scope{{read("f", a)}, {read("g", a)}},
			want: []string{a}, put: 1, gone: 1, documents: 1, state: graph.SourceOK,
		},
		{
			name: "a file cannot be read", scans: [][]scope{{read("f", a, b), read("g", c)}, {unreadable("f"), read("g", c)}},
			want: []string{a + " stale", b + " stale", c}, problems: []string{"f broken", "f stale", "f stale"}, put: 3, documents: 3,
			state: graph.SourceStale, sourceError: "1 could not be read, of them f: it is broken",
		},
		{
			name: "a file cannot be read twice", scans: [][]scope{{read("f", a)}, {unreadable("f")}, {unreadable("f")}},
			want: []string{a + " stale"}, problems: []string{"f broken", "f stale"}, documents: 1,
			state: graph.SourceStale, sourceError: "1 could not be read, of them f: it is broken",
		},
		{
			name: "a file can be read again", scans: [][]scope{{read("f", a)}, {unreadable("f")}, {read("f", a)}},
			want: []string{a}, put: 1, gone: 1, documents: 1, state: graph.SourceOK,
		},
		{
			name: "a file that could not be read is gone", scans: [][]scope{{read("f", a), read("g", b)}, {unreadable("f"), read("g", b)}, {read("g", b)}},
			want: []string{b}, gone: 2, documents: 1, state: graph.SourceOK,
		},
		{
			name: "a file could never be read", scans: [][]scope{{unreadable("f")}},
			want: []string{}, problems: []string{"f broken"}, put: 1,
			state: graph.SourceStale, sourceError: "1 could not be read, of them f: it is broken",
		},
		{
			name: "one document is broken", scans: [][]scope{{read("f", a, b, c)}, {partly("f", a+" Alpha", "!broken", c)}},
			want: []string{a + " Alpha", b + " stale", c}, problems: []string{"f broken", "f stale"}, put: 3, documents: 3, state: graph.SourceStale,
			sourceError: "1 could not be read again: what was read last stands",
		},
		{
			name: "one document was never whole", scans: [][]scope{{partly("f", a, "!broken")}},
			want: []string{a}, problems: []string{"f broken"}, put: 2, documents: 1, state: graph.SourceOK,
		},
		{
			name: "the broken document is mended", scans: [][]scope{{read("f", a, b)}, {partly("f", a, "!broken")}, {read("f", a, b)}},
			want: []string{a, b}, put: 1, gone: 1, documents: 2, state: graph.SourceOK,
		},
		{
			name: "nothing new is said", scans: [][]scope{{read("f", a), read("g", b)}, {unchanged("f"), read("g", b)}},
			want: []string{a, b}, documents: 2, state: graph.SourceOK,
		},
		{
			name: "nothing new is said about what is stale", scans: [][]scope{{read("f", a)}, {unreadable("f")}, {unchanged("f")}},
			want: []string{a + " stale"}, problems: []string{"f broken", "f stale"}, documents: 1, state: graph.SourceStale,
			sourceError: "1 could not be read again: what was read last stands",
		},
		{
			name: "a folder cannot be listed",
			scans: [][]scope{
				{read("x/f", a), read("x/y/g", b), read("xz", c)},
				{unreadable("x/")},
			},
			want: []string{a + " stale", b + " stale"}, problems: []string{"x/ broken", "x/f unreached", "x/y/g unreached"}, put: 3, gone: 1, documents: 2,
			state: graph.SourceStale, sourceError: "1 could not be read, of them x/: it is broken",
		},
		{
			name: "a folder can be listed again, and is as it was",
			scans: [][]scope{
				{read("x/f", a), partly("x/y/g", b, "!broken")},
				{unlisted("x/")},
				{unlisted("x/")},
				{unchanged("x/")},
			},
			want: []string{a, b}, problems: []string{"x/y/g broken"}, put: 2, documents: 2, state: graph.SourceOK,
		},
		{
			name: "a file in a folder that can be listed again is as it was",
			scans: [][]scope{
				{read("x/f", a), read("x/g", b)},
				{unlisted("x/")},
				{unchanged("x/f"), read("x/g", b)},
			},
			want: []string{a, b}, put: 2, documents: 2, state: graph.SourceOK,
		},
		{
			name: "a file that cannot be read is as it was, in a folder that can be listed again",
			scans: [][]scope{
				{read("x/f", a)},
				{unreadable("x/f")},
				{unlisted("x/")},
				{unchanged("x/")},
			},
			want: []string{a + " stale"}, problems: []string{"x/f broken", "x/f stale"}, documents: 1, state: graph.SourceStale,
			sourceError: "1 could not be read again: what was read last stands",
		},
		{
			name: "a folder in a folder cannot be listed",
			scans: [][]scope{
				{read("x/f", a), read("x/y/g", b), read("x/z/h", c)},
				{unreadable("x/y/"), read("x/f", a)},
			},
			want: []string{a, b + " stale"}, problems: []string{"x/y/ broken", "x/y/g unreached"}, put: 2, gone: 1, documents: 2,
			state: graph.SourceStale, sourceError: "1 could not be read, of them x/y/: it is broken",
		},
		{
			name: "the scan fails", scans: [][]scope{{read("f", a), read("g", b)}, {read("f", c)}}, fails: true,
			want: []string{a, b}, documents: 2, state: graph.SourceFailed, sourceError: "the network is down",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &world{}
			c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Kind: "files", Scanner: w})
			var last ingest.SourceResult
			for i, scopes := range test.scans {
				w.says(scopes...)
				if i == len(test.scans)-1 && test.fails {
					w.fails(errors.New("the network\nis down"))
					result, err := c.Scan(t.Context())
					var source *ingest.SourceError
					if !errors.As(err, &source) || source.Source != "w" || result.Sources[0].Err == nil {
						t.Fatalf("the error is %v, the result %+v", err, result)
					}
					last = result.Sources[0]
					continue
				}
				last = scan(t, c).Sources[0]
			}
			s := c.Snapshot()
			if diff := cmp.Diff(test.want, shown(s)); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
			if test.problems == nil {
				test.problems = []string{}
			}
			if diff := cmp.Diff(test.problems, problems(s)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if last.Put != test.put || last.Removed != test.gone {
				t.Errorf("the last scan put %d and removed %d documents, want %d and %d", last.Put, last.Removed, test.put, test.gone)
			}
			source := s.Sources()[0]
			if source.State != test.state || source.Error != test.sourceError || source.Documents != test.documents {
				t.Errorf("the source is %s with %d documents and the error %q, want %s, %d, %q",
					source.State, source.Documents, source.Error, test.state, test.documents, test.sourceError)
			}
		})
	}
}

// TestRepeatedSubject holds that two documents about one entity in one file are both kept, and told apart.
func TestRepeatedSubject(t *testing.T) {
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c := newCatalog(t, store, ingest.Source{ID: "w", Kind: "files", Scanner: w, Priority: 7, Environment: "staging"})
	w.says(read("f", "component:default/a One", "component:default/a Two", "component:default/a Three"))
	scan(t, c)
	var keys []string
	for _, document := range store.taken()[0].Put {
		keys = append(keys, document.ID.Key+" "+document.Claims[0].Descriptor.Title)
		if document.ID.Source != "w" || document.ID.Scope != "f" || document.Priority != 7 || document.Environment != "staging" {
			t.Errorf("%+v, priority %d, environment %q", document.ID, document.Priority, document.Environment)
		}
	}
	want := []string{"component:default/a One", "component:default/a#2 Two", "component:default/a#3 Three"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	w.says(read("f", "component:default/a One"))
	if result := scan(t, c).Sources[0]; result.Put != 0 || result.Removed != 2 {
		t.Errorf("put %d, removed %d, want 0 and 2", result.Put, result.Removed)
	}
}

// TestLongProblemsAreCut holds that one file about which there is too much to say does not cost the whole scan.
func TestLongProblemsAreCut(t *testing.T) {
	t.Parallel()
	w := new(world)
	w.says(partly("f", "component:default/a", "!"+strings.Repeat("\U000e0001", graph.MaxDocumentBytes/4+1)))
	c := newCatalog(t, nil, ingest.Source{ID: "s", Kind: "fake", Scanner: w})
	if result := scan(t, c); result.Sources[0].Err != nil {
		t.Fatal(result.Sources[0].Err)
	}
	for found := range c.Snapshot().Problems("") {
		if text := found.Message; len(text) > 2000 || !strings.HasSuffix(text, "…") || !utf8.ValidString(text) {
			t.Errorf("the message has %d bytes", len(text))
		}
		return
	}
	t.Error("there is no problem")
}

// TestStaleTellsWhy holds that what stands of an unreadable scope says why, in the newest words, once, and no longer when
// it is read again.
func TestStaleTellsWhy(t *testing.T) {
	const a, b = "component:default/a", "component:default/b"
	w := &world{}
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Kind: "files", Scanner: w})
	for _, step := range []struct {
		says scope
		want []string
	}{
		{read("f", a, b), nil},
		{unreadable("f"), []string{a + " it is broken", b + " it is broken"}},
		{partly("f", b, "!the fourth line is torn", "!the fifth line is torn"), []string{a + " the fourth line is torn"}},
		{partly("f", b, "!the fourth line is torn"), []string{a + " the fourth line is torn"}},
		{read("f", a, b), nil},
	} {
		w.says(step.says)
		scan(t, c)
		var got []string
		for problem := range c.Snapshot().Problems("") {
			if problem.Code == "stale" {
				_, why, _ := strings.Cut(problem.Message, "read again: ")
				got = append(got, string(problem.Ref)+" "+why)
				if problem.Severity != catalog.Warning || problem.Location != "f" || problem.Line == 0 || problem.Fix == "" {
					t.Errorf("%+v", problem)
				}
			}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", step.says, diff)
		}
	}
}
