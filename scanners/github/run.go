package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
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
	complete := make(map[string]bool)
	for i, o := range owners {
		if failed[i] != nil {
			r.breaks(o.name, fmt.Errorf("list the repositories of %s: %w", o.name, failed[i]))
			continue
		}
		complete[strings.ToLower(o.name)] = !o.granted
		for j := range found[i] {
			seen[found[i][j].ID] = true
			r.take(&found[i][j])
		}
	}
	if r.owners = len(owners); len(r.broken) == r.owners {
		r.postpone(r.resume)
		return r.brokenError()
	}
	return r.confirm(ctx, seen, complete)
}

// take adds a listed repository, if it is one of those to read.
func (r *run) take(l *listed) {
	if r.config.reads(l) {
		r.listed[l.ID] = l
		r.names[strings.ToLower(l.FullName)] = l.ID
	}
}

// confirm asks for the repositories that were there and are not listed any more: they may only have been missed.
func (r *run) confirm(ctx context.Context, seen map[int64]bool, complete map[string]bool) error {
	var missing []*record
	for _, known := range r.base.Repositories {
		if !seen[known.ID] && complete[strings.ToLower(known.owner())] {
			missing = append(missing, known)
		}
	}
	if len(missing) > maxConfirmed {
		return nil
	}
	for _, known := range missing {
		found, err := r.lookUp(ctx, known.owner(), byID(known.ID))
		if err != nil {
			return fmt.Errorf("ask for the repository %s, which is not listed any more: %w", known.FullName, err)
		}
		if found != nil && found.ID == known.ID && complete[strings.ToLower(found.owner())] {
			r.take(found)
		}
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
			r.next[known.ID] = known
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

// readAll reads repositories, those of an owner together. What is not deferred is reported as it comes.
func (r *run) readAll(ctx context.Context, works []*work) error {
	byOwner := make(map[string][]*work)
	for _, w := range works {
		byOwner[w.listed.owner()] = append(byOwner[w.listed.owner()], w)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(ownersAtOnce)
	for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
		group.Go(func() error { return r.readOwned(ctx, owner, byOwner[owner]) })
	}
	return group.Wait()
}

func (r *run) readOwned(ctx context.Context, owner string, works []*work) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := newAsker(r.config.Connection, owner)
	a.enter() // whoever hands out work may still bring more to ask
	slots := make(chan struct{}, repositoriesAtOnce)
	var running sync.WaitGroup
	for _, w := range works {
		select {
		case slots <- struct{}{}:
		default:
			a.leave(ctx)
			slots <- struct{}{}
			a.enter()
		}
		if ctx.Err() != nil {
			break
		}
		a.enter()
		running.Go(func() {
			defer func() { <-slots }()
			defer a.leave(ctx)
			if err := r.readOne(ctx, a, w); err != nil {
				cancel(err)
			}
		})
	}
	a.leave(ctx)
	running.Wait()
	return context.Cause(ctx)
}

// readOne reads a repository and reports it. Its error ends the scan.
func (r *run) readOne(ctx context.Context, a *asker, w *work) error {
	owner := strings.ToLower(w.listed.owner())
	r.mu.Lock()
	stop, restful := r.broken[owner], r.restful[owner]
	r.mu.Unlock()
	if stop != nil {
		w.err = stop
		return r.unread(ctx, w)
	}
	p := &place{scanner: r.Scanner, owner: w.listed.owner(), name: w.listed.name(), asker: a}
	if restful {
		p.asker = nil
	}
	found, err := r.read(ctx, p, w.reading)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.asker == nil && !restful {
		r.mu.Lock()
		first := !r.restful[owner]
		r.restful[owner] = true
		r.mu.Unlock()
		if first {
			r.config.Log.Info().Str("owner", w.listed.owner()).Msg("GraphQL is not available: repositories are read one by one")
		}
	}
	if w.err = err; err != nil {
		var refused *connect.AuthError
		if errors.As(err, &refused) {
			r.breaks(owner, err)
		}
		return r.unread(ctx, w)
	}
	if found.record.Pushed != again {
		found.record.Pushed = r.settled(w.listed)
	}
	r.mu.Lock()
	r.next[w.listed.ID] = found.record
	r.mu.Unlock()
	if w.deferred {
		w.result = found
		return nil
	}
	return r.tell(ctx, w, found)
}

// unread tells of a repository that could not be read: what it said stands, also under the name that it had.
func (r *run) unread(ctx context.Context, w *work) error {
	r.mu.Lock()
	r.postponeLocked(w.err)
	if w.was != nil {
		kept := *w.was
		kept.Pushed = again
		r.next[w.listed.ID] = &kept
	} else {
		delete(r.next, w.listed.ID)
	}
	r.mu.Unlock()
	if w.told {
		return nil
	}
	w.told = true
	if r.broken[strings.ToLower(w.listed.owner())] != nil && w.was == nil {
		return nil // the owner stands for it
	}
	names := []string{w.listed.FullName}
	if w.was != nil && w.was.FullName != w.listed.FullName {
		names = append(names, w.was.FullName)
	}
	for _, name := range names {
		if err := r.sink.Report(ctx, scanners.Scope{Name: r.prefix(name), State: scanners.Unreadable, Error: r.why(w.err)}); err != nil {
			return err
		}
	}
	return nil
}

// why says in one line why something could not be read, and when it will be.
func (r *run) why(err error) string {
	var spent *connect.BudgetError
	text := strings.Join(strings.Fields(err.Error()), " ")
	switch {
	case errors.As(err, &spent):
		return "read again after " + spent.Reset.UTC().Format("15:04 MST") + ": " + text
	case unanswered(err):
		return "read again later: " + text
	}
	return text
}

// unanswered tells whether GitHub did not answer, so that it may when it is asked again.
func unanswered(err error) bool {
	var network *url.Error
	var refused *connect.AuthError
	if errors.As(err, &refused) {
		return false
	}
	return errors.Is(err, errUnanswered) || errors.As(err, &network) || status(err) >= http.StatusInternalServerError
}

// tell reports what a repository says, as far as that was not done.
func (r *run) tell(ctx context.Context, w *work, found *result) error {
	if found.same {
		if w.told {
			return nil
		}
		w.told, w.whole = true, true
		return r.sink.Report(ctx, scanners.Scope{Name: r.prefix(w.listed.FullName), State: scanners.Unchanged})
	}
	if w.scopes == nil {
		w.scopes = make(map[string]bool, len(found.scopes))
	}
	for _, scope := range found.scopes {
		if w.scopes[scope.Name] || w.whole && scope.State == scanners.Unchanged {
			continue
		}
		w.scopes[scope.Name] = true
		if err := r.sink.Report(ctx, scope); err != nil {
			return err
		}
	}
	w.told = true
	if !w.whole {
		return nil
	}
	return r.tellGone(ctx, w, found)
}

// tellGone says of the scopes of a repository that it does not have any more that they say nothing.
func (r *run) tellGone(ctx context.Context, w *work, found *result) error {
	there := make(map[string]bool)
	if found != nil {
		for _, file := range found.record.Files {
			there[r.prefix(found.record.FullName)+r.long(file.Name)] = true
		}
	}
	if w.before == nil {
		return nil
	}
	for _, file := range w.before.Files {
		scope := r.prefix(w.before.FullName) + r.long(file.Name)
		if there[scope] || w.scopes[scope] || r.isAsked(scope) {
			continue
		}
		if err := r.sink.Report(ctx, scanners.Scope{Name: scope}); err != nil {
			return err
		}
	}
	return nil
}

// finish tells of owners that could not be read, and makes the next state.
func (r *run) finish(ctx context.Context) ([]byte, error) {
	if len(r.broken) >= r.owners {
		r.postpone(r.resume)
		return nil, r.brokenError()
	}
	for _, owner := range slices.Sorted(maps.Keys(r.broken)) {
		spelled := owner
		for _, known := range r.base.Repositories {
			if strings.EqualFold(known.owner(), owner) {
				spelled = known.owner()
			}
		}
		scope := scanners.Scope{Name: r.host + "/" + spelled + "/", State: scanners.Unreadable, Error: r.why(r.broken[owner])}
		if err := r.sink.Report(ctx, scope); err != nil {
			return nil, err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	next := &state{Format: stateFormat, Config: r.config.digest(), Teams: r.base.Teams, Cache: r.config.Connection.Cache().Export()}
	next.Repositories = slices.Collect(maps.Values(r.next))
	packed, err := next.encode()
	if err != nil {
		return nil, err
	}
	r.learn(next, r.resume)
	return packed, nil
}
