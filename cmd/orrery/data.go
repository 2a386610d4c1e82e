package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/server"
)

// data says where a question is answered from.
type data struct {
	catalog        []string
	config, server string
}

// dataFlags adds the flags by which every query subcommand chooses its data.
func dataFlags(cmd *cobra.Command) *data {
	d := &data{}
	cmd.GroupID = groupAsk
	flags := cmd.Flags()
	flags.StringArrayVar(&d.catalog, "catalog", nil, "read the catalog files in this `folder`, without a server or a store (repeatable)")
	flags.StringVar(&d.config, "config", "", "read the store of this configuration `file`, also while a server runs")
	flags.StringVar(&d.server, "server", "", "ask the server at this `URL`, with the token in ORRERY_TOKEN (default http://"+config.DefaultListen+")")
	return d
}

// source is an open place to ask.
type source struct {
	*client
	snapshot *graph.Snapshot // nil for a server
}

// close ends connections that are kept for another question.
func (s *source) close() { s.http.CloseIdleConnections() }

// open opens what the flags name. A local catalog is read whole, so that no file stays open.
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
	log, err := p.logger(zerolog.ErrorLevel)
	if err != nil {
		return nil, err
	}
	switch {
	case len(d.catalog) > 0:
		return inMemory(log)(p.readFolders(ctx, d.catalog, log))
	case d.config != "":
		return inMemory(log)(p.readStore(ctx, d.config, log))
	}
	address := d.server
	if address == "" {
		address = "http://" + config.DefaultListen
	}
	c, err := remote(address, p.getenv("ORRERY_TOKEN"))
	return &source{client: c}, err
}

// inMemory asks a snapshot by the handler of the server.
func inMemory(log zerolog.Logger) func(*graph.Snapshot, error) (*source, error) {
	return func(snapshot *graph.Snapshot, err error) (*source, error) {
		if err != nil {
			return nil, err
		}
		handler := server.New(server.Config{Snapshots: stays{snapshot}, Log: log})
		return &source{client: local(handler), snapshot: snapshot}, nil
	}
}

// stays is a snapshot that no newer one replaces.
type stays struct{ snapshot *graph.Snapshot }

func (s stays) Snapshot() *graph.Snapshot { return s.snapshot }

// readFolders reads catalog files into a snapshot, as a store filled from them would give.
func (p *program) readFolders(ctx context.Context, folders []string, log zerolog.Logger) (*graph.Snapshot, error) {
	sources, err := folderSource(folders)
	if err != nil {
		return nil, err
	}
	progress := p.startProgress()
	defer progress.stop()
	c, err := ingest.New(ctx, ingest.Config{Sources: sources, Log: log, Notify: progress.notify})
	if err != nil {
		return nil, err
	}
	_, err = c.Scan(ctx)
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

// readStore reads the store of a configuration, without a claim on it.
func (p *program) readStore(ctx context.Context, file string, log zerolog.Logger) (*graph.Snapshot, error) {
	c, err := p.loadConfig(file)
	if err != nil {
		return nil, err
	}
	sources, err := sourcesOf(c)
	if err != nil {
		return nil, err
	}
	hint := fmt.Sprintf("fill it by `orrery scan --config %s`", file)
	store, err := openStore(ctx, c.Graph, true, "orrery")
	if noStore(err) {
		return nil, fmt.Errorf("there is no store %s yet: %s", c.Graph.Path, hint)
	} else if err != nil {
		return nil, err
	}
	catalog, err := ingest.New(ctx, ingest.Config{Store: store, Sources: sources, ReadOnly: true, Log: log})
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	if catalog.Snapshot() == nil {
		return nil, fmt.Errorf("nothing is in the store %s yet: %s", c.Graph.Path, hint)
	}
	return catalog.Snapshot(), nil
}

// loadConfig reads a configuration file.
func (p *program) loadConfig(file string) (*config.Config, error) {
	c, err := config.Load(file, p.env)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no configuration file %s: write one (see `orrery config --help`) or name another by --config FILE", file)
	}
	return c, err
}
