package ingest_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// town is a scanner of made-up files that several processes read, each as slowly as it is.
type town struct {
	mu    sync.Mutex
	files map[string][]villageDocument
	slow  time.Duration
}

func (w *town) change(random *rand.Rand) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow = time.Duration(random.IntN(4)) * 4 * time.Second
	if random.IntN(10) == 0 {
		clear(w.files)
	}
	for range 1 + random.IntN(4) {
		name := fmt.Sprint("f", random.IntN(6))
		delete(w.files, name)
		for range random.IntN(4) {
			w.files[name] = append(w.files[name], villageDocument{random.IntN(villagers), random.IntN(3)})
		}
	}
}

func (w *town) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	w.mu.Lock()
	files, slow := maps.Clone(w.files), w.slow
	w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := &villageFile{documents: files[name]}
		if err := sink.Report(ctx, file.scope(name)); err != nil {
			return nil, err
		}
	}
	select {
	case <-time.After(slow): // what it has read grows old
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestReplicasAtRandom holds that whatever three replicas are asked for while their connections fail, answers get lost,
// and some of them are killed, each shows at any time what merging the store at its revision gives, and that in the end all
// show what the sources say.
func TestReplicasAtRandom(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { interleave(t, rand.New(rand.NewPCG(seed, 12))) })
		})
	}
}

func interleave(t *testing.T, random *rand.Rand) {
	d := newDatabase()
	var sources []ingest.Source
	for i := range 3 {
		sources = append(sources, ingest.Source{
			ID: fmt.Sprint("s", i), Kind: "files", Scanner: &town{files: make(map[string][]villageDocument)},
			Schedule: every(t, []string{"@every 30s", "@every 5m", "@every 24h"}[i]), Priority: 10 + i,
		})
	}
	replicas := make([]*replica, 3)
	started := 0
	start := func(i int) {
		started++
		replicas[i] = d.starts(t, fmt.Sprint("replica ", started), sources...)
	}
	for i := range replicas {
		start(i)
	}
	defer func() {
		for _, r := range replicas {
			r.stop()
		}
	}()
	var asking sync.WaitGroup
	var answered atomic.Int64
	ask := func(what func(context.Context) error) {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(100))*time.Second)
			defer cancel()
			if what(ctx) == nil {
				answered.Add(1)
			}
		})
		synctest.Wait() // so that random is used by one at a time
	}
	for step := range 150 {
		i := random.IntN(len(replicas))
		r, source := replicas[i], sources[random.IntN(len(sources))]
		what := ""
		switch random.IntN(12) {
		case 0:
			what = "killed"
			r.kill()
			start(i)
		case 1:
			what = "stopped"
			r.stop()
			start(i)
		case 2:
			what = "away"
			r.door.breaks(away)
		case 3:
			what = "slow"
			slow := time.Duration(random.IntN(12)) * time.Second
			r.door.breaks(func(ctx context.Context, call string) error {
				if call == callApply || call == callLease {
					select {
					case <-time.After(slow):
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				}
				return nil
			})
		case 4:
			what = "answers get lost"
			var mu sync.Mutex
			loses := rand.New(rand.NewPCG(random.Uint64(), 0))
			r.door.breaks(func(ctx context.Context, call string) error {
				mu.Lock()
				defer mu.Unlock()
				if call == callApplied && loses.IntN(2) == 0 || call == callLease && loses.IntN(4) == 0 {
					return away(ctx, call)
				}
				return nil
			})
		case 5:
			what = "mended"
			r.door.breaks(nil)
		case 6, 7:
			what = "asked for a scan"
			ask(func(ctx context.Context) error {
				_, err := r.ScanSource(ctx, source.ID)
				return err
			})
		case 8:
			what = "approved"
			for _, source := range snapshotSources(r.Catalog) {
				if source.Held != nil {
					ask(func(ctx context.Context) error {
						_, err := r.ApproveScan(ctx, source.ID, source.Held.Digest)
						return err
					})
				}
			}
		default:
			what = "changed"
			source.Scanner.(*town).change(random)
		}
		pass(time.Duration(random.IntN(8_000)) * time.Millisecond)
		for i, r := range replicas {
			if r.Snapshot() == nil {
				continue
			}
			if want, got := d.merged(t, r.Snapshot().Revision()), r.Snapshot(); graph.Digest(want) != graph.Digest(got) {
				t.Fatalf("step %d, replica %d %s: replica %d at revision %d (-merged from the store +published):\n%.3000s",
					step, i, what, i, got.Revision(), cmp.Diff(contentOf(want), contentOf(got)))
			}
		}
	}
	for _, r := range replicas {
		r.door.breaks(nil)
	}
	asking.Wait()
	pass(time.Minute)
	if n := answered.Load(); n < 10 {
		t.Errorf("%d answers", n)
	}
	alone, err := ingest.New(t.Context(), ingest.Config{Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, source := range sources {
		result, err := replicas[i].ScanSource(t.Context(), source.ID)
		if err != nil {
			t.Fatal(err)
		}
		if result.Held != nil {
			if _, err := replicas[(i+1)%3].ApproveScan(t.Context(), source.ID, result.Held.Digest); err != nil {
				t.Fatal(err)
			}
		}
	}
	pass(time.Minute)
	for i, r := range replicas {
		if graph.Digest(alone.Snapshot()) != graph.Digest(r.Snapshot()) {
			t.Errorf("replica %d in the end (-what the sources say +published):\n%.3000s", i, cmp.Diff(contentOf(alone.Snapshot()), contentOf(r.Snapshot())))
		}
		if now := r.Freshness(); now.Err != nil || time.Since(now.Confirmed) > 5*time.Second {
			t.Errorf("replica %d: %+v", i, now)
		}
	}
}
