package manifests

import (
	"context"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

// Watch implements scanners.Watcher, by names of files as ScanParts takes them. It ends where [folder.Watch] does.
func (s *Scanner) Watch(ctx context.Context, changed func(names ...string)) error {
	watch, err := folder.NewWatch(s.config.Roots, s.options(), s.matters)
	if err != nil {
		return err
	}
	s.setWatch(watch)
	defer s.setWatch(nil)
	return watch.Run(ctx, func(names ...string) {
		scopes := make([]string, len(names))
		for i, name := range names {
			scopes[i] = fileScopes + name
		}
		changed(scopes...)
	})
}

func (s *Scanner) setWatch(w *folder.Watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = w
	s.follow()
}

// matters says whether a file of another name than those that are read can matter.
func (s *Scanner) matters(root int, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known == nil || s.known.roots[root].linked(name)
}
