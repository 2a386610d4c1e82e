package zipkin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/scantest"
	"github.com/orrery-catalog/orrery/scanners/zipkin"
)

const day = 24 * time.Hour

// fake keeps rows by day, as Cassandra and Elasticsearch do: a part of a day is answered by all of it.
type fake struct {
	days  map[time.Time]string
	asked []string
	body  string // instead
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	f.asked = append(f.asked, r.URL.String())
	if f.body != "" {
		_, _ = recorder.WriteString(f.body)
		return recorder.Result(), nil
	}
	end, err := strconv.ParseInt(r.URL.Query().Get("endTs"), 10, 64)
	if err != nil {
		return nil, err
	}
	lookback, err := strconv.ParseInt(r.URL.Query().Get("lookback"), 10, 64)
	if err != nil {
		return nil, err
	}
	var found []string
	for at := time.UnixMilli(end - lookback).UTC().Truncate(day); at.UnixMilli() <= end; at = at.Add(day) {
		if f.days[at] != "" {
			found = append(found, f.days[at])
		}
	}
	_, _ = fmt.Fprintf(recorder, "[%s]", strings.Join(found, ","))
	return recorder.Result(), nil
}

func link(parent, child string, calls, errors int) string {
	return fmt.Sprintf(`{"parent":%q,"child":%q,"callCount":%d,"errorCount":%d}`, parent, child, calls, errors)
}

func newReader(t testing.TB, f *fake, now *time.Time) *zipkin.Reader {
	t.Helper()
	r, err := zipkin.New(zipkin.Config{URL: "http://zipkin:9411", Transport: f, MaxEdges: 3, Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReads(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)
	now := today.Add(15*time.Hour + 20*time.Minute)
	f := &fake{days: map[time.Time]string{
		today:               link("web", "pay", 10, 4) + "," + link("pay", "pay", 5, 0),
		today.Add(-day):     link("web", "pay", 20, 0) + `,{"parent":"pay","child":"ledger","callCount":7}`,
		today.Add(-3 * day): link("web", "old", 1, 1),
	}}
	held := new(scantest.Counted)
	var state []byte
	for range 20 { // several times an hour, over midnight
		next, err := newReader(t, f, &now).ReadTraffic(t.Context(), state, held)
		if err != nil {
			t.Fatal(err)
		}
		state = next
		now = now.Add(37 * time.Minute)
	}
	sum := held.Sum("dependencies")
	web := sum.Flows[traffic.FlowKey{From: "otel:web", To: "otel:pay", Way: traffic.Call}]
	pay := sum.Flows[traffic.FlowKey{From: "otel:pay", To: "otel:ledger", Way: traffic.Call}]
	if len(sum.Flows) != 2 || web.Requests != 30 || web.Errors != 4 || pay.Requests != 7 {
		t.Errorf("holds %+v %+v of %d flows", web, pay, len(sum.Flows))
	}
	if web.First != catalog.InstantOf(today.Add(-day)) || web.Last < catalog.InstantOf(today.Add(23*time.Hour)) {
		t.Errorf("seen from %s to %s", web.First.Time(), web.Last.Time())
	}
	if sum.Lost[traffic.LostSelfCall] != 5 {
		t.Errorf("lost %v", sum.Lost)
	}
	if want := "http://zipkin:9411/api/v2/dependencies?endTs=1778111999999&lookback=86399999"; f.asked[0] != want {
		t.Errorf("asked %s, want %s", f.asked[0], want)
	}
	for _, h := range held.Hours("dependencies") {
		if h%24 != 0 {
			t.Errorf("hour %d is none that a day begins with", h)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"[" + strings.Repeat(link("a", "b", 1, 0)+",", 3) + link("a", "b", 1, 0) + "]": "tells of 4 dependencies, and at most 3 are taken",
		"<html>":      "does not answer as Zipkin does",
		`{"data":[]}`: "does not answer as Zipkin does",
	} {
		now := time.Date(2026, 5, 6, 1, 0, 0, 0, time.UTC)
		_, err := newReader(t, &fake{body: body}, &now).ReadTraffic(t.Context(), nil, new(scantest.Counted))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	if _, err := zipkin.New(zipkin.Config{}); err == nil {
		t.Error("a reader without a url is made")
	}
}
