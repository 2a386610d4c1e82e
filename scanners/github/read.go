package github

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// codeowners are the places where GitHub looks for a CODEOWNERS file, the first of which counts.
var codeowners = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// reading is what one repository is to be read for.
type reading struct {
	listed *listed
	branch string
	commit string   // instead of the head of the branch; "" = that
	extra  []string // names and globs that Locations elsewhere name
	was    *record  // what is known of it; nil = nothing
	// stands: what was said of it stands, so that what did not change is not read again.
	stands bool
	force  bool // Locations in it have to be looked at again
	// fresh, by name, are files to be read though they did not change; nil = none.
	fresh map[string]bool
}

// result is what a repository says.
type result struct {
	scopes []scanners.Scope // none with same
	same   bool             // it says what it said
	record *record
	doubt  bool // some of its Locations could not be read, so that nobody knows all that they name
}

// read reads a repository. An error means that nobody knows what it says.
func (r *run) read(ctx context.Context, p *place, of reading) (*result, error) {
	fixed, globs := splitNames(slices.Concat(r.config.CatalogFiles, of.extra))
	t, owners, err := r.head(ctx, p, of, fixed)
	if err == nil && t == nil && of.commit == "" && r.config.Branch == "" && of.was != nil && len(of.was.Files) > 0 {
		t, owners, err = r.elsewhereHead(ctx, p, &of, fixed)
	}
	if err != nil {
		return nil, err
	}
	next := &record{
		ID: of.listed.ID, FullName: of.listed.FullName, Branch: of.branch, Flags: of.listed.Flags, Pushed: of.listed.Pushed,
		Extra: of.extra,
	}
	if t == nil && of.commit != "" {
		return nil, fmt.Errorf("%s has no commit %s", next.FullName, of.commit)
	}
	if t == nil { // there is nothing on the branch, or no branch
		return &result{record: next}, nil
	}
	next.Owners = owners
	was := of.was
	stands := of.stands && was != nil && was.FullName == next.FullName && bytes.Equal(was.Owners, owners)
	if stands && slices.Equal(was.Extra, of.extra) && of.commit == "" && !of.force && r.same(t, was, fixed, globs) {
		next.Tree, next.Files, next.Silent, next.Targets = was.Tree, was.Files, was.Silent, was.Targets
		return &result{same: true, record: next}, nil
	}
	if len(globs) > 0 {
		if err := t.prepare(ctx, globs); err != nil {
			return nil, err
		}
	}
	said := &said{run: r, tree: t, was: was, stands: stands, fresh: of.fresh, prefix: r.prefix(next.FullName), repository: next.FullName}
	if err := said.scan(ctx, p, of, fixed, globs); err != nil {
		return nil, cmp.Or(t.failure(), err)
	}
	if err := t.failure(); err != nil {
		return nil, err
	}
	said.missingExtra(of.extra)
	doubt := said.fill(next, len(globs) > 0)
	if doubt && was != nil {
		next.Targets = append(next.Targets, was.Targets...)
	}
	slices.Sort(next.Targets)
	next.Targets = slices.Compact(next.Targets)
	return &result{scopes: said.scopes, record: next, doubt: doubt}, nil
}

// prefix is what the names of all scopes of a repository begin with.
func (r *run) prefix(fullName string) string { return r.host + "/" + fullName + "/" }

// splitNames tells paths from globs.
func splitNames(names []string) (fixed, globs []string) {
	fixed = []string{}
	for _, name := range names {
		if strings.ContainsAny(name, "*?[{") {
			globs = append(globs, name)
		} else if !slices.Contains(fixed, name) {
			fixed = append(fixed, name)
		}
	}
	return fixed, globs
}

// head asks for the commit that is to be read, with the files that are read in any case. nil = there is none.
func (r *run) head(ctx context.Context, p *place, of reading, fixed []string) (*tree, []byte, error) {
	names := slices.Clone(fixed)
	for _, name := range codeowners {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	commit, root := of.commit, of.commit
	if p.asker != nil {
		q := &question{owner: p.owner, name: p.name, commit: of.commit, files: names}
		if of.commit == "" {
			q.branch = of.branch
		}
		p.asker.ask(ctx, q)
		switch {
		case noGraphQL(q.err), q.heavy: // by REST it may be answered piece by piece
			p.asker, p.heavy = nil, q.heavy
		case q.err != nil:
			return nil, nil, q.err
		case q.answer.commit == "":
			return nil, nil, nil
		default:
			t := newTree(ctx, p, q.answer.commit, q.answer.tree)
			t.know(names, q.answer.files)
			return t, t.ownersDigest(), nil
		}
	}
	var t *tree
	err := p.begin(func() (err error) {
		if of.commit == "" {
			if commit, root, err = p.head(ctx, of.branch); err != nil || commit == "" {
				return err
			}
		}
		t = newTree(ctx, p, commit, root)
		_, _ = t.ReadDir(".") // that it is too much to list is told by whoever wants it all
		return t.failure()
	})
	if err != nil || t == nil {
		return nil, nil, err
	}
	return t, t.ownersDigest(), nil
}

// elsewhereHead looks for the default branch of a repository that had files and has none on the branch that was listed: it may
// have got another since.
func (r *run) elsewhereHead(ctx context.Context, p *place, of *reading, fixed []string) (*tree, []byte, error) {
	now, err := r.lookUp(ctx, p.owner, byID(of.listed.ID))
	if err != nil || now == nil || r.config.branch(now) == of.branch {
		return nil, nil, err
	}
	of.branch = r.config.branch(now)
	return r.head(ctx, p, *of, fixed)
}

// ownersDigest tells the CODEOWNERS of two commits apart.
func (f *tree) ownersDigest() []byte {
	var digest []byte
	for i, name := range codeowners {
		if oid := object(f.oid(name)); oid != nil {
			digest = append(append(digest, byte(i)), oid[:7]...)
		}
	}
	return digest
}

// same says whether a repository holds what it held, as far as that matters.
func (r *run) same(t *tree, was *record, fixed, globs []string) bool {
	if slices.ContainsFunc(was.Files, func(f fileRecord) bool { return len(f.Blob) == 0 }) {
		return false // what is wrong with it is told each time
	}
	if len(was.Tree) > 0 {
		return bytes.Equal(was.Tree, object(t.root))
	}
	if len(globs) > 0 {
		return false
	}
	known := 0
	for _, name := range fixed {
		blob := object(t.oid(name))
		at := was.file(name)
		switch {
		case at != nil && (!at.Alone || !bytes.Equal(at.Blob, blob)):
			return false
		case at != nil:
			known++
		case blob != nil && !was.silent(name, blob):
			return false
		}
	}
	return known == len(was.Files)
}

// prepare lists all files, so that what globs fit is known, and gets what tells which of them are ignored.
func (f *tree) prepare(ctx context.Context, globs []string) error {
	if _, err := f.ReadDir("."); err != nil {
		return err
	}
	f.mu.Lock()
	leading := map[string]bool{".": true}
	for name, n := range f.nodes {
		if n.mode&modeKind == modeTree {
			continue
		}
		if slices.ContainsFunc(globs, func(glob string) bool { return doublestar.MatchUnvalidated(glob, name) }) {
			for above := path.Dir(name); !leading[above]; above = path.Dir(above) {
				leading[above] = true
			}
		}
	}
	// A .gitignore beside which nothing is found need not be fetched.
	if f.complete {
		f.hidden = func(name string) bool { return path.Base(name) == ".gitignore" && !leading[path.Dir(name)] }
	}
	var ignores []string
	for dir := range leading {
		if name := folder.Join(dir, ".gitignore"); f.nodes[name] != nil {
			ignores = append(ignores, name)
		}
	}
	f.mu.Unlock()
	slices.Sort(ignores)
	return f.Fetch(ctx, ignores)
}

// said takes what a repository says, as the reader of files tells it.
type said struct {
	*run
	tree       *tree
	was        *record
	stands     bool
	fresh      map[string]bool
	prefix     string
	repository string

	memory scanners.Memory // of the receiver; nil = it has none

	mu      sync.Mutex
	scopes  []scanners.Scope
	alone   map[string]bool // by name
	silent  [][]byte
	targets []string
}

func (s *said) scan(ctx context.Context, p *place, of reading, fixed, globs []string) error {
	s.memory, _ = s.sink.(scanners.Memory)
	s.alone = make(map[string]bool)
	reader, err := files.New(files.Config{
		Roots:   []files.Root{{FS: s.tree, Display: strings.TrimSuffix(s.prefix, "/")}},
		Include: globs, Exclude: s.config.ExcludeFiles,
		Repository: files.Repository{
			Names: fixed, Anchored: true, Owners: codeowners, Large: s.large, Before: s.before, Version: s.version, Note: s.note,
			Elsewhere: func(name, target string) *catalog.Problem { return s.elsewhere(name, target) },
		},
	})
	if err != nil {
		return err
	}
	_, err = reader.Scan(ctx, nil, s)
	return err
}

// Report implements scanners.Sink.
func (s *said) Report(ctx context.Context, scope scanners.Scope) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = append(s.scopes, scope)
	return context.Cause(ctx)
}

// Said implements scanners.Memory.
func (s *said) Said(scope string) []string {
	if s.memory == nil {
		return nil
	}
	return s.memory.Said(scope)
}

// Scopes implements scanners.Memory, for this repository.
func (s *said) Scopes() []string {
	if s.memory == nil {
		return nil
	}
	all := s.memory.Scopes()
	from, _ := slices.BinarySearch(all, s.prefix)
	to := from
	for to < len(all) && strings.HasPrefix(all[to], s.prefix) {
		to++
	}
	return all[from:to]
}

// before says whether a file says what it said.
func (s *said) before(name, real string) files.Said {
	if !s.stands || s.fresh[name] {
		return files.SaidUnknown
	}
	blob := object(s.tree.oid(real))
	if at := s.was.file(name); at != nil && at.Alone && name == real && bytes.Equal(at.Blob, blob) && blob != nil {
		s.note(files.Note{Name: name, Real: real, Alone: true})
		return files.SaidSame
	}
	if blob != nil && s.was.silent(real, blob) {
		s.note(files.Note{Name: name, Real: real, Silent: true})
		return files.SaidNothing
	}
	return files.SaidUnknown
}

// commit is the one at which a file with that content was read first.
func (s *said) commit(name, real string) string {
	if at := s.was.file(name); s.kept && at != nil && len(at.Commit) > 0 && bytes.Equal(at.Blob, object(s.tree.oid(real))) {
		return hex.EncodeToString(at.Commit)
	}
	return s.tree.commit
}

func (s *said) version(name, real string) *catalog.Version {
	return &catalog.Version{
		Repository: s.host + "/" + s.repository, Path: real, Commit: s.commit(name, real),
		Web: s.config.Connection.WebURL() + "/" + s.repository + "/blob/",
	}
}

func (s *said) note(note files.Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if note.Silent {
		if blob := object(s.tree.oid(note.Real)); blob != nil {
			s.silent = append(s.silent, silentDigest(note.Real, blob))
		}
		return
	}
	s.alone[note.Name] = note.Alone && note.Name == note.Real
}

// fill completes the record by what was said. doubt = Locations may name more than is known.
func (s *said) fill(next *record, globs bool) (doubt bool) {
	depends := globs
	for _, scope := range s.scopes {
		name := strings.TrimPrefix(scope.Name, s.prefix)
		at := fileRecord{Name: name, Alone: s.alone[name]}
		if scope.State == scanners.Unreadable {
			next.Pushed = again // so that it is told again
		}
		doubt = doubt || scope.State == scanners.Unreadable || scope.State == scanners.Partly
		if _, understood := s.alone[name]; understood {
			real := name
			if at.Blob = object(s.tree.oid(real)); len(scope.Documents) > 0 && scope.Documents[0].Version != nil {
				real = scope.Documents[0].Version.Path
				at.Blob = object(s.tree.oid(real))
			}
			at.Commit = object(s.commit(name, real))
		}
		depends = depends || !at.Alone
		next.Files = append(next.Files, at)
	}
	slices.SortFunc(next.Files, func(a, b fileRecord) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.silent, bytes.Compare)
	next.Silent = bytes.Join(slices.CompactFunc(s.silent, bytes.Equal), nil)
	if depends {
		next.Tree = object(s.tree.root)
	}
	next.Targets = s.targets
	return doubt
}
