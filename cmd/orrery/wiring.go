package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/orrery-catalog/orrery/graph"
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
		return store, nil
	default:
		return nil, fmt.Errorf("there is no engine %s", g.Engine)
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// noStore says whether the error is that nobody has made the store yet.
func noStore(err error) bool { return errors.Is(err, fs.ErrNotExist) }
