package onboard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	day = 24 * time.Hour
	// settledFor is how long a repository that has its pull request, or that refuses one, is not asked about again.
	settledFor = 7 * day
	// retryAfter is how long one that could not be written to is left alone.
	retryAfter = day
	// commitTitle begins the messages of our commits, by which a branch that was left behind is known for ours.
	commitTitle = "Add " + FileName
)

// skip says why a repository gets no proposal now, and for how long it is not looked at again.
type skip struct {
	why   string
	until time.Duration
}

func (s *skip) Error() string { return s.why }

func skipped(until time.Duration, format string, args ...any) error {
	return &skip{fmt.Sprintf(format, args...), until}
}

// round goes through the candidates.
func (p *Proposer) round(ctx context.Context, s *graph.Snapshot) ([]Outcome, error) {
	now := p.config.Now()
	for name, until := range p.settled {
		if !now.Before(until) {
			delete(p.settled, name)
		}
	}
	var opened []Outcome
	for _, c := range p.candidates(s) {
		name := strings.ToLower(c.FullName)
		if _, done := p.settled[name]; done {
			continue
		}
		owner := path.Dir(c.FullName)
		client, err := p.config.Clients.REST(ctx, owner)
		if err != nil {
			return opened, fmt.Errorf("act for %s: %w", owner, err)
		}
		p.countOpened(ctx, client, owner)
		if p.openedToday() >= p.config.PerDay {
			return opened, nil
		}
		url, err := (&proposal{Proposer: p, client: client, candidate: c, snapshot: s}).make(ctx)
		var reason *skip
		switch {
		case err == nil:
			p.opened = append(p.opened, now)
			p.settled[name] = now.Add(settledFor)
			opened = append(opened, Outcome{c.FullName, url})
			p.config.Log.Info().Str("source", p.config.Source).Str("repository", c.FullName).Str("url", url).Msg("a catalog file is proposed")
		case errors.As(err, &reason):
			p.settled[name] = now.Add(reason.until)
			p.config.Log.Debug().Str("source", p.config.Source).Str("repository", c.FullName).Msg("no catalog file is proposed: " + reason.why)
		case ctx.Err() != nil:
			return opened, context.Cause(ctx)
		case status(err) == http.StatusForbidden || status(err) == http.StatusNotFound || status(err) == http.StatusUnprocessableEntity ||
			status(err) == http.StatusConflict:
			p.settled[name] = now.Add(retryAfter)
			p.config.Log.Warn().Err(err).Str("source", p.config.Source).Str("repository", c.FullName).
				Msg("no catalog file could be proposed: proposals need the permissions contents:write and pull_requests:write")
		default:
			return opened, fmt.Errorf("propose a catalog file to %s: %w", c.FullName, err)
		}
	}
	return opened, nil
}

// openedToday counts what was opened within a day.
func (p *Proposer) openedToday() int {
	now, kept := p.config.Now(), p.opened[:0]
	for _, at := range p.opened {
		if now.Sub(at) < day {
			kept = append(kept, at)
		}
	}
	p.opened = kept
	return len(kept)
}

// countOpened asks GitHub once an owner how many pull requests were opened within the day, of which a process that was
// started since knows nothing. Where the search does not answer, only this process counts.
func (p *Proposer) countOpened(ctx context.Context, client *github.Client, owner string) {
	owner = strings.ToLower(owner)
	if _, done := p.counted[owner]; done {
		return
	}
	now := p.config.Now()
	p.counted[owner] = now
	query := fmt.Sprintf("is:pr user:%s head:%s created:>=%s", owner, Branch, now.Add(-day).UTC().Format(time.RFC3339))
	found, _, err := client.Search.Issues(ctx, query, &github.SearchOptions{ListOptions: github.ListOptions{PerPage: 100}})
	if err != nil {
		p.config.Log.Debug().Err(err).Str("source", p.config.Source).Msg("it is not known how many catalog files were proposed before the start")
		return
	}
	for _, issue := range found.Issues {
		if at := issue.GetCreatedAt().Time; !at.IsZero() && now.Sub(at) < day {
			p.opened = append(p.opened, at)
		}
	}
}

// status is that of an answer of GitHub; 0 = there was none.
func status(err error) int {
	var answer *github.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.Response.StatusCode
	}
	return 0
}

// proposal is one repository on its way to a pull request. Each step looks at what is there already, so that one that was
// interrupted is gone on with.
type proposal struct {
	*Proposer
	client    *github.Client
	candidate candidate
	snapshot  *graph.Snapshot
}

func (p *proposal) name() (owner, repository string) {
	return path.Dir(p.candidate.FullName), path.Base(p.candidate.FullName)
}

// make opens the pull request, and gives its URL.
func (p *proposal) make(ctx context.Context) (string, error) {
	owner, name := p.name()
	repository, _, err := p.client.Repositories.Get(ctx, owner, name)
	if err != nil {
		return "", err
	}
	switch {
	case repository.GetArchived(), repository.GetDisabled(), repository.GetFork():
		return "", skipped(settledFor, "it is archived, disabled or a fork")
	case !strings.EqualFold(repository.GetFullName(), p.candidate.FullName):
		return "", skipped(retryAfter, "it is called %s now", repository.GetFullName())
	case repository.GetDefaultBranch() == "":
		return "", skipped(retryAfter, "it is empty")
	}
	if err := p.proposedBefore(ctx); err != nil {
		return "", err
	}
	base := repository.GetDefaultBranch()
	head, _, err := p.client.Git.GetRef(ctx, owner, name, "heads/"+base)
	if status(err) == http.StatusNotFound || status(err) == http.StatusConflict {
		return "", skipped(retryAfter, "it is empty")
	} else if err != nil {
		return "", err
	}
	commit := head.GetObject().GetSHA()
	files, err := p.config.Reader.Files(ctx, p.candidate.FullName, commit)
	if err != nil {
		return "", err
	}
	switch _, err := fs.Lstat(files, FileName); { // whatever it is, and however much else there is to be listed
	case err == nil:
		return "", skipped(retryAfter, "it has a %s", FileName)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("look for %s in %s: %w", FileName, p.candidate.FullName, err)
	}
	draft, err := New(ctx, files, Options{
		Repository: p.config.Host + "/" + p.candidate.FullName, Catalog: OfSnapshot(p.snapshot), MaxReads: proposedReads,
		Runs: p.candidate.refs(),
	})
	switch {
	case errors.Is(err, ErrDescribed):
		return "", skipped(retryAfter, "it has catalog files")
	case err != nil:
		return "", err
	case len(draft.Existing) > 0: // its owners know how, and chose where
		return "", skipped(settledFor, "it has catalog files in folders")
	}
	if err := p.push(ctx, commit, draft.YAML()); err != nil {
		return "", err
	}
	return p.open(ctx, base, draft)
}

// proposedReads is how many files are read of a repository for a proposal, since each may cost a request.
const proposedReads = 150

// proposedBefore looks for a pull request from our branch in any state. It is the memory of what was proposed and refused.
func (p *proposal) proposedBefore(ctx context.Context) error {
	owner, name := p.name()
	found, _, err := p.client.PullRequests.List(ctx, owner, name, &github.PullRequestListOptions{
		State: "all", Head: owner + ":" + Branch, ListOptions: github.ListOptions{PerPage: 10},
	})
	if err != nil {
		return err
	}
	for _, pull := range found {
		if pull.GetHead().GetRef() != Branch {
			continue // somebody's server does not filter
		}
		if pull.GetState() == "closed" && pull.MergedAt == nil {
			return skipped(settledFor, "it was refused: %s", pull.GetHTMLURL())
		}
		return skipped(settledFor, "it was proposed: %s", pull.GetHTMLURL())
	}
	return nil
}

// push makes the branch with the file on top of a commit. A branch of ours that an interrupted attempt left is moved there;
// one that somebody else made is not touched.
func (p *proposal) push(ctx context.Context, commit string, file []byte) error {
	owner, name := p.name()
	left, _, err := p.client.Git.GetRef(ctx, owner, name, "heads/"+Branch)
	switch {
	case status(err) == http.StatusNotFound:
		left = nil
	case err != nil:
		return err
	default:
		last, _, err := p.client.Git.GetCommit(ctx, owner, name, left.GetObject().GetSHA())
		if err != nil {
			return err
		}
		if !strings.HasPrefix(last.GetMessage(), commitTitle+"\n") && last.GetMessage() != commitTitle {
			return skipped(settledFor, "somebody works on the branch %s", Branch)
		}
	}
	parent, _, err := p.client.Git.GetCommit(ctx, owner, name, commit)
	if err != nil {
		return err
	}
	blob, _, err := p.client.Git.CreateBlob(ctx, owner, name, &github.Blob{
		Content: github.String(string(file)), Encoding: github.String("utf-8"),
	})
	if err != nil {
		return err
	}
	tree, _, err := p.client.Git.CreateTree(ctx, owner, name, parent.GetTree().GetSHA(), []*github.TreeEntry{{
		Path: github.String(FileName), Mode: github.String("100644"), Type: github.String("blob"), SHA: blob.SHA,
	}})
	if err != nil {
		return err
	}
	made, _, err := p.client.Git.CreateCommit(ctx, owner, name, &github.Commit{
		Message: github.String(commitTitle + "\n\n" + "Drafted by Orrery from the files of the repository and from what was seen running."),
		Tree:    tree, Parents: []*github.Commit{{SHA: parent.SHA}},
	}, nil)
	if err != nil {
		return err
	}
	ref := &github.Reference{Ref: github.String("refs/heads/" + Branch), Object: &github.GitObject{SHA: made.SHA}}
	if left != nil {
		_, _, err = p.client.Git.UpdateRef(ctx, owner, name, ref, true)
		return err
	}
	_, _, err = p.client.Git.CreateRef(ctx, owner, name, ref)
	return err
}

// open opens the pull request from the branch.
func (p *proposal) open(ctx context.Context, base string, draft *Draft) (string, error) {
	owner, name := p.name()
	pull, _, err := p.client.PullRequests.Create(ctx, owner, name, &github.NewPullRequest{
		Title: github.String("Add a catalog file: say who owns this, and what it needs"),
		Head:  github.String(Branch), Base: github.String(base), Body: github.String(p.body(draft)),
	})
	if err != nil {
		return "", err
	}
	return pull.GetHTMLURL(), nil
}
