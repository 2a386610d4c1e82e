package files

import (
	"context"
	"iter"
	"path"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

// Watch implements scanners.Watcher. It ends where [folder.Watch] does.
func (s *Scanner) Watch(ctx context.Context, changed func(names ...string)) error {
	watch, err := folder.NewWatch(s.config.Roots, s.config.options(), s.matters)
	if err != nil {
		return err
	}
	s.setWatch(watch)
	defer s.setWatch(nil)
	return watch.Run(ctx, changed)
}

// setWatch makes a watch hear of what scans find.
func (s *Scanner) setWatch(w *folder.Watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = w
	if w != nil && s.known != nil {
		for i := range s.known.roots {
			w.Also(i, s.known.roots[i].needed())
		}
	}
}

// matters says whether a file of another name than those that are found by it can matter to a scan.
func (s *Scanner) matters(root int, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		return true // a scan is under way, and nobody knows yet
	}
	k := &s.known.roots[root]
	return path.Base(name) == "CODEOWNERS" || k.scopes.Contains(folder.Shown(k.base, name)) || len(k.readers[name]) > 0 || len(k.naming(name, false)) > 0 || k.linked(name)
}

// needed yields the names, in the tree, of files that say something through others.
func (r *relations) needed() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range r.readers {
			if !yield(name) {
				return
			}
		}
		for _, l := range r.locations {
			for _, p := range l.patterns {
				if !p.glob && !yield(p.name) {
					return
				}
			}
		}
		for _, leads := range r.links {
			for _, lead := range leads {
				if !yield(lead) {
					return
				}
			}
		}
	}
}
