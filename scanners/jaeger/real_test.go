package jaeger_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/jaeger"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// TestReal sends traces to a real Jaeger and reads what it made of them: those of two hours, each counted once, though it is
// read again and again.
func TestReal(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and starts a Jaeger")
	}
	server := testenv.Jaeger(t)
	now := time.Now().UTC().Truncate(time.Hour).Add(30 * time.Minute) // the clock of the reader; Jaeger has none to say
	for i, at := range []time.Time{now.Add(-time.Minute), now.Add(-2 * time.Minute), now.Add(-time.Hour)} {
		send(t, server.OTLP, i+1, at)
	}
	r, err := jaeger.New(jaeger.Config{URL: server.Query, Lookback: 2 * time.Hour, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	held := new(scantest.Counted)
	var state []byte
	calls := func() float64 {
		if flow := held.Sum("dependencies").Flows[key("otel:web", "otel:pay")]; flow != nil {
			return flow.Requests
		}
		return 0
	}
	scantest.Until(t, "three calls are read", func() bool {
		if state, err = r.ReadTraffic(t.Context(), nil, held); err != nil {
			t.Fatal(err)
		}
		return calls() == 3
	})
	for range 3 {
		if state, err = r.ReadTraffic(t.Context(), state, held); err != nil {
			t.Fatal(err)
		}
	}
	if calls() != 3 || len(held.Hours("dependencies")) != 2 {
		t.Errorf("%v calls of %v are held, want 3 of two hours", calls(), held.Hours("dependencies"))
	}
}

// send sends a trace of one call.
func send(t *testing.T, otlp string, number int, at time.Time) {
	t.Helper()
	span := func(id, parent string, kind int) map[string]any {
		return map[string]any{
			"traceId": fmt.Sprintf("%032x", number), "spanId": id, "parentSpanId": parent, "name": "GET", "kind": kind,
			"startTimeUnixNano": fmt.Sprint(at.UnixNano()), "endTimeUnixNano": fmt.Sprint(at.Add(time.Millisecond).UnixNano()),
		}
	}
	of := func(service string, spans ...map[string]any) map[string]any {
		name := map[string]any{"key": "service.name", "value": map[string]any{"stringValue": service}}
		return map[string]any{"resource": map[string]any{"attributes": []any{name}}, "scopeSpans": []any{map[string]any{"spans": spans}}}
	}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{
		of("web", span("0000000000000001", "", 2), span("0000000000000002", "0000000000000001", 3)),
		of("pay", span("0000000000000003", "0000000000000002", 2)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, otlp+"/v1/traces", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
}
