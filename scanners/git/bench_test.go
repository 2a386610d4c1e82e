package git_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/git"
)

// BenchmarkScan is 200 repositories with a few files each, and one of 50,000 files of which every tenth describes an entity:
// first, and again unchanged, as remotes and as mirrors.
func BenchmarkScan(b *testing.B) {
	folder := b.TempDir()
	var many []string
	for i := range 200 {
		dir := bare(b, filepath.Join(folder, "many", fmt.Sprint("r", i, ".git")))
		commit(b, dir, tree{"catalog-info.yaml": component(fmt.Sprint("r", i)), ".gitignore": "x", "main.go": "package main", "docs/a.md": "words"})
		many = append(many, "file://"+dir)
	}
	files := make(tree)
	for i := range 50_000 {
		if i%10 == 0 {
			files[fmt.Sprintf("s%d/svc%d/catalog-info.yaml", i/500, i)] = component(fmt.Sprint("svc-", i))
		} else {
			files[fmt.Sprintf("s%d/svc%d/src/f%d.go", i/500, i/10*10, i)] = fmt.Sprintf("package x // %d\n", i) + string(bulk(i)[:500])
		}
	}
	one := bare(b, filepath.Join(folder, "one", "big.git"))
	commit(b, one, files)
	deaf := sinkFunc(func(context.Context, scanners.Scope) error { return nil })
	for name, config := range map[string]git.Config{
		"200 remotes": {Repositories: many}, "200 mirrors": {Folders: []string{filepath.Join(folder, "many")}},
		"50000 files remote": {Repositories: []string{"file://" + one}}, "50000 files mirror": {Folders: []string{filepath.Dir(one)}},
	} {
		b.Run(name+"/first", func(b *testing.B) {
			for b.Loop() {
				config.Cache = b.TempDir()
				if _, err := newScanner(b, config).Scan(b.Context(), nil, deaf); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/unchanged", func(b *testing.B) {
			scanner := newScanner(b, config)
			state, err := scanner.Scan(b.Context(), nil, deaf)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := scanner.Scan(b.Context(), state, deaf); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(state)), "B/state")
		})
	}
}
