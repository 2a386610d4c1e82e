package ingest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/schedule"
	"github.com/orrery-catalog/orrery/scanners"
)

// Source is one configured place that data comes from.
type Source struct {
	ID, Kind string
	Scanner  scanners.Scanner // not used by a read-only Catalog
	Priority int              // of its descriptors; 0 = catalog.DefaultPriorityFiles
	// Environment that its documents speak of where they name none; "" = all. What is declared holds in every environment
	// all the same: Merge sees to that.
	Environment string
	// Timeout is how long a scan of it may take; 0 = DefaultTimeout.
	Timeout time.Duration
	// Schedule says when Run scans it again; nil = once, at the start.
	Schedule *schedule.Schedule
	// Watch makes Run scan what changes as it changes. The Scanner must be a scanners.Watcher.
	Watch bool
	// Ages says that what it says goes by age alone, as traffic does: its removals never wait for a person.
	Ages bool
}

// DefaultTimeout is how long a scan may take where the source does not say.
const DefaultTimeout = time.Hour

// runtime is what is known of a source while the program runs, and not stored.
type runtime struct {
	schedule   string    // as configured; "" = none
	nextScan   time.Time // zero = not by itself
	watched    bool
	watchError string // why watching was lost
	deaf       bool   // what is sent to the source is lost meanwhile
}

// Config says what a Catalog is made of.
type Config struct {
	Store    graph.Store // nil = in memory only; the caller closes it when all methods have returned
	Sources  []Source
	Merge    catalog.MergeOptions
	ReadOnly bool // never scan and never write; follow the store
	// Holder names this process to the others that share a replicated store; no two may have the same. "" = the host, the
	// process's number and a random part.
	Holder string
	// WaitForStore lets New succeed while the store is unavailable: there is no Snapshot then, and Run loads the store as soon
	// as it can.
	WaitForStore bool
	Log          zerolog.Logger
	Now          func() time.Time      // nil = time.Now
	Metrics      prometheus.Registerer // takes the metrics of a Catalog; nil = nobody looks at them
	Traffic      Traffic               // numbers that the newest Snapshot carries; nil = none
}

// Traffic are numbers that change without a revision. Its methods must return at once.
type Traffic interface {
	Numbers() graph.Traffic
	Changed() <-chan struct{} // closed when there are newer ones; to be taken before Numbers
}

// Catalog holds the claims of all sources and the newest Snapshot of them. All methods may be called from many
// goroutines.
type Catalog struct {
	config   Config
	sources  []Source // sorted by ID
	turns    turns
	progress *progress
	metrics  *metrics
	past     *past

	freshness freshness
	outage    *outage
	shares    shares
	asking    turns                    // of those that ask other processes for scans
	calls     map[string]chan struct{} // by source; has one when its keeper is to look for requests and news
	inbox     *inbox
	running   atomic.Bool          // Run runs
	term      atomic.Pointer[term] // while Run holds the lease of scans

	// committing is held from the computing of a change to its end. Its holder alone changes what follows, and holds mu too
	// while it changes the state.
	committing chan struct{}
	merger     *catalog.Merger // shows the state, like the newest Snapshot
	loaded     bool            // the store was
	loads      int             // how often

	mu       sync.RWMutex
	state    *state             // guarded by mu
	runtimes map[string]runtime // by source; guarded by mu

	publishing sync.Mutex // held while the newest Snapshot is replaced; mu may be taken after it
	snapshot   atomic.Pointer[graph.Snapshot]
	changed    atomic.Pointer[chan struct{}] // closed by the next Snapshot
}

// New loads what the store has and publishes it as the first Snapshot, unless the store is empty, or is unavailable and
// Config.WaitForStore is set.
func New(ctx context.Context, config Config) (*Catalog, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Holder == "" {
		host, _ := os.Hostname() // the random part tells it apart
		config.Holder = fmt.Sprintf("%s, process %d, %s", host, os.Getpid(), rand.Text()[:8])
	}
	c := &Catalog{
		config:     config,
		sources:    slices.Clone(config.Sources),
		turns:      turns{busy: make(map[string]*turn)},
		progress:   newProgress(),
		committing: make(chan struct{}, 1),
		merger:     catalog.NewMerger(config.Merge),
		state:      newState(),
		past:       newPast(),
		runtimes:   make(map[string]runtime),
		outage:     newOutage(config.Log),
		shares:     shares{next: make(map[string]*shared)},
		asking:     turns{busy: make(map[string]*turn)},
		calls:      make(map[string]chan struct{}),
		inbox:      newInbox(),
	}
	c.changed.Store(new(make(chan struct{})))
	slices.SortFunc(c.sources, func(a, b Source) int { return strings.Compare(a.ID, b.ID) })
	for i, source := range c.sources {
		switch {
		case source.ID == "":
			return nil, errors.New("a source has no id")
		case i > 0 && c.sources[i-1].ID == source.ID:
			return nil, fmt.Errorf("two sources have the id %q", source.ID)
		case source.Scanner == nil && !config.ReadOnly:
			return nil, fmt.Errorf("source %q has no scanner", source.ID)
		case source.Watch && !config.ReadOnly && !canWatch(source.Scanner):
			return nil, fmt.Errorf("source %q cannot be watched", source.ID)
		}
		c.calls[source.ID] = make(chan struct{}, 1)
	}
	var err error
	if c.metrics, err = newMetrics(config.Metrics, c); err != nil {
		return nil, err
	}
	switch err := c.load(ctx); {
	case err == nil:
	case config.WaitForStore && (errors.Is(err, graph.ErrUnavailable) || errors.Is(err, graph.ErrCompacted)): // compacted while it was read
		c.cannotRead(err)
	default:
		return nil, err
	}
	return c, nil
}

// Snapshot is the newest one; nil until something was committed.
func (c *Catalog) Snapshot() *graph.Snapshot { return c.snapshot.Load() }

// Changed is closed when a newer Snapshot than the present one is there. Take it before the Snapshot, so that none is
// missed.
func (c *Catalog) Changed() <-chan struct{} { return *c.changed.Load() }

// Ready is nil while there is a Snapshot. A store that is away is no reason to send nobody here: Freshness tells of it.
func (c *Catalog) Ready(context.Context) error {
	switch now := c.Freshness(); {
	case c.Snapshot() != nil:
		return nil
	case now.Confirmed.IsZero() && now.Err != nil:
		return fmt.Errorf("the store has not been read yet: %w", now.Err)
	}
	return errors.New("nothing has been scanned yet")
}

// replicated says whether other processes may write to the store at the same time as this one.
func (c *Catalog) replicated() bool {
	return c.config.Store != nil && !c.config.ReadOnly && c.config.Store.Capabilities().Replicated
}

// setRuntime tells what is known of a source besides its scans. It shows at once where there is a Snapshot, and otherwise
// with the first.
func (c *Catalog) setRuntime(id string, now runtime) {
	c.publishing.Lock()
	defer c.publishing.Unlock()
	c.mu.Lock()
	was := c.runtimes[id]
	c.runtimes[id] = now
	c.mu.Unlock()
	old := c.Snapshot()
	if old == nil || was == now {
		return
	}
	sources := slices.Clone(old.Sources())
	for i := range sources {
		if sources[i].ID == id {
			was.withdraw(&sources[i])
			now.describe(&sources[i])
		}
	}
	c.snapshot.Store(old.Apply(nil, old.Revision(), old.Time(), sources))
	c.wake()
}

func (r runtime) describe(source *graph.Source) {
	source.Schedule, source.NextScan, source.Watched, source.WatchError = r.schedule, r.nextScan, r.watched, r.watchError
	if r.deaf && source.State == graph.SourceOK {
		source.State, source.Error = graph.SourceFailed, r.watchError
	}
}

// withdraw takes back what describe has said of the state.
func (r runtime) withdraw(source *graph.Source) {
	if r.deaf && source.State == graph.SourceFailed && source.Error == r.watchError {
		source.State, source.Error = graph.SourceOK, ""
	}
}

func (c *Catalog) source(id string) (Source, error) {
	i, found := slices.BinarySearchFunc(c.sources, id, func(s Source, id string) int { return cmp.Compare(s.ID, id) })
	if !found {
		return Source{}, fmt.Errorf("%w: %q (there are %s)", graph.ErrUnknownSource, id, c.sourceNames())
	}
	return c.sources[i], nil
}

func (c *Catalog) sourceNames() string {
	if len(c.sources) == 0 {
		return "none"
	}
	names := make([]string, len(c.sources))
	for i, source := range c.sources {
		names[i] = source.ID
	}
	return strings.Join(names, ", ")
}
