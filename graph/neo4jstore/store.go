package neo4jstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/config"

	"github.com/orrery-catalog/orrery/graph"
)

// Config says which database to open and how. URI alone is enough where the server asks for no password.
type Config struct {
	// URI of the server or of any member of the cluster. Its scheme is neo4j, neo4j+s or neo4j+ssc (routed to the right
	// member of a cluster), or bolt, bolt+s or bolt+ssc (this server and no other); +s is encrypted, +ssc so without a check
	// of the certificate.
	URI string
	// Username and Password of an account that may write, and make constraints and indexes. "" Username = no authentication.
	Username, Password string
	// Database of the server; "" = "neo4j".
	Database string
	// LabelPrefix stands before every label, constraint and index of this store, so that two catalogs or other data fit
	// into one database: ASCII letters, digits and _, beginning with a letter.
	LabelPrefix string
	// ReadOnly writes nothing, neither constraints nor indexes. The store must exist.
	ReadOnly bool
	// Holder describes this process in the database: "orrery serve". "" = the name of the program.
	Holder string
	// Program is the name and version that the database remembers as who prepared it: "orrery 1.2.0". "" = the same as Holder.
	Program string
	// KeepHistory is how long recorded field changes and past states are kept, counted from the newest change; 0 = 90 days.
	// A past state is as old as what replaced it.
	KeepHistory time.Duration
	// KeepPastBytes bounds what past states take besides: the oldest go first, but never the one before the newest. 0 = 2 GiB.
	KeepPastBytes int64
	// Now is the clock that no change is later than; nil = time.Now.
	Now func() time.Time

	// projectedRows is how many rows of the written graph one transaction has, about; 0 = projectedRows. Tests make it small.
	projectedRows int
}

var labelPrefix = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]{0,62})?$`)

func (c *Config) setDefaults() {
	if c.Database == "" {
		c.Database = "neo4j"
	}
	if c.projectedRows <= 0 {
		c.projectedRows = projectedRows
	}
	if c.Holder == "" {
		c.Holder = filepath.Base(os.Args[0])
	}
	if c.Program == "" {
		c.Program = c.Holder
	}
	if c.KeepHistory <= 0 {
		c.KeepHistory = 90 * 24 * time.Hour
	}
	if c.KeepPastBytes <= 0 {
		c.KeepPastBytes = 2 << 30
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// check finds what cannot work, before anything is connected.
func (c *Config) check() error {
	if err := checkURI(c.URI); err != nil {
		return err
	}
	if !labelPrefix.MatchString(c.LabelPrefix) {
		return fmt.Errorf("the label prefix %q cannot be used: ASCII letters, digits and _ make one, beginning with a letter, at most 63 of them", c.LabelPrefix)
	}
	return nil
}

// Store is an open database. It implements [graph.Store].
type Store struct {
	config Config
	driver neo4j.DriverWithContext
	writer string // tells this Store from every other one that writes, or wrote, into the database

	// life ends with Close; its cause is graph.ErrClosed.
	life context.Context
	end  context.CancelCauseFunc
	uses sync.WaitGroup // transactions under way

	turn chan struct{} // holds one token while nobody of this process applies a change

	batchRows   int           // how many rows a transaction of a change has
	attemptLife time.Duration // how long an attempt may be silent before others take it for dead

	prepared preparation
	guard    guard

	// leaderUntil is the time, in nanoseconds since 1970, until which the leader is read from, because others lag behind.
	leaderUntil atomic.Int64

	mu        sync.Mutex
	closed    bool                  // GUARDED_BY(mu)
	changed   chan struct{}         // GUARDED_BY(mu): closed and replaced after each commit of this process
	bookmarks neo4j.BookmarkManager // GUARDED_BY(mu): what this process has seen; replaced where it is of another database
	version   string                // GUARDED_BY(mu): of the server, once it has answered

	reached atomic.Int64 // the newest revision that is known to be readable as a whole
}

var _ graph.Store = (*Store)(nil)

// Open checks the configuration and, where the server answers, its version, the password and the scheme, which it makes
// where there is none yet. Where the server cannot be reached, Open succeeds nevertheless: every method then answers
// graph.ErrUnavailable until it can be, and the first one that reaches it does what is missing. Errors: a configuration
// that cannot work, [ErrCredentials], [ErrOldServer], [ErrNewerScheme], [ErrForeignData], fs.ErrNotExist where ReadOnly finds
// no store.
func Open(ctx context.Context, c Config) (*Store, error) {
	c.setDefaults()
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	auth := neo4j.NoAuth()
	if c.Username != "" {
		auth = neo4j.BasicAuth(c.Username, c.Password, "")
	}
	driver, err := neo4j.NewDriverWithContext(c.URI, auth, configure(c))
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", place(c), err)
	}
	s := &Store{
		config: c, driver: driver, writer: uuid.NewString(), turn: make(chan struct{}, 1), changed: make(chan struct{}),
		bookmarks: neo4j.NewBookmarkManager(neo4j.BookmarkManagerConfig{}), batchRows: batchRows, attemptLife: attemptLife,
	}
	s.turn <- struct{}{}
	s.life, s.end = context.WithCancelCause(context.Background())
	if err := s.prepare(ctx); err != nil && !passes(err) {
		_ = s.Close() //nolint:contextcheck // it is ended, whatever became of ctx; nothing was written that could be lost
		return nil, fmt.Errorf("open the store %s: %w", place(c), err)
	}
	return s, nil
}

// configure bounds everything that the driver waits for. Retries are this package's own: those of the driver wait for
// seconds after a deadlock.
func configure(c Config) func(*config.Config) {
	return func(d *config.Config) {
		d.UserAgent = c.Program
		d.SocketConnectTimeout = connectTimeout
		d.ConnectionAcquisitionTimeout = connectTimeout
		d.ConnectionLivenessCheckTimeout = 10 * time.Second
		d.MaxConnectionPoolSize = 50
		d.TelemetryDisabled = true
		d.ReadBufferSize = 64 << 10
		d.FetchSize = fetchSize
	}
}

// place names the database, without secrets.
func place(c Config) string {
	where := c.URI + ", database " + c.Database
	if c.LabelPrefix != "" {
		where += ", label prefix " + c.LabelPrefix
	}
	return where
}

// Ready implements [graph.Store]. It asks the member that takes writes, unless the store is open for reading only, and
// takes two seconds at most.
func (s *Store) Ready(ctx context.Context) error {
	mode := neo4j.AccessModeWrite
	if s.config.ReadOnly {
		mode = neo4j.AccessModeRead
	}
	asked, cancel := context.WithTimeoutCause(ctx, readyTimeout, errSlow)
	defer cancel()
	return s.explain(ctx, s.once(asked, mode, func(tx *transaction) error {
		_, err := tx.single(`MATCH (s:@Store {id: $store}) RETURN s.revision`, nil)
		return err
	}))
}

// Capabilities implements [graph.Store].
func (s *Store) Capabilities() graph.Capabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return graph.Capabilities{Engine: "neo4j", Version: s.version, Place: place(s.config), Replicated: true}
}

// Close implements [graph.Store]. It breaks off what is under way. Closing again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return nil
	}
	s.end(graph.ErrClosed)
	s.uses.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	return s.driver.Close(ctx)
}

// announce wakes the followers of this process.
func (s *Store) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// nextChange is closed by the next commit of this process.
func (s *Store) nextChange() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}
