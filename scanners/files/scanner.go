package files

import (
	"cmp"
	"context"
	"sync"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// Config says what a Scanner reads.
type Config struct {
	Roots []Root // at least one
	// Include and Exclude narrow the files that are opened, by globs (`*`, `**`, `?`, `[a-z]`, `{a,b}`) on the path inside
	// the root; one without a slash is matched against the last part of the path. No Include means all. What a Location
	// names is read although no Include fits, but never when an Exclude does.
	Include, Exclude []string
	MaxFileBytes     int64 // a larger file is not read; 0 = 5 MiB
	MaxFolderDepth   int   // deeper folders are not entered; 0 = 64
	// MaxFiles is how many files one scan may open; more is an error, since a part of a listing would remove the rest.
	// 0 = 1,000,000.
	MaxFiles int
	Progress *Progress // counts up while scans run; nil = nobody looks
	// Repository is what whoever reads repositories knows of them; the zero value knows nothing.
	Repository Repository
}

// Root is one place that is read and that nothing leaves.
type Root = folder.Root

// Progress counts the work of a Scanner, for people who wait.
type Progress = folder.Progress

// Scanner reads catalog files. One file is one scope, named like its location: the display name of the root and the path
// inside it. It keeps no state between scans but, in memory, what it needs to read a part alone.
type Scanner struct {
	config Config

	mu    sync.Mutex
	known *known        // what the last scans found; nil = parts cannot be read alone, or a scan is under way
	scans int           // that were begun
	watch *folder.Watch // that wants to hear of what scans find; nil = none
}

var _ scanners.Watcher = (*Scanner)(nil)

// New checks the configuration. It opens nothing: a root that is missing is an error of the scan.
func New(config Config) (*Scanner, error) {
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
		config.Progress = new(Progress)
	}
	return &Scanner{config: config}, nil
}

// Scan reads all roots. The state is not used: reading a file again costs less than remembering it.
func (s *Scanner) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	_, scan := s.take()
	opened := make(map[string]bool) // by location, over all roots, which may overlap
	var runs []*run
	for _, root := range s.config.Roots {
		r, err := s.scanRoot(ctx, root, opened, sink)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	if known := newKnown(runs, len(opened)); known != nil {
		found := make([]*relations, len(runs))
		for i, r := range runs {
			found[i] = r.found
		}
		s.learn(known, scan, found)
	}
	return nil, nil
}

// options are what the walk of a root goes by.
func (c *Config) options() *folder.Options {
	return &folder.Options{
		Include: c.Include, Exclude: c.Exclude, Anchored: c.Repository.Anchored, MaxDepth: c.MaxFolderDepth, Progress: c.Progress,
	}
}
