package zipkin

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

// Config says which Zipkin a Reader asks.
type Config struct {
	URL    string // such as http://zipkin:9411
	Token  string // sent as a bearer token, to a proxy before it; "" = none
	CAFile string // PEM file of certificates that are trusted besides those of the system; "" = none
	// Lookback is how far back is asked, in whole days of UTC; 0 = 2 days, so that what its daily job counts late is seen.
	Lookback time.Duration

	MaxEdges  int               // an answer with more is not taken; 0 = 200,000
	MaxBytes  int64             // a larger answer is not read; 0 = 64 MiB
	Timeout   time.Duration     // of one answer; 0 = 2 minutes
	Now       func() time.Time  // nil = time.Now
	Transport http.RoundTripper // carries the requests; nil = HTTP, through the proxy of the environment
}

// writer is whose counts they are in the sink.
const writer = "dependencies"

// Reader reads traffic by whole days of UTC, as Zipkin's storages keep dependencies by day: an hour of a day would be
// answered by the whole day. What is told of a day stands at its first hour. Days are asked again each hour as long as
// they are within Lookback; because storages push out old traces, only what is more than before replaces it.
type Reader struct {
	config  Config
	client  *polled.Client
	windows polled.Windows
}

var _ scanners.TrafficReader = (*Reader)(nil)

// New checks the configuration. It asks nothing: a Zipkin that is not there is an error of the reading.
func New(config Config) (*Reader, error) {
	client, err := polled.NewClient(polled.Address{
		Program: "Zipkin", URL: config.URL, Token: config.Token, CAFile: config.CAFile,
		MaxBytes: config.MaxBytes, Timeout: config.Timeout, Transport: config.Transport,
	})
	if err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	if config.Lookback <= 0 {
		config.Lookback = 2 * day
	}
	if config.MaxEdges <= 0 {
		config.MaxEdges = 200_000
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Reader{config: config, client: client, windows: polled.Windows{
		Length: day, Lookback: config.Lookback, Settle: time.Hour, Again: time.Hour, Forgetful: true,
	}}, nil
}

// ReadTraffic asks for the days that are due and hands them over.
func (r *Reader) ReadTraffic(ctx context.Context, previous []byte, into scanners.TrafficSink) ([]byte, error) {
	state := polled.ParseState(previous)
	if err := r.windows.Read(ctx, r.config.Now(), writer, state, into, r.ask); err != nil {
		return nil, err
	}
	return state.Encode(), nil
}

// ask asks for one day, without the last millisecond: both ends count.
func (r *Reader) ask(ctx context.Context, from, end time.Time) (polled.Answer, error) {
	last := end.Add(-time.Millisecond)
	var links []polled.Link
	err := r.client.JSON(ctx, "api/v2/dependencies", url.Values{
		"endTs":    {strconv.FormatInt(last.UnixMilli(), 10)},
		"lookback": {strconv.FormatInt(last.Sub(from).Milliseconds(), 10)},
	}, &links)
	switch {
	case err != nil:
		return polled.Answer{}, err
	case len(links) > r.config.MaxEdges:
		return polled.Answer{}, fmt.Errorf("%s tells of %d dependencies, and at most %d are taken: are names of services made anew "+
			"for each instance?", r.client.Base(), len(links), r.config.MaxEdges)
	}
	return polled.Answer{Counts: polled.Count(links, from, end, r.config.Now())}, nil
}
