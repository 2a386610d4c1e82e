package pullcheck_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/pullcheck"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

// scene is a hub with a catalog of the company and a Checker that runs.
type scene struct {
	*hub
	*source
	*pullcheck.Checker
	catalog  *ingest.Catalog
	registry *prometheus.Registry
	stop     func()
	trying   chan struct{} // if there is one, trials wait until it is closed
}

// Try waits as long as the test wants it to.
func (s *scene) Try(ctx context.Context, source string, scopes []scanners.Scope) (*ingest.Trial, error) {
	if s.trying != nil {
		<-s.trying
	}
	return s.catalog.Try(ctx, source, scopes)
}

// in runs a test in made-up time, with pull request 7, which adds a service in commit c1.
func in(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{hub: newHub(), source: &source{tree: company()}}
		s.tree["c1:refunds/catalog-info.yaml"] = component("refunds", "group:payments")
		s.tree["c2:refunds/catalog-info.yaml"] = component("refunds", "group:payments", "nothing")
		s.opens(7, "c1", "main", file("refunds/catalog-info.yaml", "added"))
		s.starts(t)
		defer func() { s.stop() }()
		test(t, s)
	})
}

// starts is a process with a catalog and a Checker of its own.
func (s *scene) starts(t *testing.T) {
	t.Helper()
	s.registry = prometheus.NewRegistry()
	s.catalog = newCatalog(t, s.source)
	s.Checker = pullcheck.New(pullcheck.Config{
		Catalog: s, Source: "acme", Reader: s.source, Connection: s.hub, Metrics: s.registry,
	})
	s.stop = runs(t, s.Checker)
}

func event(action string) webhook.PullRequest {
	return webhook.PullRequest{Action: action, Repository: "acme/checkout", Number: 7, Base: "main", HeadCommit: "c1"}
}

func (s *scene) hears(t *testing.T, event webhook.PullRequest) {
	t.Helper()
	if err := s.Handle(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func conclusions(runs []run) string {
	var all []string
	for _, one := range runs {
		all = append(all, one.HeadSHA+" "+strings.TrimSpace(one.Status+" "+one.Conclusion))
	}
	return strings.Join(all, "; ")
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// counted tells the outcomes that the metrics have.
func (s *scene) counted(t *testing.T) string {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "outcome" {
					all = append(all, fmt.Sprint(label.GetValue(), " ", metric.GetCounter().GetValue()))
				}
			}
		}
	}
	return strings.Join(all, ", ")
}

func TestEvents(t *testing.T) {
	for action, checked := range map[string]bool{
		"opened": true, "synchronize": true, "reopened": true, "ready_for_review": true, "rerequested": true,
		"edited": false, "closed": false, "labeled": false, "": false,
	} {
		in(t, func(t *testing.T, s *scene) {
			s.hears(t, event(action))
			if made := s.made(); checked != (len(made) == 1) {
				t.Errorf("%q: %s", action, conclusions(made))
			}
		})
	}
	in(t, func(t *testing.T, s *scene) {
		rebased := event("edited")
		rebased.BaseChanged = true
		s.hears(t, rebased)
		elsewhere := event("opened")
		elsewhere.Base = "release"
		s.hears(t, elsewhere)
		if got := conclusions(s.made()); got != "c1 completed success" {
			t.Error(got)
		}
		for _, bad := range []string{"", "acme", "acme/", "/x", "a/b/c"} {
			if err := s.Handle(t.Context(), webhook.PullRequest{Action: "opened", Repository: bad, Number: 1}); err == nil {
				t.Errorf("repository %q was taken", bad)
			}
		}
	})
}

func TestNothingToCheck(t *testing.T) {
	for name, make := range map[string]func(h *hub){
		"no catalog file": func(h *hub) { h.opens(7, "c1", "main", file("main.go", "added")) },
		"another branch":  func(h *hub) { h.opens(7, "c1", "release", file("refunds/catalog-info.yaml", "added")) },
		"closed by now": func(h *hub) {
			h.pulls[7].State = github.String("closed")
		},
		"gone": func(h *hub) { delete(h.pulls, 7) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *scene) {
				make(s.hub)
				s.hears(t, event("opened"))
				if made := s.made(); len(made)+len(s.set()) > 0 {
					t.Error(conclusions(made))
				}
			})
		})
	}
	in(t, func(t *testing.T, s *scene) { // who has not scanned goes by what GitHub says of the repository
		s.unscanned = true
		s.pulls[7].Base.Repo.DefaultBranch = github.String("trunk")
		s.hears(t, event("opened"))
		if made := s.made(); len(made) > 0 {
			t.Error(conclusions(made))
		}
		s.pulls[7].Base.Repo.DefaultBranch = github.String("main")
		s.hears(t, event("opened"))
		if made := s.made(); conclusions(made) != "c1 completed success" {
			t.Error(conclusions(made))
		}
	})
	in(t, func(t *testing.T, s *scene) { // but who asks gets an answer
		s.opens(7, "c1", "main", file("main.go", "added"))
		s.hears(t, event("rerequested"))
		if made := s.made(); conclusions(made) != "c1 completed success" || made[0].Title != "No catalog file changes" {
			t.Error(conclusions(made))
		}
	})
}

func TestAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(), &source{tree: company()}
		h.opens(7, "c1", "main", file("main.go", "added"))
		c := pullcheck.New(pullcheck.Config{Catalog: newCatalog(t, s), Source: "acme", Reader: s, Connection: h, Always: true})
		defer runs(t, c)()
		if err := c.Handle(t.Context(), event("opened")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := conclusions(h.made()); got != "c1 completed success" {
			t.Error(got)
		}
	})
}

func TestManyFiles(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		var files []*github.CommitFile
		for i := range 250 {
			files = append(files, file(fmt.Sprintf("docs/%d.md", i), "added"))
		}
		s.opens(7, "c1", "main", append(files, file("refunds/catalog-info.yaml", "added"))...)
		s.hears(t, event("opened"))
		if got := conclusions(s.made()); got != "c1 completed success" || s.asked("GET files") != 3 {
			t.Errorf("%s, %d pages", got, s.asked("GET files"))
		}
		for i := range 2800 {
			files = append(files, file(fmt.Sprintf("more/%d.md", i), "added"))
		}
		s.opens(7, "c2", "main", files...)
		s.hears(t, event("synchronize"))
		made := s.made()
		if got := conclusions(made); got != "c1 completed success; c2 completed neutral" {
			t.Error(got)
		}
		if last := made[len(made)-1]; !strings.Contains(last.Summary, "only the first 3000 files") {
			t.Error(last.Summary)
		}
		if n := s.asked("GET files"); n != 33 {
			t.Errorf("%d pages", n)
		}
	})
}

func TestManyAnnotations(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		var needs []string
		for i := range 600 {
			needs = append(needs, fmt.Sprintf("nothing-%d", i))
		}
		s.tree["c1:refunds/catalog-info.yaml"] = component("refunds", "group:payments", needs...)
		s.hears(t, event("opened"))
		made := s.made()
		if got := conclusions(made); got != "c1 completed neutral" {
			t.Fatal(got)
		}
		if n := len(made[0].Annotations); n != 500 || made[0].updates != 11 {
			t.Errorf("%d annotations in %d updates", n, made[0].updates)
		}
		if !strings.Contains(made[0].Summary, "Only the first 500 of 600 annotations are shown") || !strings.Contains(made[0].Summary, "- and 550 more") {
			t.Error(made[0].Summary)
		}
	})
}

// TestNewerPush holds that a newer push ends the check of an older one, also of one that is slow.
func TestNewerPush(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		s.trying = make(chan struct{})
		s.hears(t, event("opened"))
		s.opens(7, "c2", "main", file("refunds/catalog-info.yaml", "added"))
		s.hears(t, event("synchronize"))
		s.hears(t, event("synchronize"))
		close(s.trying)
		synctest.Wait()
		if got := conclusions(s.made()); got != "c1 completed cancelled; c2 completed neutral" {
			t.Error(got)
		}
		if got := s.counted(t); got != "neutral 1, superseded 1" {
			t.Error(got)
		}
	})
}

// TestRestart holds that what a process has left under way is gone on with by the next one, and not doubled.
func TestRestart(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		s.trying = make(chan struct{})
		s.hears(t, event("opened"))
		s.refuses(func(string) int { return http.StatusBadGateway }) // so that it cannot say that it stops
		go close(s.trying)
		s.stop()
		s.refuses(nil)
		if got := conclusions(s.made()); got != "c1 in_progress" {
			t.Fatal(got)
		}
		s.trying = nil
		s.starts(t)
		s.hears(t, event("synchronize"))
		if got := conclusions(s.made()); got != "c1 completed success" {
			t.Error(got)
		}
	})
}

func TestStop(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		s.trying = make(chan struct{})
		s.hears(t, event("opened"))
		go close(s.trying)
		s.stop()
		made := s.made()
		if got := conclusions(made); got != "c1 completed neutral" || !strings.Contains(made[0].Title, "stopped") {
			t.Error(got)
		}
	})
}

// TestAskedAgain holds that a check that is asked for again goes on in its check run, unless that has annotations: GitHub lets
// nobody take them back.
func TestAskedAgain(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		s.hears(t, event("opened"))
		s.hears(t, event("rerequested"))
		if got := conclusions(s.made()); got != "c1 completed success" {
			t.Error(got)
		}
		s.opens(7, "c2", "main", file("refunds/catalog-info.yaml", "added"))
		s.hears(t, event("synchronize"))
		s.hears(t, webhook.PullRequest{Action: webhook.ActionRerequested, Repository: "acme/checkout", HeadCommit: "c2"}) // of a fork
		made := s.made()
		if got := conclusions(made); got != "c1 completed success; c2 completed neutral; c2 completed neutral" {
			t.Fatal(got)
		}
		for _, one := range made[1:] {
			if len(one.Annotations) != 1 {
				t.Errorf("%d annotations", len(one.Annotations))
			}
		}
		s.hears(t, webhook.PullRequest{Action: webhook.ActionRerequested, Repository: "acme/checkout", HeadCommit: "c9"}) // of nobody
		if n := len(s.made()); n != 3 {
			t.Errorf("%d check runs", n)
		}
	})
	in(t, func(t *testing.T, s *scene) { // of a suite that has no check run of ours yet
		s.hears(t, webhook.PullRequest{Action: webhook.ActionRerequested, Repository: "acme/checkout", HeadCommit: "c1"})
		if got := conclusions(s.made()); got != "c1 completed success" {
			t.Error(got)
		}
	})
}

// TestFlood holds that what waits is bounded, and that each pull request waits once.
func TestFlood(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		s.trying = make(chan struct{})
		for round := range 2 {
			for i := 1; i <= 1200; i++ {
				s.opens(i, fmt.Sprint("h", i), "main", file("catalog-info.yaml", "modified"))
				flood := event("opened")
				flood.Number = i
				if err := s.Handle(t.Context(), flood); err != nil {
					t.Fatal(err)
				}
			}
			if round == 0 {
				synctest.Wait()
			}
		}
		close(s.trying)
		synctest.Wait()
		completed := make(map[string]bool)
		for _, one := range s.made() {
			completed[one.HeadSHA] = one.Status == "completed"
		}
		if n := len(completed); n < 1000 || n > 1010 || !completed["h1200"] {
			t.Errorf("%d heads have check runs", n)
		}
	})
}

// nothing is a catalog that says that nothing would change.
type nothing struct{}

func (nothing) Try(context.Context, string, []scanners.Scope) (*ingest.Trial, error) {
	return nil, ingest.ErrNotReady
}

func TestRunsUntilToldToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pullcheck.New(pullcheck.Config{Catalog: nothing{}, Source: "acme", Reader: &source{}, Connection: newHub()})
		stop := runs(t, c)
		synctest.Wait()
		stop()
	})
}
