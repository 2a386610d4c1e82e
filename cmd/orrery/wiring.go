package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
	"github.com/orrery-catalog/orrery/internal/build"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/backstage"
	"github.com/orrery-catalog/orrery/scanners/files"
)

// This file is the only place that names concrete engines and scanners.

// sourceOf makes the source that a configuration names.
func sourceOf(s config.Source) (ingest.Source, error) {
	source := ingest.Source{ID: s.ID, Kind: s.Kind, Priority: s.Priority, Environment: s.Environment, Timeout: s.Timeout, Watch: s.Watch}
	var err error
	if source.Scanner, err = scannerOf(s); err == nil {
		source.Schedule, err = s.Times()
	}
	if err != nil {
		return source, fmt.Errorf("source %s: %w", s.ID, err)
	}
	return source, nil
}

func scannerOf(s config.Source) (scanners.Scanner, error) {
	switch s.Kind {
	case config.KindFiles:
		roots := make([]files.Root, len(s.Paths))
		for i, path := range s.Paths {
			roots[i] = files.Root{Path: path}
		}
		return files.New(files.Config{Roots: roots, Include: s.Include, Exclude: s.Exclude})
	case config.KindBackstage:
		return backstage.New(backstage.Config{URL: s.URL, Token: s.Token, Filter: s.Filter, CAFile: s.CAFile})
	default:
		return nil, fmt.Errorf("there is no scanner for the kind %s", s.Kind)
	}
}

// sourcesOf makes the sources of a configuration, with the names of environments that count.
func sourcesOf(c *config.Config) ([]ingest.Source, error) {
	environments := c.MergeOptions().Environments
	sources := make([]ingest.Source, len(c.Sources))
	for i, s := range c.Sources {
		if name, ok := environments[strings.ToLower(s.Environment)]; ok {
			s.Environment = name
		}
		var err error
		if sources[i], err = sourceOf(s); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

// folderSource is the only source of a catalog that is given by its folders.
func folderSource(folders []string) ([]ingest.Source, error) {
	for _, folder := range folders {
		if folder == "" {
			return nil, usagef("the name of a folder is empty: name a folder of catalog files, for example .")
		}
	}
	source, err := sourceOf(config.Source{ID: "catalog", Kind: config.KindFiles, Paths: folders, Environment: config.DefaultEnvironment})
	return []ingest.Source{source}, err
}

// embeddedSource reads catalog files that are part of the program.
func embeddedSource(id string, content fs.FS) (ingest.Source, error) {
	scanner, err := files.New(files.Config{Roots: []files.Root{{FS: content, Display: id}}})
	return ingest.Source{ID: id, Kind: config.KindFiles, Scanner: scanner, Environment: config.DefaultEnvironment}, err
}

// openStore opens the store of a configuration; command describes this process to others that want to write it.
func openStore(ctx context.Context, g config.Graph, readOnly bool, command string) (graph.Store, error) {
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
