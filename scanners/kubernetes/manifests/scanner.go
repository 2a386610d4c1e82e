package manifests

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// Config says what a Scanner reads.
type Config struct {
	Cluster string        // the name of the cluster that the manifests are for, in aliases and Refs; required
	Roots   []folder.Root // at least one
	// Include and Exclude narrow the files that are opened, as in [folder.Options].
	Include, Exclude []string
	MaxFileBytes     int64 // a larger file is not read; 0 = 5 MiB
	MaxFolderDepth   int   // deeper folders are not entered; 0 = 64
	// MaxFiles is how many files one scan may open; more is an error, since a part of a listing would remove the rest.
	// 0 = 1,000,000.
	MaxFiles int
	Progress *folder.Progress // counts up while scans run; nil = nobody looks
}

// Scanner reads manifests. Its scopes are what package facts makes of the objects, and "files/<location>" for each file of
// which something is to be told. The state holds which objects each file had when it was read last, and digests of what
// was told: while a file cannot be read, what may have been made from its objects is kept where it would say something else
// without them.
type Scanner struct {
	config Config
	forms  forms

	mu    sync.Mutex
	known *known // what the last scans found; nil = parts cannot be read alone, or a scan is under way
	scans int    // that were begun
	watch *folder.Watch
}

var _ scanners.Watcher = (*Scanner)(nil)

// New checks the configuration. It opens nothing: a root that is missing is an error of the scan.
func New(config Config) (*Scanner, error) {
	if config.Cluster == "" {
		return nil, errors.New("the cluster that the manifests are for has no name")
	}
	if err := cmp.Or(folder.CheckRoots(config.Roots), folder.CheckGlobs(config.Include...), folder.CheckGlobs(config.Exclude...)); err != nil {
		return nil, err
	}
	if config.MaxFileBytes <= 0 {
		config.MaxFileBytes = 5 << 20
	}
	if config.MaxFolderDepth <= 0 {
		config.MaxFolderDepth = 64
	}
	if config.MaxFiles <= 0 {
		config.MaxFiles = 1_000_000
	}
	if config.Progress == nil {
		config.Progress = new(folder.Progress)
	}
	return &Scanner{config: config, forms: allForms()}, nil
}

func (s *Scanner) options() *folder.Options {
	return &folder.Options{
		Include: s.config.Include, Exclude: s.config.Exclude, MaxDepth: s.config.MaxFolderDepth, Progress: s.config.Progress,
	}
}

// Scan reads all roots.
func (s *Scanner) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	before, err := readHistory(previous)
	if err != nil {
		return nil, err
	}
	_, scan := s.take()
	found := &known{world: newWorld(s.config.Cluster)}
	opened := make(map[string]bool) // by location, over all roots, which may overlap
	for _, root := range s.config.Roots {
		r, err := s.open(root, before, opened)
		if err != nil {
			return nil, err
		}
		err = r.read(ctx, r.all)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		found.add(r)
	}
	found.opened = len(opened)
	for _, location := range found.world.locations() {
		found.world.remember(before, location)
	}
	if err := found.world.report(ctx, before, sink); err != nil {
		return nil, err
	}
	state, err := found.world.history.encode()
	if err != nil {
		return nil, err
	}
	s.learn(found, scan)
	return state, nil
}
