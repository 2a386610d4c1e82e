package pullcheck

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

// Catalog tells what it would be if a source said something else; see [ingest.Catalog.Try].
type Catalog interface {
	Try(ctx context.Context, source string, scopes []scanners.Scope) (*ingest.Trial, error)
}

// Reader reads the repositories of the source.
type Reader interface {
	// Wants says whether a push to a branch of a repository (owner/name) that changes the path can change what the source says;
	// an empty path stands for any.
	Wants(repository, branch, path string) bool
	// ReadAt reads files of a repository (owner/name) at a commit: of a path that the source would not read it tells nothing; of
	// one that it read and that is not there, that it is gone.
	ReadAt(ctx context.Context, repository, commit string, paths []string) ([]scanners.Scope, error)
}

// Connection reaches GitHub.
type Connection interface {
	REST(ctx context.Context, owner string) (*github.Client, error)
	Host() string   // the first part of the names of scopes, such as github.com
	WebURL() string // without a slash at its end
}

// Config says what a Checker checks with.
type Config struct {
	Catalog    Catalog
	Source     string // the id of the source that the repositories are of
	Reader     Reader
	Connection Connection
	Branch     string // that the source reads; "" = the default branch of each repository
	BaseURL    string // of the UI, for links to entities; "" = no links
	// Always makes a check of each pull request, also where no catalog file changes, so that the check can be required.
	Always  bool
	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil = nobody looks at them
	Now     func() time.Time      // nil = time.Now
}

// parallel is how many pull requests are checked at the same time: mostly they wait for GitHub.
const parallel = 4

// Checker checks pull requests, one after the other and a few at a time.
type Checker struct {
	config  Config
	name    string // of its check runs and statuses
	queue   *queue
	metrics *metrics

	mu      sync.Mutex
	refused map[string]time.Time // by owner: since when check runs may not be written; guarded by mu
}

// New makes a Checker, which checks while Run runs.
func New(config Config) *Checker {
	if config.Now == nil {
		config.Now = time.Now
	}
	config.BaseURL = strings.TrimSuffix(config.BaseURL, "/")
	c := &Checker{config: config, name: "Orrery (" + config.Source + ")", refused: make(map[string]time.Time)}
	c.queue = newQueue(config.Now)
	c.metrics = newMetrics(config, c.queue)
	return c
}

// Handle takes what happened to a pull request, and queues a check where there is something to check. It returns at once. A
// newer push takes the place of one that waits or is being checked.
func (c *Checker) Handle(_ context.Context, event webhook.PullRequest) error {
	asked := false
	switch event.Action {
	case "opened", "synchronize", "reopened", "ready_for_review":
	case "edited":
		if !event.BaseChanged {
			return nil
		}
	case webhook.ActionRerequested:
		asked = true
	default:
		return nil
	}
	owner, name, ok := strings.Cut(event.Repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") || event.Number < 0 {
		return fmt.Errorf("no pull request to check: %q, number %d", event.Repository, event.Number)
	}
	if event.Number == 0 && event.HeadCommit == "" || event.Base != "" && !c.config.Reader.Wants(event.Repository, event.Base, "") {
		return nil
	}
	dropped := c.queue.put(&job{
		key:   key{strings.ToLower(event.Repository), event.Number, headWithout(event)},
		owner: owner, repository: name, head: event.HeadCommit, asked: asked,
	})
	if dropped != nil {
		c.metrics.done(outcomeDropped)
		c.config.Log.Warn().Str("source", c.config.Source).Str("repository", dropped.key.repository).Int("number", dropped.key.number).
			Msg("too many pull requests wait to be checked: this one is not checked")
	}
	return nil
}

// headWithout tells checks apart of which the pull request is unknown yet.
func headWithout(event webhook.PullRequest) string {
	if event.Number == 0 {
		return event.HeadCommit
	}
	return ""
}

// Run checks what is queued until ctx ends. What is being checked then is told to be unfinished.
func (c *Checker) Run(ctx context.Context) error {
	var working sync.WaitGroup
	for range parallel {
		working.Go(func() {
			for {
				j, jobCtx, done := c.queue.take(ctx)
				if j == nil {
					return
				}
				c.run(jobCtx, j)
				done()
			}
		})
	}
	working.Wait()
	return nil
}
