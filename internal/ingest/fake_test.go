package ingest_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a scanner that says what it was last told to say.
type world struct {
	mu     sync.Mutex
	scopes []scope
	err    error
	pause  time.Duration // after each scope
	during func()        // called when everything is reported, before the scan returns
	next   []byte        // the state it returns
	given  []byte        // the state it was last given
}

// scope is what a world says about one scope: "component:default/a Title >component:default/b" is a document about a with
// a title and a need, "!message" a problem alone.
type scope struct {
	name  string
	state scanners.ScopeState
	says  []string
}

func read(name string, says ...string) scope   { return scope{name, scanners.Read, says} }
func partly(name string, says ...string) scope { return scope{name, scanners.Partly, says} }
func unreadable(name string) scope {
	return scope{name, scanners.Unreadable, []string{"!it is broken"}}
}
func unlisted(name string) scope  { return scope{name, scanners.Unreadable, nil} }
func gone(name string) scope      { return scope{name, scanners.Gone, nil} }
func unchanged(name string) scope { return scope{name, scanners.Unchanged, nil} }

func (w *world) says(scopes ...scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scopes, w.err, w.during = scopes, nil, nil
}

func (w *world) fails(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

func (w *world) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	return w.ScanParts(ctx, previous, nil, sink)
}

// ScanParts reports those of the scopes that are named or lie below a named folder; without names, all.
func (w *world) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given = previous
	for _, s := range w.scopes {
		if names != nil && !slices.ContainsFunc(names, func(name string) bool {
			return name == s.name || strings.HasSuffix(name, "/") && strings.HasPrefix(s.name, name)
		}) {
			continue
		}
		report := scanners.Scope{Name: s.name, State: s.state}
		if s.state == scanners.Partly || s.state == scanners.Unreadable {
			report.Error = "it is broken"
		}
		for i, what := range s.says {
			report.Documents = append(report.Documents, document(s.name, i, what))
		}
		if err := sink.Report(ctx, report); err != nil {
			return nil, err
		}
		if w.pause > 0 {
			<-time.After(w.pause)
		}
	}
	if w.during != nil {
		w.during()
	}
	return w.next, w.err
}

func document(location string, ordinal int, what string) *catalog.Document {
	if message, ok := strings.CutPrefix(what, "!"); ok {
		return &catalog.Document{Location: location, Ordinal: ordinal, Problems: []catalog.Problem{
			{Location: location, Severity: catalog.Error, Code: "broken", Message: message},
		}}
	}
	what, needs, _ := strings.Cut(what, " >")
	what, title, _ := strings.Cut(what, " ")
	ref := catalog.Ref(what)
	claim := catalog.Claim{
		Subject: catalog.Subject{Ref: ref}, Line: int32(ordinal) + 1,
		Descriptor: &catalog.Descriptor{
			Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name(), Title: title,
		},
	}
	for target := range strings.SplitSeq(needs, " >") {
		if target != "" {
			claim.Edges = append(claim.Edges, catalog.EdgeClaim{
				Target: catalog.Subject{Ref: catalog.Ref(target)}, Type: catalog.DependsOn, Evidence: catalog.Declared,
			})
		}
	}
	return &catalog.Document{Location: location, Ordinal: ordinal, Claims: []catalog.Claim{claim}}
}

// shown lists the entities of a snapshot: "component:default/a", "component:default/b stale".
func shown(s *graph.Snapshot) []string {
	list := []string{}
	if s == nil {
		return list
	}
	for entity := range s.Entities("") {
		line := string(entity.Ref)
		if entity.Title != "" {
			line += " " + entity.Title
		}
		if entity.Stale {
			line += " stale"
		}
		if entity.Placeholder {
			line += " placeholder"
		}
		list = append(list, line)
	}
	return list
}

func problems(s *graph.Snapshot) []string {
	list := []string{}
	for problem := range s.Problems("") {
		list = append(list, problem.Location+" "+problem.Code)
	}
	return list
}

// spy is a store that remembers the changes it took and may do something before each.
type spy struct {
	graph.Store
	mu      sync.Mutex
	before  func(graph.Change) error
	changes []graph.Change
}

func (s *spy) Apply(ctx context.Context, change graph.Change) (graph.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		if err := s.before(change); err != nil {
			return 0, err
		}
	}
	revision, err := s.Store.Apply(ctx, change)
	if err == nil {
		s.changes = append(s.changes, change)
	}
	return revision, err
}

func (s *spy) taken() []graph.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.changes)
}

func openStore(t *testing.T, path string, readOnly bool) graph.Store {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil && !errors.Is(err, graph.ErrClosed) {
			t.Error(err)
		}
	})
	return store
}

func benchStore(b *testing.B) (graph.Store, func()) {
	b.Helper()
	store, err := sqlitestore.Open(b.Context(), sqlitestore.Config{Path: filepath.Join(b.TempDir(), "orrery.db")})
	if err != nil {
		b.Fatal(err)
	}
	return store, func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	}
}

func storePath(t *testing.T) string { return filepath.Join(t.TempDir(), "orrery.db") }

// clock goes on by a second with every look at it.
func clock() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func newCatalog(t *testing.T, store graph.Store, sources ...ingest.Source) *ingest.Catalog {
	t.Helper()
	c, err := ingest.New(t.Context(), ingest.Config{Store: store, Sources: sources, Now: clock()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func scan(t *testing.T, c *ingest.Catalog, ids ...string) ingest.Result {
	t.Helper()
	result, err := c.Scan(t.Context(), ids...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}
