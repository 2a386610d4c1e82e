package prometheus

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// Reader reads traffic by whole hours. An hour is asked in each reading until half an hour after its end, so that what
// arrives late is seen, and what is told of it replaces what was told before.
type Reader struct {
	config  Config
	client  *polled.Client
	api     v1.API
	windows polled.Windows
}

var _ scanners.TrafficReader = (*Reader)(nil)

// New checks the configuration. It asks nothing: a Prometheus that is not there is an error of the reading.
func New(config Config) (*Reader, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	client, err := config.client()
	if err != nil {
		return nil, err
	}
	connection, err := api.NewClient(api.Config{Address: client.Base(), Client: client.HTTP()})
	if err != nil {
		return nil, err
	}
	return &Reader{
		config: config, client: client, api: v1.NewAPI(connection),
		windows: polled.Windows{Length: time.Hour, Lookback: config.Lookback, Settle: 30 * time.Minute},
	}, nil
}

// ReadTraffic asks for the hours that are due and hands them over: the writers are the names of Config.Metrics.
func (r *Reader) ReadTraffic(ctx context.Context, previous []byte, into scanners.TrafficSink) ([]byte, error) {
	state := polled.ParseState(previous)
	now := r.config.Now().Truncate(time.Millisecond)
	q := &questions{reader: r, now: now, told: make(map[string]bool)}
	found := false
	for _, sort := range r.config.Metrics {
		count, expression := serviceGraph, serviceGraphMetrics
		if sort == Istio {
			count, expression = istio, istioMetrics
		}
		q.partial = false
		metrics, err := q.names(ctx, expression, now.Add(-r.config.Lookback-time.Hour))
		if err != nil {
			return nil, fmt.Errorf("the names of metrics: %w", err)
		}
		if len(metrics) == 0 {
			continue
		}
		found = true
		unsure := q.partial // whether there are more of them
		err = r.windows.Read(ctx, now, sort, state, into, func(ctx context.Context, from, end time.Time) (polled.Answer, error) {
			q.partial = unsure
			counts, err := count(ctx, &hour{questions: q, from: from, end: end, metrics: metrics})
			return polled.Answer{Counts: counts, Partial: q.partial}, err
		})
		if err != nil {
			return nil, err
		}
	}
	if err := polled.Problems(ctx, into, "metrics", append(q.problems, r.nothing(found)...)...); err != nil {
		return nil, err
	}
	return state.Encode(), nil
}

// nothing is the Problem that there is nothing to read; none if there is.
func (r *Reader) nothing(found bool) []catalog.Problem {
	if found {
		return nil
	}
	return []catalog.Problem{{
		Location: r.client.Base(), Severity: catalog.Warning, Code: "no-traffic-metrics",
		Message: fmt.Sprintf("it has none of the metrics that tell who calls whom (%v) of the last %v", r.config.Metrics, r.config.Lookback),
		Fix: "is it the Prometheus that scrapes the mesh, or that Tempo, the OpenTelemetry connector or Beyla write to? " +
			"Else turn service graphs on there",
	}}
}
