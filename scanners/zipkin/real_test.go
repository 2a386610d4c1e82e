package zipkin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/scantest"
	"github.com/orrery-catalog/orrery/scanners/zipkin"
)

// TestReal sends spans to a real Zipkin and reads what it made of them: those of two days, each counted once, though it is
// read again and again.
func TestReal(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a Zipkin")
	}
	address := testenv.Zipkin(t)
	now := time.Now().UTC().Truncate(day).Add(12 * time.Hour) // the clock of the reader; Zipkin has none to say
	var spans []string
	for i, at := range []time.Time{now.Add(-time.Minute), now.Add(-11 * time.Hour), now.Add(-day)} {
		span := func(id, parent, kind, service, more string) {
			spans = append(spans, fmt.Sprintf(`{"traceId":"%016x","id":"%s","parentId":"%s","kind":"%s","timestamp":%d,"duration":1000,`+
				`"localEndpoint":{"serviceName":"%s"}%s}`, i+1, id, parent, kind, at.UnixMicro(), service, more))
		}
		span("000000000000000a", "", "SERVER", "web", "")
		span("000000000000000b", "000000000000000a", "CLIENT", "web", "")
		span("000000000000000c", "000000000000000b", "SERVER", "pay", `,"tags":{"error":"no funds"}`)
		span("000000000000000d", "000000000000000c", "CLIENT", "pay", `,"remoteEndpoint":{"serviceName":"ledger-db"}`)
	}
	body := strings.ReplaceAll("["+strings.Join(spans, ",")+"]", `"parentId":"",`, "")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/api/v2/spans", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // only its status counts
	if response.StatusCode != http.StatusAccepted {
		t.Fatal(response.Status)
	}
	reader, err := zipkin.New(zipkin.Config{URL: address, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	held := new(scantest.Counted)
	var state []byte
	flow := func(to string) traffic.Flow {
		for key, flow := range held.Sum("dependencies").Flows {
			if string(key.To) == to {
				return *flow
			}
		}
		return traffic.Flow{}
	}
	scantest.Until(t, "three calls are read", func() bool {
		if state, err = reader.ReadTraffic(t.Context(), nil, held); err != nil {
			t.Fatal(err)
		}
		return flow("otel:pay").Requests == 3
	})
	for range 3 {
		if state, err = reader.ReadTraffic(t.Context(), state, held); err != nil {
			t.Fatal(err)
		}
	}
	if pay, ledger := flow("otel:pay"), flow("otel:ledger-db"); pay.Requests != 3 || pay.Errors != 3 || ledger.Requests != 3 || ledger.Errors != 0 {
		t.Errorf("holds %+v and %+v", pay, ledger)
	}
	if hours := held.Hours("dependencies"); len(hours) != 2 || hours[1]-hours[0] != 24 {
		t.Errorf("hours %v are held, want the first ones of two days", hours)
	}
}
