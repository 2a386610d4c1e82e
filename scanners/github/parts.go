package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// maxParts is how many repositories are asked for one by one; for more, a listing costs less.
const maxParts = 50

// part is a repository that is asked for by its name.
type part struct {
	owner, name string
	known       *record   // of that name; nil = none
	found       []*listed // what has the name now, and where that which had it went
	err         error
}

// ScanParts reads repositories again: by their own names (`github.com/acme/checkout/`, the old or the new one after a
// rename) or those of files in them; all of an owner, by its name (`github.com/acme/`), as a part of the whole; and teams
// (`teams/github.com/acme`).
func (s *Scanner) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) (next []byte, err error) {
	defer func() { err = connect.Explain(err) }()
	base := s.base(previous)
	stands := base != nil
	if base == nil && len(previous) == 0 {
		base = s.known() // which is enough to find the parts
	}
	if base == nil || !bytes.Equal(base.Config, s.config.digest()) {
		return nil, fmt.Errorf("%w: nothing is known of it yet", scanners.ErrWhole)
	}
	s.begin(base)
	r := s.newRun(sink, base)
	r.kept, r.stands, r.parts, r.owners = stands, stands, names, 1
	parts, err := r.asked(names)
	if err != nil {
		return nil, err
	}
	if err := r.lookUpParts(ctx, parts); err != nil {
		return nil, err
	}
	again, gone := r.place(parts)
	if err := r.readParts(ctx, again, gone); err != nil {
		return nil, err
	}
	if err := r.readNamedTeams(ctx); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// asked finds the repositories that are named.
func (r *run) asked(names []string) ([]*part, error) {
	known := r.base.byName()
	parts := make(map[string]*part)
	for _, name := range names {
		rest, here := strings.CutPrefix(name, r.host+"/")
		owner, rest, ok := strings.Cut(rest, "/")
		if !here || !ok || !r.Owns(owner) {
			continue
		}
		repository, _, _ := strings.Cut(rest, "/")
		if repository == "" {
			return nil, fmt.Errorf("%w: the repositories of %s changed", scanners.ErrWhole, owner)
		}
		_, file, _ := strings.Cut(rest, "/")
		if isName(owner) && isName(repository) {
			key := strings.ToLower(owner + "/" + repository)
			if known[key] != nil && file != "" && !strings.HasSuffix(file, "/") && !r.wantsFile(known[key], file) {
				continue // who told of it did not know what is read
			}
			parts[key] = &part{owner: owner, name: repository, known: known[key]}
		}
	}
	if len(parts) > maxParts {
		return nil, fmt.Errorf("%w: %d repositories changed", scanners.ErrWhole, len(parts))
	}
	ordered := make([]*part, 0, len(parts))
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		ordered = append(ordered, parts[key])
	}
	return ordered, nil
}

// lookUpParts asks what the names stand for now.
func (r *run) lookUpParts(ctx context.Context, parts []*part) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pagesAtOnce)
	for _, p := range parts {
		group.Go(func() error {
			p.err = r.lookUpPart(ctx, p)
			var refused *connect.AuthError
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.As(p.err, &refused) && p.known == nil: // such as one of an owner where the App is not installed
				p.err = nil
			case errors.As(p.err, &refused):
				return p.err
			}
			return nil
		})
	}
	return group.Wait()
}

func (r *run) lookUpPart(ctx context.Context, p *part) error {
	found, err := r.lookUp(ctx, p.owner, "repos/"+url.PathEscape(p.owner)+"/"+url.PathEscape(p.name))
	if err != nil {
		return err
	}
	if found != nil {
		p.found = append(p.found, found)
	}
	if p.known == nil || found != nil && found.ID == p.known.ID {
		return nil
	}
	moved, err := r.lookUp(ctx, p.owner, byID(p.known.ID))
	if moved != nil {
		p.found = append(p.found, moved)
	}
	return err
}

// place puts what was found among what is known: repositories to read again, and those that are gone.
func (r *run) place(parts []*part) (again, gone []*work) {
	for _, known := range r.base.Repositories {
		l := &listed{ID: known.ID, FullName: known.FullName, Branch: known.Branch, Pushed: known.Pushed, Flags: known.Flags}
		r.listed[known.ID], r.next[known.ID] = l, known
		r.names[strings.ToLower(known.FullName)] = known.ID
		r.works[known.ID] = &work{
			reading: reading{listed: l, branch: known.Branch, was: known, stands: r.stands, extra: known.Extra},
			before:  known, told: true, whole: true,
		}
	}
	asked := make(map[int64]*work)
	for _, p := range parts {
		there := false
		for _, l := range p.found {
			if !r.Owns(l.owner()) || !r.config.reads(l) || asked[l.ID] != nil {
				there = there || asked[l.ID] != nil && p.known != nil && p.known.ID == l.ID
				continue
			}
			there = there || p.known != nil && p.known.ID == l.ID
			was := r.base.find(l.ID)
			w := &work{reading: reading{listed: l, branch: r.config.branch(l), was: was, stands: r.stands}, before: was}
			asked[l.ID], r.works[l.ID], r.listed[l.ID] = w, w, l
			r.names[strings.ToLower(l.FullName)] = l.ID
			delete(r.next, l.ID)
			again = append(again, w)
		}
		switch known := p.known; {
		case there:
		case p.err != nil:
			l := &listed{FullName: p.owner + "/" + p.name}
			if known != nil {
				l.ID, l.FullName = known.ID, known.FullName
				delete(r.next, known.ID)
			}
			w := &work{reading: reading{listed: l, was: known}, before: known, err: p.err}
			r.works[l.ID] = w
			again = append(again, w)
		case known != nil:
			gone = append(gone, r.works[known.ID])
			delete(r.works, known.ID)
			delete(r.listed, known.ID)
			delete(r.next, known.ID)
		}
	}
	return again, gone
}

func (r *run) readParts(ctx context.Context, again, gone []*work) error {
	named := r.named()
	var now []*work
	for _, w := range again {
		if w.err != nil {
			if err := r.unread(ctx, w); err != nil {
				return err
			}
			continue
		}
		w.extra = named[w.listed.ID]
		if w.deferred = len(w.extra) > 0 || w.was != nil && len(w.was.Extra) > 0; !w.deferred {
			now = append(now, w)
		}
	}
	if err := r.readAll(ctx, now); err != nil {
		return err
	}
	if err := r.follow(ctx); err != nil {
		return err
	}
	for _, w := range gone {
		if err := r.tellGone(ctx, w, nil); err != nil {
			return err
		}
	}
	for _, w := range again {
		if w.err != nil || w.whole {
			continue
		}
		if err := r.tellGone(ctx, w, &result{record: r.next[w.listed.ID]}); err != nil {
			return err
		}
	}
	return nil
}

// isAsked says whether whoever asked knows that a scope is gone when it is not reported.
func (r *run) isAsked(scope string) bool {
	return slices.ContainsFunc(r.parts, func(name string) bool {
		return name == scope || strings.HasSuffix(name, "/") && strings.HasPrefix(scope, name)
	})
}
