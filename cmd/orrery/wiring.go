package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
	"github.com/orrery-catalog/orrery/internal/build"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/demo"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/ledger"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/backstage"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
	probing "github.com/orrery-catalog/orrery/scanners/probe"
)

// This file is the only place that names concrete engines and scanners.

// present gives the newest state of the catalog to a source that asks what is there.
type present struct {
	catalog atomic.Pointer[ingest.Catalog]
}

// errNoCatalog says that nothing was scanned yet.
var errNoCatalog = errors.New("nothing is in the catalog yet: other sources come first")

// is names the catalog, once it is there.
func (p *present) is(c *ingest.Catalog) {
	if p != nil {
		p.catalog.Store(c)
	}
}

// leads says whether this process is the one that scans.
func (p *present) leads() bool {
	c := p.catalog.Load()
	return c != nil && c.Leads()
}

func (p *present) snapshot() (*graph.Snapshot, error) {
	if p == nil {
		return nil, errNoCatalog
	}
	if c := p.catalog.Load(); c != nil {
		if snapshot := c.Snapshot(); snapshot != nil {
			return snapshot, nil
		}
	}
	return nil, errNoCatalog
}

// sourceOf makes the source that a configuration names.
func sourceOf(s config.Source, now *present, t *counting, h *hubs) (ingest.Source, error) {
	source := ingest.Source{
		ID: s.ID, Kind: s.Kind, Priority: s.Priority, Environment: s.Environment, Timeout: s.Timeout, Watch: s.Watch, Ages: s.HearsTraffic(),
	}
	var err error
	if source.Ages {
		source.Scanner, err = t.source(s)
	} else {
		source.Scanner, err = scannerOf(s, now, h)
	}
	if err == nil {
		source.Schedule, err = s.Times()
	}
	if err != nil {
		return source, fmt.Errorf("source %s: %w", s.ID, err)
	}
	return source, nil
}

func scannerOf(s config.Source, now *present, h *hubs) (scanners.Scanner, error) {
	switch s.Kind {
	case config.KindFiles:
		roots := make([]files.Root, len(s.Paths))
		for i, path := range s.Paths {
			roots[i] = files.Root{Path: path}
		}
		return files.New(files.Config{Roots: roots, Include: s.Include, Exclude: s.Exclude})
	case config.KindBackstage:
		return backstage.New(backstage.Config{URL: s.URL, Token: s.Token, Filter: s.Filter, CAFile: s.CAFile})
	case config.KindKubernetes:
		return kubernetesOf(s)
	case config.KindProbe:
		return probeOf(s, now)
	case config.KindGitHub:
		return h.source(s)
	case config.KindGit:
		return gitOf(s)
	default:
		return nil, fmt.Errorf("there is no scanner for the kind %s", s.Kind)
	}
}

// kubernetesOf makes the scanner of a live cluster, or of manifests.
func kubernetesOf(s config.Source) (scanners.Scanner, error) {
	if !s.Live() {
		roots := make([]folder.Root, len(s.Paths))
		for i, path := range s.Paths {
			roots[i] = folder.Root{Path: path}
		}
		return manifests.New(manifests.Config{Cluster: s.Cluster, Roots: roots, Include: s.Include, Exclude: s.Exclude})
	}
	c := kubernetes.Config{
		Cluster: s.Cluster, Context: s.Context, Kubeconfig: s.Kubeconfig, InCluster: s.InCluster,
		Namespaces: s.Namespaces, ExcludeNamespaces: s.ExcludeNamespaces, ExcludeKinds: s.ExcludeKinds, UserAgent: "orrery/" + build.Current().Version,
	}
	if s.LogFormat != "" {
		c.Logs = &kubernetes.LogConfig{Format: s.LogFormat, Fields: s.LogFields}
	}
	return kubernetes.New(c)
}

// probeOf makes the scanner that calls the health endpoints of a cluster.
func probeOf(s config.Source, now *present) (scanners.Scanner, error) {
	c := probing.Config{Targets: func() ([]probing.Target, error) {
		snapshot, err := now.snapshot()
		if err != nil {
			return nil, err
		}
		var targets []probing.Target
		for _, e := range health.Endpoints(snapshot, s.Cluster) {
			targets = append(targets, probing.Target(e))
		}
		return targets, nil
	}}
	for _, network := range s.Networks {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			return nil, err
		}
		c.Networks = append(c.Networks, prefix)
	}
	return probing.New(c)
}

// sourcesOf makes the sources of a configuration, with the names of environments that count.
func sourcesOf(c *config.Config, now *present, t *counting, h *hubs) ([]ingest.Source, error) {
	environments := c.MergeOptions().Environments
	sources := make([]ingest.Source, len(c.Sources))
	for i, s := range c.Sources {
		if name, ok := environments[strings.ToLower(s.Environment)]; ok {
			s.Environment = name
		}
		var err error
		if sources[i], err = sourceOf(s, now, t, h); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

// folderSources are those of a catalog that is given by its folders: catalog files and manifests.
func folderSources(folders []string) ([]ingest.Source, error) {
	files, err := catalogFiles(folders)
	if err != nil {
		return nil, err
	}
	found, err := sourceOf(config.Source{
		ID: manifestsID, Kind: config.KindKubernetes, Paths: folders, Cluster: manifestsID,
		Priority: catalog.DefaultPriorityManifests, Environment: config.DefaultEnvironment,
	}, nil, nil, nil)
	return append(files, found), err
}

// manifestsID is the source, and the cluster, of manifests in folders that are given without a configuration.
const manifestsID = "manifests"

// catalogFiles is the source of the catalog files in folders.
func catalogFiles(folders []string) ([]ingest.Source, error) {
	for _, folder := range folders {
		if folder == "" {
			return nil, usagef("the name of a folder is empty: name a folder of catalog files, for example .")
		}
	}
	source, err := sourceOf(config.Source{ID: "catalog", Kind: config.KindFiles, Paths: folders, Environment: config.DefaultEnvironment}, nil, nil, nil)
	return []ingest.Source{source}, err
}

// demoSources read the catalog files, manifests and traces that are part of the program.
func demoSources(t *counting) ([]ingest.Source, error) {
	written, err := files.New(files.Config{Roots: []folder.Root{{FS: demo.Files(), Display: "demo"}}})
	if err != nil {
		return nil, err
	}
	rendered, err := manifests.New(manifests.Config{Cluster: demo.Cluster, Roots: []folder.Root{{FS: demo.Manifests(), Display: demo.Cluster}}})
	if err != nil {
		return nil, err
	}
	traces, err := recorded.New(recorded.Config{Roots: []folder.Root{{FS: demo.RecordedTraces(time.Now()), Display: demo.Traces}}})
	return []ingest.Source{
		{
			ID: demo.Traces, Kind: config.KindOTLP, Environment: config.DefaultEnvironment, Ages: true,
			Scanner: t.Source(ledger.Source{ID: demo.Traces, Environment: config.DefaultEnvironment, Reader: traces}),
		},
		{ID: "demo", Kind: config.KindFiles, Scanner: written, Environment: config.DefaultEnvironment},
		{
			ID: demo.Cluster, Kind: config.KindKubernetes, Scanner: rendered, Priority: catalog.DefaultPriorityManifests,
			Environment: config.DefaultEnvironment,
		},
	}, err
}

// openStore opens the store of a configuration; command describes this process to others that want to write it.
func openStore(ctx context.Context, g config.Graph, readOnly bool, command string) (graph.TrafficStore, error) {
	switch g.Engine {
	case config.EngineSQLite:
		if !readOnly {
			if folder := filepath.Dir(g.Path); !isFolder(folder) {
				return nil, fmt.Errorf("the folder %s, where the store %s is to be, is not there: make it first", folder, filepath.Base(g.Path))
			}
		}
		store, err := sqlitestore.Open(ctx, sqlitestore.Config{
			Path: g.Path, ReadOnly: readOnly, Holder: command, Program: build.Current().Version, KeepHistory: g.History,
		})
		if err != nil {
			return nil, err // not store, which would be a non-nil interface
		}
		if !readOnly && command != commandStoreCopy {
			if err := refuseUnfinished(ctx, store); err != nil {
				return nil, errors.Join(err, store.Close())
			}
		}
		return store, nil
	case config.EngineNeo4j:
		store, err := neo4jstore.Open(ctx, neo4jstore.Config{
			URI: g.URI, Username: g.Username, Password: g.Password, Database: g.Database, LabelPrefix: g.LabelPrefix,
			ReadOnly: readOnly, Holder: command, Program: "orrery " + build.Current().Version, KeepHistory: g.History,
		})
		if err != nil {
			return nil, err
		}
		return store, nil
	default:
		return nil, fmt.Errorf("there is no engine %s", g.Engine)
	}
}

// holder describes this process to the others that share a store, and tells it apart from them.
func holder(command string) string {
	host, _ := os.Hostname() // the rest tells it apart
	return fmt.Sprintf("%s (process %d on %s, %s)", command, os.Getpid(), host, rand.Text()[:8])
}

// openFailed says what to do about a store that cannot be opened, or not be read: file is the configuration that names it.
func openFailed(err error, g config.Graph, file string) error {
	hint := fmt.Sprintf("fill it by `orrery scan --config %s`", file)
	switch {
	case noStore(err):
		return fmt.Errorf("there is no store %s yet: %s", g.Place(), hint)
	case errors.Is(err, errEmpty):
		return fmt.Errorf("nothing is in the store %s yet: %s", g.Place(), hint)
	case g.Engine == config.EngineNeo4j && errors.Is(err, graph.ErrUnavailable) && !errors.Is(err, neo4jstore.ErrCredentials):
		return fmt.Errorf("%w: start it, or correct graph in %s", err, file) // which names the place
	}
	return err
}

// errEmpty says that nobody has scanned into the store.
var errEmpty = errors.New("the store is empty")

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// noStore says whether the error is that nobody has made the store yet.
func noStore(err error) bool { return errors.Is(err, fs.ErrNotExist) }
