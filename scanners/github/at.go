package github

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// ReadAt reads files of a repository (owner/name) at a commit, by their paths; nil = all that a scan would read. It tells what
// a scan would say of them if the commit were the head of the branch: of a path that a scan would not read, nothing; of one
// that it read and that is not there, that it is gone.
func (s *Scanner) ReadAt(ctx context.Context, repository, commit string, paths []string) (scopes []scanners.Scope, err error) {
	defer func() { err = connect.Explain(err) }()
	if object(commit) == nil {
		return nil, fmt.Errorf("%q is no commit", commit)
	}
	r, l, err := s.at(ctx, repository)
	if err != nil {
		return nil, err
	}
	if r.base.find(l.ID) == nil && !s.config.reads(l) { // nor would a scan
		return nil, nil
	}
	wanted := make(map[string]bool)
	for _, name := range paths {
		wanted[r.prefix(l.FullName)+name] = true
	}
	of := reading{
		listed: l, branch: r.config.branch(l), commit: strings.ToLower(commit), extra: r.named()[l.ID], was: r.base.find(l.ID),
		stands: r.stands && paths != nil, fresh: make(map[string]bool),
	}
	for _, name := range paths {
		of.fresh[name] = true
	}
	found, err := r.read(ctx, r.at(l, newAsker(r.config.Connection, l.owner())), of)
	if err != nil {
		return nil, err
	}
	scopes = found.scopes
	if of.was != nil {
		for _, file := range of.was.Files {
			scope := r.prefix(l.FullName) + file.Name
			if !slices.ContainsFunc(scopes, func(told scanners.Scope) bool { return told.Name == scope }) {
				scopes = append(scopes, scanners.Scope{Name: scope, State: scanners.Gone})
			}
		}
	}
	if paths != nil {
		scopes = slices.DeleteFunc(scopes, func(scope scanners.Scope) bool { return !wanted[scope.Name] })
		if scopes, err = r.absent(ctx, l, of.commit, paths, scopes); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(scopes, func(a, b scanners.Scope) int { return strings.Compare(a.Name, b.Name) })
	return scopes, nil
}

// absent adds those paths that may be of catalog files and are not there: who has not scanned, or another scans for, does not
// know whether they were read.
func (r *run) absent(ctx context.Context, l *listed, commit string, paths []string, scopes []scanners.Scope) ([]scanners.Scope, error) {
	var at *tree // is asked where it is needed
	for _, name := range paths {
		scope := r.prefix(l.FullName) + name
		if !fs.ValidPath(name) || !wanted(name) && !r.config.readsFile(name) ||
			slices.ContainsFunc(scopes, func(told scanners.Scope) bool { return told.Name == scope }) {
			continue
		}
		if at == nil {
			at = newTree(ctx, r.at(l, newAsker(r.config.Connection, l.owner())), commit, commit)
		}
		if _, err := at.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			scopes = append(scopes, scanners.Scope{Name: scope, State: scanners.Gone})
		} else if err := at.failure(); err != nil {
			return nil, err
		}
	}
	return scopes, nil
}

// Files is what a repository (owner/name) holds at a commit; "" = at the head of the branch that is read. Files are fetched
// when they are opened, and for as long as ctx lasts.
func (s *Scanner) Files(ctx context.Context, repository, commit string) (files fs.FS, err error) {
	defer func() { err = connect.Explain(err) }()
	r, l, err := s.at(ctx, repository)
	if err != nil {
		return nil, err
	}
	p, root := r.at(l, newAsker(r.config.Connection, l.owner())), commit
	if commit == "" {
		if commit, root, err = p.head(ctx, r.config.branch(l)); err != nil {
			return nil, err
		}
		if commit == "" {
			return nil, fmt.Errorf("%s has nothing on the branch %s", l.FullName, r.config.branch(l))
		}
	}
	return newTree(ctx, p, commit, root), nil
}

// at prepares to look at one repository.
func (s *Scanner) at(ctx context.Context, repository string) (*run, *listed, error) {
	base := s.known()
	r := s.newRun(nowhere{}, base)
	var l *listed
	for _, known := range r.base.Repositories {
		here := &listed{ID: known.ID, FullName: known.FullName, Branch: known.Branch, Flags: known.Flags}
		r.listed[known.ID], r.names[strings.ToLower(known.FullName)] = here, known.ID
		if strings.EqualFold(known.FullName, repository) {
			l = here
		}
	}
	if l != nil {
		return r, l, nil
	}
	owner, name, ok := strings.Cut(repository, "/")
	if !ok || !isName(owner) || !isName(name) {
		return nil, nil, fmt.Errorf("%q is no name of a repository", repository)
	}
	l, err := s.lookUp(ctx, owner, "repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name))
	if err != nil {
		return nil, nil, err
	}
	if l == nil {
		return nil, nil, fmt.Errorf("GitHub has no repository %s, or does not show it: %w", repository, fs.ErrNotExist)
	}
	r.listed[l.ID], r.names[strings.ToLower(l.FullName)] = l, l.ID
	return r, l, nil
}

// at is where a repository is asked about.
func (r *run) at(l *listed, a *asker) *place {
	return &place{scanner: r.Scanner, owner: l.owner(), name: l.name(), asker: a, begin: a.byREST}
}

// nowhere is a sink that nothing is reported to.
type nowhere struct{}

// Report implements scanners.Sink.
func (nowhere) Report(context.Context, scanners.Scope) error { return nil }
