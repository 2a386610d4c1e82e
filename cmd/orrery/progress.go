package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/orrery-catalog/orrery/internal/ingest"
)

// shortScan is how long a scan may take without a word.
const shortScan = 300 * time.Millisecond

// progress tells people on a terminal how far long scans are. Elsewhere it is silent.
type progress struct {
	mu      sync.Mutex
	out     io.Writer // nil = silent
	started time.Time
	bar     *progressbar.ProgressBar // nil while the scan is short
	sources map[string]ingest.Event  // the last one of each
}

func (p *program) startProgress() *progress {
	progress := &progress{started: time.Now(), sources: map[string]ingest.Event{}}
	if isTerminal(p.stderr) {
		progress.out = p.stderr
	}
	return progress
}

// notify hears of one source, from several goroutines.
func (p *progress) notify(event ingest.Event) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources[event.Source] = event
	if time.Since(p.started) < shortScan {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(p.out),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSpinnerType(14),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetElapsedTime(false),
		)
	}
	var scopes, documents int
	for _, e := range p.sources {
		scopes += e.Scopes
		documents += e.Documents
	}
	p.bar.Describe(fmt.Sprintf("reading: %d files, %d documents", scopes, documents))
	// A terminal that has gone is no reason to stop.
	_ = p.bar.Add(1)
}

// stop takes the line away.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
