package prometheus_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/prometheus"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// instead answers questions, though not those for names, by itself.
type instead struct {
	*fake
	names  string // the answer to those; "" = as the fake does
	answer func(w http.ResponseWriter, r *http.Request)
}

func (i *instead) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/api/v1/query":
		i.answer(recorder, r)
	case i.names != "":
		_, _ = recorder.WriteString(i.names)
	default:
		return i.fake.RoundTrip(r)
	}
	return recorder.Result(), nil
}

func says(code int, body string) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func config(transport http.RoundTripper) prometheus.Config {
	return prometheus.Config{
		URL: "http://prometheus", Transport: transport, Lookback: time.Hour, MaxSeries: 2, MaxBytes: 4096, Now: func() time.Time { return noon },
	}
}

func reads(t testing.TB, c prometheus.Config) (*scantest.Counted, error) {
	t.Helper()
	reader, err := prometheus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	held := new(scantest.Counted)
	_, err = reader.ReadTraffic(t.Context(), nil, held)
	return held, err
}

const oneEdge = `traces_service_graph_request_total{client="web", server="pay"} 5`

func TestFailures(t *testing.T) {
	t.Parallel()
	sample := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"metric":{"client":"c%d","server":"s"},"value":[1,"2"]}`, i))
		}
		return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(all, ",") + `]}}`
	}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   string
	}{
		"too many samples": {
			says(422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`),
			"cannot answer: query processing would load too many samples into memory: raise its limits",
		},
		"bad expression": {says(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`), "answers bad_data: parse error"},
		"timeout": {
			says(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`),
			"503 Service Unavailable: query timed out",
		},
		"away":            {says(502, ""), "502 Bad Gateway"},
		"no token":        {says(401, ""), "wants to know who asks (401): give a token, or a username and password"},
		"a login page":    {says(200, "<html>"), "does not answer as Prometheus does"},
		"another answer":  {says(200, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`), "answers scalar instead of a vector"},
		"too many series": {says(200, sample(3)), "the answer is too large: http://prometheus has more than 2 series to tell"},
		"too many bytes":  {says(200, strings.Repeat(" ", 5000)), "the answer is too large: it has more than 4096 bytes"},
		"as many":         {says(200, sample(2)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // pauses between tries
				_, err := reads(t, config(&instead{fake: &fake{series: grew(t, oneEdge)}, answer: c.answer}))
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			})
		})
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]prometheus.Config{
		"the url of Prometheus is missing":                {},
		`the metrics "mesh" are not known`:                {URL: "http://p", Metrics: []string{"mesh"}},
		"only one of username and password is given":      {URL: "http://p", Username: "u"},
		"both a token and a username are given":           {URL: "http://p", Username: "u", Password: "p", Token: "t"},
		"the url is not one of Prometheus: write it like": {URL: "prometheus:9090"},
	} {
		if _, err := prometheus.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestNothingThere: a server without any such metric is a Problem; one that has some of them is none.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	held := read(t, &fake{series: grew(t, `up{job="a"} 1`)}, prometheus.Config{})
	problems := held.Problems()
	if len(problems) != 1 || problems[0].Code != "no-traffic-metrics" || !strings.Contains(problems[0].Message, "[istio service-graph]") {
		t.Errorf("got %v", problems)
	}
	if problems := read(t, &fake{series: grew(t, oneEdge)}, prometheus.Config{}).Problems(); len(problems) > 0 {
		t.Errorf("got %v", problems)
	}
}

// TestPartialAnswers: what is missing is told, and asked for again even when the hour is long over; what was whole before
// stands against less.
func TestPartialAnswers(t *testing.T) {
	t.Parallel()
	f := &fake{series: grew(t, oneEdge), warnings: []string{"store  10.0.0.1 is unavailable"}}
	now := noon
	c := config(f)
	c.Now = func() time.Time { return now }
	reader, err := prometheus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	held := new(scantest.Counted)
	var state []byte
	again := func(want float64) {
		t.Helper()
		if state, err = reader.ReadTraffic(t.Context(), state, held); err != nil {
			t.Fatal(err)
		}
		got := 0.0
		for _, flow := range held.Sum(prometheus.ServiceGraph).Flows {
			got += flow.Requests
		}
		if got != want {
			t.Errorf("holds %v requests, want %v", got, want)
		}
	}
	again(5)
	problems := held.Problems()
	if len(problems) != 1 || problems[0].Code != "partial-answer" || problems[0].Message != "store 10.0.0.1 is unavailable" {
		t.Errorf("got %v", problems)
	}
	now = noon.Add(50 * time.Minute)
	f.warnings, f.series = nil, grew(t, strings.Replace(oneEdge, "5", "7", 1))
	again(7)
	if problems := held.Problems(); len(problems) > 0 {
		t.Errorf("still tells %v", problems)
	}
	state = []byte(strings.ReplaceAll(string(state), `"asked"`, `"asked":1,"was"`)) // as if it had been asked before
	f.warnings, f.series = []string{"half is away"}, grew(t, strings.Replace(oneEdge, "5", "3", 1))
	again(7)
}

// TestLatencyTooLarge: that there are too many buckets costs the latency, and is told.
func TestLatencyTooLarge(t *testing.T) {
	t.Parallel()
	series := oneEdge + "\n"
	for i := range 3 {
		series += fmt.Sprintf("traces_service_graph_request_client_seconds_bucket{client=\"web\", server=\"pay\", le=\"%d\"} 5\n", i)
	}
	c := config(&fake{series: grew(t, series)})
	held, err := reads(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(held.Sum(prometheus.ServiceGraph)); len(got) != 1 || got[0] != "otel:web calls otel:pay: 5 requests, 0 errors" {
		t.Errorf("got %v", got)
	}
	if problems := held.Problems(); len(problems) != 1 || problems[0].Code != "latency-too-large" {
		t.Errorf("got %v", problems)
	}
}

// FuzzAnswer: whatever is answered to any of the questions, what is counted are positive finite numbers between two
// different things that have a name.
func FuzzAnswer(f *testing.F) {
	vector := func(result string) string {
		return `{"status":"success","data":{"resultType":"vector","result":[` + result + `]}}`
	}
	f.Add(vector(`{"metric":{"client":"a","server":"b","le":"1"},"value":[1,"NaN"]},{"metric":{"client":"a","server":"b","le":"x"},"value":[1,"1e309"]}`))
	f.Add(vector(`{"metric":{"client":"a","server":"[::1","connection_type":"database"},"value":[1,"3"]}`))
	f.Add(vector(`{"metric":{"client":"a","server":"b"},"histogram":[1,{"count":"3","sum":"1","buckets":[[0,"1","NaN","3"],[9,"-Inf","+Inf","-1"]]}]}`))
	f.Add(vector(`{"metric":{"reporter":"source","source_workload":"a","source_workload_namespace":"n","destination_service":"*.:80"},"value":[1,"3"]}`))
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["\u0000"]}`)
	f.Add(`{"status":"error","errorType":"internal","error":""}`)
	f.Add(vector("null"))
	f.Add("{}")
	names, err := json.Marshal(map[string]any{"status": "success", "data": []string{
		"traces_service_graph_request_total", "traces_service_graph_request_client_seconds", "traces_service_graph_request_server_seconds_bucket",
		"istio_requests_total", "istio_request_duration_milliseconds_bucket", "istio_tcp_sent_bytes_total", `bad"{}`,
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		synctest.Test(t, func(t *testing.T) {
			held, err := reads(t, config(&instead{names: string(names), answer: says(200, body)}))
			if err != nil {
				return
			}
			for _, writer := range []string{prometheus.ServiceGraph, prometheus.Istio} {
				for key, flow := range held.Sum(writer).Flows {
					if flow.Requests < 0 || math.IsNaN(flow.Requests) || math.IsInf(flow.Requests, 0) || !(flow.Errors >= 0) ||
						flow.Errors > flow.Requests || key.From == key.To {
						t.Errorf("%v: %+v", key, flow)
					}
					for _, alias := range []catalog.Alias{key.From, key.To} {
						if normal, err := catalog.ParseAlias(string(alias)); err != nil || normal != alias {
							t.Errorf("%q is no alias: %v", alias, err)
						}
					}
				}
			}
		})
	})
}
