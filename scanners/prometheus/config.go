package prometheus

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/scanners/polled"
)

// What may be asked for, as Config.Metrics names it.
const (
	ServiceGraph = "service-graph" // of Tempo, the OpenTelemetry connector, Beyla
	Istio        = "istio"
)

// Config says which Prometheus, or other server with its API, a Reader asks.
type Config struct {
	URL string // what stands before /api/v1
	// Token is sent as a bearer token, or Username and Password by basic authentication; "" = none.
	Token, Username, Password string
	CAFile                    string        // PEM file of certificates that are trusted besides those of the system; "" = none
	Lookback                  time.Duration // how far back is asked, in whole hours; 0 = 6 h
	Metrics                   []string      // ServiceGraph, Istio; none = both
	// Cluster is the name of the cluster in the catalog for workloads whose metrics name none, or only by the name that
	// Istio gives when nobody configured one; "" = that name. Clusters translates others.
	Cluster  string
	Clusters map[string]string

	MaxSeries int               // an answer with more series is not taken; 0 = 200,000
	MaxBytes  int64             // a larger answer is not read; 0 = 128 MiB
	Timeout   time.Duration     // of one answer; 0 = 2 minutes
	Now       func() time.Time  // nil = time.Now
	Transport http.RoundTripper // carries the requests; nil = HTTP, through the proxy of the environment
}

// complete fills in the defaults.
func (c *Config) complete() error {
	for _, name := range c.Metrics {
		if name != ServiceGraph && name != Istio {
			return fmt.Errorf("the metrics %q are not known: write %s or %s", name, ServiceGraph, Istio)
		}
	}
	if len(c.Metrics) == 0 {
		c.Metrics = []string{ServiceGraph, Istio}
	}
	c.Metrics = slices.Compact(slices.Sorted(slices.Values(c.Metrics)))
	if (c.Username == "") != (c.Password == "") {
		return errors.New("only one of username and password is given")
	}
	if c.Lookback <= 0 {
		c.Lookback = 6 * time.Hour
	}
	if c.MaxSeries <= 0 {
		c.MaxSeries = 200_000
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 128 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

func (c *Config) client() (*polled.Client, error) {
	return polled.NewClient(polled.Address{
		Program: "Prometheus", URL: c.URL, Token: c.Token, Username: c.Username, Password: c.Password, CAFile: c.CAFile,
		MaxBytes: c.MaxBytes, Timeout: c.Timeout, Transport: c.Transport,
	})
}
