package jaeger

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// Config says which Jaeger a Reader asks.
type Config struct {
	URL    string // of its query service, such as http://jaeger:16686
	Token  string // sent as a bearer token; "" = none
	CAFile string // PEM file of certificates that are trusted besides those of the system; "" = none
	// Lookback is how far back is asked, in whole hours; 0 = 24 h. Where a job of Cassandra or Elasticsearch counts the
	// dependencies once a day, it must reach back to where the last of them is kept: two days.
	Lookback time.Duration

	MaxEdges  int               // an answer with more is not taken; 0 = 200,000
	MaxBytes  int64             // a larger answer is not read; 0 = 64 MiB
	Timeout   time.Duration     // of one answer; 0 = 2 minutes
	Now       func() time.Time  // nil = time.Now
	Transport http.RoundTripper // carries the requests; nil = HTTP, through the proxy of the environment
}

// writer is whose counts they are in the sink, and the scope of what is wrong with them.
const writer = "dependencies"

// Reader reads traffic by whole hours. Hours that are over are asked again each hour as long as they are within
// Lookback, because some storages count by a job that comes late; because others push out old traces, only what is more
// than before replaces it.
type Reader struct {
	config  Config
	client  *polled.Client
	windows polled.Windows
}

var _ scanners.TrafficReader = (*Reader)(nil)

// New checks the configuration. It asks nothing: a Jaeger that is not there is an error of the reading.
func New(config Config) (*Reader, error) {
	client, err := polled.NewClient(polled.Address{
		Program: "Jaeger", URL: config.URL, Token: config.Token, CAFile: config.CAFile,
		MaxBytes: config.MaxBytes, Timeout: config.Timeout, Transport: config.Transport,
	})
	if err != nil {
		return nil, err
	}
	if config.Lookback <= 0 {
		config.Lookback = 24 * time.Hour
	}
	if config.MaxEdges <= 0 {
		config.MaxEdges = 200_000
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Reader{config: config, client: client, windows: polled.Windows{
		Length: time.Hour, Lookback: config.Lookback, Settle: 30 * time.Minute, Again: time.Hour, Forgetful: true,
	}}, nil
}

// ReadTraffic asks for the hours that are due and hands them over.
func (r *Reader) ReadTraffic(ctx context.Context, previous []byte, into scanners.TrafficSink) ([]byte, error) {
	state := polled.ParseState(previous)
	if err := r.windows.Read(ctx, r.config.Now(), writer, state, into, r.ask); err != nil {
		return nil, err
	}
	return state.Encode(), nil
}

// answer is that of /api/dependencies.
type answer struct {
	Data   []polled.Link `json:"data"`
	Errors []struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	} `json:"errors"`
}

// ask asks for one hour. Jaeger's storages take both ends of the time as a part of it, or only the first: a last
// millisecond less keeps hours apart.
func (r *Reader) ask(ctx context.Context, from, end time.Time) (polled.Answer, error) {
	last := end.Add(-time.Millisecond)
	var told answer
	err := r.client.JSON(ctx, "api/dependencies", url.Values{
		"endTs":    {strconv.FormatInt(last.UnixMilli(), 10)},
		"lookback": {strconv.FormatInt(last.Sub(from).Milliseconds(), 10)},
	}, &told)
	switch {
	case err != nil:
		return polled.Answer{}, err
	case told.Data == nil && len(told.Errors) > 0:
		return polled.Answer{}, fmt.Errorf("%s answers an error: %s", r.client.Base(), polled.Line(told.Errors[0].Msg))
	case len(told.Data) > r.config.MaxEdges:
		return polled.Answer{}, fmt.Errorf("%s tells of %d dependencies, and at most %d are taken: are names of services made anew "+
			"for each instance?", r.client.Base(), len(told.Data), r.config.MaxEdges)
	}
	counts := polled.Count(told.Data, from, end, r.config.Now())
	return polled.Answer{Counts: counts, Partial: len(told.Errors) > 0}, nil
}
