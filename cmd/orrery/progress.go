package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/orrery-catalog/orrery/internal/ingest"
)

// progress tells people on a terminal how far scans are. Elsewhere it is silent.
type progress struct {
	mu      sync.Mutex
	bar     *progressbar.ProgressBar // nil = silent
	sources map[string]ingest.Event  // the last one of each
}

func (p *program) startProgress() *progress {
	progress := &progress{sources: map[string]ingest.Event{}}
	if isTerminal(p.stderr) {
		progress.bar = progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(p.stderr),
			progressbar.OptionSetDescription("reading"),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSpinnerType(14),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetElapsedTime(false),
		)
	}
	return progress
}

// notify hears of one source, from several goroutines.
func (p *progress) notify(event ingest.Event) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources[event.Source] = event
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
	if p.bar != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = p.bar.Finish()
	}
}
