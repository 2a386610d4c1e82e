package connect

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// metrics are what a Connection tells of itself. Each has its meaning in its help text.
type metrics struct {
	log       zerolog.Logger
	requests  *prometheus.CounterVec // by endpoint and status
	retries   *prometheus.CounterVec // by reason
	waits     *prometheus.CounterVec // seconds, by limit
	limit     *prometheus.GaugeVec   // by account and resource
	remaining *prometheus.GaugeVec   // by account and resource
}

func newMetrics(registerer prometheus.Registerer, source string, log zerolog.Logger) (*metrics, error) {
	m := &metrics{
		log: log,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_github_requests_total",
			Help: "Requests to GitHub by endpoint and status (error: there was no answer). Those with status 304 are free.",
		}, []string{"method", "endpoint", "status"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_github_retries_total", Help: "Requests that were sent again, by what had failed (a status, network).",
		}, []string{"reason"}),
		waits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_github_limit_wait_seconds_total",
			Help: "Time for which requests waited for a limit of GitHub (core, graphql, search; secondary: how fast it is asked).",
		}, []string{"resource"}),
		limit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "orrery_github_budget_limit", Help: "What GitHub allows in a period, as its last answer told.",
		}, []string{"account", "resource"}),
		remaining: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "orrery_github_budget_remaining", Help: "What remains of it in this period, as the last answer told.",
		}, []string{"account", "resource"}),
	}
	if registerer == nil {
		return m, nil
	}
	registerer = prometheus.WrapRegistererWith(prometheus.Labels{"source": source}, registerer)
	for _, collector := range []prometheus.Collector{m.requests, m.retries, m.waits, m.limit, m.remaining} {
		if err := registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("registering metrics of GitHub: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) waited(resource string, d time.Duration) {
	m.waits.WithLabelValues(resource).Add(d.Seconds())
	m.log.Debug().Str("limit", resource).Dur("wait", d).Msg("waiting for a limit of GitHub")
}

func (m *metrics) paused(account, resource string, until time.Time) {
	m.log.Info().Str("account", account).Str("limit", resource).Time("until", until).Msg("GitHub asks for a pause")
}

func (m *metrics) retried(err error, wait time.Duration) {
	reason := "network"
	var fault errFault
	if errors.As(err, &fault) {
		reason = strconv.Itoa(fault.status)
	}
	m.retries.WithLabelValues(reason).Inc()
	m.log.Debug().Str("reason", reason).Dur("wait", wait).Msg("a request to GitHub is sent again")
}

func (m *metrics) budget(account, resource string, limit, remaining int) {
	m.limit.WithLabelValues(account, resource).Set(float64(limit))
	m.remaining.WithLabelValues(account, resource).Set(float64(remaining))
}

// counted counts requests as they go over the wire, each try of them.
type counted struct {
	metrics *metrics
	base    string // of the API's paths
	next    http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t counted) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(request)
	status := "error"
	if err == nil {
		status = strconv.Itoa(answer.StatusCode)
	}
	t.metrics.requests.WithLabelValues(request.Method, endpoint(strings.TrimPrefix(request.URL.Path, t.base)), status).Inc()
	return answer, err
}

// endpoint is a path of the API with * for whatever names something, so that there are few of them.
func endpoint(path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	named := names(segments[0])
	for i, segment := range segments {
		switch {
		case i > 0 && i <= named, !word(segment):
			segments[i] = "*"
		case open(segment) && i+1 < len(segments):
			segments = append(segments[:i+1], "*")
			return "/" + strings.Join(segments, "/")
		}
	}
	return "/" + strings.Join(segments[:min(len(segments), 8)], "/")
}

// open tells whether a path in a repository, or a name with slashes, may follow.
func open(segment string) bool {
	switch segment {
	case "contents", "branches", "ref", "refs", "matching-refs", "compare", "labels":
		return true
	}
	return false
}

// names is how many segments after the first one are names.
func names(first string) int {
	switch first {
	case "repos":
		return 2
	case "orgs", "users", "repositories", "organizations":
		return 1
	}
	return 0
}

// word tells whether a segment of a path is one of the API's own words, of those that are used here.
func word(segment string) bool {
	switch segment {
	case "access_tokens", "app", "blobs", "branches", "check-runs", "check-suites", "code", "collaborators", "commits", "compare",
		"contents", "files", "git", "graphql", "installation", "installations", "issues", "labels", "matching-refs", "members",
		"memberships", "organizations", "orgs", "pulls", "rate_limit", "ref", "refs", "repos", "repositories", "search", "teams", "topics",
		"trees", "user", "users":
		return true
	}
	return false
}
