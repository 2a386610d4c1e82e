package git

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// repository is one that is read.
type repository struct {
	scope  string   // ends in "/"; the names of its files begin with it
	remote *address // nil = it is a mirror
	dir    string   // of a mirror: where git keeps it
	err    error    // why it cannot be read, where that is known already
}

// scan is one scan.
type scan struct {
	*Scanner
	sink  scanners.Sink
	plain map[string]string  // empty repositories by format, whose settings are ours, to read the objects of others through
	was   map[string]*record // by scope
	again bool               // all is to be read again
	large chan struct{}      // is held while a large file is parsed

	mu      sync.Mutex
	now     map[string]record
	reached int             // repositories that were read or are unchanged
	unread  map[string]bool // those that could not be read, by scope
	failed  error           // why one of them could not
}

// Scan reads all repositories. One that cannot be read is reported as such; where none can, the scan fails.
func (s *Scanner) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	return s.scan(ctx, decodeState(previous), sink, func(string) bool { return true }, false)
}

// ScanParts reads those repositories again of which something is named, as far as they changed.
func (s *Scanner) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) ([]byte, error) {
	was := decodeState(previous)
	if was == nil || was.Reading != s.reading {
		return nil, fmt.Errorf("%w: nothing is known of it yet", scanners.ErrWhole)
	}
	asked := func(scope string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return strings.HasPrefix(name+"/", scope) || strings.HasSuffix(name, "/") && strings.HasPrefix(scope, name)
		})
	}
	return s.scan(ctx, was, sink, asked, true)
}

func (s *Scanner) scan(ctx context.Context, was *state, sink scanners.Sink, asked func(scope string) bool, part bool) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if was == nil {
		was = new(state)
	}
	r := &scan{Scanner: s, sink: sink, was: make(map[string]*record), now: make(map[string]record), unread: make(map[string]bool), again: was.Reading != s.reading, large: make(chan struct{}, 1)}
	for i := range was.Repositories {
		r.was[was.Repositories[i].Scope] = &was.Repositories[i]
	}
	temporary, err := r.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temporary) }() // it holds nothing
	list, err := r.list(ctx, asked)
	if err == nil {
		err = r.all(ctx, list)
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	case !part && r.reached == 0 && r.failed != nil:
		return nil, fmt.Errorf("none of %d git repositories can be read: %w", len(list), r.failed)
	}
	if err := r.settle(ctx, asked, part); err != nil {
		return nil, err
	}
	if len(s.remotes) > 0 && !part {
		sweep(s.config.Cache)
	}
	next := state{Reading: s.reading, Repositories: slices.Collect(maps.Values(r.now))}
	return next.encode()
}

// prepare makes the empty repositories that others are read through, in a folder which the caller removes.
func (s *scan) prepare(ctx context.Context) (temporary string, err error) {
	if err := s.program(ctx); err != nil {
		return "", err
	}
	if temporary, err = os.MkdirTemp("", "orrery-git-"); err != nil {
		return "", fmt.Errorf("git needs a folder for its work: %w", err)
	}
	if temporary, err = filepath.Abs(temporary); err != nil {
		return "", fmt.Errorf("git needs a folder for its work: %w", err)
	}
	s.plain = make(map[string]string)
	for _, format := range []string{"sha1", "sha256"} {
		s.plain[format] = filepath.Join(temporary, format)
		if err := makeRepository(s.plain[format], format, ""); err != nil {
			return "", errors.Join(fmt.Errorf("git needs a folder for its work: %w", err), os.RemoveAll(temporary))
		}
	}
	return temporary, nil
}

// list finds the repositories that are asked for.
func (s *scan) list(ctx context.Context, asked func(scope string) bool) ([]repository, error) {
	list := slices.Clone(s.remotes)
	for _, dir := range s.folders {
		if !asked(shownFolder(dir)) {
			continue
		}
		found, err := mirrors(ctx, dir)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return slices.DeleteFunc(list, func(r repository) bool { return !asked(r.scope) }), nil
}

// all reads repositories, several at a time.
func (s *scan) all(ctx context.Context, list []repository) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.config.Parallel)
	for _, r := range list {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return s.one(ctx, r) })
	}
	return group.Wait()
}

// one reads a repository. Its error ends the scan.
func (s *scan) one(ctx context.Context, r repository) error {
	now, err := s.look(ctx, r)
	var receiver *sinkError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &receiver):
		return receiver.err
	case err != nil:
		return s.unreadable(ctx, r, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reached++
	if now != nil {
		s.now[r.scope] = *now
	}
	return nil
}

// look reads a repository, if it is at another commit than before. nil = it is empty.
func (s *scan) look(ctx context.Context, r repository) (*record, error) {
	if r.err != nil {
		return nil, r.err
	}
	var head string
	var err error
	if r.remote != nil {
		head, err = s.remoteHead(ctx, r.remote)
	} else {
		head, err = s.mirrorHead(ctx, r.dir)
	}
	if err != nil || head == "" {
		return nil, err
	}
	if r.remote != nil {
		touch(s.config.Cache, r.remote, formatOf(head))
	}
	was := s.was[r.scope]
	if was != nil && !s.again && len(was.Commit) > 0 && hex.EncodeToString(was.Commit) == head {
		if err := s.sink.Report(ctx, scanners.Scope{Name: r.scope, State: scanners.Unchanged}); err != nil {
			return nil, &sinkError{err}
		}
		return was, nil
	}
	from := snapshot{repository: r, commit: head, was: was}
	if r.remote != nil {
		return s.readRemote(ctx, from)
	}
	from.objects = filepath.Join(r.dir, "objects")
	from.at = catalog.Version{Repository: strings.TrimSuffix(r.scope, "/")}
	if origin := s.origin(ctx, r.dir); origin != nil {
		from.at = origin.version()
	}
	now, err := s.read(ctx, from)
	return &now, err
}

func (a *address) version() catalog.Version {
	return catalog.Version{Repository: a.repository, Web: a.web}
}

// readRemote brings a commit into the cache, unless it is there, and reads it from there. A cache that turns out to be
// broken is made anew.
func (s *scan) readRemote(ctx context.Context, from snapshot) (_ *record, err error) {
	remote := from.repository.remote
	c, err := openCache(ctx, s.config.Cache, remote, formatOf(from.commit), 2*s.config.Timeout)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	from.at, from.objects = remote.version(), c.objects()
	from.fetch = func(ctx context.Context, oids []string) error { return s.fetchContents(ctx, remote, c, oids) }
	for again := false; ; again = true {
		now, err := s.fetchAndRead(ctx, from, c)
		if err == nil || again || !errors.Is(err, errBroken) || ctx.Err() != nil {
			return now, err
		}
		if err := c.clear(cmp.Or(c.mode, contents)); err != nil {
			return nil, err
		}
	}
}

func (s *scan) fetchAndRead(ctx context.Context, from snapshot, c *cache) (*record, error) {
	if c.commit() != from.commit {
		commit, err := s.fetch(ctx, from.repository.remote, c)
		if err != nil {
			return nil, err
		}
		from.commit = commit // it may have gone on meanwhile
	}
	if c.mode != contents {
		from.fetch = nil
	}
	now, err := s.read(ctx, from)
	if err != nil {
		return nil, err
	}
	in := call{gitDir: s.plain[c.format], objects: c.objects(), timeout: s.config.Timeout}
	if c.compact(ctx, in, from.commit) != nil { // it was read all the same, and is fetched anew when it is read again
		return &now, os.RemoveAll(c.dir)
	}
	return &now, nil
}

// unreadable reports a repository that cannot be read: what it said before stands, and it is read again next time.
func (s *scan) unreadable(ctx context.Context, r repository, err error) error {
	message := "this repository cannot be read: " + strings.ReplaceAll(folder.Plain(err).Error(), "\n", "; ")
	s.mu.Lock()
	s.failed = fmt.Errorf("%s: %w", strings.TrimSuffix(r.scope, "/"), err)
	s.unread[r.scope] = true
	s.now[r.scope] = record{Scope: r.scope}
	for scope, was := range s.was { // where a folder of mirrors cannot be read, none in it can
		if strings.HasPrefix(scope, r.scope) {
			kept := *was
			kept.Commit = nil
			s.now[scope] = kept
		}
	}
	s.mu.Unlock()
	location := strings.TrimSuffix(r.scope, "/")
	return s.sink.Report(ctx, scanners.Scope{
		Name: r.scope, State: scanners.Unreadable, Error: message,
		Documents: []*catalog.Document{{Location: location, Problems: []catalog.Problem{{
			Severity: catalog.Error, Code: "unreadable-repository", Location: location, Message: message, Fix: fix(err, r),
		}}}},
	})
}

// fix is what a person can do about a repository that cannot be read.
func fix(err error, r repository) string {
	switch {
	case errors.Is(err, errBranch), errors.Is(err, errHead):
		return "name another branch in the configuration of the source, or make this one"
	case errors.Is(err, errLarge):
		return "narrow the files that are read by catalogFiles, or allow more by the configuration of the source"
	case errors.Is(err, errElsewhere), errors.Is(err, errLinked):
		return "name the folder in which the repository itself is"
	case r.remote != nil:
		return "check that this machine reaches the host and may read the repository, or take it out of the source"
	default:
		return "mend the mirror, or take it out of the folder"
	}
}

// settle says of a scan of parts what has gone beside what was asked for, and keeps what is known of the rest.
func (s *scan) settle(ctx context.Context, asked func(scope string) bool, part bool) error {
	if !part {
		return nil
	}
	for scope, was := range s.was {
		if !asked(scope) {
			s.now[scope] = *was
			continue
		}
		now, found := s.now[scope]
		if found && was.Commit == nil && !s.unread[scope] { // what was said of the repository itself
			if err := s.sink.Report(ctx, scanners.Scope{Name: scope}); err != nil {
				return err
			}
		}
		for _, file := range was.Files {
			if now.holds(file.Path) {
				continue
			}
			if err := s.sink.Report(ctx, scanners.Scope{Name: scope + file.Path}); err != nil {
				return err
			}
		}
	}
	return nil
}
