package pullcheck_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/pullcheck"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// TestToken holds that who may not write check runs writes commit statuses.
func TestToken(t *testing.T) {
	for head, want := range map[string]string{"c1": "success", "c2": "success", "c3": "failure"} {
		in(t, func(t *testing.T, s *scene) {
			s.tree["c3:refunds/catalog-info.yaml"] = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a b}\n"
			s.opens(7, head, "main", file("refunds/catalog-info.yaml", "added"))
			s.refuses(func(call string) int {
				if call == "POST check-runs" {
					return http.StatusForbidden
				}
				return 0
			})
			s.hears(t, event("opened"))
			set := s.set()
			if len(s.made()) > 0 || len(set) != 2 || set[0].GetState() != "pending" || set[1].GetState() != want ||
				set[1].GetNodeID() != head || set[1].GetContext() != "orrery/acme" {
				t.Fatalf("%d check runs, statuses %v", len(s.made()), set)
			}
			if head != "c1" && !strings.HasPrefix(set[1].GetTargetURL(), "https://github.com/acme/checkout/blob/"+head+"/refunds/catalog-info.yaml#L") {
				t.Errorf("leads to %q", set[1].GetTargetURL())
			}
			s.hears(t, event("reopened"))
			if n := s.asked("POST check-runs"); n != 1 {
				t.Errorf("asked %d times for what is forbidden", n)
			}
		})
	}
	in(t, func(t *testing.T, s *scene) {
		s.refuses(func(call string) int {
			if strings.HasPrefix(call, "POST") {
				return http.StatusForbidden
			}
			return 0
		})
		s.hears(t, event("opened"))
		pass(time.Hour)
		if n := s.asked("POST {sha}"); n != 1 {
			t.Errorf("%d attempts to write what may not be written", n)
		}
	})
}

// TestFailures holds that what cannot be checked is tried again, and in the end told without standing in the way.
func TestFailures(t *testing.T) {
	broken := errors.New("the tree is @acme/torn")
	for name, test := range map[string]struct {
		err      error
		times    int // that it fails
		want     string
		attempts int
		within   time.Duration
	}{
		"passes":          {broken, 1, "c1 completed success", 2, time.Minute},
		"stays":           {broken, 100, "c1 completed neutral", 3, time.Minute},
		"limit":           {&connect.BudgetError{Resource: "core", Reset: time.Date(2000, 1, 1, 0, 40, 0, 0, time.UTC)}, 1, "c1 completed success", 2, time.Hour},
		"limits":          {&connect.BudgetError{Resource: "core"}, 100, "c1 completed neutral", 9, 10 * time.Hour},
		"not let in":      {&connect.AuthError{Reason: "the key is refused"}, 100, "c1 completed neutral", 1, time.Second},
		"too much":        {&ingest.TrialSizeError{Documents: 11_000, Max: 10_000}, 100, "c1 completed neutral", 1, time.Second},
		"not scanned":     {ingest.ErrNotReady, 4, "c1 completed success", 5, 10 * time.Minute},
		"a wrapped cause": {fmt.Errorf("read: %w", &connect.BudgetError{Reset: time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC)}), 1, "c1 completed success", 2, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *scene) {
				attempts := 0
				s.before = func() error {
					if attempts++; attempts <= test.times {
						return test.err
					}
					return nil
				}
				s.hears(t, event("opened"))
				pass(test.within)
				made := s.made()
				if got := conclusions(made); got != test.want || attempts != test.attempts {
					t.Errorf("%s after %d attempts", got, attempts)
				}
				if made[0].Conclusion == "neutral" && (!strings.Contains(made[0].Summary, "could not check") || strings.Contains(made[0].Summary, "@acme")) {
					t.Error(made[0].Summary)
				}
			})
		})
	}
	in(t, func(t *testing.T, s *scene) { // GitHub itself is away for a while
		s.refuses(func(string) int { return http.StatusBadGateway })
		s.hears(t, event("opened"))
		s.refuses(nil)
		pass(time.Minute)
		if got := conclusions(s.made()); got != "c1 completed success" {
			t.Error(got)
		}
	})
}

// TestBeforeTheFirstScan holds that a check waits until the catalog knows what the source holds: until then, all would be new.
func TestBeforeTheFirstScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s, other := newHub(), &source{tree: company()}, &source{tree: tree{"acme/x/catalog-info.yaml": component("x", "group:x")}}
		s.tree["c1:catalog-info.yaml"] = "# the same\n" + company()["acme/checkout/catalog-info.yaml"]
		c, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{ID: "acme", Scanner: s}, {ID: "other", Scanner: other}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Scan(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		h.opens(7, "c1", "main", file("catalog-info.yaml", "modified"))
		checker := pullcheck.New(pullcheck.Config{Catalog: c, Source: "acme", Reader: s, Connection: h})
		defer runs(t, checker)()
		if err := checker.Handle(t.Context(), event("opened")); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := conclusions(h.made()); got != "c1 completed neutral" { // in nobody's way meanwhile
			t.Fatal(got)
		}
		if _, err := c.Scan(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		if made := h.made(); conclusions(made) != "c1 completed success" || made[0].Title != "Nothing changes in the catalog" {
			t.Error(shown(&made[0]))
		}
	})
}

// TestHangs holds that a check that does not come to an end is ended, and told to have failed.
func TestHangs(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		s.hangs = true
		s.hears(t, event("opened"))
		pass(time.Hour)
		if got := conclusions(s.made()); got != "c1 completed neutral" {
			t.Error(got)
		}
	})
}
