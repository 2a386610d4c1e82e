package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// shortScan is how long a scan may take without a word.
const shortScan = 300 * time.Millisecond

// showProgress tells people on a terminal how far the scans of a catalog are, if they are long, until stop is called.
// Elsewhere it is silent.
func (p *program) showProgress(ctx context.Context, live *ingest.Catalog) (stop func()) {
	if !isTerminal(p.stderr) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var showing sync.WaitGroup
	showing.Go(func() {
		line := &progressLine{out: p.stderr, started: time.Now(), sources: map[string]graph.ScanProgress{}}
		for step := range live.Progress(ctx) {
			line.show(step)
		}
		line.clear()
	})
	return func() {
		cancel()
		showing.Wait()
	}
}

// progressLine is what is seen of the progress.
type progressLine struct {
	out     io.Writer
	started time.Time
	bar     *progressbar.ProgressBar // nil while the scan is short
	sources map[string]graph.ScanProgress
}

func (l *progressLine) show(step graph.ScanProgress) {
	l.sources[step.Source] = step
	if time.Since(l.started) < shortScan {
		return
	}
	if l.bar == nil {
		l.bar = progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(l.out),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSpinnerType(14),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetElapsedTime(false),
		)
	}
	var scopes, documents int
	for _, s := range l.sources {
		scopes += s.Scopes
		documents += s.Documents
	}
	l.bar.Describe(fmt.Sprintf("reading: %d files, %d documents", scopes, documents))
	// A terminal that has gone is no reason to stop.
	_ = l.bar.Add(1)
}

// clear takes the line away.
func (l *progressLine) clear() {
	if l.bar != nil {
		_ = l.bar.Finish()
	}
}
