package onboard

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// Branch is the head of the pull requests that Orrery opens. A pull request from it, in whatever state, is how GitHub itself
// remembers that the file was proposed: no second one is opened.
const Branch = "orrery/catalog-info"

// Repository is one that may get a proposal, as the source knows it after a scan.
type Repository struct {
	FullName   string // owner/name as GitHub spells it
	HasCatalog bool   // catalog files were found in it
	Archived   bool
	Fork       bool
}

// Reader reads the repositories of the source.
type Reader interface {
	// Repositories are those of the last good whole scan, in any order.
	Repositories() []Repository
	// Files is the tree of owner/name at a commit, which is read as it is asked for.
	Files(ctx context.Context, repository, commit string) (fs.FS, error)
}

// Clients gives the client that acts for an owner.
type Clients interface {
	REST(ctx context.Context, owner string) (*github.Client, error)
}

// ProposerConfig says for which source a Proposer proposes, and how much.
type ProposerConfig struct {
	Source  string // its id, for logs and the text of the pull requests
	Host    string // of repositories in aliases, such as github.com
	Reader  Reader
	Clients Clients
	// PerDay is how many pull requests are opened in 24 hours at most; 0 = 5.
	PerDay int
	// Web is where people look at the catalog; "" = the text has no link to it.
	Web string
	// Snapshot is the newest state of the catalog, for Run; nil = there is none yet.
	Snapshot func() *graph.Snapshot
	Now      func() time.Time // nil = time.Now
	Log      zerolog.Logger
}

// Proposer opens the draft of a catalog file as a pull request where something runs that nobody declares: once a repository,
// never again after a refusal, and a few a day. It must run in the process that scans, and in no other.
type Proposer struct {
	config  ProposerConfig
	scanned chan struct{}

	mu      sync.Mutex           // held while one round runs
	settled map[string]time.Time // owner/name in lower case: nothing is to be done there until then
	opened  []time.Time          // within the last day
	counted map[string]time.Time // by owner: when GitHub was asked how many were opened
}

// NewProposer checks the configuration.
func NewProposer(config ProposerConfig) (*Proposer, error) {
	switch {
	case config.Reader == nil || config.Clients == nil:
		return nil, errors.New("proposals need a reader of repositories and a connection to GitHub")
	case config.Host == "":
		return nil, errors.New("proposals need the host of the repositories")
	case config.PerDay < 0:
		return nil, errors.New("the number of proposals a day must not be negative")
	}
	if config.PerDay == 0 {
		config.PerDay = 5
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Proposer{
		config: config, scanned: make(chan struct{}, 1), settled: make(map[string]time.Time), counted: make(map[string]time.Time),
	}, nil
}

// Scanned says that a good whole scan of the source has ended. It never waits: [Proposer.Run] looks when it is free.
func (p *Proposer) Scanned() {
	select {
	case p.scanned <- struct{}{}:
	default:
	}
}

// Run considers the newest snapshot after each good whole scan, until ctx ends. What went wrong is logged; the next scan is
// the next try.
func (p *Proposer) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.scanned:
		}
		if p.config.Snapshot == nil {
			continue
		}
		if s := p.config.Snapshot(); s != nil {
			if _, err := p.Consider(ctx, s); err != nil && ctx.Err() == nil {
				p.config.Log.Warn().Err(connect.Explain(err)).Str("source", p.config.Source).Msg("catalog files could not be proposed; after the next scan it is tried again")
			}
		}
	}
}

var legalFullName = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)

// Outcome is what came of one repository.
type Outcome struct {
	Repository string // owner/name
	URL        string // of the pull request
}

// Consider proposes a file where the snapshot shows that it is missing, as far as the day allows, and lists what it opened.
// It stops at the first error that concerns more than one repository.
func (p *Proposer) Consider(ctx context.Context, s *graph.Snapshot) ([]Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.round(ctx, s)
}
