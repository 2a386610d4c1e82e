// Package otlp receives traces as applications and collectors send them: by OTLP over gRPC and over HTTP, in protobuf and
// JSON. Requests are read in place and paired at once; nothing of a span is kept but what an edge needs. Whatever is sent,
// the memory that requests take is bounded: those that do not fit are turned away with a hint when to come again.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// Config is what a Receiver is made from.
type Config struct {
	GRPC, HTTP string // addresses to listen on, such as 127.0.0.1:4317; "" = not
	Token      string // that senders give as `Authorization: Bearer TOKEN`; "" = anybody may send
	TLS        *TLS   // of both addresses; nil = none
	// MaxRequestBytes is the most that a request may take, as it is sent and unpacked; 0 = DefaultMaxRequestBytes. Requests
	// that are being read take at most 8 times that together.
	MaxRequestBytes int64
	Pairing         pairing.Config
	Log             zerolog.Logger
	Metrics         prometheus.Registerer // nil = nobody looks at them
}

// DefaultMaxRequestBytes is several times what collectors send by default.
const DefaultMaxRequestBytes = 16 << 20

const (
	// tickEvery is how often it is looked whether traces have settled, drainEvery how often what they gave is handed over.
	tickEvery  = 500 * time.Millisecond
	drainEvery = 2 * time.Second
	// requestTime is how long a request may take to come in, answer included.
	requestTime = 30 * time.Second
	// idleTime is how long a connection may be silent.
	idleTime = 3 * time.Minute
	// stopTime is how long requests that are being read may go on when the receiver stops.
	stopTime = 5 * time.Second
	// maxConnections is of each address.
	maxConnections = 4096
	// maxResourceBytes bounds what is kept to tell resources apart.
	maxResourceBytes = 16 << 20
)

// Receiver takes traces that are sent to it.
type Receiver struct {
	config    Config
	pairer    *pairing.Pairer
	resources *spans.Resources
	workers   chan *worker // as many as requests are unpacked and read at once
	memory    *memory
	metrics   *metrics
	tls       *certificates // nil = none
	handler   http.Handler
	patience  time.Duration             // how long a request may take to come in
	listening func(grpc, http net.Addr) // tells tests where

	mu     sync.RWMutex // held for reading while spans are added
	taking bool         // whether somebody takes what is counted
	lost   lost
}

var _ scanners.TrafficListener = (*Receiver)(nil)

// New makes a Receiver, which takes nothing before Listen. It fails if the certificates cannot be read.
func New(config Config) (*Receiver, error) {
	if config.MaxRequestBytes <= 0 {
		config.MaxRequestBytes = DefaultMaxRequestBytes
	}
	if config.Pairing.Now == nil {
		config.Pairing.Now = time.Now
	}
	r := &Receiver{
		config: config, pairer: pairing.New(config.Pairing), resources: spans.NewResources(maxResourceBytes),
		workers: make(chan *worker, runtime.GOMAXPROCS(0)), memory: &memory{most: 8 * config.MaxRequestBytes},
		patience: requestTime, listening: func(net.Addr, net.Addr) {},
	}
	for range cap(r.workers) {
		worker, err := newWorker(r.resources)
		if err != nil {
			return nil, err
		}
		r.workers <- worker
	}
	if config.TLS != nil {
		var err error
		if r.tls, err = readCertificates(*config.TLS, config.Log); err != nil {
			return nil, err
		}
	}
	var err error
	if r.metrics, err = newMetrics(config.Metrics, r); err != nil {
		return nil, err
	}
	r.handler = r.newHandler()
	return r, nil
}

// Handler serves POST /v1/traces by OTLP/HTTP, with the receiver's own rules of who may send. It answers 503 while nobody
// listens.
func (r *Receiver) Handler() http.Handler { return r.handler }

// Listen takes traces on the configured addresses and by Handler until ctx ends; then it counts all that it has as if it were
// complete. Senders are told meanwhile to come again.
func (r *Receiver) Listen(ctx context.Context, into scanners.TrafficSink) error {
	grpcListener, httpListener, err := r.listen(ctx)
	if err != nil {
		return err
	}
	r.open(true)
	r.listening(addressOf(grpcListener), addressOf(httpListener))
	group, ctx := errgroup.WithContext(ctx)
	if grpcListener != nil {
		group.Go(func() error { return r.serveGRPC(ctx, grpcListener) })
	}
	if httpListener != nil {
		group.Go(func() error { return r.serveHTTP(ctx, httpListener) })
	}
	group.Go(func() error {
		r.tick(ctx, into)
		return nil
	})
	err = group.Wait()
	r.open(false)
	r.pairer.SettleAll()
	r.drain(into)
	return err
}

// open says whether spans are taken from now on. When it returns, none is being added that should not be.
func (r *Receiver) open(taking bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taking = taking
}

func (r *Receiver) isOpen() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.taking
}

func (r *Receiver) listen(ctx context.Context) (grpcListener, httpListener net.Listener, err error) {
	var from net.ListenConfig
	if r.config.GRPC != "" {
		if grpcListener, err = from.Listen(ctx, "tcp", r.config.GRPC); err != nil {
			return nil, nil, fmt.Errorf("listening for OTLP over gRPC: %w", err)
		}
	}
	if r.config.HTTP != "" {
		if httpListener, err = from.Listen(ctx, "tcp", r.config.HTTP); err != nil {
			err = fmt.Errorf("listening for OTLP over HTTP: %w", err)
			if grpcListener != nil {
				err = errors.Join(err, grpcListener.Close())
			}
			return nil, nil, err
		}
	}
	return grpcListener, httpListener, nil
}

func addressOf(listener net.Listener) net.Addr {
	if listener == nil {
		return nil
	}
	return listener.Addr()
}

// tick settles traces and hands over what they gave, until ctx ends.
func (r *Receiver) tick(ctx context.Context, into scanners.TrafficSink) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for drained := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			r.pairer.Tick()
			if now.Sub(drained) >= drainEvery {
				r.drain(into)
				drained = now
			}
		}
	}
}

func (r *Receiver) drain(into scanners.TrafficSink) {
	for hour, counts := range r.pairer.Drain(0) {
		into.Add(hour, counts)
	}
	if counts := r.lost.drain(); counts != nil {
		into.Add(traffic.Hour(r.config.Pairing.Now().Unix()/int64(time.Hour/time.Second)), counts)
	}
}
