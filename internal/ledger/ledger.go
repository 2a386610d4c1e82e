package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

// Config says what a Ledger is made of.
type Config struct {
	Store graph.TrafficStore // nil = in memory only; the caller closes it when all methods have returned
	// Writer names this process to the others; no two may have the same, nor the same one after a restart. "" = the host, the
	// process's number and a random part.
	Writer string
	// Environments are the names that count for other names of an environment, as in [catalog.MergeOptions].
	Environments map[string]string
	// Leads says whether this process may compact rows now: whether it holds the lease of scans. nil = there is no other.
	Leads func() bool
	// The most that is kept of each source; 0 = the default. What is more is counted as lost, by reason.
	MaxFlows, MaxServices, MaxDeliveries, MaxReach int

	Log     zerolog.Logger
	Now     func() time.Time      // nil = time.Now
	Metrics prometheus.Registerer // nil = nobody looks at them
}

// The defaults of [Config].
const (
	DefaultMaxFlows      = 200_000
	DefaultMaxServices   = 50_000
	DefaultMaxDeliveries = 100_000
	DefaultMaxReach      = 500_000
)

// Source is one configured source of traffic. It has a Reader, a Listener, or both.
type Source struct {
	ID string
	// Environment that its traffic is of where spans name none.
	Environment string
	Reader      scanners.TrafficReader
	Listener    scanners.TrafficListener
	// StaleAfter and RemoveAfter are how long something may be unseen, counted from the newest of the source; 0 = the default.
	StaleAfter, RemoveAfter time.Duration
	// MaxBytes is about how much memory all may take that is held of the source; 0 = the default. From a half of it on, what
	// is written is let go of early; beyond it, nothing new is told apart.
	MaxBytes int64
}

// The defaults of [Source].
const (
	DefaultMaxBytes    = 256 << 20
	DefaultStaleAfter  = 14 * 24 * time.Hour
	DefaultRemoveAfter = 90 * 24 * time.Hour
)

// rows is what a Ledger needs of a store; see [graph.TrafficStore].
type rows interface {
	WriteTraffic(ctx context.Context, write graph.TrafficWrite) error
	Traffic(ctx context.Context, after uint64) iter.Seq2[graph.TrafficRow, error]
}

// Ledger keeps what is counted of the traffic of all sources. Its methods may be called from many goroutines, once all
// sources are there.
type Ledger struct {
	config  Config
	rows    rows
	shared  bool // other processes write rows too
	metrics *metrics

	// storing is held while rows are written, or read to take the place of what is held.
	storing  chan struct{}
	loaded   atomic.Bool
	sequence uint64    // of the newest row that was read; of the holder of storing
	summed   time.Time // when all rows were read last; guarded by mu
	// others are the newest hours, as of then, of sources that are not configured; guarded by mu.
	others  map[string]traffic.Hour
	sumTook time.Duration // how long that took; guarded by mu

	mu      sync.Mutex
	sources map[string]*source // written before anything else happens
	writers int                // how many writers there were of this process
	failing failing
	blind   bool // rows cannot be read
	view    atomic.Pointer[view]
	changed atomic.Pointer[chan struct{}] // closed by the next view
}

// New makes a Ledger. Load, or Run, reads what the store has.
func New(config Config) *Ledger {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Writer == "" {
		host, _ := os.Hostname() // the random part tells it apart
		config.Writer = fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8])
	}
	config.MaxFlows = cmp.Or(config.MaxFlows, DefaultMaxFlows)
	config.MaxServices = cmp.Or(config.MaxServices, DefaultMaxServices)
	config.MaxDeliveries = cmp.Or(config.MaxDeliveries, DefaultMaxDeliveries)
	config.MaxReach = cmp.Or(config.MaxReach, DefaultMaxReach)
	environments := make(map[string]string, len(config.Environments))
	for name, normal := range config.Environments {
		environments[strings.ToLower(name)] = normal
	}
	config.Environments = environments
	l := &Ledger{config: config, storing: make(chan struct{}, 1), sources: make(map[string]*source)}
	if config.Store != nil {
		l.rows, l.shared = config.Store, config.Store.Capabilities().Replicated
	} else {
		l.rows = newMemory()
	}
	l.metrics = newMetrics(config.Metrics, l)
	l.view.Store(&view{})
	l.changed.Store(new(make(chan struct{})))
	return l
}

// Source adds a source, before anything else is asked of the Ledger. What it returns says which dependencies there are: it
// reads the Reader, or tells what the Ledger holds; and it hears of it when that changes.
func (l *Ledger) Source(config Source) scanners.Watcher {
	config.StaleAfter = cmp.Or(config.StaleAfter, DefaultStaleAfter)
	config.RemoveAfter = cmp.Or(config.RemoveAfter, DefaultRemoveAfter)
	config.MaxBytes = cmp.Or(config.MaxBytes, DefaultMaxBytes)
	s := newSource(l, config)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sources[config.ID] = s
	return &scanner{ledger: l, source: s}
}

// Numbers are what was counted, as of some seconds ago.
func (l *Ledger) Numbers() graph.Traffic { return l.view.Load() }

// Changed is closed when there are newer Numbers than the present ones. Take it before the Numbers, so that none are missed.
func (l *Ledger) Changed() <-chan struct{} { return *l.changed.Load() }

// environment is the name that counts for the one that spans name.
func (l *Ledger) environment(s *source, written string) string {
	name := strings.ToLower(cmp.Or(written, s.config.Environment))
	if normal, ok := l.config.Environments[name]; ok {
		return normal
	}
	return name
}

func (l *Ledger) hour() traffic.Hour { return hourOf(l.config.Now()) }

func hourOf(t time.Time) traffic.Hour {
	return traffic.Hour(max(0, t.Unix()) / 3600) //nolint:gosec // it fits for 490,000 years
}

// day numbers the days since 1970 UTC.
func day(hour traffic.Hour) traffic.Hour { return hour / 24 }

// hold takes storing. The error is the cause of the end of ctx.
func (l *Ledger) hold(ctx context.Context) error {
	select {
	case l.storing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Ledger) release() { <-l.storing }

// sorted lists the sources by id.
func (l *Ledger) sorted() []*source {
	l.mu.Lock()
	defer l.mu.Unlock()
	sources := make([]*source, 0, len(l.sources))
	for _, s := range l.sources {
		sources = append(sources, s)
	}
	slices.SortFunc(sources, func(a, b *source) int { return strings.Compare(a.config.ID, b.config.ID) })
	return sources
}

// wake tells those that wait that there are newer Numbers.
func (l *Ledger) wake() {
	next := make(chan struct{})
	close(*l.changed.Swap(&next))
}

func (l *Ledger) now() catalog.Instant { return catalog.InstantOf(l.config.Now()) }
