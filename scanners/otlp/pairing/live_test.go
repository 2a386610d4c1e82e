package pairing_test

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

const settle = 10 * time.Second

// clock is one that tests move.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(noon.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) pass(time time.Duration) { c.nanos.Add(int64(time)) }

func addAll(t testing.TB, pairer *pairing.Pairer, all []*spans.Span) {
	t.Helper()
	for _, span := range all {
		if err := pairer.Add(span); err != nil {
			t.Fatal(err)
		}
	}
}

func sameLines(t testing.TB, want string, got []string) {
	t.Helper()
	expected := []string{}
	for _, line := range strings.Split(want, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			expected = append(expected, line)
		}
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("expected (-) and counted (+) differ:\n%s", diff)
	}
}

func TestTracesSettleWhenIdle(t *testing.T) {
	clock := newClock()
	pairer := pairing.New(pairing.Config{Settle: settle, Now: clock.now})
	all := scripted(t, `
		1/a server w
		1/b<a client w
		1/c<b server v`)
	for _, span := range all {
		addAll(t, pairer, []*spans.Span{span})
		clock.pass(settle - time.Second)
		pairer.Tick()
		if counts := together(pairer.Drain(0)); !counts.Empty() {
			t.Fatalf("counted while spans came: %v", lines(counts))
		}
	}
	clock.pass(time.Second)
	pairer.Tick()
	sameLines(t, `
		entry w 1
		w > v http 1/0`, lines(together(pairer.Drain(0))))
	if counts := together(pairer.Drain(0)); !counts.Empty() {
		t.Errorf("counted twice: %v", lines(counts))
	}
}

func TestTracesThatNeverEndSettle(t *testing.T) {
	clock := newClock()
	pairer := pairing.New(pairing.Config{Settle: settle, MaxAge: 30 * time.Second, Now: clock.now})
	addAll(t, pairer, scripted(t, "1/a server w"))
	calls, entries := 0.0, 0.0
	for i := range 100 {
		addAll(t, pairer, scripted(t, fmt.Sprintf("1/b%d<a client w server.address=h", i)))
		clock.pass(time.Second)
		pairer.Tick()
		counts := together(pairer.Drain(0))
		for _, flow := range counts.Flows {
			calls += flow.Requests
		}
		for _, service := range counts.Services {
			entries += service.Entries
		}
	}
	if calls < 50 || entries != 1 {
		t.Errorf("%v calls and %v entries are counted while spans come", calls, entries)
	}
}

func TestLateSpans(t *testing.T) {
	for _, late := range []struct{ name, early, late, want string }{
		{"a repeated one", `
			1/a server w
			1/b<a client w server.address=h`, `
			1/b<a client w server.address=h`, `
			entry w 1
			lost duplicate 1
			w > host:h http 1/0`},
		{"the server of a call that was counted by its host", `
			1/a server w
			1/b<a client w server.address=h`, `
			1/c<b server v`, `
			entry w 1
			lost late 1
			w > host:h http 1/0`},
		{"the server of a call that named nobody", `
			1/a server w
			1/b<a client w`, `
			1/c<b server v`, `
			entry w 1
			lost unmatched_client 1
			reach w v 1
			w > v http 1/0`},
		{"the client", `
			1/c<b server v
			1/d<c client v server.address=h`, `
			1/a server w
			1/b<a client w`, `
			entry w 1
			lost missing_parent 1
			reach w host:h 1
			reach w v 1
			v > host:h http 1/0
			w > v http 1/0`},
		{"another server", `
			1/a server w
			1/b<a client w
			1/c<b server v`, `
			1/d<b server v`, `
			entry w 1
			reach w v 1
			w > v http 2/0`},
		{"half of the tree", `
			1/a server w
			1/b<a client w
			1/c<b server v`, `
			1/d<c client v
			1/e<d server u
			1/f<e client u db.system=redis server.address=r`, `
			entry w 1
			reach w db:redis:r/0 1
			reach w u 1
			reach w v 1
			u > db:redis:r/0 redis 1/0
			v > u http 1/0
			w > v http 1/0`},
		{"the consumer, by parent", `
			1/a producer p messaging.system=kafka messaging.destination=t`, `
			1/b<a consumer c messaging.system=kafka messaging.destination=t`, `
			c <= topic:kafka:t kafka 1/0
			entry p 1
			flow p > topic:kafka:t > c 1
			p => topic:kafka:t kafka 1/0
			reach p c 1
			reach p topic:kafka:t 1`},
		{"the producer, by parent", `
			1/b<a consumer c messaging.system=kafka messaging.destination=t`, `
			1/a producer p messaging.system=kafka messaging.destination=t`, `
			c <= topic:kafka:t kafka 1/0
			entry p 1
			lost missing_parent 1
			lost unlinked_consumer 1
			p => topic:kafka:t kafka 1/0
			reach p c 1
			reach p topic:kafka:t 1`},
		{"the producer, by link", `
			2/b consumer c messaging.system=kafka messaging.destination=t link=1/a`, `
			1/a producer p messaging.system=kafka messaging.destination=t`, `
			c <= topic:kafka:t kafka 1/0
			entry p 1
			flow p > topic:kafka:t > c 1
			p => topic:kafka:t kafka 1/0
			reach p c 1
			reach p topic:kafka:t 1`},
	} {
		t.Run(late.name, func(t *testing.T) {
			clock := newClock()
			pairer := pairing.New(pairing.Config{Settle: settle, Now: clock.now})
			all := &traffic.Counts{}
			for _, script := range []string{late.early, late.late, "", "", "", ""} {
				addAll(t, pairer, scripted(t, script))
				clock.pass(settle)
				pairer.Tick()
				all.Merge(together(pairer.Drain(0)))
			}
			of := ""
			if strings.Contains(late.want, "reach ") {
				of = "reach"
			}
			sameLines(t, late.want, lines(all, of))
			pairer.SettleAll()
			if counts := together(pairer.Drain(0)); !counts.Empty() {
				t.Errorf("counted again: %v", lines(counts))
			}
		})
	}
}

func TestTimesThatCannotBe(t *testing.T) {
	clock := newClock()
	pairer := pairing.New(pairing.Config{Settle: settle, Now: clock.now})
	for i, start := range []time.Time{
		time.Unix(0, 0), time.Unix(5, 0), noon.Add(-100 * 24 * time.Hour), noon.Add(2 * time.Hour),
		time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), noon.Add(-time.Hour),
	} {
		span := scripted(t, fmt.Sprintf("%d/a client w server.address=h", i+1))[0]
		span.Start = uint64(start.UnixNano())
		span.End = span.Start + uint64(time.Second)
		addAll(t, pairer, []*spans.Span{span})
	}
	pairer.SettleAll()
	got := map[traffic.Hour]int{}
	for hour, counts := range pairer.Drain(0) {
		for _, flow := range counts.Flows {
			got[hour] += int(flow.Requests)
		}
	}
	hour := func(at time.Time) traffic.Hour { return traffic.Hour(at.Unix() / 3600) }
	want := map[traffic.Hour]int{hour(noon): 4, hour(noon.Add(-time.Hour)): 1, hour(noon.Add(-2400 * time.Hour)): 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOriginsAreToldApart(t *testing.T) {
	pairer := pairing.New(pairing.Config{})
	addAll(t, pairer, scripted(t, `
		1/a server w origin=1
		1/b<a client w origin=1
		1/c<b server v origin=2
		1/c<b server v origin=3
		2/a client w server.address=h origin=3`))
	pairer.SettleAll()
	sameLines(t, "entry w 1", lines(together(pairer.Drain(1))))
	sameLines(t, "w > v http 1/0", lines(together(pairer.Drain(2))))
	sameLines(t, `
		entry w 1
		lost duplicate 1
		w > host:h http 1/0`, lines(together(pairer.Drain(3))))
	sameLines(t, "", lines(together(pairer.Drain(0))))
}

// TestOriginsLearnTogether holds that strength is learned of calls that one origin knows in requests that another knows.
func TestOriginsLearnTogether(t *testing.T) {
	pairer := pairing.New(pairing.Config{})
	for i := range 12 {
		addAll(t, pairer, scripted(t, strings.ReplaceAll(`
			#/a server w origin=1 ERROR
			#/b<a client w origin=2
			#/c<b server v origin=3 ERROR`, "#", strconv.Itoa(i+1))))
	}
	pairer.SettleAll()
	sameLines(t, "w > v http 12/12 HARD", lines(together(pairer.Drain(3))))
}

func TestManyGoroutines(t *testing.T) {
	const senders, traces = 8, 300
	clock := newClock()
	pairer := pairing.New(pairing.Config{Settle: settle, Shards: 4, Now: clock.now})
	script := scripted(t, `
		1/a server shop/web
		1/b<a client shop/web
		1/c<b server shop/cart
		1/d<c client shop/cart db.system=redis server.address=cache
		1/e<c producer shop/cart messaging.system=kafka messaging.destination=t
		1/f consumer shop/mail messaging.system=kafka messaging.destination=t link=1/e`)
	all := &traffic.Counts{}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				pairer.Tick()
				pairer.Full()
				all.Merge(together(pairer.Drain(0)))
			}
		}
	}()
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			for i := range traces {
				for number, span := range script {
					if number%senders != sender && i%2 == 0 { // each sends a part of every other trace, all of the rest
						continue
					}
					if i%2 == 0 && number%senders != sender {
						continue
					}
					mine := *span
					id := uint64(i*senders + sender + 1)
					if i%2 == 0 {
						id = uint64(i + 1)
						id |= 1 << 40
					}
					mine.TraceID[0] = byte(number / 5) // the consumer has a trace of its own
					binary.BigEndian.PutUint64(mine.TraceID[8:], id)
					if len(mine.Links) > 0 {
						link := spans.Link{ID: mine.Links[0].ID, TraceID: mine.TraceID}
						link.TraceID[0] = 0
						mine.Links = []spans.Link{link}
					}
					if err := pairer.Add(&mine); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	close(stop)
	<-stopped
	pairer.SettleAll()
	all.Merge(together(pairer.Drain(0)))
	total := senders*traces/2 + traces/2
	sameLines(t, strings.ReplaceAll(`
		entry shop/web N
		flow shop/cart > topic:kafka:t > shop/mail N
		shop/cart => topic:kafka:t kafka N/0
		shop/cart > db:redis:cache/0 redis N/0
		shop/mail <= topic:kafka:t kafka N/0
		shop/web > shop/cart http N/0`, "N", fmt.Sprint(total)), lines(all))
}
