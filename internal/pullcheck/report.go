package pullcheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// The conclusions of GitHub that are used. Only conclusionFailure can keep anybody from merging.
const (
	conclusionSuccess   = "success"
	conclusionNeutral   = "neutral"
	conclusionFailure   = "failure"
	conclusionCancelled = "cancelled"
)

// The limits of GitHub.
const (
	annotationsAtOnce = 50
	maxSummary        = 65_535
	maxTitle          = 255
	maxMessage        = 64 << 10 // of an annotation
	maxDescription    = 140      // of a commit status
)

// maxAnnotations is how many annotations are written at most; the rest is counted in the summary.
const maxAnnotations = 500

// The states of a check run.
const (
	stateInProgress = "in_progress"
	stateCompleted  = "completed"
)

// refusedFor is how long it is remembered that check runs may not be written for an owner.
const refusedFor = time.Hour

// errMayNotWrite says that neither check runs nor commit statuses may be written.
var errMayNotWrite = errors.New("neither check runs nor commit statuses may be written: give the App the permission \"checks: write\", or the token that to write commit statuses")

// result is what is told of a pull request.
type result struct {
	conclusion  string
	title       string // in a line of plain text
	summary     string // in Markdown
	annotations []annotation
	link        string // where a commit status leads to; "" = nowhere
}

// annotation is something about a line of a file, in plain text.
type annotation struct {
	path           string
	line           int // 1-based
	level          string
	title, message string
}

// report is where the result of one check is written: a check run, or where that is not allowed a commit status.
type report struct {
	checker *Checker
	client  *github.Client
	pull    *pull
	run     int64 // 0 = a commit status is written
}

// externalID names the check of a pull request in its check run.
func (c *Checker) externalID(number int) string { return c.externalPrefix() + strconv.Itoa(number) }

func (c *Checker) externalPrefix() string { return "orrery/" + c.config.Source + "/" }

// numberOf is the pull request of a check run of ours.
func (c *Checker) numberOf(externalID string) (int, bool) {
	text, ours := strings.CutPrefix(externalID, c.externalPrefix())
	number, err := strconv.Atoi(text)
	return number, ours && err == nil && number > 0
}

// runsOf lists the check runs of our name on a commit, the newest of each App.
func (c *Checker) runsOf(ctx context.Context, client *github.Client, owner, repository, head string) ([]*github.CheckRun, error) {
	list, _, err := client.Checks.ListCheckRunsForRef(ctx, owner, repository, head, &github.ListCheckRunsOptions{
		CheckName: &c.name, Filter: github.String("all"), ListOptions: github.ListOptions{PerPage: 100},
	})
	if err != nil {
		return nil, fmt.Errorf("list the check runs of the head: %w", err)
	}
	return list.CheckRuns, nil
}

// begin shows that a check is under way. It goes on with a check run that an earlier process has left; one that has annotations
// is completed and left alone, since they cannot be taken back.
func (c *Checker) begin(ctx context.Context, client *github.Client, p *pull) (*report, error) {
	r := &report{checker: c, client: client, pull: p}
	if c.isRefused(p.owner) {
		return r, r.setStatus(ctx, "pending", "Orrery checks what this does to the catalog", "")
	}
	run, err := r.known(ctx)
	if err != nil {
		return nil, err
	}
	output := &github.CheckRunOutput{Title: github.String("Checking"), Summary: github.String("Orrery checks what this does to the catalog.")}
	if run != nil {
		r.run = run.GetID()
		err := r.update(ctx, github.UpdateCheckRunOptions{Status: github.String(stateInProgress), Output: output})
		return r, err
	}
	started := github.Timestamp{Time: c.config.Now().UTC().Truncate(time.Second)}
	made, _, err := client.Checks.CreateCheckRun(ctx, p.owner, p.repository, github.CreateCheckRunOptions{
		Name: c.name, HeadSHA: p.head, ExternalID: github.String(c.externalID(p.number)), Status: github.String(stateInProgress),
		StartedAt: &started, Output: output,
	})
	if status(err) == http.StatusForbidden { // a token may not, nor an App without that permission
		c.refuse(p.owner)
		return r, r.setStatus(ctx, "pending", "Orrery checks what this does to the catalog", "")
	}
	if err != nil {
		return nil, fmt.Errorf("begin the check run: %w", err)
	}
	r.run = made.GetID()
	return r, nil
}

// known is the check run of this check that is there already, if it can be gone on with.
func (r *report) known(ctx context.Context) (*github.CheckRun, error) {
	runs, err := r.checker.runsOf(ctx, r.client, r.pull.owner, r.pull.repository, r.pull.head)
	if status(err) == http.StatusForbidden { // creating one tells
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var newest *github.CheckRun
	for _, run := range runs {
		if run.GetExternalID() != r.checker.externalID(r.pull.number) {
			continue
		}
		if newest == nil || run.GetID() > newest.GetID() {
			newest = run
		}
	}
	if newest == nil || newest.GetOutput().GetAnnotationsCount() == 0 {
		return newest, nil
	}
	if newest.GetStatus() != stateCompleted {
		old := &report{checker: r.checker, client: r.client, pull: r.pull, run: newest.GetID()}
		return nil, old.complete(ctx, &result{
			conclusion: conclusionNeutral, title: "Checked again", summary: "This is checked again: see the newer check run.",
		})
	}
	return nil, nil
}

func (c *Checker) isRefused(owner string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	since, refused := c.refused[strings.ToLower(owner)]
	return refused && c.config.Now().Sub(since) < refusedFor
}

func (c *Checker) refuse(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[strings.ToLower(owner)] = c.config.Now()
}

// complete writes the result. Annotations go in pieces, the last of them with the conclusion.
func (r *report) complete(ctx context.Context, result *result) error {
	title, summary := cutText(cmp.Or(result.title, "Checked"), maxTitle), cutText(result.summary, maxSummary)
	if r.run == 0 {
		return r.setStatus(ctx, stateOf(result.conclusion), title, result.link)
	}
	rest := result.annotations[:min(len(result.annotations), maxAnnotations)]
	for {
		now := rest[:min(len(rest), annotationsAtOnce)]
		rest = rest[len(now):]
		options := github.UpdateCheckRunOptions{
			Status: github.String(stateInProgress),
			Output: &github.CheckRunOutput{Title: &title, Summary: &summary, Annotations: encodeAnnotations(now)},
		}
		if len(rest) == 0 {
			completed := github.Timestamp{Time: r.checker.config.Now().UTC().Truncate(time.Second)}
			options.Status, options.Conclusion, options.CompletedAt = github.String(stateCompleted), &result.conclusion, &completed
		}
		if err := r.update(ctx, options); err != nil {
			return err
		}
		if len(rest) == 0 {
			return nil
		}
	}
}

func encodeAnnotations(list []annotation) []*github.CheckRunAnnotation {
	encoded := make([]*github.CheckRunAnnotation, len(list))
	for i, a := range list {
		encoded[i] = &github.CheckRunAnnotation{
			Path: github.String(a.path), StartLine: github.Int(max(a.line, 1)), EndLine: github.Int(max(a.line, 1)),
			AnnotationLevel: github.String(a.level), Title: github.String(cutText(a.title, maxTitle)),
			Message: github.String(cutText(a.message, maxMessage)),
		}
	}
	return encoded
}

func (r *report) update(ctx context.Context, options github.UpdateCheckRunOptions) error {
	options.Name = r.checker.name
	options.ExternalID = github.String(r.checker.externalID(r.pull.number))
	if _, _, err := r.client.Checks.UpdateCheckRun(ctx, r.pull.owner, r.pull.repository, r.run, options); err != nil {
		return fmt.Errorf("write the check run: %w", err)
	}
	return nil
}

// stateOf is the state of a commit status, which knows no neutral: what is no failure must not be in the way.
func stateOf(conclusion string) string {
	if conclusion == conclusionFailure {
		return "failure"
	}
	return "success"
}

func (r *report) setStatus(ctx context.Context, state, description, link string) error {
	set := &github.RepoStatus{
		State: &state, Context: github.String("orrery/" + r.checker.config.Source), Description: github.String(cutText(description, maxDescription)),
	}
	if link != "" {
		set.TargetURL = &link
	}
	_, _, err := r.client.Repositories.CreateStatus(ctx, r.pull.owner, r.pull.repository, r.pull.head, set)
	switch status(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return fmt.Errorf("%w (%w)", errMayNotWrite, err)
	}
	if err != nil {
		return fmt.Errorf("write the commit status: %w", err)
	}
	return nil
}
