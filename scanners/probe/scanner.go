package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// Target is one endpoint of a workload, as a Service of its leads there.
type Target struct {
	Workload  catalog.Ref
	Container string
	Purpose   string // READINESS, LIVENESS or STARTUP
	Handler   catalog.ProbeHandler
	Host      string // of the Service, as the network resolves it
	Port      int32
	Path      string        // of HTTP
	Scheme    string        // of HTTP: "HTTP" or "HTTPS"
	Service   string        // of GRPC
	Timeout   time.Duration // that the probe declares; the answer may take no longer
}

// endpoint is how people write it.
func (t *Target) endpoint() string {
	address := net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
	switch t.Handler {
	case catalog.ProbeHTTP:
		scheme := "http"
		if t.Scheme == "HTTPS" {
			scheme = "https"
		}
		return scheme + "://" + address + "/" + strings.TrimPrefix(t.Path, "/")
	case catalog.ProbeGRPC:
		return "grpc://" + address + "/" + t.Service
	default:
		return "tcp://" + address
	}
}

// Config says what a Scanner calls.
type Config struct {
	// Targets lists what there is to call at the moment. Its error is that of the scan. It may be called from any goroutine.
	Targets func() ([]Target, error)
	// Networks are the only ones in which anything is called; none = all but the machine itself. Link-local, metadata and
	// multicast addresses are never called.
	Networks     []netip.Prefix
	Concurrency  int           // calls at a time; 0 = 16
	MaxBodyBytes int64         // of an answer that is looked at; 0 = 64 KiB
	MaxTimeout   time.Duration // over which no declared timeout counts; 0 = 10 seconds
}

// confirmations is how many calls in a row must give another outcome before it counts, but for the first: a single lost
// packet is no change of health.
const confirmations = 2

// Scanner calls the targets of one scan after another. A workload is a scope. In memory it keeps what counts now for each
// target; after a restart the first answer counts.
type Scanner struct {
	config Config
	caller caller

	mu    sync.Mutex
	known map[key]*standing
}

type key struct {
	workload           catalog.Ref
	container, purpose string
}

// standing is what counts of a target, and what may count soon.
type standing struct {
	counts, next catalog.ProbeResult
	seen         int // how often in a row next was seen
}

var _ scanners.Scanner = (*Scanner)(nil)

// New checks the configuration. It calls nothing.
func New(config Config) (*Scanner, error) {
	if config.Targets == nil {
		return nil, errors.New("nothing says what to call")
	}
	config.Concurrency = cmp.Or(config.Concurrency, 16)
	config.MaxBodyBytes = cmp.Or(config.MaxBodyBytes, 64<<10)
	config.MaxTimeout = cmp.Or(config.MaxTimeout, 10*time.Second)
	return &Scanner{
		config: config, caller: caller{networks: config.Networks, maxBody: config.MaxBodyBytes},
		known: make(map[key]*standing),
	}, nil
}

// Scan calls every target once.
func (s *Scanner) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	targets, err := s.config.Targets()
	if err != nil {
		return nil, err
	}
	targets = slices.Clone(targets)
	slices.SortFunc(targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Container, b.Container), cmp.Compare(a.Purpose, b.Purpose))
	})
	results := make([]catalog.ProbeResult, len(targets))
	var calls errgroup.Group
	calls.SetLimit(s.config.Concurrency)
	for i := range targets {
		if ctx.Err() != nil {
			break
		}
		calls.Go(func() error {
			results[i] = s.ask(ctx, &targets[i])
			return nil
		})
	}
	_ = calls.Wait() // none fails: a failure is a result
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.settle(targets, results)
	for from := 0; from < len(targets); {
		end := from
		for end < len(targets) && targets[end].Workload == targets[from].Workload {
			end++
		}
		document := &catalog.Document{
			Location: targets[from].endpoint(),
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: targets[from].Workload}, Facts: &catalog.Facts{Probed: slices.Clone(results[from:end])},
			}},
		}
		scope := scanners.Scope{Name: string(targets[from].Workload), Documents: []*catalog.Document{document}}
		if err := sink.Report(ctx, scope); err != nil {
			return nil, err
		}
		from = end
	}
	return nil, ctx.Err()
}

func (s *Scanner) ask(ctx context.Context, target *Target) catalog.ProbeResult {
	timeout := s.config.MaxTimeout
	if target.Timeout > 0 {
		timeout = min(timeout, target.Timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	result := catalog.ProbeResult{Container: target.Container, Purpose: target.Purpose, Endpoint: target.endpoint()}
	began := time.Now()
	answer := s.caller.call(ctx, target)
	result.Healthy, result.Status, result.Failures = answer.healthy, answer.status, answer.failures
	if answer.healthy {
		result.LatencyUnder = bucket(time.Since(began))
	}
	return result
}

// bucket is the least limit that a time is below; 0 = it is over all of them.
func bucket(took time.Duration) int32 {
	for _, limit := range [...]int32{10, 30, 100, 300, 1000, 3000, 10000} {
		if took < time.Duration(limit)*time.Millisecond {
			return limit
		}
	}
	return 0
}

// settle puts in place of each result the one that counts, and forgets what is no target any more.
func (s *Scanner) settle(targets []Target, results []catalog.ProbeResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := make(map[key]*standing, len(targets))
	for i := range targets {
		at := key{targets[i].Workload, targets[i].Container, targets[i].Purpose}
		standing := s.known[at]
		if standing == nil || standing.counts.Endpoint != results[i].Endpoint {
			standing = newStanding(results[i])
		}
		standing.see(results[i])
		now[at], results[i] = standing, standing.counts
	}
	s.known = now
}

func newStanding(result catalog.ProbeResult) *standing { return &standing{counts: result} }

// see counts a result in. That a healthy one is a little faster or slower is no news until it is so for some time.
func (s *standing) see(result catalog.ProbeResult) {
	needed := confirmations
	if result.Healthy && s.counts.Healthy && slices.Equal(result.Failures, s.counts.Failures) && result.Status == s.counts.Status {
		needed = 10 * confirmations
	}
	switch {
	case equalResults(result, s.counts):
		s.seen = 0
	case s.seen > 0 && equalResults(result, s.next):
		s.seen++
	default:
		s.next, s.seen = result, 1
	}
	if s.seen >= needed {
		s.counts, s.seen = s.next, 0
	}
}

func equalResults(a, b catalog.ProbeResult) bool {
	return a.Endpoint == b.Endpoint && a.Healthy == b.Healthy && a.Status == b.Status && a.LatencyUnder == b.LatencyUnder &&
		slices.Equal(a.Failures, b.Failures)
}
