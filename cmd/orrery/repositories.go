package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/build"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/onboard"
	"github.com/orrery-catalog/orrery/internal/pullcheck"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/git"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/webhook"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// hubs are what the sources on GitHub of one configuration share with those that hear from there and write there.
type hubs struct {
	public  string // where people find the UI; "" = unknown
	now     *present
	log     zerolog.Logger
	metrics prometheus.Registerer // nil = nobody looks at them
	all     []*hub                // in the order of the configuration
}

// hub is one source on GitHub.
type hub struct {
	config     config.Source
	connection *connect.Connection
	reader     *github.Scanner
	checker    *pullcheck.Checker // nil = no pull request is checked
	proposer   *onboard.Proposer  // nil = nothing is proposed
}

// newHubs makes them without sources.
func newHubs(c *config.Config, now *present, log zerolog.Logger, metrics prometheus.Registerer) *hubs {
	return &hubs{public: c.PublicURL, now: now, log: log, metrics: metrics}
}

// source makes the scanner of a source on GitHub.
func (h *hubs) source(s config.Source) (scanners.Scanner, error) {
	log := h.log.With().Str("source", s.ID).Logger()
	c := connect.Config{
		WebURL: s.URL, APIURL: s.APIURL, Token: s.Token, Reserve: float64(s.Reserve) / 100,
		UserAgent: "orrery/" + build.Current().Version, Source: s.ID, Metrics: h.metrics, Log: log,
	}
	if s.App.IsSet() {
		c.App = &connect.App{ID: int64(s.App.ID), InstallationID: int64(s.App.Installation), PrivateKey: []byte(s.App.PrivateKey)}
		if s.App.PrivateKeyFile != "" {
			var err error
			if c.App.PrivateKey, err = os.ReadFile(s.App.PrivateKeyFile); err != nil {
				return nil, fmt.Errorf("read app.privateKeyFile: %w", err)
			}
		}
	}
	if s.CAFile != "" {
		var err error
		if c.Transport, err = polled.Transport(s.CAFile); err != nil {
			return nil, err
		}
	}
	connection, err := connect.New(c)
	if err != nil {
		return nil, err
	}
	reader, err := github.New(github.Config{
		Connection: connection, Organizations: s.AllOrganizations(), Users: s.Users,
		Include: s.Repositories, Exclude: s.ExcludeRepositories, Topics: s.Topics, Visibility: s.Visibility,
		Archived: s.Archived, Forks: s.Forks, Branch: s.Branch, CatalogFiles: s.CatalogFiles, ExcludeFiles: s.Exclude,
		Teams: s.Teams, Namespace: s.Namespace, Program: build.Current().String(), Log: log,
	})
	if err != nil {
		return nil, err
	}
	made := &hub{config: s, connection: connection, reader: reader}
	if s.Checks != "" {
		made.checker = pullcheck.New(pullcheck.Config{
			Catalog: h.now, Source: s.ID, Reader: reader, Connection: connection, Branch: s.Branch, BaseURL: h.public,
			Always: s.Checks == config.ChecksAll, Log: log, Metrics: h.metrics,
		})
	}
	if s.Proposals > 0 {
		made.proposer, err = onboard.NewProposer(onboard.ProposerConfig{
			Source: s.ID, Host: connection.Host(), Reader: proposable{reader}, Clients: connection, PerDay: s.Proposals, Web: h.public,
			Snapshot: h.now.newest, Log: log,
		})
		if err != nil {
			return nil, err
		}
	}
	h.all = append(h.all, made)
	return reader, nil
}

// gitOf makes the scanner of git repositories.
func gitOf(s config.Source) (scanners.Scanner, error) {
	return git.New(git.Config{
		Repositories: s.Remotes, Folders: s.Paths, Branch: s.Branch, CatalogFiles: s.CatalogFiles, ExcludeFiles: s.Exclude, Cache: s.Cache,
	})
}

// webhooks takes what GitHub delivers; nil = no source hears it.
func (h *hubs) webhooks() (http.Handler, error) {
	c := webhook.Config{Log: h.log, Metrics: h.metrics}
	for _, hub := range h.all {
		if hub.config.WebhookSecret == "" {
			continue
		}
		target := webhook.Target{
			Source: hub.config.ID, Secret: hub.config.WebhookSecret, Host: hub.connection.Host(),
			Owners: hub.reader.Owns, Branch: hub.config.Branch,
			Wants: func(repository, _, path string) bool { // only who scans knows what is read by now
				live, err := h.now.live()
				return err != nil || !live.Leads() || hub.reader.Wants(repository, "", path)
			},
			Changed: func(ctx context.Context, delivery string, names []string) error {
				live, err := h.now.live()
				if err != nil {
					return err
				}
				return live.Heard(ctx, hub.config.ID, delivery, names...)
			},
		}
		if hub.checker != nil {
			target.PullRequest = hub.checker.Handle
		}
		c.Targets = append(c.Targets, target)
	}
	if len(c.Targets) == 0 {
		return nil, nil
	}
	return webhook.New(c)
}

// run does what the sources do besides being scanned, until ctx ends.
func (h *hubs) run(ctx context.Context) error {
	running, ctx := errgroup.WithContext(ctx)
	for _, hub := range h.all {
		if hub.checker != nil {
			running.Go(func() error { return hub.checker.Run(ctx) })
		}
		if hub.proposer != nil {
			running.Go(func() error { return hub.proposer.Run(ctx) })
			running.Go(func() error { return hub.considerScans(ctx, h.now) })
		}
	}
	return running.Wait()
}

// proposePause is the least time between two looks at what could be proposed: pushes are scanned all the time.
const proposePause = 15 * time.Minute

// considerScans lets what could be proposed be looked for after good scans of the source, in the process that scans.
func (h *hub) considerScans(ctx context.Context, now *present) error {
	live, err := now.live()
	if err != nil {
		return err
	}
	var looked, last time.Time
	for {
		changed := live.Changed()
		if snapshot := live.Snapshot(); snapshot != nil && live.Leads() {
			for _, source := range snapshot.Sources() {
				// What a store still says of a source that this process has not scanned yet is no reason to look.
				if source.ID == h.config.ID && source.State == graph.SourceOK && source.LastGood.After(last) &&
					time.Since(looked) > proposePause && len(h.reader.Repositories()) > 0 {
					looked, last = time.Now(), source.LastGood
					h.proposer.Scanned()
				}
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// proposable is the reader of a source as what proposes sees it.
type proposable struct{ *github.Scanner }

// Repositories implements onboard.Reader.
func (p proposable) Repositories() []onboard.Repository {
	var all []onboard.Repository
	for _, r := range p.Scanner.Repositories() {
		all = append(all, onboard.Repository{
			FullName: r.FullName, HasCatalog: r.HasCatalog, Archived: r.Archived, Fork: r.Fork,
		})
	}
	return all
}

// newest is the newest state; nil = there is none yet.
func (p *present) newest() *graph.Snapshot {
	snapshot, _ := p.snapshot() // what is not there yet is no error here
	return snapshot
}

// live is the catalog, once it is there.
func (p *present) live() (*ingest.Catalog, error) {
	if live := p.catalog.Load(); live != nil {
		return live, nil
	}
	return nil, fmt.Errorf("the catalog is still being loaded: %w", graph.ErrUnavailable)
}

// Try implements pullcheck.Catalog.
func (p *present) Try(ctx context.Context, source string, scopes []scanners.Scope) (*ingest.Trial, error) {
	live, err := p.live()
	if err != nil {
		return nil, err
	}
	return live.Try(ctx, source, scopes)
}
