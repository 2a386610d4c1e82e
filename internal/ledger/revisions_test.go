package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/ledger"
	"github.com/orrery-catalog/orrery/scanners"
)

// ear is a listener that hears what a test tells it.
type ear struct {
	mu   sync.Mutex
	into scanners.TrafficSink
	err  error // of the next attempt to listen
}

func (e *ear) Listen(ctx context.Context, into scanners.TrafficSink) error {
	e.mu.Lock()
	e.into = into
	err := e.err
	e.mu.Unlock()
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// calls are heard now, each given as its two ends.
func (e *ear) calls(ends ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	counts := &traffic.Counts{}
	for i := 0; i < len(ends); i += 2 {
		for _, end := range ends[i : i+2] {
			v := counts.Service(traffic.ServiceKey{Alias: catalog.Alias("otel:" + end)})
			v.Merge(&traffic.Service{Requests: 1, First: catalog.InstantOf(now), Last: catalog.InstantOf(now)})
		}
		f := counts.Flow(traffic.FlowKey{From: catalog.Alias("otel:" + ends[i]), To: catalog.Alias("otel:" + ends[i+1]), Way: traffic.Call})
		f.Merge(&traffic.Flow{Requests: 1, Protocol: "http", First: catalog.InstantOf(now), Last: catalog.InstantOf(now)})
	}
	e.into.Add(hourOf(now), counts)
}

// running is a Ledger and a Catalog that run until the end of the test.
type running struct {
	*ledger.Ledger
	catalog *ingest.Catalog
	ear     *ear
}

func run(t *testing.T, config ledger.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Ledger: ledger.New(config), ear: new(ear)}
	source := r.Source(ledger.Source{
		ID: "traces", Environment: "prod", Listener: r.ear, StaleAfter: 14 * time.Hour, RemoveAfter: 90 * time.Hour,
	})
	var err error
	r.catalog, err = ingest.New(ctx, ingest.Config{
		Sources: []ingest.Source{{ID: "traces", Kind: "otlp", Environment: "prod", Scanner: source, Watch: true, Ages: true}}, Traffic: r,
	})
	if err != nil {
		t.Fatal(err)
	}
	var runs sync.WaitGroup
	runs.Go(func() { _ = r.Run(ctx) })
	runs.Go(func() { _ = r.catalog.Run(ctx) })
	t.Cleanup(func() { cancel(); runs.Wait() })
	r.later(time.Second)
	return r
}

// later lets time go by.
func (r *running) later(by time.Duration) {
	<-time.After(by)
	synctest.Wait()
}

// shown lists the dependencies: "a > b", "a > c stale".
func (r *running) shown() []string {
	list := []string{}
	for edge := range r.catalog.Snapshot().Edges() {
		line := fmt.Sprintf("%s > %s", edge.From.Name(), edge.To.Name())
		if edge.Stale {
			line += " stale"
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

func TestOnlyWhatIsThereMakesRevisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, ledger.Config{})
		at := r.catalog.Snapshot().Revision()
		expect := func(what string, revisions graph.Revision, shown ...string) {
			t.Helper()
			r.later(20 * time.Second)
			if diff := cmp.Diff(shown, r.shown()); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
			now := r.catalog.Snapshot()
			if now.Revision() != at+revisions {
				t.Errorf("%s: %d revisions, want %d", what, now.Revision()-at, revisions)
			}
			at = now.Revision()
		}
		r.ear.calls("a", "b")
		expect("an edge appears", 1, "a > b")
		key := traffic.FlowKey{From: "otel:a", To: "otel:b", Way: traffic.Call}
		for range 5 {
			r.ear.calls("a", "b")
		}
		expect("numbers", 0, "a > b")
		if numbers := r.catalog.Snapshot().Traffic().Flow("traces", key.ID()); numbers == nil || numbers.Requests != 6 {
			t.Errorf("the newest state has %+v", numbers)
		}
		r.later(15 * time.Hour)
		expect("nothing is heard at all", 0, "a > b")
		r.ear.calls("a", "c")
		expect("one is stale beside another", 1, "a > b stale", "a > c")
		r.ear.calls("a", "b")
		expect("it is back", 1, "a > b", "a > c")
		r.later(91 * time.Hour)
		r.ear.calls("a", "c")
		expect("it is gone", 1, "a > c")
		if source := r.catalog.Snapshot().Sources()[0]; source.Held != nil || source.Error != "" {
			t.Errorf("the source is %+v", source)
		}
	})
}

// TestCallsAreStricterThanMessages holds that who gets messages from a service and calls it, too, needs it as callers do, as long
// as the calls are seen.
func TestCallsAreStricterThanMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, ledger.Config{})
		hear := func(ways ...traffic.Way) {
			now, counts := time.Now(), &traffic.Counts{}
			for _, way := range ways {
				f := counts.Flow(traffic.FlowKey{From: "otel:a", To: "otel:b", Way: way})
				f.Merge(&traffic.Flow{Requests: 1, First: catalog.InstantOf(now), Last: catalog.InstantOf(now)})
			}
			r.ear.into.Add(hourOf(now), counts)
			r.later(20 * time.Second)
		}
		expect := func(want catalog.Strength) {
			t.Helper()
			for edge := range r.catalog.Snapshot().Edges() {
				if edge.Strength != want {
					t.Errorf("%s > %s is %s, want %s", edge.From, edge.To, edge.Strength, want)
				}
			}
		}
		hear(traffic.Receive)
		expect(catalog.Async)
		hear(traffic.Call, traffic.Receive)
		expect(catalog.Hard)
		r.later(15 * time.Hour)
		hear(traffic.Receive)
		expect(catalog.Async)
	})
}

func TestNothingThatAgesIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, ledger.Config{})
		for i := range 60 {
			r.ear.calls(fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i))
		}
		r.later(time.Minute)
		if n := len(r.shown()); n != 60 {
			t.Fatalf("%d dependencies", n)
		}
		r.later(91 * time.Hour)
		r.ear.calls("a", "c")
		r.later(20 * time.Second)
		if diff := cmp.Diff([]string{"a > c"}, r.shown()); diff != "" {
			t.Error(diff)
		}
		if source := r.catalog.Snapshot().Sources()[0]; source.Held != nil || source.Entities != 2 {
			t.Errorf("the source is %+v", source)
		}
	})
}
