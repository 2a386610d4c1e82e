package recorded

import (
	"bytes"
	"cmp"
	"context"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
)

// Config says what a Reader reads.
type Config struct {
	Roots []folder.Root // at least one
	// Include and Exclude narrow the files that are opened, as in [folder.Options].
	Include, Exclude []string
	// Pairing bounds the memory that traces take while they are put together. Its times are of no matter: all files are read
	// before a trace counts as whole, as far as memory allows.
	Pairing        pairing.Config
	MaxHeldBytes   int              // of one message, line or document in memory; 0 = 32 MiB
	MaxFolderDepth int              // deeper folders are not entered; 0 = 64
	MaxFiles       int              // more is an error; 0 = 100,000
	Progress       *folder.Progress // counts up while files are read; nil = nobody looks
}

// Reader counts what recorded traces say. Each file is a writer by its display path. When a file is new or has changed, all
// that are there are read again, since the two sides of a call may stand in different files; a call counts for the file of
// the called side. What was counted of files that are gone stands, unless one of the same content is there under another
// name.
type Reader struct {
	config Config
}

var _ scanners.TrafficReader = (*Reader)(nil)

// New checks the configuration. It opens nothing: a root that is missing is an error of reading.
func New(config Config) (*Reader, error) {
	if err := cmp.Or(folder.CheckRoots(config.Roots), folder.CheckGlobs(config.Include...), folder.CheckGlobs(config.Exclude...)); err != nil {
		return nil, err
	}
	config.MaxHeldBytes = cmp.Or(max(config.MaxHeldBytes, 0), 32<<20)
	config.MaxFolderDepth = cmp.Or(max(config.MaxFolderDepth, 0), 64)
	config.MaxFiles = cmp.Or(max(config.MaxFiles, 0), 100_000)
	if config.Progress == nil {
		config.Progress = new(folder.Progress)
	}
	return &Reader{config: config}, nil
}

func (r *Reader) options() *folder.Options {
	return &folder.Options{
		Include: r.config.Include, Exclude: r.config.Exclude, AnyName: true, MaxDepth: r.config.MaxFolderDepth, Progress: r.config.Progress,
	}
}

// Watch calls changed when files may have changed, and once as soon as it hears of everything. It ends where
// [folder.Watch] does.
func (r *Reader) Watch(ctx context.Context, changed func()) error {
	watch, err := folder.NewWatch(r.config.Roots, r.options(), func(int, string) bool { return false })
	if err != nil {
		return err
	}
	return watch.Run(ctx, func(...string) { changed() })
}

// ReadTraffic implements scanners.TrafficReader.
func (r *Reader) ReadTraffic(ctx context.Context, previous []byte, into scanners.TrafficSink) (next []byte, err error) {
	before := readState(previous)
	all, err := r.find(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	defer all.close()
	for _, f := range all.files {
		into.Stands(f.writer)
	}
	list := listing(all)
	if bytes.Equal(list, before.Listing) {
		for _, told := range before.Told {
			if err := into.Report(ctx, scanners.Scope{Name: told, State: scanners.Unchanged}); err != nil {
				return nil, err
			}
		}
		return previous, nil
	}
	reading := r.newReading(before, into)
	if err := reading.all(ctx, all.files); err != nil {
		return nil, err
	}
	if err := reading.tell(ctx, all.refused); err != nil {
		return nil, err
	}
	after := reading.after
	after.Listing = list
	return after.encode()
}
