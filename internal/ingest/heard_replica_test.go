package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// pair starts two replicas, of which the first scans, each with a diary of its own.
func (d *database) pair(t *testing.T) (replicas []*replica, diaries []*diary) {
	t.Helper()
	for i := range 2 {
		diary := newDiary()
		replicas = append(replicas, d.starts(t, fmt.Sprint("replica ", i), ingest.Source{ID: "d", Scanner: diary, Schedule: every(t, "@every 24h")}))
		diaries = append(diaries, diary)
		pass(time.Second)
	}
	return replicas, diaries
}

// TestHeardElsewhere holds that what a replica hears which does not scan is scanned at once by the one that does, and that
// all know the delivery.
func TestHeardElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, diaries := newDatabase().pair(t)
		for _, r := range replicas {
			defer r.stop()
		}
		diaries[0].written()
		heard(t, replicas[1].Catalog, "1", "b", "a/")
		heardBefore(t, replicas[1].Catalog, "1")
		pass(0)
		expect(t, "two parts", diaries[0], "00:00:02 a/,b")
		for _, r := range replicas {
			heardBefore(t, r.Catalog, "1")
		}
		diaries[0].set(func(d *diary) { d.takes = time.Minute })
		heard(t, replicas[1].Catalog, "2", "c")
		pass(time.Second)
		for i := range 100 {
			heard(t, replicas[i%2].Catalog, fmt.Sprint("more ", i), fmt.Sprint("f", i))
			pass(10 * time.Millisecond)
		}
		for i := range 100 {
			heardBefore(t, replicas[1].Catalog, fmt.Sprint("more ", i-i%2+1))
		}
		pass(5 * time.Minute)
		expect(t, "gathered", diaries[0], "00:00:02 c", "00:01:02 100 parts")
		for i := range 100 {
			heardBefore(t, replicas[(i+1)%2].Catalog, fmt.Sprint("more ", i))
		}
		heard(t, replicas[1].Catalog, "3")
		pass(5 * time.Minute)
		expect(t, "everything", diaries[0], "00:05:04 all")
		heard(t, replicas[1].Catalog, "4", many(3000)...)
		pass(5 * time.Minute)
		expect(t, "too much", diaries[0], "00:10:04 all")
		expect(t, "the other one", diaries[1])
	})
}

// TestHeardInAnOutage holds that what is heard while the store is away, or nobody scans, is scanned when that is over.
func TestHeardInAnOutage(t *testing.T) {
	for name, test := range map[string]struct {
		begins, ends func(replicas []*replica)
		within       time.Duration
		scans        int // whose, in the end
	}{
		"the store is away from who hears": {
			func(replicas []*replica) { replicas[1].door.breaks(away) },
			func(replicas []*replica) { replicas[1].door.breaks(nil) }, 6 * time.Second, 0,
		},
		"the store is away from all": {
			func(replicas []*replica) { replicas[0].door.breaks(away); replicas[1].door.breaks(away) },
			func(replicas []*replica) { replicas[0].door.breaks(nil); replicas[1].door.breaks(nil) }, 20 * time.Second, -1,
		},
		"answers get lost": {
			func(replicas []*replica) {
				replicas[1].door.breaks(func(ctx context.Context, call string) error {
					if call == callApplied {
						return away(ctx, call)
					}
					return nil
				})
			},
			func(replicas []*replica) { replicas[1].door.breaks(nil) }, 6 * time.Second, 0,
		},
		"nobody scans": {
			func(replicas []*replica) { replicas[0].kill() },
			func([]*replica) {}, 15 * time.Second, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				replicas, diaries := newDatabase().pair(t)
				for _, r := range replicas {
					defer r.stop()
				}
				diaries[0].written()
				test.begins(replicas)
				heard(t, replicas[1].Catalog, "1", "a")
				pass(5 * time.Second)
				heard(t, replicas[1].Catalog, "2", "b")
				heardBefore(t, replicas[1].Catalog, "1")
				test.ends(replicas)
				pass(test.within)
				all := map[string]bool{}
				for i, diary := range diaries {
					for _, scan := range diary.written() {
						if test.scans >= 0 && i != test.scans {
							t.Errorf("replica %d has scanned %s", i, scan)
						}
						for _, part := range []string{"a", "b"} {
							all[part] = all[part] || scan[9:] == "all" || scan[9:] == part || scan[9:] == "a,b"
						}
					}
				}
				if !all["a"] || !all["b"] {
					t.Errorf("scanned were %v", all)
				}
				heardBefore(t, replicas[1].Catalog, "2")
			})
		})
	}
}

// TestHeardByWhoIsCutOff holds that what the one that scans has heard when it is cut off is scanned by the next.
func TestHeardByWhoIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, diaries := newDatabase().pair(t)
		for _, r := range replicas {
			defer r.stop()
		}
		replicas[0].door.breaks(away)
		diaries[0].written()
		heard(t, replicas[0].Catalog, "1", "a")
		pass(30 * time.Second)
		expect(t, "the first one, cut off", diaries[0], "00:00:02 a")
		replicas[0].door.breaks(nil)
		pass(6 * time.Second)
		if scans := diaries[1].written(); len(scans) != 1 || scans[0][9:] != "a" {
			t.Errorf("the second one has scanned %q", scans)
		}
		heardBefore(t, replicas[1].Catalog, "1")
		pass(time.Hour)
		expect(t, "the first one", diaries[0])
	})
}

// quarter is a scanner of made-up files, of which it reads parts, as slowly as it is told.
type quarter struct {
	mu    sync.Mutex
	files map[string]villageDocument
	slow  time.Duration
	fails bool
	whole int // scans of all of it
}

// change changes a file and returns its name.
func (q *quarter) change(random *rand.Rand) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	entity := random.IntN(12)
	name := fmt.Sprint("f", entity)
	if q.files[name] = (villageDocument{entity, random.IntN(5)}); random.IntN(4) == 0 {
		delete(q.files, name)
	}
	q.slow, q.fails = time.Duration(random.IntN(3))*3*time.Second, random.IntN(8) == 0
	return name
}

func (q *quarter) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	q.mu.Lock()
	q.whole++
	q.mu.Unlock()
	return q.read(ctx, sink, func(string) bool { return true })
}

func (q *quarter) ScanParts(ctx context.Context, _ []byte, names []string, sink scanners.Sink) ([]byte, error) {
	return q.read(ctx, sink, func(name string) bool { return slices.Contains(names, name) })
}

func (q *quarter) read(ctx context.Context, sink scanners.Sink, wanted func(string) bool) ([]byte, error) {
	q.mu.Lock()
	files, slow, fails := maps.Clone(q.files), q.slow, q.fails
	q.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if wanted(name) {
			document := files[name].document(name, 0)
			if err := sink.Report(ctx, scanners.Scope{Name: name, Documents: []*catalog.Document{document}}); err != nil {
				return nil, err
			}
		}
	}
	select {
	case <-time.After(slow): // what it has read grows old
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if fails {
		return nil, errors.New("it is torn")
	}
	return nil, nil
}

// TestHeardAtRandom holds that whatever three replicas hear while their connections fail, answers get lost, and some of them
// are stopped, all show in the end what the source says, without a scan that its schedule asks for, and know all deliveries.
func TestHeardAtRandom(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { hearAtRandom(t, rand.New(rand.NewPCG(seed, 8))) })
		})
	}
}

func hearAtRandom(t *testing.T, random *rand.Rand) {
	d := newDatabase()
	q := &quarter{files: map[string]villageDocument{"stays": {30, 0}, "stays too": {31, 0}}}
	source := ingest.Source{ID: "d", Kind: "files", Scanner: q, Schedule: every(t, "@every 240h")}
	replicas := make([]*replica, 3)
	started := 0
	start := func(i int) {
		started++
		replicas[i] = d.starts(t, fmt.Sprint("replica ", started), source)
	}
	for i := range replicas {
		start(i)
	}
	defer func() {
		for _, r := range replicas {
			r.stop()
		}
	}()
	deliveries := []string{}
	for range 200 {
		i := random.IntN(len(replicas))
		r := replicas[i]
		switch random.IntN(12) {
		case 10:
			slow := time.Duration(random.IntN(8)) * time.Second
			r.door.breaks(func(ctx context.Context, call string) error {
				if call == callApply {
					select {
					case <-time.After(slow): // what is heard meanwhile is for the next
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				}
				return nil
			})
		case 0:
			r.door.breaks(nil) // what it has heard it can leave only in a store that is there
			r.stop()
			start(i)
		case 1:
			r.door.breaks(away)
		case 2:
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
		case 3, 4:
			r.door.breaks(nil)
		default:
			name, delivery := q.change(random), fmt.Sprint("delivery ", len(deliveries))
			if err := r.Heard(t.Context(), "d", delivery, name); err != nil {
				t.Fatal(err)
			}
			deliveries = append(deliveries, delivery)
		}
		pass(time.Duration(random.IntN(6_000)) * time.Millisecond)
	}
	for _, r := range replicas {
		r.door.breaks(nil)
	}
	q.mu.Lock()
	q.fails = false
	if q.whole > 100 {
		t.Errorf("%d scans of all", q.whole)
	}
	q.mu.Unlock()
	pass(3 * time.Minute)
	alone, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{source}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, r := range replicas {
		if graph.Digest(alone.Snapshot()) != graph.Digest(r.Snapshot()) {
			t.Errorf("replica %d in the end (-what the source says +published):\n%.3000s", i, cmp.Diff(contentOf(alone.Snapshot()), contentOf(r.Snapshot())))
		}
		for _, delivery := range deliveries {
			heardBefore(t, r.Catalog, delivery)
		}
	}
}
