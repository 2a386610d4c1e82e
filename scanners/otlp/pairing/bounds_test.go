package pairing_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

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
