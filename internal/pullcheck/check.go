package pullcheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// How a check that failed is made again: after firstPause, and three times as long each time, maxAttempts times in all; where
// it waits for a limit of GitHub or for the catalog, up to maxWaits times, for the latter longer each time.
const (
	maxAttempts  = 3
	firstPause   = 10 * time.Second
	maxWaits     = 8
	scanPause    = 30 * time.Second
	longestPause = time.Hour + time.Minute // limits of GitHub are by the hour
)

// maxCheck is how long one attempt of a check may take.
const maxCheck = 10 * time.Minute

// lastWord is how long a check that ends early may take to say so.
const lastWord = 10 * time.Second

// pull is the pull request of a check as it is now.
type pull struct {
	owner, repository string // as GitHub spells them
	number            int
	base, head        string // a branch, and a commit
	// stranger: it comes from another repository into one that everybody sees, so that anybody may have written it, and anybody
	// reads what is reported.
	stranger bool
}

func (p *pull) fullName() string { return p.owner + "/" + p.repository }

// run makes one check, and sees to it that it is made again where that helps.
func (c *Checker) run(ctx context.Context, j *job) {
	began := c.config.Now()
	j.told = false
	bounded, cancel := context.WithTimeout(ctx, maxCheck)
	outcome, err := c.check(bounded, j)
	cancel()
	c.metrics.took(c.config.Now().Sub(began))
	switch {
	case err == nil:
		c.metrics.done(outcome)
		return
	case errors.Is(context.Cause(ctx), errSuperseded):
		c.metrics.done(outcomeSuperseded)
		return
	case ctx.Err() != nil:
		return
	}
	if pause, ok := j.pause(err, c.config.Now()); ok {
		j.due = c.config.Now().Add(pause)
		c.queue.again(j)
		return
	}
	outcome = conclusionNeutral
	if !j.told {
		if tellErr := c.tellFailure(ctx, j, err); tellErr != nil {
			outcome, err = outcomeFailed, errors.Join(err, tellErr)
		}
	}
	c.metrics.done(outcome)
	c.config.Log.Warn().Err(err).Str("source", c.config.Source).Str("repository", j.key.repository).Int("number", j.key.number).
		Msg("a pull request could not be checked")
}

// pause says when a check that failed is to be made again, if at all.
func (j *job) pause(err error, now time.Time) (time.Duration, bool) {
	var budget *connect.BudgetError
	var auth *connect.AuthError
	var size *ingest.TrialSizeError
	switch {
	case errors.As(err, &auth), errors.As(err, &size), errors.Is(err, errMayNotWrite):
		return 0, false
	case errors.As(err, &budget):
		j.waits++
		return min(max(budget.Reset.Sub(now), firstPause), longestPause), j.waits <= maxWaits
	case errors.Is(err, ingest.ErrNotReady), errors.Is(err, graph.ErrUnavailable):
		j.waits++
		return scanPause * time.Duration(j.waits), j.waits <= maxWaits
	}
	j.attempts++
	pause := firstPause
	for range j.attempts - 1 {
		pause *= 3
	}
	return pause, j.attempts < maxAttempts
}

// check makes one check, and returns its conclusion, or why there is none.
func (c *Checker) check(ctx context.Context, j *job) (string, error) {
	client, err := c.config.Connection.REST(ctx, j.owner)
	if err != nil {
		return "", err
	}
	if j.key.number == 0 {
		return outcomeNothing, c.askAgain(ctx, client, j)
	}
	p, err := c.now(ctx, client, j)
	if p == nil || err != nil {
		return outcomeNothing, err
	}
	changed, err := changedFiles(ctx, client, p)
	if err != nil {
		return "", err
	}
	wants := func(path string) bool { return c.config.Reader.Wants(p.fullName(), p.base, path) }
	matters := changed.cut || c.config.Always || j.asked
	if !matters && !slices.ContainsFunc(changed.paths, wants) {
		return outcomeNothing, nil
	}
	read, err := c.read(ctx, p, changed)
	if err != nil {
		return "", err
	}
	if !matters && len(read.scopes) == 0 {
		return outcomeNothing, nil
	}
	r, err := c.begin(ctx, client, p)
	if err != nil {
		return "", err
	}
	result := onRequest()
	if !p.stranger || j.asked {
		result, err = c.judge(ctx, client, read)
	}
	if err == nil {
		err = r.complete(ctx, result)
	}
	if err != nil {
		j.told = c.breakOff(ctx, r, err)
		return "", err
	}
	return result.conclusion, nil
}

// now is the pull request as it is by now: events may come late, and in any order. nil = there is nothing to check.
func (c *Checker) now(ctx context.Context, client *github.Client, j *job) (*pull, error) {
	found, _, err := client.PullRequests.Get(ctx, j.owner, j.repository, j.key.number)
	if status(err) == http.StatusNotFound {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("look up the pull request: %w", err)
	}
	p := &pull{
		owner: j.owner, repository: j.repository, number: j.key.number, base: found.GetBase().GetRef(), head: found.GetHead().GetSHA(),
	}
	if owner, name, ok := strings.Cut(found.GetBase().GetRepo().GetFullName(), "/"); ok {
		p.owner, p.repository = owner, name
	}
	into, from := found.GetBase().GetRepo(), found.GetHead().GetRepo()
	p.stranger = into.Private != nil && !into.GetPrivate() && from.GetID() != into.GetID()
	j.head = p.head
	read := cmp.Or(c.config.Branch, into.GetDefaultBranch(), p.base)
	if found.GetState() != "open" || p.head == "" || p.base != read || !c.config.Reader.Wants(p.fullName(), p.base, "") {
		return nil, nil
	}
	return p, nil
}

// read reads what the pull request changes. Of which paths are catalog files the reader alone knows: those that Locations name
// are.
func (c *Checker) read(ctx context.Context, p *pull, changed changedPaths) (*reading, error) {
	read := newReading(c.config.Connection.Host(), c.config.Connection.WebURL(), p)
	read.cut = changed.cut
	if len(changed.paths) == 0 {
		return read, nil
	}
	var err error
	if read.scopes, err = c.config.Reader.ReadAt(ctx, p.fullName(), p.head, changed.paths); err != nil {
		return nil, fmt.Errorf("read the catalog files at the head: %w", err)
	}
	return read, nil
}

// judge tries what was read.
func (c *Checker) judge(ctx context.Context, client *github.Client, read *reading) (*result, error) {
	if len(read.scopes) == 0 {
		return newVerdict(read, nil).result(c.config), nil
	}
	if err := c.merge(ctx, client, read); err != nil {
		return nil, err
	}
	read.take()
	trial, err := c.config.Catalog.Try(ctx, c.config.Source, read.scopes)
	read.scopes = nil // they are the catalog's now
	if err != nil {
		return nil, fmt.Errorf("try the change: %w", err)
	}
	if !c.isScanned(trial.Before) {
		return nil, fmt.Errorf("source %s: %w", c.config.Source, ingest.ErrNotReady)
	}
	return newVerdict(read, trial).result(c.config), nil
}

// isScanned says whether the catalog knows what the source holds.
func (c *Checker) isScanned(s *graph.Snapshot) bool {
	return slices.ContainsFunc(s.Sources(), func(source graph.Source) bool {
		return source.ID == c.config.Source && !source.LastGood.IsZero()
	})
}

// breakOff completes a check that ends before it is done: since it failed, a newer one takes its place, or Orrery stops. What
// comes after goes on with the check run, if it is of the same head; until then, and if nothing comes, it is in nobody's way.
// It says whether that was told.
func (c *Checker) breakOff(ctx context.Context, r *report, why error) bool {
	cause := context.Cause(ctx)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	ended := failed(why)
	switch {
	case errors.Is(cause, errSuperseded):
		ended = &result{conclusion: conclusionCancelled, title: "Superseded by a newer check", summary: "A newer check takes the place of this one."}
	case errors.Is(cause, context.Canceled):
		ended = &result{
			conclusion: conclusionNeutral, title: "Orrery was stopped before it had checked this",
			summary: "Orrery was stopped while it checked. Ask for the check again, or push.",
		}
	}
	err := r.complete(bounded, ended)
	if err != nil {
		c.config.Log.Debug().Err(err).Str("repository", r.pull.fullName()).Int("number", r.pull.number).
			Msg("a check that ended early could not be completed")
	}
	return err == nil
}

// tellFailure says on the pull request that it could not be checked, and why. That must never stand in the way of a merge.
func (c *Checker) tellFailure(ctx context.Context, j *job, why error) error {
	if j.head == "" || j.key.number == 0 || errors.Is(why, errMayNotWrite) {
		return nil
	}
	client, err := c.config.Connection.REST(ctx, j.owner)
	if err != nil {
		return err
	}
	r, err := c.begin(ctx, client, &pull{owner: j.owner, repository: j.repository, number: j.key.number, head: j.head})
	if err != nil {
		return err
	}
	return r.complete(ctx, failed(why))
}

// onRequest is the result where only who may write to the repository may have it checked: names, places and owners of the whole
// catalog are told by it.
func onRequest() *result {
	return &result{
		conclusion: conclusionNeutral, title: "Checked when somebody asks for it",
		summary: "This pull request comes from another repository, and the report may name anything in the catalog where everybody reads it. " +
			"Whoever may write to this repository can ask for the check by *Re-run*.",
	}
}

// failed is the result of a check that could not be made.
func failed(why error) *result {
	return &result{
		conclusion: conclusionNeutral, title: "Orrery could not check this",
		summary: "Orrery could not check what this pull request does to the catalog: " + plain(connect.Explain(why).Error()) +
			".\n\nThat is no verdict on the change. Orrery tries again for a while; after that, ask for the check again, or push.",
	}
}

// askAgain queues the checks of a head of which somebody asked for them again, without telling for which pull request.
func (c *Checker) askAgain(ctx context.Context, client *github.Client, j *job) error {
	numbers := make(map[int]bool)
	runs, err := c.runsOf(ctx, client, j.owner, j.repository, j.head)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if number, ok := c.numberOf(run.GetExternalID()); ok {
			numbers[number] = true
		}
	}
	if len(numbers) == 0 {
		pulls, _, err := client.PullRequests.ListPullRequestsWithCommit(ctx, j.owner, j.repository, j.head, nil)
		if err != nil {
			return fmt.Errorf("look up the pull requests of a commit: %w", err)
		}
		for _, found := range pulls {
			if found.GetState() == "open" && found.GetHead().GetSHA() == j.head {
				numbers[found.GetNumber()] = true
			}
		}
	}
	for number := range numbers {
		c.queue.put(&job{key: key{j.key.repository, number, ""}, owner: j.owner, repository: j.repository, head: j.head, asked: true})
	}
	return nil
}
