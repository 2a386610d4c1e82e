package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/scanners"
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
}

// Root is one place that is read and that nothing leaves.
type Root struct {
	// Path is a folder, or a single file, which is then read whatever its name.
	Path string
	// FS is read instead of Path where it is set. Path may then be empty.
	FS fs.FS
	// Display begins every location in the root; "" = Path as it is written.
	Display string
}

// Progress counts the work of a Scanner, for people who wait.
type Progress struct {
	Seen atomic.Int64 // files that were looked at by name
	Read atomic.Int64 // files that were opened
}

// Scanner reads catalog files. One file is one scope, named like its location: the display name of the root and the path
// inside it. It keeps no state between scans but, in memory, what it needs to read a part alone.
type Scanner struct {
	config Config

	mu    sync.Mutex
	known *known // what the last scans found; nil = parts cannot be read alone, or a scan is under way
	scans int    // that were begun
	watch *watch // that wants to hear of what scans find; nil = none
}

var _ scanners.Watcher = (*Scanner)(nil)

// New checks the configuration. It opens nothing: a root that is missing is an error of the scan.
func New(config Config) (*Scanner, error) {
	if len(config.Roots) == 0 {
		return nil, errors.New("no folder to scan is named")
	}
	for i, root := range config.Roots {
		if root.Path == "" && root.FS == nil {
			return nil, fmt.Errorf("folder %d to scan has no path", i+1)
		}
	}
	for _, globs := range [][]string{config.Include, config.Exclude} {
		for _, glob := range globs {
			if !doublestar.ValidatePattern(glob) {
				return nil, fmt.Errorf("%q is not a glob: check its brackets and braces", glob)
			}
		}
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

// display is the location of the root in the words of its configuration; "" for the current folder.
func (r Root) display() string {
	name := r.Display
	if name == "" {
		name = filepath.ToSlash(r.Path)
	}
	if name = path.Clean(name); name == "." {
		return ""
	}
	return name
}

// open opens the root. only names the one file to read in it; "" = all.
func (r Root) open() (t tree, only string, err error) {
	if r.FS != nil {
		t = embedded{r.FS}
		return t, "", t.check()
	}
	dir := filepath.Clean(r.Path)
	if info, err := os.Stat(dir); err != nil {
		return nil, "", err
	} else if !info.IsDir() {
		dir, only = filepath.Dir(dir), filepath.Base(dir)
	}
	t, err = openFolder(dir)
	return t, only, err
}

// join joins names inside a tree.
func join(dir, name string) string {
	if dir == "." || dir == "" {
		return name
	}
	return dir + "/" + name
}

// matches says whether one of the globs fits the path.
func matches(globs []string, name string) bool {
	for _, glob := range globs {
		glob = strings.TrimPrefix(strings.TrimPrefix(glob, "./"), "/")
		against := name
		if !strings.Contains(glob, "/") {
			against = path.Base(name)
		}
		if doublestar.MatchUnvalidated(glob, against) {
			return true
		}
	}
	return false
}
