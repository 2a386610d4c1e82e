package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/server"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// data says where a question is answered from.
type data struct {
	catalog        []string
	config, server string
	at             string // as given; "" = now
}

// dataFlags adds the flags by which every query subcommand chooses its data.
func dataFlags(cmd *cobra.Command) *data {
	d := &data{}
	cmd.GroupID = groupAsk
	flags := cmd.Flags()
	flags.StringArrayVar(&d.catalog, "catalog", nil, "read the catalog files in this `folder`, without a server or a store (repeatable)")
	flags.StringVar(&d.config, "config", "", "read the store of this configuration `file`, also while a server runs")
	flags.StringVar(&d.server, "server", "", "ask the server at this `URL`, with the token in ORRERY_TOKEN (default http://"+config.DefaultListen+")")
	flags.StringVar(&d.at, "at", "", "answer as of this past `time`: "+momentHelp)
	return d
}

// source is an open place to ask.
type source struct {
	*client
	snapshot *graph.Snapshot // nil for a server
	past     resolve.Past    // nil for a server, and where there is no store
	store    graph.Store     // nil where none is open
	judge    *health.Judge   // nil = by the default policy
}

// close ends connections that are kept for another question, and closes the store.
func (s *source) close() {
	s.http.CloseIdleConnections()
	if s.store != nil {
		_ = s.store.Close() // it was only read
	}
}

// open opens what the flags name. It must be closed.
func (p *program) open(ctx context.Context, d *data) (*source, error) {
	given := 0
	for _, set := range []bool{len(d.catalog) > 0, d.config != "", d.server != ""} {
		if set {
			given++
		}
	}
	if given > 1 {
		return nil, usagef("use only one of --catalog, --config and --server")
	}
	at, err := d.moment()
	if err != nil {
		return nil, err
	}
	log, err := p.logger(zerolog.ErrorLevel)
	if err != nil {
		return nil, err
	}
	s := &source{}
	switch {
	case len(d.catalog) > 0:
		s.snapshot, err = p.readFolders(ctx, d.catalog, log)
	case d.config != "":
		err = p.openConfigured(ctx, s, d.config, log)
	default:
		address := d.server
		if address == "" {
			address = "http://" + config.DefaultListen
		}
		if s.client, err = remote(address, p.getenv("ORRERY_TOKEN")); err == nil {
			s.old.tell = p.complain
		}
	}
	if err != nil {
		return nil, err
	}
	if s.client == nil {
		s.client = local(server.New(server.Config{Snapshots: stays{s.snapshot}, Past: s.past, Health: s.judge, Log: log}))
	}
	s.at = at
	return s, nil
}

// moment is when the flags want an answer as of; nil is now.
func (d *data) moment() (*time.Time, error) {
	if d.at == "" {
		return nil, nil
	}
	if len(d.catalog) > 0 {
		return nil, usagef("--at needs a store, where history is kept: use it with --config or --server instead of --catalog")
	}
	at, err := moment("--at", d.at, time.Now())
	if err == nil && at.After(time.Now()) {
		err = usagef("--at %s is in the future: leave it out to ask about now", d.at)
	}
	return &at, err
}

// stays is a snapshot that no newer one replaces.
type stays struct{ snapshot *graph.Snapshot }

func (s stays) Snapshot() *graph.Snapshot { return s.snapshot }

// readFolders reads catalog files and manifests into a snapshot, as a store filled from them would give.
func (p *program) readFolders(ctx context.Context, folders []string, log zerolog.Logger) (*graph.Snapshot, error) {
	sources, err := folderSources(folders)
	if err != nil {
		return nil, err
	}
	return p.readSources(ctx, sources, log)
}

// readSources reads sources into a snapshot, without a store.
func (p *program) readSources(ctx context.Context, sources []ingest.Source, log zerolog.Logger) (*graph.Snapshot, error) {
	c, err := ingest.New(ctx, ingest.Config{Sources: sources, Log: log})
	if err != nil {
		return nil, err
	}
	stop := p.showProgress(ctx, c)
	_, err = c.Scan(ctx)
	stop()
	switch err = withoutSource(err); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: check the path", err)
	case err != nil:
		return nil, err
	}
	return c.Snapshot(), nil
}

// withoutSource leaves out the name of a source that nobody has given.
func withoutSource(err error) error {
	var failed *ingest.SourceError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// readStore reads the newest state of a store, with what was counted of traffic.
func readStore(ctx context.Context, c *config.Config, store graph.Store, log zerolog.Logger) (*ingest.Catalog, error) {
	sources, counted, err := unheard(ctx, c, store, nil, log)
	if err != nil {
		return nil, err
	}
	return ingest.New(ctx, ingest.Config{
		Store: store, Sources: sources, Merge: c.MergeOptions(), ReadOnly: true, Log: log, Traffic: counted,
	})
}

// openConfigured opens the store of a configuration, without a claim on it, and reads its newest state.
func (p *program) openConfigured(ctx context.Context, s *source, file string, log zerolog.Logger) error {
	c, err := p.loadConfig(file)
	if err != nil {
		return err
	}
	if s.judge, err = judgeOf(c); err != nil {
		return err
	}
	store, err := openStore(ctx, c.Graph, true, "orrery")
	if err != nil {
		return openFailed(err, c.Graph, file)
	}
	catalog, err := readStore(ctx, c, store, log)
	if err == nil && catalog.Snapshot() == nil {
		err = errEmpty
	}
	if err != nil {
		return errors.Join(openFailed(err, c.Graph, file), store.Close())
	}
	s.snapshot, s.past, s.store = catalog.Snapshot(), catalog, store
	return nil
}

// loadConfig reads a configuration file.
func (p *program) loadConfig(file string) (*config.Config, error) {
	c, err := config.Load(file, p.env)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no configuration file %s: write one (see `orrery config --help`) or name another by --config FILE", file)
	}
	return c, err
}
