package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/orrery-catalog/orrery/graph"
)

// Config says which file to open and how. Path alone is enough.
type Config struct {
	// Path of the file. It is made where it is missing, with ReadOnly it must exist. The folder must exist.
	Path     string
	ReadOnly bool
	// Holder describes this process to another one that wants to write: "orrery serve". "" = the name of the program.
	Holder string
	// Program is the name and version that the file remembers as its last writer: "orrery 1.2.0". "" = the same as Holder.
	Program string
	// KeepRevisions and KeepBytes bound what is kept for followers of states that can no longer be loaded: the newest so many
	// revisions (0 = 10,000), and of those the newest whose replaced documents have together so many bytes (0 = 256 MiB).
	KeepRevisions int
	KeepBytes     int64
	// KeepHistory is how long recorded field changes and past states are kept, counted from the newest change; 0 = 90 days.
	// A past state is as old as what replaced it.
	KeepHistory time.Duration
	// KeepPastBytes bounds what past states take besides: the oldest go first, but never the one before the newest. 0 = 2 GiB.
	KeepPastBytes int64
	// Now is the clock that no change is later than; nil = time.Now.
	Now func() time.Time

	// pragmas are set on the writing connection, by tests: they make the disk full or the cache small.
	pragmas []string
	// migrations replaces the real ones, by tests.
	migrations []string
}

func (c *Config) setDefaults() {
	if c.Holder == "" {
		c.Holder = filepath.Base(os.Args[0])
	}
	if c.Program == "" {
		c.Program = c.Holder
	}
	if c.KeepRevisions <= 0 {
		c.KeepRevisions = 10_000
	}
	if c.KeepBytes <= 0 {
		c.KeepBytes = 256 << 20
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
	if c.migrations == nil {
		c.migrations = migrations
	}
}

// Store is an open file. It implements [graph.Store].
type Store struct {
	config Config
	path   string      // absolute, links resolved
	file   os.FileInfo // of the file as opened, to notice when another one stands in its place
	// frozen says that the file is on a disk or in a folder where SQLite cannot keep its shared memory, and is read as one
	// that nobody writes.
	frozen  bool
	version string // of SQLite

	read  *sql.DB
	write *writer      // nil when opened for reading
	lock  *flock.Flock // nil when opened for reading

	closing sync.Once
	closed  chan struct{} // closed by Close

	mu      sync.Mutex
	changed chan struct{} // GUARDED_BY(mu): closed and replaced after each commit of this process
}

var _ graph.Store = (*Store)(nil)

// Open opens the file, or makes it, and brings it to the schema of this program. The store is ready when it returns.
// Errors: *graph.LeaseHeldError when another process writes it, [ErrForeignFile], [ErrNewerSchema], [ErrOlderSchema],
// fs.ErrNotExist, graph.ErrUnavailable for a disk that is full or read-only.
func Open(ctx context.Context, config Config) (_ *Store, err error) {
	config.setDefaults()
	if config.Path == "" {
		return nil, errors.New("open the store: no path is given")
	}
	path, err := resolve(config.Path)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &Store{config: config, path: path, closed: make(chan struct{}), changed: make(chan struct{})}
	if config.ReadOnly {
		err = s.openForReading(ctx)
	} else {
		err = s.openForWriting(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", config.Path, err), s.Close())
	}
	return s, nil
}

func (s *Store) openForWriting(ctx context.Context) error {
	if _, err := inspect(s.path); err != nil { // before a lock file is put beside what is not ours
		return err
	}
	lock, err := lockForWriting(s.path, s.config.Holder)
	if err != nil {
		return err
	}
	s.lock = lock
	switch found, err := inspect(s.path); { // it may have been made meanwhile
	case err != nil:
		return err
	case found == nothing:
		if err := create(ctx, s.path, s.config); err != nil {
			return s.explain(err)
		}
	}
	s.write = newWriter(dsn(s.path, "rw"), s.config.pragmas)
	if err := s.write.do(ctx, migrateTo(s.config)); err != nil {
		return s.explain(err)
	}
	s.read = openPool(dsn(s.path, "ro"))
	return s.identify(ctx)
}

func (s *Store) openForReading(ctx context.Context) error {
	switch found, err := inspect(s.path); {
	case err != nil:
		return err
	case found == nothing:
		return fmt.Errorf("%w: there is no store yet: scan into it first", fs.ErrNotExist)
	}
	s.read = openPool(dsn(s.path, "ro"))
	if err := s.checkSchema(ctx); err != nil {
		if !isCode(err, cannotOpen, readOnlyFile) {
			return s.explain(err)
		}
		// Readers share memory with the writer through a file beside the store, which cannot be made here.
		if info, statErr := os.Stat(s.path + "-wal"); statErr == nil && info.Size() > 0 {
			return fmt.Errorf("%w: its last writer left a log (%s-wal) that must be worked in, and the folder cannot be "+
				"written: copy both files where you can write and open the copy: %w", graph.ErrUnavailable, s.path, err)
		}
		_ = s.read.Close()
		s.frozen = true
		s.read = openPool(dsn(s.path, "ro") + "&immutable=1")
		if err := s.checkSchema(ctx); err != nil {
			return s.explain(err)
		}
	}
	return s.identify(ctx)
}

// identify remembers which file was opened and asks SQLite for its version.
func (s *Store) identify(ctx context.Context) error {
	if err := s.read.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&s.version); err != nil {
		return s.explain(err)
	}
	var err error
	s.file, err = os.Stat(s.path)
	return err
}

// Ready implements [graph.Store].
func (s *Store) Ready(ctx context.Context) error {
	if err := s.usable(); err != nil {
		return err
	}
	var head int64
	if err := s.read.QueryRowContext(ctx, selectHead).Scan(&head); err != nil {
		return s.explain(err)
	}
	return nil
}

// usable is nil while the store is open and its file is where it was: SQLite itself would go on with a file that was
// deleted, and lose all that it is told.
func (s *Store) usable() error {
	select {
	case <-s.closed:
		return graph.ErrClosed
	default:
	}
	now, err := os.Stat(s.path)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the file of the store cannot be seen: %w", graph.ErrUnavailable, err)
	case !os.SameFile(s.file, now):
		return fmt.Errorf("%w: %s was replaced by another file: restart to use that", graph.ErrUnavailable, s.path)
	case s.frozen:
		_, err := os.Stat(s.path + "-wal")
		if !s.file.ModTime().Equal(now.ModTime()) || s.file.Size() != now.Size() || err == nil {
			return fmt.Errorf("%w: %s is being written since it was opened: open it again", graph.ErrUnavailable, s.path)
		}
	}
	return nil
}

// Capabilities implements [graph.Store].
func (s *Store) Capabilities() graph.Capabilities {
	return graph.Capabilities{Engine: "sqlite", Version: s.version, Place: s.path}
}

// Close implements [graph.Store]. It waits for a commit under way, not for streams. Closing again does nothing.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		// Readers first: the last connection works the log into the file, and only the writer can.
		if s.read != nil {
			err = errors.Join(err, s.read.Close())
		}
		if s.write != nil {
			err = errors.Join(err, s.write.close())
		}
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
	})
	return err
}
