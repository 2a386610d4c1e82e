package prometheus_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/prometheus"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// series is by how much a counter grew in the hour before noon.
type series struct {
	name   string
	labels map[string]string
	value  float64
}

// grew reads `name{label="value", …} number`.
func grew(t testing.TB, lines string) []series {
	t.Helper()
	var all []series
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		parts := regexp.MustCompile(`^(\w+)\{(.*)\} ([0-9.]+)$`).FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("%q is no series", line)
		}
		s := series{name: parts[1], labels: make(map[string]string)}
		for _, pair := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(parts[2], -1) {
			s.labels[pair[1]] = pair[2]
		}
		if _, err := fmt.Sscan(parts[3], &s.value); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

// fake answers as a Prometheus does that evaluates no more of an expression than which series are summed by which labels.
type fake struct {
	series   []series
	warnings []string
}

var (
	summed   = regexp.MustCompile(`(?:last_over_time|increase)\((\w+)(?:\{(\w+)=(~?)"((?:[^"\\]|\\.)*)"\})?\[`)
	groupers = regexp.MustCompile(`sum by \(([^)]*)\)`)
)

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	var data any
	switch r.URL.Path {
	case "/api/v1/label/__name__/values":
		names := make(map[string]bool)
		for _, s := range f.series {
			if regexp.MustCompile(`^(?:` + between(r.Form.Get("match[]"), `{__name__=~"`, `"}`) + `)$`).MatchString(s.name) {
				names[s.name] = true
			}
		}
		data = slices.Sorted(maps.Keys(names))
	case "/api/v1/query":
		data = map[string]any{"resultType": "vector", "result": f.answer(r.Form.Get("query"), r.Form.Get("time"))}
	default:
		recorder := httptest.NewRecorder()
		http.NotFound(recorder, r)
		return recorder.Result(), nil
	}
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(recorder).Encode(map[string]any{"status": "success", "data": data, "warnings": f.warnings})
	return recorder.Result(), err
}

func (f *fake) answer(query, at string) []any {
	result := []any{}
	if at != fmt.Sprint(noon.Unix()) {
		return result
	}
	what, by := summed.FindStringSubmatch(query), strings.Split(groupers.FindStringSubmatch(query)[1], ", ")
	sums := make(map[string]float64)
	metrics := make(map[string]map[string]string)
	for _, s := range f.series {
		pattern := what[4]
		if what[3] == "" {
			pattern = regexp.QuoteMeta(pattern)
		}
		if s.name != what[1] || what[2] != "" && !regexp.MustCompile(`^(?:`+strings.ReplaceAll(pattern, `\\`, `\`)+`)$`).MatchString(s.labels[what[2]]) {
			continue
		}
		labels := make(map[string]string)
		for _, label := range by {
			if s.labels[label] != "" {
				labels[label] = s.labels[label]
			}
		}
		key := fmt.Sprint(labels)
		sums[key] += s.value
		metrics[key] = labels
	}
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		result = append(result, map[string]any{"metric": metrics[key], "value": []any{noon.Unix(), fmt.Sprint(sums[key])}})
	}
	return result
}

func between(s, before, after string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, before), after)
	return strings.ReplaceAll(s, `\\`, `\`)
}

// read reads the hour before noon.
func read(t testing.TB, f *fake, config prometheus.Config) *scantest.Counted {
	t.Helper()
	config.URL, config.Transport, config.Lookback = "http://prometheus", f, time.Hour
	config.Now = func() time.Time { return noon }
	reader, err := prometheus.New(config)
	if err != nil {
		t.Fatal(err)
	}
	held := new(scantest.Counted)
	if _, err := reader.ReadTraffic(t.Context(), nil, held); err != nil {
		t.Fatal(err)
	}
	return held
}

// lines writes counts to compare: one line for each flow, service, delivery and loss.
func lines(c *traffic.Counts) []string {
	var all []string
	ways := map[traffic.Way]string{traffic.Call: "calls", traffic.Publish: "publishes to", traffic.Consume: "consumes", traffic.Receive: "receives from"}
	for key, flow := range c.Flows {
		line := fmt.Sprintf("%s %s %s: %v requests, %v errors", key.From, ways[key.Way], key.To, flow.Requests, flow.Errors)
		if flow.Protocol != "" {
			line += ", " + flow.Protocol
		}
		if median, ok := flow.Latency.Quantile(0.5); ok {
			line += fmt.Sprintf(", %.1fs", median)
		}
		if key.Environment != "" {
			line += ", in " + key.Environment
		}
		if flow.First.Time() != noon.Add(-time.Hour) || flow.Last.Time() != noon.Add(-time.Second) {
			line += fmt.Sprintf(", seen from %s to %s", flow.First.Time(), flow.Last.Time())
		}
		all = append(all, line)
	}
	for key, service := range c.Services {
		line := string(key.Alias)
		if service.Entries > 0 {
			line += fmt.Sprintf(" is entered %v times", service.Entries)
		}
		for _, alias := range service.Aliases {
			line += " is " + string(alias)
		}
		all = append(all, line)
	}
	for key, delivery := range c.Deliveries {
		all = append(all, fmt.Sprintf("%s gets %v from %s by %s", key.Consumer, delivery.Messages, key.Producer, key.Topic))
	}
	for reason, n := range c.Lost {
		all = append(all, fmt.Sprintf("lost %s: %d", reason, n))
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(a, b) })
	return all
}
