// Package server is the HTTP face of Orrery: GraphQL, health, metrics, export and the UI. It is made to stand on a
// developer's machine without sign-in: it answers to its own names only, refuses other sites' pages, and bounds what any
// request may cost. New makes the handler, which tests and in-process clients use as it is; Run serves it.
package server

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// Config is what [New] needs. Only Snapshots is required.
type Config struct {
	Snapshots resolve.Snapshots
	Past      resolve.Past // nil = only the present is known
	Live      resolve.Live // nil = nothing ever changes, and nobody may ask for it
	// Freshness tells how far the newest snapshot can be taken for what the store holds; nil = there is no store. It must
	// answer at once.
	Freshness func() graph.Freshness
	Health    *health.Judge // nil = by the default policy
	Traces    http.Handler  // takes traces at /v1/traces; nil = nobody does
	Webhooks  http.Handler  // takes deliveries at /webhooks/github; nil = nobody does
	UI        http.Handler  // serves every path that is not the API's; nil = no UI
	Log       zerolog.Logger
	// Hosts are names besides the loopback ones by which clients may call the server, without ports: the host it listens
	// on, or that of a proxy in front.
	Hosts []string
	// AnyAddress also lets clients call it by any IP address, for a server that other machines may reach.
	AnyAddress bool
	Limits     resolve.Limits
	Streams    Streams
	// Metrics is what /metrics shows; the server's own are added. nil = those alone.
	Metrics *prometheus.Registry
}

// New makes the handler.
func New(config Config) http.Handler {
	metrics := newMetrics(config)
	compressed := gzhttp.GzipHandler

	mux := http.NewServeMux()
	mux.Handle("/graphql", graphQLHandler(newGraphQL(config, metrics)))
	mux.Handle("GET /v1/export", compressed(export(config)))
	mux.Handle("GET /livez", http.HandlerFunc(live))
	mux.Handle("GET /readyz", ready(config))
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics.registry, promhttp.HandlerOpts{Registry: metrics.registry}))
	if config.Traces != nil {
		mux.Handle("/v1/traces", config.Traces)
	}
	if config.Webhooks != nil {
		mux.Handle("/webhooks/github", config.Webhooks)
	}
	if config.UI != nil {
		mux.Handle("/", config.UI)
	}
	guarded := guard{hosts: config.Hosts, anyAddress: config.AnyAddress}
	return observe(config.Log, metrics, secureHeaders(guarded.wrap(mux)))
}

// graphQLHandler compresses answers, but not streams: each would keep a compressor, for events that are small.
func graphQLHandler(g *graphQL) http.Handler {
	compressed := gzhttp.GzipHandler(g)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "":
			g.serveSocket(w, r)
		case strings.Contains(strings.Join(r.Header.Values("Accept"), ","), mediaEvents):
			g.ServeHTTP(w, r)
		default:
			compressed.ServeHTTP(w, r)
		}
	})
}

// secureHeaders are right for data. The UI, which shows pages, sets its own policy.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
