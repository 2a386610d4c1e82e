package pairing_test

import (
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// FuzzPairer takes spans of few ids, so that they meet, with whatever the bytes say.
func FuzzPairer(f *testing.F) {
	f.Add([]byte("a trace of some spans, with links and parents and names"))
	f.Add([]byte{1, 1, 0, 3, 0, 0, 0, 1, 2, 1, 4, 0, 0, 0, 1, 3, 2, 2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		clock := newClock()
		pairer := pairing.New(pairing.Config{Settle: settle, MaxBytes: 1 << 20, MaxTraceSpans: 100, Shards: 2, Now: clock.now})
		left := data
		take := func() byte {
			if len(left) == 0 {
				return 0
			}
			b := left[0]
			left = left[1:]
			return b
		}
		text := func() []byte {
			n := min(int(take())%24, len(left))
			s := left[:n]
			left = left[n:]
			return s
		}
		id := func() (id spans.SpanID) {
			id[7] = take() % 8
			return id
		}
		trace := func() (id spans.TraceID) {
			id[15] = take() % 4
			return id
		}
		names := []string{"a", "b", "unknown_service", "", "\x00\xff/"}
		for len(left) > 0 {
			span := &spans.Span{
				TraceID: trace(), ID: id(), Parent: id(), Kind: spans.Kind(take() % 7), Status: spans.Status(take() % 4),
				Origin: uint32(take() % 2), Start: uint64(noon.UnixNano()) + uint64(take()), End: uint64(noon.UnixNano()) + uint64(take()),
				Resource: resources.Intern(spans.Resource{Service: names[take()%5], Workload: names[take()%5]}),
			}
			what := take()
			for bit, field := range []*[]byte{
				&span.PeerService, &span.ServerAddress, &span.URL, &span.DBSystem, &span.DBConnectionString, &span.MessagingDestination,
				&span.MessagingOperation, &span.TraceState,
			} {
				if what&(1<<bit) != 0 {
					*field = text()
				}
			}
			for range take() % 3 {
				span.Links = append(span.Links, spans.Link{TraceID: trace(), ID: id()})
			}
			if err := pairer.Add(span); err != nil {
				t.Fatal(err)
			}
			if take()%8 == 0 {
				clock.pass(settle / 2 * time.Duration(take()%8))
				pairer.Tick()
			}
		}
		pairer.SettleAll()
		for origin := range uint32(2) {
			for _, counts := range pairer.Drain(origin) {
				for key, flow := range counts.Flows {
					if key.From == "" || key.To == "" || key.From == key.To || flow.Requests <= 0 || flow.Errors > flow.Requests {
						t.Errorf("%+v: %+v", key, flow)
					}
				}
			}
		}
		if stats := pairer.Stats(); stats.OpenSpans+stats.RememberedSpans+stats.OpenTraces+stats.WaitingMessages != 0 {
			t.Errorf("after everything was settled it holds %+v", stats)
		}
	})
}
