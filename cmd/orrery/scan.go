package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

func (p *program) scanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scan [DIR...]",
		Short: "Scan the sources once, into the store",
		Long: "Scan the sources of a configuration once, into its store; or folders of catalog files into a store of their\n" +
			"own. The exit status is 3 if a source failed, what it said before then stands; and 1 if removals wait for approval.",
		Example: "  orrery scan --config orrery.yaml\n  orrery scan --into orrery.db repos/",
		Args:    arguments(0, -1, "folders, with --into"),
		GroupID: groupRun,
	}
	file := cmd.Flags().String("config", "", "the configuration `file` (default "+defaultConfigFile+")")
	into := cmd.Flags().String("into", "", "scan the folders into this store `file`, without a configuration")
	cmd.RunE = func(cmd *cobra.Command, folders []string) error {
		switch {
		case *into != "" && *file != "":
			return usagef("use only one of --into and --config")
		case *into != "" && len(folders) == 0:
			return usagef("name the folders to scan into %s", *into)
		case *into == "" && len(folders) > 0:
			return usagef("name the store to scan the folders into by --into FILE.db")
		}
		log, err := p.logger(zerolog.WarnLevel)
		if err != nil {
			return err
		}
		if *into != "" {
			sources, err := folderSources(folders)
			if err != nil {
				return err
			}
			return p.scan(cmd.Context(), &config.Config{Graph: config.Graph{Engine: config.EngineSQLite, Path: *into}}, sources, log)
		}
		if *file == "" {
			*file = defaultConfigFile
		}
		c, err := p.loadConfig(*file)
		if err != nil {
			return err
		}
		if len(c.Sources) == 0 {
			return usagef("%s names no sources: add one to scan", *file)
		}
		return p.scan(cmd.Context(), c, nil, log)
	}
	return cmd
}

// scan scans the sources, or those of the configuration, into the store, and tells what came of it.
func (p *program) scan(ctx context.Context, c *config.Config, sources []ingest.Source, log zerolog.Logger) (err error) {
	const name = "orrery scan"
	store, err := openStore(ctx, c.Graph, false, name)
	if err != nil {
		return openFailed(err, c.Graph, c.File)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	now := &present{}
	configured, counted, err := unheard(ctx, c, store, now, log)
	if noStore(err) {
		return err // a file of a source: the store is open
	}
	if err != nil {
		return openFailed(err, c.Graph, c.File)
	}
	if sources == nil {
		sources = configured
	}
	live, err := ingest.New(ctx, ingest.Config{
		Store: store, Sources: sources, Merge: c.MergeOptions(), Holder: holder(name), Log: log, Traffic: counted,
	})
	if err != nil {
		return openFailed(err, c.Graph, c.File)
	}
	now.is(live)
	stop := p.showProgress(ctx, live)
	result, err := live.Scan(ctx)
	stop()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, graph.ErrLeaseHeld) && len(result.Sources) == 0:
		return fmt.Errorf("%w: it scans by its schedules, and at once by `orrery sources scan ID --server URL`", err)
	case err != nil && len(result.Sources) == 0:
		return openFailed(err, c.Graph, c.File)
	}
	if shown := p.show(newScanned(result, live.Snapshot()), formatTable); shown != nil {
		return shown
	}
	if snapshot := live.Snapshot(); snapshot != nil {
		for _, source := range snapshot.Sources() { // those that are no longer configured, too
			if source.Held == nil {
				continue
			}
			if held := p.heldBack(source.ID, source.Held.Entities, source.Held.Of); err == nil {
				err = held
			}
		}
	}
	return err
}

// scanned is the summary of a scan.
type scanned struct {
	sources                []ingest.SourceResult
	states                 map[string]graph.SourceState
	entities, placeholders int
	problems               int
}

func newScanned(result ingest.Result, snapshot *graph.Snapshot) *scanned {
	a := &scanned{sources: result.Sources, states: map[string]graph.SourceState{}}
	if snapshot != nil {
		for _, source := range snapshot.Sources() {
			a.states[source.ID] = source.State
		}
		for entity := range snapshot.Entities("") {
			if entity.Placeholder {
				a.placeholders++
			}
		}
		a.entities = snapshot.Len() - a.placeholders
		for range snapshot.Problems("") {
			a.problems++
		}
	}
	return a
}

func (a *scanned) table(p *printer) {
	rows := make([][]cell, len(a.sources))
	for i, s := range a.sources {
		state := cell{"OK", green}
		switch {
		case s.Err != nil:
			state = cell{"FAILED", red}
		case s.Held != nil:
			state = cell{"HELD", yellow}
		case a.states[s.ID] == graph.SourceStale:
			state = cell{"STALE", yellow}
		}
		rows[i] = []cell{
			text(s.ID), state, text(fmt.Sprint(s.Scopes)), text(fmt.Sprint(s.Unreadable)), text(fmt.Sprint(s.Put)), text(fmt.Sprint(s.Removed)),
			text(s.Duration.Round(time.Millisecond).String()),
		}
	}
	p.table([]column{
		{title: "SOURCE"},
		{title: "STATE"},
		{title: "FILES", numbers: true},
		{title: "UNREADABLE", numbers: true},
		{title: "WRITTEN", numbers: true},
		{title: "REMOVED", numbers: true},
		{title: "TIME", numbers: true},
	}, rows)
	p.line("")
	p.line("%s (%d more are only referred to), %s", many(a.entities, "entity", "entities"), a.placeholders, many(a.problems, "problem", "problems"))
}
