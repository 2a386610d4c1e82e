// Package scantest is the suite that every scanner passes.
package scantest

import (
	"cmp"
	"context"
	"errors"
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

// Subject is a kind of scanner under test.
type Subject struct {
	// New makes a scanner of a source that stays as it is and has at least two scopes, one of them with claims.
	New func(t *testing.T) scanners.Scanner
	// Broken makes a scanner of a source that cannot be read at all.
	Broken func(t *testing.T) scanners.Scanner
	// Living makes a source that changes; nil = the scanner does not read parts.
	Living func(t *testing.T) Living
}

// soon is how long a scan may go on after it was told to stop.
const soon = 10 * time.Second

// Run runs the suite.
func Run(t *testing.T, subject Subject) {
	for name, test := range map[string]func(*testing.T, Subject){
		"says the same each time":             deterministic,
		"says the same with its state":        withState,
		"reports valid scopes":                valid,
		"stops before it starts":              cancelledBefore,
		"stops in the middle":                 cancelledWithin,
		"stops while the receiver is behind":  cancelledBehind,
		"returns the receiver's error":        sinkError,
		"tells that the root is not readable": broken,
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			test(t, subject)
			goleak.VerifyNone(t, before)
		})
	}
	if subject.Living != nil {
		runLiving(t, subject)
	}
}

func deterministic(t *testing.T, subject Subject) {
	scanner := subject.New(t)
	first, second, other := collect(t, scanner, nil), collect(t, scanner, nil), collect(t, subject.New(t), nil)
	if len(first.scopes) < 2 {
		t.Fatalf("the subject has %d scopes, too few to tell anything", len(first.scopes))
	}
	if diff := gocmp.Diff(first.scopes, second.scopes); diff != "" {
		t.Errorf("a second scan by the same scanner differs (-first +second):\n%s", diff)
	}
	if diff := gocmp.Diff(first.scopes, other.scopes); diff != "" {
		t.Errorf("a scan by a new scanner differs (-first +new):\n%s", diff)
	}
}

func withState(t *testing.T, subject Subject) {
	scanner := subject.New(t)
	first := collect(t, scanner, nil)
	if len(first.state) > 64<<20 {
		t.Errorf("the state has %d bytes, more than 64 MiB", len(first.state))
	}
	second := collect(t, scanner, first.state)
	was, now := make(Held), make(Held)
	for _, scope := range first.scopes {
		was[scope.Name] = scope
	}
	for _, scope := range second.scopes {
		now[scope.Name] = scope
	}
	now.unchanged(was)
	if diff := gocmp.Diff(was, now); diff != "" {
		t.Errorf("with its own state the scanner says something else (-without +with):\n%s", diff)
	}
}

func valid(t *testing.T, subject Subject) {
	claims := 0
	for _, scope := range collect(t, subject.New(t), nil).scopes {
		if scope.Name == "" {
			t.Error("a scope has no name")
		}
		if wrong := (scope.State == scanners.Partly || scope.State == scanners.Unreadable) != (scope.Error != ""); wrong {
			t.Errorf("%s: state %d with the error %q", scope.Name, scope.State, scope.Error)
		}
		if strings.ContainsAny(scope.Error, "\r\n") {
			t.Errorf("%s: the error has several lines: %q", scope.Name, scope.Error)
		}
		if (scope.State == scanners.Unchanged || scope.State == scanners.Gone) && len(scope.Documents) > 0 {
			t.Errorf("%s: unchanged or gone, and yet with documents", scope.Name)
		}
		ordinals := make(map[int]bool)
		for _, document := range scope.Documents {
			checkDocument(t, scope, document)
			if ordinals[document.Ordinal] {
				t.Errorf("%s: two documents have the ordinal %d", scope.Name, document.Ordinal)
			}
			ordinals[document.Ordinal] = true
			claims += len(document.Claims)
		}
	}
	if claims == 0 {
		t.Error("the subject makes no claim, so that nothing was tested")
	}
}

func checkDocument(t *testing.T, scope scanners.Scope, document *catalog.Document) {
	if document.ID != (catalog.DocumentID{}) {
		t.Errorf("%s: the ID is the receiver's to fill, and is %v", scope.Name, document.ID)
	}
	if len(document.Claims) == 0 && len(document.Problems) == 0 {
		t.Errorf("%s: a document says nothing", scope.Name)
	}
	if len(document.Claims) > 0 && scope.State == scanners.Unreadable {
		t.Errorf("%s: unreadable, and yet with claims", scope.Name)
	}
	if document.Location == "" {
		t.Errorf("%s: a document has no location", scope.Name)
	}
	for _, claim := range document.Claims {
		checkSubject(t, scope, "subject", claim.Subject)
		if d := claim.Descriptor; d != nil && d.Ref != claim.Subject.Ref {
			t.Errorf("%s: a claim about %v describes %s", scope.Name, claim.Subject, d.Ref)
		}
		for _, edge := range claim.Edges {
			checkSubject(t, scope, "target", edge.Target)
			if edge.Type.String() == "" {
				t.Errorf("%s: an edge to %v has no type", scope.Name, edge.Target)
			}
			if edge.Evidence.String() == "" {
				t.Errorf("%s: an edge to %v has the evidence %d", scope.Name, edge.Target, edge.Evidence)
			}
		}
	}
	for _, problem := range document.Problems {
		if problem.Location == "" || problem.Code == "" || problem.Message == "" || problem.Severity.String() == "" {
			t.Errorf("%s: a problem lacks its place, code, message or severity: %+v", scope.Name, problem)
		}
	}
}

func checkSubject(t *testing.T, scope scanners.Scope, what string, subject catalog.Subject) {
	if (subject.Ref == "") == (subject.Alias == "") {
		t.Errorf("%s: a %s has not exactly one of Ref and Alias: %+v", scope.Name, what, subject)
	}
	if subject.Ref == "" {
		return
	}
	if again, err := catalog.ParseRef(string(subject.Ref), "", ""); err != nil || again != subject.Ref {
		t.Errorf("%s: the %s %q is no complete Ref", scope.Name, what, subject.Ref)
	}
}

func cancelledBefore(t *testing.T, subject Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := within(t, ctx, subject.New(t), sinkFunc(func(context.Context, scanners.Scope) error { return nil })); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want %v", err, context.Canceled)
	}
}

func cancelledWithin(t *testing.T, subject Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := within(t, ctx, subject.New(t), sinkFunc(func(context.Context, scanners.Scope) error {
		cancel()
		return nil
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want %v: an incomplete listing would remove what it lacks", err, context.Canceled)
	}
}

func cancelledBehind(t *testing.T, subject Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := within(t, ctx, subject.New(t), sinkFunc(func(ctx context.Context, _ scanners.Scope) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want %v", err, context.Canceled)
	}
}

func sinkError(t *testing.T, subject Subject) {
	full := errors.New("the receiver is full")
	_, err := within(t, t.Context(), subject.New(t), sinkFunc(func(context.Context, scanners.Scope) error { return full }))
	if !errors.Is(err, full) {
		t.Errorf("the error is %v, want the receiver's: %v", err, full)
	}
}

func broken(t *testing.T, subject Subject) {
	_, err := within(t, t.Context(), subject.Broken(t), sinkFunc(func(context.Context, scanners.Scope) error { return nil }))
	if err == nil {
		t.Error("no error: an unreadable root would wipe the catalog")
	}
}

// listing is what one whole scan says.
type listing struct {
	scopes []scanners.Scope // by name; documents by ordinal
	state  []byte
}

func collect(t *testing.T, scanner scanners.Scanner, previous []byte) listing {
	t.Helper()
	var mu sync.Mutex
	var found listing
	seen := make(map[string]bool)
	state, err := scanner.Scan(t.Context(), previous, sinkFunc(func(_ context.Context, scope scanners.Scope) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[scope.Name] {
			t.Errorf("scope %q is reported twice", scope.Name)
		}
		seen[scope.Name] = true
		slices.SortFunc(scope.Documents, func(a, b *catalog.Document) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
		found.scopes = append(found.scopes, scope)
		return nil
	}))
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	slices.SortFunc(found.scopes, func(a, b scanners.Scope) int { return strings.Compare(a.Name, b.Name) })
	found.state = state
	return found
}

// within scans and fails the test when the scan goes on too long.
func within(t *testing.T, ctx context.Context, scanner scanners.Scanner, sink scanners.Sink) ([]byte, error) {
	t.Helper()
	type outcome struct {
		state []byte
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		state, err := scanner.Scan(ctx, nil, sink)
		done <- outcome{state, err}
	}()
	select {
	case got := <-done:
		return got.state, got.err
	case <-time.After(soon):
		t.Fatalf("the scan goes on %v after it was told to stop", soon)
		return nil, nil
	}
}

type sinkFunc func(context.Context, scanners.Scope) error

func (f sinkFunc) Report(ctx context.Context, scope scanners.Scope) error { return f(ctx, scope) }
