package files

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

const (
	// maxLocationSteps is how many Locations may lead, one after the other, to a file.
	maxLocationSteps = 32
	// maxGlobWork bounds what the globs of all targets in a root may cost together, in matches of a short pattern against a
	// path, so that many small files with wide globs cannot make a scan endless.
	maxGlobWork = 10_000_000
	// listingWork is what reading a folder costs in the same measure.
	listingWork = 16
	// maxListed is how many folder entries are kept for the next glob.
	maxListed = 200_000
	// maxTargetBytes and maxAlternatives keep the time that matching one path takes small: alternatives multiply.
	maxTargetBytes  = 1024
	maxAlternatives = 16
)

var (
	errTooMuchWork = errors.New("the globs of this folder's Locations have looked at too many files")
	errHardGlob    = fmt.Errorf("it is longer than %d bytes or has more than %d alternatives in braces", maxTargetBytes, maxAlternatives)
	errGit         = errors.New("what is in .git is not part of the repository")
)

// isRemote says whether a target is a URL. Those are not read by a scanner of files.
func isRemote(target string) bool { return strings.Contains(target, "://") }

// target finds the files that a target of a Location in file f names and remembers them for the next round. The problem
// is nil when there is nothing to tell; its Code, Message and Fix are set.
func (r *run) target(f file, target string, optional bool) *catalog.Problem {
	names, err := r.expand(f, target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if optional {
			return nil
		}
		return &catalog.Problem{
			Code: "missing-target", Message: fmt.Sprintf("the target %q does not exist", target),
			Fix: "correct the path, or state presence: optional",
		}
	case err != nil:
		return &catalog.Problem{
			Code: "refused-target", Message: fmt.Sprintf("the target %q is not read: %v", target, folder.Plain(err)),
			Fix: "name a file inside the scanned folder",
		}
	case f.steps == maxLocationSteps:
		return &catalog.Problem{
			Code:    "refused-target",
			Message: fmt.Sprintf("the target %q is not read: %d Locations, one after the other, led here", target, maxLocationSteps),
			Fix:     "name the file in a Location further up",
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if !folder.Matches(r.config.Exclude, name) && (r.part == nil || r.part.covers(name)) {
			r.next[name] = file{name: name, real: name, steps: f.steps + 1}
		}
	}
	return nil
}

// expand finds the files a target names, without links. None is an error wrapping fs.ErrNotExist.
func (r *run) expand(f file, target string) ([]string, error) {
	name, err := r.from(f, target)
	if err != nil {
		return nil, err
	}
	real, info, err := folder.Resolve(r.tree, name)
	r.noteTarget(f, name, real, err != nil && strings.ContainsAny(target, "*?[{"))
	switch {
	case err == nil && info.IsDir():
		return nil, errors.New("it is a folder")
	case err == nil && !info.Mode().IsRegular():
		return nil, folder.ErrIrregular
	case err == nil && inGit(real):
		return nil, errGit
	case err == nil:
		return []string{real}, nil
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(target, "*?[{"):
		return r.glob(name)
	default:
		return nil, err
	}
}

// from is the name in the tree that a path written in file f means.
func (r *run) from(f file, target string) (string, error) {
	var err error
	if path.IsAbs(target) || filepath.IsAbs(target) {
		if target, err = r.tree.Inside(target); err != nil {
			return "", err
		}
		return target, nil
	}
	name := path.Join(path.Dir(f.real), target)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", folder.ErrOutside
	}
	return name, nil
}

// glob finds the files that fit a pattern, sorted. It passes no links and enters no junk.
func (r *run) glob(pattern string) ([]string, error) {
	switch {
	case !doublestar.ValidatePattern(pattern):
		return nil, errors.New("it is not a glob: check its brackets and braces")
	case len(pattern) > maxTargetBytes,
		strings.Contains(pattern, "{") && strings.Count(pattern, "{")+strings.Count(pattern, ",") > maxAlternatives:
		return nil, errHardGlob
	}
	base, rest := doublestar.SplitPattern(pattern)
	depth := strings.Count(rest, "/")
	if strings.Contains(rest, "**") || strings.Contains(rest, "{") {
		depth = r.config.MaxFolderDepth
	}
	work := matchWork(pattern)
	var found []string
	type level struct {
		dir   string
		depth int
	}
	for stack := []level{{base, depth}}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		entries, err := r.listings.read(r.tree, at.dir)
		if err != nil {
			return nil, err
		}
		if !r.listings.spend(work * int64(len(entries))) {
			return nil, errTooMuchWork
		}
		for _, entry := range entries {
			name := folder.Join(at.dir, entry.Name())
			switch {
			case entry.IsDir() && at.depth > 0 && !folder.Junk(r.tree, name):
				stack = append(stack, level{name, at.depth - 1})
			case entry.Type().IsRegular() && doublestar.MatchUnvalidated(pattern, name):
				found = append(found, name)
			}
		}
	}
	if len(found) == 0 {
		return nil, fs.ErrNotExist
	}
	slices.Sort(found)
	return found, nil
}

// matchWork is what matching one path costs: alternatives are tried one by one.
func matchWork(pattern string) int64 {
	work := 1 + int64(len(pattern))/32
	for group := range strings.SplitSeq(pattern, "}") {
		if _, alternatives, ok := strings.Cut(group, "{"); ok {
			work *= 1 + int64(strings.Count(alternatives, ","))
		}
	}
	return work
}

// listings are the folders of a root as globs see them, kept since many globs look at the same ones.
type listings struct {
	mu     sync.Mutex
	byDir  map[string][]fs.DirEntry
	listed int   // entries in byDir
	spent  int64 // of maxGlobWork
}

// spend counts work; false = there was too much.
func (l *listings) spend(work int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spent += work
	return l.spent <= maxGlobWork
}

// read lists a folder. One that cannot be read has nothing that can fit.
func (l *listings) read(t *folder.Opened, dir string) ([]fs.DirEntry, error) {
	l.mu.Lock()
	entries, ok := l.byDir[dir]
	l.mu.Unlock()
	if ok {
		return entries, nil
	}
	if !l.spend(listingWork) {
		return nil, errTooMuchWork
	}
	entries, err := t.ReadDir(dir)
	if err != nil {
		entries = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.byDir[dir]; !ok && l.listed+1+len(entries) <= maxListed {
		l.byDir[dir] = entries
		l.listed += 1 + len(entries)
	}
	return entries, nil
}

func inGit(name string) bool { return slices.Contains(strings.Split(name, "/"), ".git") }
