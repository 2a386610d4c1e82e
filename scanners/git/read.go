package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/codeowners"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
)

const (
	// maxPasses is how often the files of a commit are read, each time with those contents that the last time asked for. Two
	// are usual; placeholders, links and Locations may lead on, one after the other.
	maxPasses = 50
	// maxKept is how many scopes of one repository are kept until it is known that all could be read; of more, they are
	// reported as they come, when they are read once more.
	maxKept = 5000
)

// snapshot is a commit of a repository, to be read.
type snapshot struct {
	repository repository
	commit     string
	at         catalog.Version // without Path and Commit
	objects    string          // the folder of its objects
	was        *record         // what is known of the repository; nil = nothing
	// fetch brings contents that are missing; nil = what is missing stays so.
	fetch func(ctx context.Context, oids []string) error
}

// read reads the catalog files of a commit and reports them.
func (s *scan) read(ctx context.Context, from snapshot) (record, error) {
	in := call{gitDir: s.plain[formatOf(from.commit)], objects: from.objects, timeout: s.config.Timeout}
	top, err := readTree(ctx, in, from.commit)
	if err != nil {
		return record{}, err
	}
	direct := false
	for range maxPasses {
		take := &taking{scan: s, from: &from, direct: direct}
		err := s.pass(ctx, in, top, take)
		var receiver *sinkError
		if direct && ctx.Err() == nil && !errors.As(err, &receiver) && (err != nil || take.lacks()) { // some of it was reported: it is not read twice
			return record{}, fmt.Errorf("it was changed while it was read (%s)", cmp.Or(err, errMissing).Error())
		}
		if err != nil {
			return record{}, err
		}
		missing := slices.Collect(maps.Keys(take.objects.missing))
		switch {
		case take.lacks():
			if err := from.fetch(ctx, missing); err != nil {
				return record{}, err
			}
			if still, err := lack(ctx, in, missing); err != nil || still {
				return record{}, fmt.Errorf("%w: what was fetched is not there", errors.Join(errBroken, err))
			}
		case take.over && !direct:
			direct = true
		default:
			return s.finish(ctx, take, len(missing) > 0)
		}
	}
	return record{}, fmt.Errorf("after %d times of fetching what its files name, they name more", maxPasses)
}

// pass reads the files of a tree once.
func (s *scan) pass(ctx context.Context, in call, top *entry, take *taking) error {
	objects, err := openObjects(ctx, in)
	if err != nil {
		return err
	}
	defer objects.close()
	take.objects = objects
	fsys := &tree{top: top, objects: objects, largest: s.config.MaxFileBytes}
	for _, name := range codeowners.Places() { // it will be asked for, and is better fetched with the rest
		if file, err := fsys.Open(name); err == nil {
			_ = file.Close() // of which nothing was read
		}
	}
	scanner, err := files.New(files.Config{
		Roots: []files.Root{{
			FS: fsys, Display: strings.TrimSuffix(take.from.repository.scope, "/"),
		}},
		Repository: files.Repository{Owners: codeowners.Places(), Large: s.large},
		Include:    s.config.CatalogFiles, Exclude: s.config.ExcludeFiles, MaxFileBytes: s.config.MaxFileBytes,
	})
	if err != nil {
		return err
	}
	var sink scanners.Sink = take
	if memory, ok := s.sink.(scanners.Memory); ok {
		sink = &takingMemory{take, memory}
	}
	_, err = scanner.Scan(ctx, nil, sink)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case take.refused != nil:
		return &sinkError{take.refused}
	case objects.broken != nil:
		return objects.broken
	}
	return err
}

// lack says whether one of the objects is not there.
func lack(ctx context.Context, in call, oids []string) (bool, error) {
	objects, err := openObjects(ctx, in)
	if err != nil {
		return false, err
	}
	defer objects.close()
	for _, oid := range oids {
		if _, err := objects.size(oid); errors.Is(err, errMissing) {
			return true, nil
		} else if err != nil {
			return false, err
		}
	}
	return false, nil
}

// finish reports what was kept, and says what is known now. What lacks something is read again next time.
func (s *scan) finish(ctx context.Context, take *taking, lacking bool) (record, error) {
	for _, scope := range take.kept {
		if err := s.sink.Report(ctx, scope); err != nil {
			return record{}, &sinkError{err}
		}
	}
	now, err := remember(take.from.repository.scope, take.from.commit, take.files)
	if lacking {
		now.Commit = nil
	}
	return now, err
}

// sinkError is an error of the receiver, which ends the scan.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// taking is a sink for one pass.
type taking struct {
	scan    *scan
	from    *snapshot
	objects *objects
	direct  bool // scopes are handed on as they come

	mu      sync.Mutex
	kept    []scanners.Scope
	files   []readFile
	over    bool  // there were too many to keep
	refused error // by the receiver
}

// takingMemory is a taking that knows what was said before.
type takingMemory struct {
	*taking
	memory scanners.Memory
}

func (t *takingMemory) Said(scope string) []string { return t.memory.Said(scope) }
func (t *takingMemory) Scopes() []string           { return t.memory.Scopes() }

// lacks says whether something was asked for that is to be fetched, so that what is taken is not the whole.
func (t *taking) lacks() bool {
	t.objects.mu.Lock()
	defer t.objects.mu.Unlock()
	return t.from.fetch != nil && len(t.objects.missing) > 0
}

// Report takes a scope and says where it stands in version control.
func (t *taking) Report(ctx context.Context, scope scanners.Scope) error {
	if t.lacks() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.kept, t.files = nil, nil
		return nil
	}
	file := readFile{path: strings.TrimPrefix(scope.Name, t.from.repository.scope)}
	hints := hintsOf(&scope)
	for _, hint := range hints {
		hint.Version = nil
	}
	var err error
	if file.said, err = said(&scope); err != nil {
		return t.refuse(err)
	}
	file.commit = t.from.was.commit(file.path, file.said, t.from.commit)
	at := t.from.at
	at.Path, at.Commit = strings.TrimSuffix(file.path, "/"), file.commit
	for _, document := range scope.Documents {
		document.Version = &at
	}
	for _, hint := range hints { // the line that it names was there when the file said first what it says
		if path, inside := strings.CutPrefix(hint.Location, t.from.repository.scope); inside {
			hint.Version = &catalog.Version{Repository: at.Repository, Path: path, Commit: at.Commit, Web: at.Web}
		}
	}
	t.mu.Lock()
	t.files = append(t.files, file)
	if !t.direct {
		defer t.mu.Unlock()
		if t.over = t.over || len(t.kept) == maxKept; t.over {
			t.kept, t.files = nil, nil
			return nil
		}
		t.kept = append(t.kept, scope)
		return nil
	}
	t.mu.Unlock()
	return t.refuse(t.scan.sink.Report(ctx, scope))
}

func hintsOf(scope *scanners.Scope) []*catalog.OwnerHint {
	var hints []*catalog.OwnerHint
	for _, document := range scope.Documents {
		for i := range document.Claims {
			for j := range document.Claims[i].OwnerHints {
				hints = append(hints, &document.Claims[i].OwnerHints[j])
			}
		}
	}
	return hints
}

func (t *taking) refuse(err error) error {
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refused = err
	}
	return err
}
