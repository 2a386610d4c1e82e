package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

const (
	// ownersAtOnce are listed, and read, at the same time; repositoriesAtOnce of one wait for their answers, which are asked
	// for together.
	ownersAtOnce       = 4
	repositoriesAtOnce = 256
	// maxConfirmed is how many repositories that a listing lacks are asked for one by one: where one goes while a listing is
	// read page by page, another moves up to a page that was read already. When more are missing, that is not why.
	maxConfirmed = 25
	// afterStorm is when a scan that GitHub did not answer is gone on with.
	afterStorm = 5 * time.Minute
	// again is the time of the last push of a repository that is to be read again, whatever is listed. It takes as many bytes
	// of the state as any other time.
	again = 1<<32 - 1
)

// run is one scan, of all or of parts.
type run struct {
	*Scanner
	host   string
	sink   scanners.Sink
	base   *state // what was known before
	kept   bool   // whoever receives the reports has what was said then
	stands bool   // it says the same, where nothing changed, so that it need not be said again
	large  chan struct{}

	parts  []string // that are asked for; nil = all
	owners int
	listed map[int64]*listed // repositories to have at the end
	names  map[string]int64  // of those, in lower case, old names included
	works  map[int64]*work

	mu       sync.Mutex
	next     map[int64]*record
	broken   map[string]error // owners, in lower case, of which nobody knows what they have
	resume   time.Time
	restful  map[string]bool  // owners that are read by REST alone
	resolved map[string]int64 // repositories by names that are not listed; 0 = none
}

// work is a repository that is read.
type work struct {
	reading
	before   *record         // what was known before the scan; nil = nothing
	deferred bool            // it is told at the end, since others have a say in what is read of it
	told     bool            // it was reported as far as it was read then
	whole    bool            // all of it stands, for it was reported by one word, or not asked for
	scopes   map[string]bool // that were reported
	result   *result         // what is to be told at the end
	err      error           // why it could not be read
}

func (s *Scanner) newRun(sink scanners.Sink, base *state) *run {
	r := &run{
		Scanner: s, host: s.config.Connection.Host(), sink: sink, base: base, large: make(chan struct{}, 1),
		listed: make(map[int64]*listed), names: make(map[string]int64), works: make(map[int64]*work),
		next: make(map[int64]*record), broken: make(map[string]error), restful: make(map[string]bool), resolved: make(map[string]int64),
	}
	if base == nil {
		r.base = new(state)
	}
	r.kept = base != nil
	r.stands = base != nil && bytes.Equal(base.Config, s.config.digest())
	return r
}

// list finds out which repositories there are. An error is one of the whole source.
func (r *run) list(ctx context.Context, owners []owner) error {
	expected := make(map[string]int)
	for _, known := range r.base.Repositories {
		expected[strings.ToLower(known.owner())]++
	}
	found := make([][]listed, len(owners))
	failed := make([]error, len(owners))
	var group errgroup.Group
	group.SetLimit(ownersAtOnce)
	for i, o := range owners {
		group.Go(func() error {
			found[i], failed[i] = r.Scanner.list(ctx, o, expected[strings.ToLower(o.name)])
			return nil
		})
	}
	_ = group.Wait() // each has an error of its own
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	seen := make(map[int64]bool)
	for i, o := range owners {
		if failed[i] != nil {
			r.breaks(o.name, fmt.Errorf("list the repositories of %s: %w", o.name, explained(failed[i])))
			continue
		}
		for j := range found[i] {
			seen[found[i][j].ID] = true
			r.take(&found[i][j])
		}
	}
	if r.owners = len(owners); len(r.broken) == r.owners {
		r.postpone(r.resume)
		return r.brokenError()
	}
	return r.confirm(ctx, owners, seen)
}

// explained says what to do about a listing that GitHub refused.
func explained(err error) error {
	if status(err) != http.StatusNotFound {
		return err
	}
	return fmt.Errorf("GitHub does not know it, or does not show it: check the name (people go into users), and what the token or App may see: %w", err)
}

// take adds a listed repository, if it is one of those to read.
func (r *run) take(l *listed) {
	if r.config.reads(l) {
		r.listed[l.ID] = l
		r.names[strings.ToLower(l.FullName)] = l.ID
	}
}

// confirm looks again for the repositories that were there and are not listed any more: they may only have been missed.
func (r *run) confirm(ctx context.Context, owners []owner, seen map[int64]bool) error {
	missing := make(map[string][]*record) // by owner, in lower case
	for _, known := range r.base.Repositories {
		if !seen[known.ID] {
			name := strings.ToLower(known.owner())
			missing[name] = append(missing[name], known)
		}
	}
	for _, o := range owners {
		lost := missing[strings.ToLower(o.name)]
		if len(lost) == 0 || len(lost) > maxConfirmed || r.broken[strings.ToLower(o.name)] != nil {
			continue
		}
		look := r.confirmOne
		if o.granted { // it may be there, and not be for us any more
			again, err := r.Scanner.list(ctx, o, 0)
			if err != nil {
				return fmt.Errorf("list the repositories of %s again: %w", o.name, err)
			}
			look = func(_ context.Context, known *record) error {
				if at := slices.IndexFunc(again, func(l listed) bool { return l.ID == known.ID }); at >= 0 {
					r.take(&again[at])
				}
				return nil
			}
		}
		for _, known := range lost {
			if err := look(ctx, known); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) confirmOne(ctx context.Context, known *record) error {
	found, err := r.lookUp(ctx, known.owner(), byID(known.ID))
	switch {
	case status(err) != 0 && !unanswered(err):
		return nil // such as one that was taken down
	case err != nil:
		return fmt.Errorf("ask for the repository %s, which is not listed any more: %w", known.FullName, err)
	case found == nil || found.ID != known.ID:
		return nil
	}
	if stop := r.broken[strings.ToLower(found.owner())]; stop != nil { // it went where nobody can look now
		r.next[known.ID] = known.doubted()
		return r.sink.Report(ctx, scanners.Scope{Name: r.prefix(known.FullName), State: scanners.Unreadable, Error: r.why(stop)})
	}
	if r.Owns(found.owner()) {
		r.take(found)
	}
	return nil
}

// breaks notes that nobody knows what an owner has.
func (r *run) breaks(owner string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken[strings.ToLower(owner)] = err
	r.postponeLocked(err)
}

// brokenError is why nobody knows what there is.
func (r *run) brokenError() error {
	var all []error
	for _, owner := range slices.Sorted(maps.Keys(r.broken)) {
		all = append(all, r.broken[owner])
	}
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// postponeLocked notes when it makes sense to go on.
func (r *run) postponeLocked(err error) {
	var spent *connect.BudgetError
	at := time.Time{}
	switch {
	case errors.As(err, &spent):
		at = spent.Reset
	case unanswered(err):
		at = r.config.Now().Add(afterStorm)
	}
	if at.After(r.resume) {
		r.resume = at
	}
}

// settled is the time of the last push, unless there may have been another that is not listed yet.
func (r *run) settled(l *listed) int64 {
	if l.Pushed > r.config.Now().Add(-settles).Unix() {
		return again
	}
	return l.Pushed
}

// decide finds the repositories that must be read, and tells of those that need not.
func (r *run) decide(ctx context.Context) error {
	for _, known := range r.base.Repositories {
		if l := r.listed[known.ID]; l != nil {
			if _, taken := r.names[strings.ToLower(known.FullName)]; !taken {
				r.names[strings.ToLower(known.FullName)] = known.ID
			}
		} else if r.broken[strings.ToLower(known.owner())] != nil {
			r.next[known.ID] = known.doubted()
		}
	}
	named := r.named()
	for _, id := range slices.Sorted(maps.Keys(r.listed)) {
		l, was := r.listed[id], r.base.find(id)
		w := &work{reading: reading{listed: l, branch: r.config.branch(l), was: was, stands: r.stands, extra: named[id]}, before: was}
		w.deferred = len(w.extra) > 0 || was != nil && len(was.Extra) > 0
		r.works[id] = w
		if !r.changed(w) {
			now := *was
			now.Flags = l.Flags
			r.next[id] = &now
			if !w.deferred {
				if err := r.tell(ctx, w, &result{same: true, record: &now}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// changed says whether a repository has to be read because of what is listed.
func (r *run) changed(w *work) bool {
	return !r.stands || w.was == nil || w.was.Pushed != w.listed.Pushed || w.was.FullName != w.listed.FullName || w.was.Branch != w.branch
}

// readChanged reads the repositories that changed and that nobody else has a say in.
func (r *run) readChanged(ctx context.Context) error {
	var works []*work
	for _, id := range slices.Sorted(maps.Keys(r.works)) {
		if w := r.works[id]; !w.told && !w.deferred {
			works = append(works, w)
		}
	}
	return r.readAll(ctx, works)
}

// spelled is the name of an owner in the names of scopes, as far as one is known.
func (r *run) spelled(owner string) string {
	for _, known := range r.base.Repositories {
		if strings.EqualFold(known.owner(), owner) {
			return known.owner()
		}
	}
	if memory, ok := r.sink.(scanners.Memory); ok {
		for _, scope := range memory.Scopes() {
			rest, here := strings.CutPrefix(scope, r.host+"/")
			if name, _, _ := strings.Cut(rest, "/"); here && strings.EqualFold(name, owner) {
				return name
			}
		}
	}
	return owner
}

// finish tells of owners that could not be read, and makes the next state.
func (r *run) finish(ctx context.Context) ([]byte, error) {
	if len(r.broken) >= r.owners {
		r.postpone(r.resume)
		return nil, r.brokenError()
	}
	for _, owner := range slices.Sorted(maps.Keys(r.broken)) {
		scope := scanners.Scope{Name: r.host + "/" + r.spelled(owner) + "/", State: scanners.Unreadable, Error: r.why(r.broken[owner])}
		if err := r.sink.Report(ctx, scope); err != nil {
			return nil, err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	next := &state{
		Format: stateFormat, Web: r.config.Connection.WebURL(), Config: r.config.digest(), Listing: r.config.listingDigest(),
		First: r.config.CatalogFiles[0], Teams: r.base.Teams, Cache: r.config.Connection.Cache().Export(),
	}
	next.Repositories = slices.Collect(maps.Values(r.next))
	packed, err := next.encode()
	if err != nil {
		return nil, err
	}
	r.learn(next, r.resume)
	if r.parts != nil && !r.kept {
		return nil, nil // of what was not asked for, whoever receives this may have nothing
	}
	return packed, nil
}
