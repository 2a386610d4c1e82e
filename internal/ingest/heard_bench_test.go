package ingest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/ingest"
)

// BenchmarkHeard measures the time from a delivery to the Snapshot that shows what it touched: one file of 5,000, with a
// scanner's state of 4 MiB of which a little changes.
func BenchmarkHeard(b *testing.B) {
	store, closes := benchStore(b)
	defer closes()
	w := &world{next: make([]byte, 4<<20)}
	scopes := make([]scope, 5000)
	for i := range scopes {
		scopes[i] = read(fmt.Sprintf("f%04d", i), fmt.Sprintf("component:default/c%04d", i))
	}
	w.says(scopes...)
	c, err := ingest.New(b.Context(), ingest.Config{Store: store, Sources: []ingest.Source{{ID: "d", Scanner: w}}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	for changed := c.Changed(); c.Snapshot() == nil || c.Snapshot().Len() < len(scopes); changed = c.Changed() {
		<-changed
	}
	longest, n := time.Duration(0), 0
	for b.Loop() {
		n++
		w.mu.Lock()
		w.scopes[n%5000] = read(scopes[n%5000].name, fmt.Sprintf("component:default/c%04d Title %d", n%5000, n))
		w.next = append([]byte(nil), w.next...)
		w.next[n%len(w.next)]++
		w.mu.Unlock()
		began, before := time.Now(), c.Snapshot().Revision()
		if err := c.Heard(ctx, "d", fmt.Sprint(n), scopes[n%5000].name); err != nil {
			b.Fatal(err)
		}
		for changed := c.Changed(); c.Snapshot().Revision() == before; changed = c.Changed() {
			<-changed
		}
		longest = max(longest, time.Since(began))
	}
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest")
	stop()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
