package scantest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// Living is a source that changes, for scanners that read parts of it. Where Scanner is a scanners.Watcher, it is watched too.
type Living struct {
	Scanner scanners.PartScanner
	// Fresh makes another scanner of the same source, which knows nothing yet.
	Fresh func() scanners.Scanner
	// Change changes the source so that a scope comes, goes or says something else, and returns the names of what changed.
	Change func() []string
}

// changes is how often a living source is changed.
const changes = 12

// runLiving runs the part of the suite that is for living sources.
func runLiving(t *testing.T, subject Subject) {
	for name, test := range map[string]func(*testing.T, Living){
		"parts leave what the whole finds":      partsEqualWhole,
		"parts stop before they start":          partsCancelled,
		"parts return the receiver's error":     partsSinkError,
		"tells what changes":                    watched,
		"stops to watch when it is told to":     watchStops,
		"does not watch what has already ended": watchEnded,
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			living := subject.Living(t)
			test(t, living)
			goleak.VerifyNone(t, before)
		})
	}
}

// Held is what was reported last of each scope, by name, as whoever receives the reports keeps it.
type Held map[string]scanners.Scope

// Whole takes a scan of the whole source.
func (h Held) Whole(ctx context.Context, scanner scanners.Scanner) error {
	reported := &reports{scopes: make(Held)}
	if _, err := scanner.Scan(ctx, nil, reported); err != nil {
		return err
	}
	reported.scopes.unchanged(h)
	clear(h)
	maps.Copy(h, reported.scopes)
	maps.DeleteFunc(h, func(_ string, scope scanners.Scope) bool { return scope.State == scanners.Gone })
	return reported.wrong
}

// Parts takes a scan of the named parts. After an error it is as before.
func (h Held) Parts(ctx context.Context, scanner scanners.PartScanner, names ...string) error {
	reported := &reports{scopes: make(Held)}
	if _, err := scanner.ScanParts(ctx, nil, names, reported); err != nil {
		return err
	}
	reported.scopes.unchanged(h)
	maps.DeleteFunc(h, func(scope string, _ scanners.Scope) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return scope == name || strings.HasSuffix(name, "/") && strings.HasPrefix(scope, name)
		})
	})
	for name, scope := range reported.scopes {
		if h[name] = scope; scope.State == scanners.Gone || scope.State == scanners.Read && len(scope.Documents) == 0 {
			delete(h, name) // it says nothing any more
		}
	}
	return reported.wrong
}

// unchanged puts what was said before in place of each scope that says the same, and of all below a folder that does.
func (h Held) unchanged(before Held) {
	for name, scope := range maps.Clone(h) {
		if scope.State != scanners.Unchanged {
			continue
		}
		delete(h, name)
		for was, said := range before {
			if _, reported := h[was]; !reported && (was == name || strings.HasSuffix(name, "/") && strings.HasPrefix(was, name)) {
				h[was] = said
			}
		}
	}
}

// Names are those of the scopes, sorted.
func (h Held) Names() []string { return slices.Sorted(maps.Keys(h)) }

// reports is a sink that keeps everything.
type reports struct {
	mu     sync.Mutex
	scopes Held
	wrong  error
}

func (r *reports) Report(_ context.Context, scope scanners.Scope) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.scopes[scope.Name]; twice {
		r.wrong = fmt.Errorf("scope %q is reported twice", scope.Name)
	}
	slices.SortFunc(scope.Documents, func(a, b *catalog.Document) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	r.scopes[scope.Name] = scope
	return nil
}

// update takes the parts or, where they cannot be read alone, the whole.
func (h Held) update(t *testing.T, scanner scanners.PartScanner, names []string) (whole bool) {
	t.Helper()
	err := h.Parts(t.Context(), scanner, names...)
	if whole = errors.Is(err, scanners.ErrWhole); whole {
		err = h.Whole(t.Context(), scanner)
	}
	if err != nil {
		t.Fatalf("scan of %q: %v", names, err)
	}
	return whole
}

// equal compares with what a fresh scanner finds.
func (h Held) equal(t *testing.T, living Living) string {
	t.Helper()
	want := make(Held)
	if err := want.Whole(t.Context(), living.Fresh()); err != nil {
		t.Fatalf("scan: %v", err)
	}
	return gocmp.Diff(want, h)
}

func partsEqualWhole(t *testing.T, living Living) {
	held := make(Held)
	held.update(t, living.Scanner, living.Change()) // before the first scan of the whole
	if diff := held.equal(t, living); diff != "" {
		t.Fatalf("the first parts (-whole +parts):\n%s", diff)
	}
	alone := 0
	for range changes {
		names := living.Change()
		if !held.update(t, living.Scanner, names) {
			alone++
		}
		if diff := held.equal(t, living); diff != "" {
			t.Fatalf("after %q changed (-whole +parts):\n%s", names, diff)
		}
	}
	if alone == 0 {
		t.Error("no part could be read alone, so that nothing was tested")
	}
	before := maps.Clone(held)
	held.update(t, living.Scanner, []string{"no scope has this name", "nor this/"})
	if diff := gocmp.Diff(before, held); diff != "" {
		t.Errorf("names that nothing has change something (-before +after):\n%s", diff)
	}
}

func partsCancelled(t *testing.T, living Living) {
	held := make(Held)
	held.update(t, living.Scanner, living.Change())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := held.Parts(ctx, living.Scanner, living.Change()...); !errors.Is(err, context.Canceled) && !errors.Is(err, scanners.ErrWhole) {
		t.Errorf("the error is %v, want %v", err, context.Canceled)
	}
	held.update(t, living.Scanner, living.Change())
}

func partsSinkError(t *testing.T, living Living) {
	held := make(Held)
	held.update(t, living.Scanner, living.Change())
	full := errors.New("the receiver is full")
	refuse := sinkFunc(func(context.Context, scanners.Scope) error { return full })
	for range changes {
		_, err := living.Scanner.ScanParts(t.Context(), nil, living.Change(), refuse)
		if errors.Is(err, full) {
			return
		}
		if err != nil && !errors.Is(err, scanners.ErrWhole) {
			t.Fatalf("the error is %v, want the receiver's: %v", err, full)
		}
		held = make(Held)
		if err := held.Whole(t.Context(), living.Scanner); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("no part was reported, so that nothing was tested")
}

func watched(t *testing.T, living Living) {
	watcher, ok := living.Scanner.(scanners.Watcher)
	if !ok {
		t.Skip("the scanner does not watch")
	}
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan []string, 1000), make(chan error, 1)
	go func() { ended <- watcher.Watch(ctx, func(names ...string) { told <- names }) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the watch ended by %v", err)
		}
	}()
	held := make(Held)
	next := func(what string) {
		t.Helper()
		select {
		case names := <-told:
			if len(names) == 0 {
				if err := held.Whole(ctx, living.Scanner); err != nil {
					t.Fatal(err)
				}
				return
			}
			held.update(t, living.Scanner, names) //nolint:contextcheck // a scan is not ended with the watch
		case err := <-ended:
			ended <- nil
			t.Fatalf("the watch ended: %v", err)
		case <-time.After(soon):
			t.Fatalf("%s was not told: %s", what, held.equal(t, living)) //nolint:contextcheck // as above
		}
	}
	next("the beginning")
	for range changes {
		changed := living.Change()
		for held.equal(t, living) != "" {
			next(fmt.Sprintf("the change of %q", changed))
		}
	}
}

func watchStops(t *testing.T, living Living) {
	watcher, ok := living.Scanner.(scanners.Watcher)
	if !ok {
		t.Skip("the scanner does not watch")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- watcher.Watch(ctx, func(...string) { cancel() }) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the error is %v, want none", err)
		}
	case <-time.After(soon):
		t.Fatalf("the watch goes on %v after it was told to stop", soon)
	}
	cancel()
}

func watchEnded(t *testing.T, living Living) {
	watcher, ok := living.Scanner.(scanners.Watcher)
	if !ok {
		t.Skip("the scanner does not watch")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := watcher.Watch(ctx, func(...string) {}); err != nil {
		t.Errorf("the error is %v, want none", err)
	}
}
