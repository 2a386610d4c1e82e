package folder

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Reading is how the files of a root are read.
type Reading[F any] struct {
	Root     string                                  // display name, for messages
	Opened   map[string]bool                         // what was read already, over all roots of a scan, by location; Each adds to it
	Most     int                                     // how many files may be opened, those in Opened included
	Location func(F) string                          // what tells a file apart
	Read     func(ctx context.Context, file F) error // is called from several goroutines
}

// Each reads the files that find emits, several at a time, each only once in a scan.
func (r Reading[F]) Each(ctx context.Context, find func(ctx context.Context, emit func(context.Context, F) error) error) error {
	group, ctx := errgroup.WithContext(ctx)
	files := make(chan F)
	group.Go(func() error {
		defer close(files)
		return find(ctx, func(ctx context.Context, file F) error {
			location := r.Location(file)
			if r.Opened[location] {
				return nil
			}
			if len(r.Opened) >= r.Most {
				return fmt.Errorf("folder %s has more than %d files to open: narrow it by include or exclude", r.Root, r.Most)
			}
			r.Opened[location] = true
			select {
			case files <- file:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for file := range files {
				if err := r.Read(ctx, file); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
