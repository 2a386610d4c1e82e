package jaeger_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/jaeger"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// fake answers for each hour what it is told; both ends of the time count, as in Elasticsearch.
type fake struct {
	rows  map[time.Time]string // the dependencies of a time, as in the answer
	asked []string
	code  int
	body  string // instead
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Type", "application/json")
	if f.code == 0 {
		f.code = http.StatusOK
	}
	recorder.WriteHeader(f.code)
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
	for at, row := range f.rows {
		if at.UnixMilli() >= end-lookback && at.UnixMilli() <= end {
			found = append(found, row)
		}
	}
	_, _ = fmt.Fprintf(recorder, `{"data":[%s],"total":0,"limit":0,"offset":0,"errors":null}`, strings.Join(found, ","))
	return recorder.Result(), nil
}

var noon = time.Date(2026, 5, 6, 12, 30, 0, 0, time.UTC)

func reader(t testing.TB, f *fake, now *time.Time) *jaeger.Reader {
	t.Helper()
	r, err := jaeger.New(jaeger.Config{URL: "http://jaeger:16686", Transport: f, Lookback: 24 * time.Hour, MaxEdges: 4, Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func link(parent, child string, calls int) string {
	return fmt.Sprintf(`{"parent":%q,"child":%q,"callCount":%d}`, parent, child, calls)
}

func key(from, to catalog.Alias) traffic.FlowKey {
	return traffic.FlowKey{From: from, To: to, Way: traffic.Call}
}

func TestReads(t *testing.T) {
	t.Parallel()
	now := noon
	f := &fake{rows: map[time.Time]string{
		time.Date(2026, 5, 6, 12, 10, 0, 0, time.UTC): link("web", "Pay", 3) + "," + link("web", "web", 5) + "," + link("web", "", 2),
		time.Date(2026, 5, 6, 11, 0, 0, 0, time.UTC):  link("web", "pay", 4), // on the edge of two hours
		time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC):   link("web", "old", 9), // beyond the lookback
	}}
	held := new(scantest.Counted)
	r := reader(t, f, &now)
	state, err := r.ReadTraffic(t.Context(), nil, held)
	if err != nil {
		t.Fatal(err)
	}
	check := func(calls float64) {
		t.Helper()
		sum := held.Sum("dependencies")
		if len(sum.Flows) != 1 || sum.Flows[key("otel:web", "otel:pay")].Requests != calls {
			t.Errorf("holds %v, want %v calls of web to pay", sum.Flows, calls)
		}
		if diff := cmp.Diff(map[string]uint64{traffic.LostSelfCall: 5, traffic.LostNoServiceName: 2}, sum.Lost); diff != "" {
			t.Error(diff)
		}
	}
	check(7)
	if want := "http://jaeger:16686/api/dependencies?endTs=1778072399999&lookback=3599999"; f.asked[0] != want || len(f.asked) != 25 {
		t.Errorf("asked %d times, at first %s, want 25 and %s", len(f.asked), f.asked[0], want)
	}
	// A job counts what belongs to an hour long ago; what is pushed out elsewhere stays.
	now = noon.Add(65 * time.Minute)
	f.rows[time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC).Add(12*time.Hour)] = link("web", "pay", 1)
	delete(f.rows, time.Date(2026, 5, 6, 11, 0, 0, 0, time.UTC))
	f.rows[time.Date(2026, 5, 5, 15, 0, 0, 0, time.UTC)] = link("web", "pay", 100)
	if _, err := reader(t, f, &now).ReadTraffic(t.Context(), state, held); err != nil {
		t.Fatal(err)
	}
	check(108)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat(link("a", "b", 1)+",", 5), ",")
	for body, want := range map[string]string{
		`{"data":null,"errors":[{"code":500,"msg":"storage is away"}]}`: "answers an error: storage is away",
		`{"data":[` + many + `]}`: "tells of 5 dependencies, and at most 4 are taken",
		"<html>":                  "does not answer as Jaeger does",
		`[]`:                      "does not answer as Jaeger does",
	} {
		now := noon
		_, err := reader(t, &fake{body: body}, &now).ReadTraffic(t.Context(), nil, new(scantest.Counted))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		now := noon
		_, err := reader(t, &fake{code: 500, body: `{"data":null,"total":0,"errors":[{"code":500,"msg":"no such table"}]}`}, &now).
			ReadTraffic(t.Context(), nil, new(scantest.Counted))
		if err == nil || !strings.Contains(err.Error(), "500 Internal Server Error: no such table") {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzAnswer: whatever is answered, nothing is counted that is not a positive number of calls between two services.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"data":[` + link("a", "b", 3) + `],"errors":null}`)
	f.Add(`{"data":[{"parent":"a","child":"b","callCount":-1},{"parent":"a","child":"c","callCount":1e400}]}`)
	f.Add(`{"data":[{"parent":"\u0000","child":"` + strings.Repeat("x", 2000) + `","callCount":18446744073709551615}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		synctest.Test(t, func(t *testing.T) {
			now := noon
			held := new(scantest.Counted)
			if _, err := reader(t, &fake{body: body + " "}, &now).ReadTraffic(t.Context(), nil, held); err != nil {
				return
			}
			for key, flow := range held.Sum("dependencies").Flows {
				if !(flow.Requests > 0) || flow.Errors > flow.Requests || key.From == key.To || key.From.World() != catalog.WorldOTel {
					t.Errorf("%v: %+v", key, flow)
				}
				if normal, err := catalog.ParseAlias(string(key.To)); err != nil || normal != key.To {
					t.Errorf("%q is no alias: %v", key.To, err)
				}
			}
		})
	})
}
