package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/storecopy"
)

func (p *program) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "store",
		Short:   "Look at the store, or move everything to another one",
		Long:    "Look at the store, or move everything to another one. " + placeHelp,
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		GroupID: groupRun,
	}
	cmd.AddCommand(p.storeCopyCommand(), p.storeInfoCommand())
	return cmd
}

const placeHelp = "A store is named by the file of an embedded one, by a\n" +
	"configuration file (.yaml or .yml), of which the graph settings count, or by the address of a Neo4j, such as\n" +
	"neo4j://host:7687. For an address, NEO4J_USERNAME, NEO4J_PASSWORD and NEO4J_DATABASE are those of the environment."

// storePlace is a store that was named by an argument.
type storePlace struct {
	name  string // as given
	graph config.Graph
	merge catalog.MergeOptions
	rules bool // merge comes from a configuration
}

func (p *program) placeOf(name string) (storePlace, error) {
	at := storePlace{name: name}
	switch extension := strings.ToLower(filepath.Ext(name)); {
	case name == "":
		return at, usagef("the name of a store is empty: name a file, a configuration file, or the address of a Neo4j")
	case config.IsNeo4jURI(name):
		// The address may hold a password: it is not shown before it is known not to.
		at.name = "the Neo4j store"
		g, err := config.Neo4jAt(name, p.env)
		if err != nil {
			return at, usagef("%s", err)
		}
		at.name, at.graph = g.Place(), g
	case strings.Contains(name, "://"):
		return at, usagef("there is no store by an address like that: write neo4j://host:7687, or the name of a file")
	case extension == ".yaml" || extension == ".yml":
		c, err := p.loadConfig(name)
		if err != nil {
			return at, err
		}
		at.name, at.graph, at.merge, at.rules = c.Graph.Place(), c.Graph, c.MergeOptions(), true
	default:
		at.graph = config.Graph{Engine: config.EngineSQLite, Path: name}
	}
	return at, nil
}

// openForReading opens a store that must be there.
func (p *program) openForReading(ctx context.Context, at storePlace) (graph.TrafficStore, error) {
	store, err := openStore(ctx, at.graph, true, "orrery store")
	if noStore(err) {
		check := "the path"
		if at.graph.Engine == config.EngineNeo4j {
			check = "the address, the database and the labelPrefix"
		}
		return nil, fmt.Errorf("there is no store %s: check %s", at.name, check)
	}
	return store, err
}

// refuseUnfinished keeps a process from writing into a copy that was interrupted. A store that several processes share
// needs no such look: there, the lease itself keeps them from scanning.
func refuseUnfinished(ctx context.Context, store graph.Store) error {
	_, err := store.Lease(ctx, graph.LeaseScans, "orrery", 0)
	held := new(graph.LeaseHeldError)
	if errors.As(err, &held) && held.Holder == storecopy.Holder {
		return fmt.Errorf("%s is held by %s; or remove it", store.Capabilities().Place, storecopy.Holder)
	}
	return nil
}

func (p *program) storeInfoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "info WHERE",
		Short:   "What kind of store it is, and how far back it goes",
		Long:    "What kind of store it is, and how far back it goes. " + placeHelp,
		Example: "  orrery store info orrery.db\n  orrery store info orrery.yaml --format json",
		Args:    arguments(1, 1, "one store, WHERE"),
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		at, err := p.placeOf(args[0])
		if err != nil {
			return err
		}
		store, err := p.openForReading(cmd.Context(), at)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		extent, err := storecopy.Survey(cmd.Context(), store)
		if err != nil {
			return fmt.Errorf("%s: %w", at.name, err)
		}
		return p.show(newStoreInfo(store.Capabilities(), extent), *format)
	}
	return cmd
}

// storeInfo is the answer of `store info`.
type storeInfo struct {
	Engine         string          `json:"engine"`
	Version        *string         `json:"version"`
	Place          string          `json:"place"`
	Revision       graph.Revision  `json:"revision"`
	Time           *time.Time      `json:"time"`
	OldestRevision *graph.Revision `json:"oldestRevision"`
	OldestTime     *time.Time      `json:"oldestTime"`
	HistoryAfter   *graph.Revision `json:"historyAfter"`
}

func newStoreInfo(c graph.Capabilities, e storecopy.Extent) *storeInfo {
	info := &storeInfo{Engine: c.Engine, Place: c.Place, Revision: e.Newest}
	if c.Version != "" {
		info.Version = &c.Version
	}
	if e.Newest > 0 {
		info.Time, info.OldestRevision, info.OldestTime, info.HistoryAfter = &e.NewestTime, &e.Oldest, &e.OldestTime, &e.Forgotten
	}
	return info
}

func (a *storeInfo) table(p *printer) {
	fact := func(name, value string) { p.line("%s %s", p.painted(fmt.Sprintf("%-14s", name), dim), oneLine(value)) }
	fact("engine", strings.TrimSpace(a.Engine+" "+shown(a.Version)))
	fact("place", a.Place)
	if a.Time == nil {
		fact("revision", "none: nothing is in it yet")
		return
	}
	at := func(revision graph.Revision, t time.Time) string {
		return fmt.Sprintf("%d, of %s", revision, t.Format(time.RFC3339))
	}
	fact("revision", at(a.Revision, *a.Time))
	fact("oldest state", at(*a.OldestRevision, *a.OldestTime))
	fact("history", fmt.Sprintf("since revision %d", *a.HistoryAfter+1))
}
