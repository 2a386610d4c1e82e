package github

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

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
	// Those that failed the last time do not always come first.
	rand.Shuffle(len(works), func(i, j int) { works[i], works[j] = works[j], works[i] })
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
	p := r.at(w.listed, a)
	if restful {
		p.asker = nil
	}
	found, err := r.read(ctx, p, w.reading)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.asker == nil && !p.heavy && !restful {
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
	covered := r.broken[strings.ToLower(w.listed.owner())] != nil && w.was == nil // the owner stands for it
	if w.was != nil {
		r.next[w.listed.ID] = w.was.doubted()
	} else {
		delete(r.next, w.listed.ID)
	}
	r.mu.Unlock()
	if w.told {
		return nil
	}
	if w.told = true; covered {
		return nil
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
	text := strings.Join(strings.Fields(connect.Explain(err).Error()), " ")
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
			there[r.prefix(found.record.FullName)+file.Name] = true
		}
	}
	if w.before == nil {
		return nil
	}
	for _, file := range w.before.Files {
		scope := r.prefix(w.before.FullName) + file.Name
		if there[scope] || w.scopes[scope] || r.isAsked(scope) {
			continue
		}
		if err := r.sink.Report(ctx, scanners.Scope{Name: scope}); err != nil {
			return err
		}
	}
	return nil
}
