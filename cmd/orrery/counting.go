package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/ledger"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/jaeger"
	"github.com/orrery-catalog/orrery/scanners/otlp"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
	mesh "github.com/orrery-catalog/orrery/scanners/prometheus"
	"github.com/orrery-catalog/orrery/scanners/zipkin"
)

// counting is what the sources of traffic of one configuration share.
type counting struct {
	*ledger.Ledger
	log       zerolog.Logger
	metrics   prometheus.Registerer // nil = nobody looks at them
	listens   bool                  // this process takes traces
	receivers []*otlp.Receiver      // those that do, in the order of the configuration
}

// newCounting makes what the sources of traffic count into. store is nil for one in memory. leads says whether this process
// scans; without it, no source listens.
func newCounting(c *config.Config, store graph.Store, leads func() bool, log zerolog.Logger, metrics prometheus.Registerer) (*counting, error) {
	made := ledger.Config{Environments: c.MergeOptions().Environments, Leads: leads, Log: log, Metrics: metrics}
	if store != nil {
		rows, ok := store.(graph.TrafficStore)
		if !ok {
			return nil, fmt.Errorf("the engine %s keeps no traffic", store.Capabilities().Engine)
		}
		made.Store = rows
	}
	return &counting{Ledger: ledger.New(made), log: log, metrics: metrics, listens: leads != nil}, nil
}

// source makes the scanner of a source of traffic.
func (t *counting) source(s config.Source) (scanners.Watcher, error) {
	made := ledger.Source{
		ID: s.ID, Environment: s.Environment, StaleAfter: s.StaleAfter, RemoveAfter: s.RemoveAfter,
		MaxBytes: int64(s.Memory),
	}
	var err error
	switch {
	case s.Listens() && t.listens:
		var receiver *otlp.Receiver
		if receiver, err = t.receiver(s); err == nil {
			made.Listener = receiver
			t.receivers = append(t.receivers, receiver)
		}
	case s.Listens(): // what others have counted is told all the same
	default:
		made.Reader, err = readerOf(s)
	}
	if err != nil {
		return nil, err
	}
	return t.Source(made), nil
}

func pairingOf(s config.Source) pairing.Config {
	return pairing.Config{Settle: s.Settle, MaxBytes: int64(s.Memory), Multiplier: float64(s.Multiplier)}
}

// receiver makes what takes traces. Each has metrics of its own.
func (t *counting) receiver(s config.Source) (*otlp.Receiver, error) {
	c := otlp.Config{
		GRPC: s.GRPC, HTTP: s.HTTP, Token: s.Token, MaxRequestBytes: int64(s.MaxRequest), Pairing: pairingOf(s),
		Log: t.log.With().Str("source", s.ID).Logger(),
	}
	if t.metrics != nil {
		c.Metrics = prometheus.WrapRegistererWith(prometheus.Labels{"source": s.ID}, t.metrics)
	}
	if s.TLS.Cert != "" {
		c.TLS = &otlp.TLS{Cert: s.TLS.Cert, Key: s.TLS.Key, ClientCA: s.TLS.ClientCA}
	}
	return otlp.New(c)
}

// readerOf makes what reads traffic that others have recorded or counted.
func readerOf(s config.Source) (scanners.TrafficReader, error) {
	switch s.Kind {
	case config.KindOTLP:
		roots := make([]folder.Root, len(s.Paths))
		for i, path := range s.Paths {
			roots[i] = folder.Root{Path: path}
		}
		return recorded.New(recorded.Config{Roots: roots, Include: s.Include, Exclude: s.Exclude, Pairing: pairingOf(s)})
	case config.KindPrometheus:
		return mesh.New(mesh.Config{
			URL: s.URL, Token: s.Token, Username: s.Username, Password: s.Password, CAFile: s.CAFile, Lookback: s.Lookback,
			Metrics: s.Metrics, Cluster: s.Cluster,
		})
	case config.KindJaeger:
		return jaeger.New(jaeger.Config{URL: s.URL, Token: s.Token, CAFile: s.CAFile, Lookback: s.Lookback})
	case config.KindZipkin:
		return zipkin.New(zipkin.Config{URL: s.URL, Token: s.Token, CAFile: s.CAFile, Lookback: s.Lookback})
	default:
		return nil, fmt.Errorf("there is no reader of traffic of the kind %s", s.Kind)
	}
}

// handler takes traces at the server's own address, for the first source that listens; nil = none does.
func (t *counting) handler() http.Handler {
	if t == nil || len(t.receivers) == 0 {
		return nil
	}
	return t.receivers[0].Handler()
}

// unheard makes the sources of a configuration for a process that does not listen, with what was counted so far.
func unheard(ctx context.Context, c *config.Config, store graph.Store, now *present, log zerolog.Logger) ([]ingest.Source, *counting, error) {
	counted, err := newCounting(c, store, nil, log, nil)
	if err != nil {
		return nil, nil, err
	}
	sources, err := sourcesOf(c, now, counted, newHubs(c, now, log, nil))
	if err != nil {
		return nil, nil, err
	}
	return sources, counted, counted.Load(ctx)
}
