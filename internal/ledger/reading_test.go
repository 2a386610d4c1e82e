package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ledger"
	"github.com/orrery-catalog/orrery/scanners"
)

// shelf is a reader of files, each with what it says by hour. Its state is which it has read in which version.
type shelf struct {
	files    map[string]file
	fails    error // after everything was handed over
	previous []byte
	readings int
}

type file struct {
	version byte
	gone    bool // it is not there any more; what it said stands
	hours   map[traffic.Hour]*traffic.Counts
}

func (s *shelf) ReadTraffic(ctx context.Context, previous []byte, into scanners.TrafficSink) ([]byte, error) {
	s.previous = previous
	s.readings++
	read := make(map[string]byte)
	for i := 0; i+1 < len(previous); i += 2 {
		read[string(previous[i])] = previous[i+1]
	}
	var next []byte
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		f := s.files[name]
		next = append(next, name[0], f.version)
		if !f.gone {
			into.Stands(name)
		}
		if read[name] == f.version {
			continue
		}
		for _, hour := range into.Hours(name) {
			if f.hours[hour] == nil {
				if err := into.Replace(ctx, name, hour, nil); err != nil {
					return nil, err
				}
			}
		}
		for hour, counts := range f.hours {
			var copied plain
			copied.add(counts)
			if err := into.Replace(ctx, name, hour, &copied.Counts); err != nil {
				return nil, err
			}
		}
	}
	return next, s.fails
}

// said is the sink of a scan.
type said struct{ scopes map[string]*catalog.Document }

func (s *said) Report(_ context.Context, scope scanners.Scope) error {
	if s.scopes == nil {
		s.scopes = make(map[string]*catalog.Document)
	}
	if _, twice := s.scopes[scope.Name]; twice {
		return fmt.Errorf("%s is reported twice", scope.Name)
	}
	s.scopes[scope.Name] = scope.Documents[0]
	return nil
}

// lines lists what was said: "a > b", "a > b stale".
func (s *said) lines() []string {
	var lines []string
	for _, document := range s.scopes {
		for _, edge := range document.Claims[0].Edges {
			line := string(document.Claims[0].Subject.Alias) + " > " + string(edge.Target.Alias)
			if edge.Stale {
				line += " stale"
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func oneCall(from, to catalog.Alias, hour traffic.Hour) *traffic.Counts {
	c := &traffic.Counts{}
	at := catalog.Instant(hour) * 3600
	c.Flow(traffic.FlowKey{From: from, To: to, Way: traffic.Call}).Merge(&traffic.Flow{Requests: 5, First: at, Last: at + 100})
	return c
}

// TestFilesCountOnce reads, changes, removes and reads again, in several processes, one of which reads at a time.
func TestFilesCountOnce(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			at, rows := newClock(), newStore()
			rows.alone = seed%2 == 0
			files := &shelf{files: make(map[string]file)}
			open := func() (*ledger.Ledger, scanners.Watcher) {
				l := ledger.New(ledger.Config{Store: rows, Now: at.Now})
				return l, l.Source(ledger.Source{ID: "recorded", Environment: "prod", Reader: files})
			}
			reading, scanner := open()
			following, other := open()
			var state []byte
			for range 40 {
				at.advance(time.Minute)
				name := string(rune('a' + random.IntN(5)))
				switch random.IntN(6) {
				default:
					f := file{version: files.files[name].version + 1, hours: make(map[traffic.Hour]*traffic.Counts)}
					for range random.IntN(4) {
						hour := hourOf(at.Now()) - traffic.Hour(random.IntN(24*60))
						f.hours[hour] = someCounts(random, hour, 5)
					}
					files.files[name] = f
				case 0:
					reading, scanner = open()
				case 3: // another process reads from now on
					if !rows.alone {
						following.Step(t.Context())
						reading, scanner, following, other = following, other, reading, scanner
					}
				case 1:
					rows.fails(graph.ErrUnavailable)
					if next, err := scanner.Scan(t.Context(), state, &said{}); err == nil {
						state = next // there was nothing to write
					} else if !errors.Is(err, graph.ErrUnavailable) {
						t.Fatalf("without a store the scan ends with %v", err)
					}
					rows.fails(nil)
				case 2:
					files.fails = errors.New("one file cannot be read")
					if _, err := scanner.Scan(t.Context(), state, &said{}); err == nil {
						t.Fatal("a reading that fails is a good scan")
					}
					files.fails = nil
				}
				var err error
				if state, err = scanner.Scan(t.Context(), state, &said{}); err != nil {
					t.Fatal(err)
				}
				var want plain
				for _, f := range files.files {
					for _, counts := range f.hours {
						want.add(counts)
					}
				}
				want.check(t, reading.Numbers(), "recorded")
				if !rows.alone {
					following.Step(t.Context())
					at.advance(time.Minute)
					following.Step(t.Context())
					want.check(t, following.Numbers(), "recorded")
				}
				if random.IntN(10) == 0 {
					reading.Step(t.Context())
					if err := reading.Tidy(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

func TestWhatAFileSaidDoesNotAgeWhileItIsThere(t *testing.T) {
	at := newClock()
	now := hourOf(at.Now())
	old := now - 24*200
	files := &shelf{files: map[string]file{
		"a": {version: 1, hours: map[traffic.Hour]*traffic.Counts{old: oneCall("otel:x", "otel:y", old)}},
		"b": {version: 1, hours: map[traffic.Hour]*traffic.Counts{now: oneCall("otel:x", "otel:z", now)}},
	}}
	rows := newStore()
	var state []byte
	scan := func(want ...string) {
		t.Helper()
		l := ledger.New(ledger.Config{Store: rows, Now: at.Now})
		scanner := l.Source(ledger.Source{ID: "recorded", Reader: files})
		for range 2 { // with what is in memory, too
			var got said
			var err error
			if state, err = scanner.Scan(t.Context(), state, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.lines()); diff != "" {
				t.Error(diff)
			}
		}
		if err := l.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	scan("otel:x > otel:y", "otel:x > otel:z")
	files.files["a"] = file{version: 1, gone: true, hours: files.files["a"].hours}
	scan("otel:x > otel:z")
	if n := rows.count(); n != 2 { // of the file that is there, and that it is there
		t.Errorf("%d rows are left", n)
	}
}

func TestAFileIsTheLocation(t *testing.T) {
	at := newClock()
	now := hourOf(at.Now())
	hours := func(from, to catalog.Alias) map[traffic.Hour]*traffic.Counts {
		return map[traffic.Hour]*traffic.Counts{now: oneCall(from, to, now)}
	}
	files := &shelf{files: map[string]file{
		"traces/mon/1.json": {version: 1, hours: hours("otel:x", "otel:y")},
		"traces/mon/2.json": {version: 1, hours: hours("otel:y", "otel:z")},
		"traces/tue/1.json": {version: 1, hours: hours("otel:y", "otel:z")},
		"traces/wed/1.json": {version: 1, hours: hours("otel:w", "otel:z")},
		"traces/wed/2.json": {version: 1, hours: hours("otel:w", "otel:z")},
		"traces/wed/3.json": {version: 1, hours: hours("otel:w", "otel:z")},
	}}
	l := ledger.New(ledger.Config{Now: at.Now})
	var got said
	if _, err := l.Source(ledger.Source{ID: "recorded", Environment: "Prod", Reader: files}).Scan(t.Context(), nil, &got); err != nil {
		t.Fatal(err)
	}
	places := make(map[string]string)
	for scope, document := range got.scopes {
		places[scope] = document.Location + " in " + document.Environment
	}
	want := map[string]string{"prod/otel:x": "traces/mon/1.json in prod", "prod/otel:y": "traces in prod", "prod/otel:w": "traces/wed in prod"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Error(diff)
	}
}

func TestALostHistoryIsReadAgain(t *testing.T) {
	at := newClock()
	now := hourOf(at.Now())
	files := &shelf{files: map[string]file{"a": {version: 1, hours: map[traffic.Hour]*traffic.Counts{now: oneCall("otel:x", "otel:y", now)}}}}
	rows := newStore()
	scan := func(rows graph.TrafficStore, state []byte) []byte {
		next, err := ledger.New(ledger.Config{Store: rows, Now: at.Now}).Source(ledger.Source{ID: "recorded", Reader: files}).
			Scan(t.Context(), state, &said{})
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	state := scan(rows, nil)
	if scan(rows, state); files.previous == nil {
		t.Error("what was handed over is there, and is asked for again")
	}
	if scan(newStore(), state); files.previous != nil {
		t.Error("what was handed over is lost, and is not asked for again")
	}
}
