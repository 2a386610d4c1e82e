package pairing_test

import (
	"encoding/binary"
	"errors"
	"fmt"
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

func TestLimits(t *testing.T) {
	pairer := pairing.New(pairing.Config{MaxTraceSpans: 5, MaxFlows: 10, MaxServices: 20, Shards: 2})
	for i := range 8 {
		addAll(t, pairer, scripted(t, fmt.Sprintf("big/s%d internal w", i)))
	}
	for i := range 30 {
		addAll(t, pairer, scripted(t, fmt.Sprintf("flow%d/a client w server.address=h%d", i, i)))
	}
	for i := range 50 {
		addAll(t, pairer, scripted(t, fmt.Sprintf("service%d/a server s%d", i, i)))
	}
	pairer.SettleAll()
	counts := together(pairer.Drain(0))
	if counts.Lost[traffic.LostTooManySpans] != 3 {
		t.Errorf("lost by the size of a trace: %d", counts.Lost[traffic.LostTooManySpans])
	}
	if len(counts.Flows) != 10 || counts.Lost[traffic.LostTooManyFlows] != 20 {
		t.Errorf("%d flows, and %d lost", len(counts.Flows), counts.Lost[traffic.LostTooManyFlows])
	}
	if len(counts.Services) != 20 || counts.Lost[traffic.LostTooManyServices] != 31 {
		t.Errorf("%d services, and %d lost", len(counts.Services), counts.Lost[traffic.LostTooManyServices])
	}
	for i := range 30 { // of the same hour, later
		addAll(t, pairer, scripted(t, fmt.Sprintf("later%d/a client w server.address=later%d", i, i)))
	}
	pairer.SettleAll()
	if counts := together(pairer.Drain(0)); len(counts.Flows) != 0 || counts.Lost[traffic.LostTooManyFlows] != 30 {
		t.Errorf("later in the hour: %d flows, and %d lost", len(counts.Flows), counts.Lost[traffic.LostTooManyFlows])
	}
}

// TestMemoryIsBounded sends more than fits, of every kind that takes memory.
func TestMemoryIsBounded(t *testing.T) {
	const maxBytes = 4 << 20
	big := strings.Repeat("x", 10_000)
	for name, script := range map[string]string{
		"traces":     "%d/a server w",
		"one trace":  "1/a%d<b internal w",
		"services":   "%d/a server s%d" + big[:200],
		"hosts":      "%d/a client w server.address=h%d" + big,
		"statements": "%d/a client w db.system=redis db.namespace=%d" + big + " server.address=h",
		"topics":     "%d/a producer w messaging.system=kafka messaging.destination=%d" + big[:200],
		"links":      "%d/a consumer w messaging.system=kafka messaging.destination=t" + strings.Repeat(" link=%d/a", 20),
		"names":      "%d/a server w name=%d" + big,
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			pairer := pairing.New(pairing.Config{Settle: settle, MaxBytes: maxBytes, Shards: 4, Now: clock.now})
			taken, refused, lost, counted, most := 0, 0, uint64(0), 0.0, int64(0)
			drain := func() {
				for _, counts := range pairer.Drain(0) {
					for _, n := range counts.Lost {
						lost += n
					}
					for _, service := range counts.Services {
						counted += service.Requests
					}
				}
			}
			template := scripted(t, strings.ReplaceAll(script, "%d", "1"))[0]
			for i := range 30_000 {
				span := *template
				vary(&span, script, i)
				err := pairer.Add(&span)
				switch {
				case err == nil:
					taken++
				case errors.Is(err, pairing.ErrFull):
					refused++
				default:
					t.Fatal(err)
				}
				if i%500 == 0 {
					clock.pass(time.Second)
					pairer.Tick()
					most = max(most, pairer.Stats().Bytes)
				}
				if i%5000 == 0 {
					drain()
				}
			}
			if most > maxBytes*5/4 {
				t.Errorf("it held %d KiB", most>>10)
			}
			pairer.SettleAll()
			drain()
			stats := pairer.Stats()
			if stats.OpenSpans+stats.RememberedSpans != 0 {
				t.Errorf("after everything was settled it holds %+v", stats)
			}
			if name != "links" && name != "one trace" && counted < 1000 {
				t.Errorf("only %.0f requests are counted", counted)
			}
			t.Logf("taken %d, refused %d, requests %.0f, lost %d, at most %d KiB, evicted %d", taken, refused, counted, lost, most>>10,
				stats.Evicted)
		})
	}
}

// vary makes another span of the template of a script: wherever it says %d.
func vary(span *spans.Span, script string, i int) {
	number := fmt.Sprintf("%d", i)
	if strings.HasPrefix(script, "%d") {
		binary.BigEndian.PutUint64(span.TraceID[8:], uint64(i)+1)
	} else {
		binary.BigEndian.PutUint64(span.ID[:], uint64(i)+1)
	}
	other := func(b []byte) []byte { return append([]byte(number), b...) }
	if strings.Contains(script, " s%d") {
		resource := *span.Resource
		resource.Service += number
		span.Resource = &resource
	}
	if strings.Contains(script, "=h%d") {
		span.ServerAddress = other(span.ServerAddress)
	}
	if strings.Contains(script, "namespace=%d") {
		span.DBNamespace = other(span.DBNamespace)
	}
	if strings.Contains(script, "destination=%d") {
		span.MessagingDestination = other(span.MessagingDestination)
	}
	if strings.Contains(script, "name=%d") {
		span.Name = other(span.Name)
	}
	links := make([]spans.Link, len(span.Links))
	for j := range links {
		links[j].TraceID[0] = 1
		binary.BigEndian.PutUint64(links[j].ID[:], uint64(i*len(links)+j+1))
	}
	span.Links = links
}

func TestFullIsToldBeforehand(t *testing.T) {
	clock := newClock()
	pairer := pairing.New(pairing.Config{Settle: settle, MaxBytes: 1 << 20, Shards: 1, Now: clock.now})
	full := false
	for i := 0; ; i++ {
		if i > 1_000_000 {
			t.Fatal("it is never full")
		}
		span := scripted(t, fmt.Sprintf("%d/a server w", i+1))[0]
		full = full || pairer.Full()
		if err := pairer.Add(span); err != nil {
			if !errors.Is(err, pairing.ErrFull) {
				t.Fatal(err)
			}
			break
		}
	}
	if !full {
		t.Error("it was not told that it would be full")
	}
	clock.pass(settle)
	pairer.Tick()
	if err := pairer.Add(scripted(t, "x/a server w")[0]); err != nil {
		t.Errorf("after the oldest are settled: %v", err)
	}
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

// TestMessagesWithoutEnd passes one message on and on: each trace reacts to the one before.
func TestMessagesWithoutEnd(t *testing.T) {
	clock := newClock()
	pairer := pairing.New(pairing.Config{Settle: settle, MaxBytes: 1 << 20, Shards: 1, Now: clock.now})
	addAll(t, pairer, scripted(t, "0x/p producer w messaging.system=kafka messaging.destination=t"))
	all, most := &traffic.Counts{}, int64(0)
	const hops = 3000
	before := "0x"
	for i := range hops {
		this := fmt.Sprintf("%dx", i+1)
		addAll(t, pairer, scripted(t, fmt.Sprintf(`
			%[1]s/c consumer w%[3]d messaging.system=kafka messaging.destination=t link=%[2]s/p
			%[1]s/p<c producer w%[3]d messaging.system=kafka messaging.destination=t`, this, before, i%3)))
		before = this
		if i%50 == 0 {
			clock.pass(settle)
			pairer.Tick()
			most = max(most, pairer.Stats().Bytes)
			all.Merge(together(pairer.Drain(0)))
		}
	}
	pairer.SettleAll()
	all.Merge(together(pairer.Drain(0)))
	consumed := 0.0
	for key, flow := range all.Flows {
		if key.Way == traffic.Consume {
			consumed += flow.Requests
		}
	}
	if consumed != hops || len(all.Lost) != 0 {
		t.Errorf("%v messages of %d are counted, and lost %v", consumed, hops, all.Lost)
	}
	if most > 3<<19 {
		t.Errorf("it held %d KiB", most>>10)
	}
}

// TestTracesMadeToKeepUsBusy sends traces in which each span may have to do with each: they are counted all the same, by a bounded
// number of comparisons.
func TestTracesMadeToKeepUsBusy(t *testing.T) {
	const size = 20_000
	for _, busy := range []struct{ name, script, want string }{
		{"clients in clients", "1/s%d<s%d client w", `
			lost missing_parent 1
			lost unmatched_client 1`},
		{"servers in servers", "1/s%d<s%d server w", "lost missing_parent 1"},
		{"receives beside", "1/s%d<root consumer w messaging.operation=receive messaging.system=kafka", `
			lost missing_parent 20000
			lost unlinked_consumer 20000`},
		{"creates beside", "1/s%d<root producer w messaging.operation=create messaging.system=kafka messaging.destination=t", `
			lost missing_parent 20000
			w => topic:kafka:t kafka 20000/0`},
		{"consumers in consumers", "1/s%d<s%d consumer w messaging.system=kafka messaging.destination=t link=1/s%d", `
			lost missing_parent 1
			lost unlinked_consumer 1
			w <= topic:kafka:t kafka 1/0`},
	} {
		t.Run(busy.name, func(t *testing.T) {
			script := busy.script
			pairer := pairing.New(pairing.Config{Shards: 1})
			template := scripted(t, strings.ReplaceAll(script, "%d", "1"))[0]
			number := func(n int) (id spans.SpanID) {
				binary.BigEndian.PutUint64(id[:], uint64(n+1))
				return id
			}
			for i := range size {
				span := *template
				span.ID = number(i)
				if strings.Contains(script, "<s") && i > 0 {
					span.Parent = number(i - 1)
				}
				addAll(t, pairer, []*spans.Span{&span})
			}
			pairer.SettleAll()
			sameLines(t, busy.want, lines(together(pairer.Drain(0))))
		})
	}
}
