package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ledger"
)

var ab = traffic.FlowKey{From: "otel:a", To: "otel:b", Way: traffic.Call}

// stored is how many calls from a to b a process that starts now finds.
func stored(t *testing.T, rows *store) float64 {
	t.Helper()
	l := ledger.New(ledger.Config{Store: rows})
	l.Source(ledger.Source{ID: "traces", Environment: "prod"})
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if numbers := l.Numbers().Flow("traces", ab.ID()); numbers != nil {
		return numbers.Requests
	}
	return 0
}

// start runs a Ledger until stop is called.
func start(t *testing.T, rows *store) (l *ledger.Ledger, hears *ear, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l, hears = ledger.New(ledger.Config{Store: rows}), new(ear)
	l.Source(ledger.Source{ID: "traces", Environment: "prod", Listener: hears})
	var runs sync.WaitGroup
	runs.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); runs.Wait() })
	t.Cleanup(stop)
	synctest.Wait()
	return l, hears, stop
}

func TestWhatIsCountedIsWrittenWithinTenSecondsAndWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows := newStore()
		l, hears, stop := start(t, rows)
		hears.calls("a", "b")
		changed := l.Changed()
		<-time.After(10 * time.Second)
		synctest.Wait()
		if n := stored(t, rows); n != 1 {
			t.Errorf("after ten seconds %v calls are written", n)
		}
		select {
		case <-changed:
		default:
			t.Error("nobody was told of newer numbers")
		}
		hears.calls("a", "b")
		if n := stored(t, rows); n != 1 {
			t.Errorf("%v calls are written at once", n)
		}
		stop()
		if n := stored(t, rows); n != 2 {
			t.Errorf("when it has ended, %v calls are written", n)
		}
		writes := rows.writes
		_, hears, stop = start(t, rows) // and goes on from there
		<-time.After(time.Minute)
		if rows.writes != writes {
			t.Error("rows are written though nothing was counted")
		}
		hears.calls("a", "b")
		stop()
		if n := stored(t, rows); n != 3 {
			t.Errorf("after a restart, %v calls are written", n)
		}
	})
}

func TestNothingIsLostWhileTheStoreIsAway(t *testing.T) {
	for _, doubtful := range []bool{false, true} {
		t.Run(fmt.Sprintf("doubtful %t", doubtful), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rows := newStore()
				l, hears, stop := start(t, rows)
				hears.calls("a", "b")
				<-time.After(10 * time.Second)
				rows.doubtful = doubtful
				rows.fails(fmt.Errorf("%w: pulled", graph.ErrUnavailable))
				for range 10 {
					hears.calls("a", "b")
					<-time.After(time.Hour)
				}
				synctest.Wait()
				if n := l.Numbers().Flow("traces", ab.ID()).Requests; n != 11 {
					t.Errorf("while the store is away, %v calls are shown", n)
				}
				rows.fails(nil)
				<-time.After(10 * time.Second)
				stop()
				if n := stored(t, rows); n != 11 {
					t.Errorf("when it is back, %v calls are written", n)
				}
			})
		})
	}
}

func TestTroubleShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows, hears := newStore(), new(ear)
		ctx, cancel := context.WithCancel(t.Context())
		l := ledger.New(ledger.Config{Store: rows})
		source := l.Source(ledger.Source{ID: "traces", Listener: hears})
		var runs sync.WaitGroup
		runs.Go(func() { _ = l.Run(ctx) })
		defer func() { cancel(); runs.Wait() }()
		synctest.Wait()
		watched := make(chan error, 1)
		watch := func() { go func() { watched <- source.Watch(ctx, func(...string) {}) }() }
		watch()
		<-time.After(time.Minute)
		synctest.Wait()
		if len(watched) > 0 {
			t.Fatalf("watching ended with %v", <-watched)
		}
		rows.fails(graph.ErrUnavailable)
		hears.calls("a", "b")
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if err := <-watched; !errors.Is(err, graph.ErrUnavailable) {
			t.Errorf("while rows cannot be written, watching ends with %v", err)
		}
		watch()
		if err := <-watched; !errors.Is(err, graph.ErrUnavailable) {
			t.Errorf("and again with %v", err)
		}
		rows.fails(nil)
		<-time.After(10 * time.Second)
		watch()
		<-time.After(time.Minute)
		synctest.Wait()
		if len(watched) > 0 {
			t.Fatalf("when they can, watching ends with %v", <-watched)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		hears := &ear{err: errors.New("the port is taken")}
		ctx, cancel := context.WithCancel(t.Context())
		l := ledger.New(ledger.Config{})
		source := l.Source(ledger.Source{ID: "traces", Listener: hears})
		var runs sync.WaitGroup
		runs.Go(func() { _ = l.Run(ctx) })
		defer func() { cancel(); runs.Wait() }()
		synctest.Wait()
		if err := source.Watch(ctx, func(...string) {}); err == nil || !strings.Contains(err.Error(), "the port is taken") {
			t.Errorf("while nobody listens, watching ends with %v", err)
		}
		hears.mu.Lock()
		hears.err = nil
		hears.mu.Unlock()
		<-time.After(2 * time.Minute)
		hears.calls("a", "b")
	})
}

func TestWhatIsBeyondALimitIsCountedAsLost(t *testing.T) {
	at := newClock()
	l := ledger.New(ledger.Config{Now: at.Now, MaxFlows: 10, MaxServices: 5, MaxDeliveries: 3, MaxReach: 4})
	l.Source(ledger.Source{ID: "traces"})
	hour := hourOf(at.Now())
	for range 3 {
		counts := &traffic.Counts{}
		for i := range 100 {
			name := catalog.Alias(fmt.Sprintf("otel:s%d", i))
			counts.Flow(traffic.FlowKey{From: name, To: "otel:b", Way: traffic.Call}).Requests = 2
			counts.Service(traffic.ServiceKey{Alias: name}).Requests = 1
			counts.Delivery(traffic.DeliveryKey{Consumer: name, Topic: "topic:t", Producer: "otel:p"}).Messages = 1
			counts.Touch(traffic.ReachKey{Entry: name, Touched: "otel:b"}, 1)
		}
		counts.Flow(traffic.FlowKey{From: catalog.Alias("otel:" + strings.Repeat("x", 1000)), To: "otel:b", Way: traffic.Call}).Requests = 7
		counts.Flow(traffic.FlowKey{From: "otel:a", To: "otel:b", Way: traffic.Call, Environment: strings.Repeat("x", 1000)}).Requests = 7
		l.Hear("traces", hour, counts)
	}
	l.Step(t.Context())
	lost := l.Numbers().Lost("traces")
	want := map[string]uint64{
		traffic.LostTooManyFlows: 3 * (90*2 + 97), traffic.LostTooManyServices: 3 * 95, ledger.LostTooManyReached: 3 * 96, traffic.LostTooLarge: 3 * 14,
	}
	for reason, n := range want {
		if lost[reason] != n {
			t.Errorf("%s: %d, want %d", reason, lost[reason], n)
		}
	}
}

func TestTimesThatCannotBe(t *testing.T) {
	at := newClock()
	l := ledger.New(ledger.Config{Now: at.Now})
	l.Source(ledger.Source{ID: "traces"})
	for _, year := range []int{1970, 2026, 1980, 2100} {
		day := time.Date(year, 2, 1, 0, 0, 0, 0, time.UTC)
		counts := oneCall("otel:a", catalog.Alias(fmt.Sprintf("otel:y%d", year)), hourOf(day))
		l.Hear("traces", hourOf(day), counts)
	}
	l.Step(t.Context())
	show := func(year int) *graph.FlowNumbers {
		key := traffic.FlowKey{From: "otel:a", To: catalog.Alias(fmt.Sprintf("otel:y%d", year)), Way: traffic.Call}
		return l.Numbers().Flow("traces", key.ID())
	}
	if f := show(2100); f == nil || f.Last.After(at.Now()) {
		t.Errorf("what lies ahead is seen as %+v", f)
	}
	if show(2026) == nil || show(1980) != nil {
		t.Error("what is older than anything is kept for is kept")
	}
	if lost := l.Numbers().Lost("traces")[traffic.LostLate]; lost != 5 {
		t.Errorf("%d requests are late", lost)
	}
}
