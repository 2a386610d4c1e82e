package polled_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/polled"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

const hour = time.Hour

var begin = time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)

// call is one that the polled program hears of some time after it was made.
type call struct{ made, heard time.Time }

// program counts calls, and may forget the oldest.
type program struct {
	calls    []call
	kept     int // how many of those heard; 0 = all
	now      time.Time
	partly   bool // the next answers leave out half
	failing  bool
	answered int
}

func (p *program) tell(_ context.Context, from, end time.Time) (polled.Answer, error) {
	p.answered++
	if p.failing {
		return polled.Answer{}, errors.New("not now")
	}
	var heard []call
	for _, c := range p.calls {
		if !c.heard.After(p.now) {
			heard = append(heard, c)
		}
	}
	if p.kept > 0 && len(heard) > p.kept {
		heard = heard[len(heard)-p.kept:]
	}
	n := 0.0
	for _, c := range heard {
		if !c.made.Before(from) && c.made.Before(end) {
			n++
		}
	}
	answer := polled.Answer{Counts: new(traffic.Counts), Partial: p.partly}
	if p.partly {
		n = float64(int(n) / 2)
	}
	if n > 0 {
		answer.Counts.Flow(traffic.FlowKey{From: "otel:a", To: "otel:b", Way: traffic.Call}).Requests = n
	}
	return answer, nil
}

func total(counts *traffic.Counts) float64 {
	n := 0.0
	for _, flow := range counts.Flows {
		n += flow.Requests
	}
	return n
}

// TestAnyScheduleCountsOnce reads at random times, with failures, partial answers, restarts and losses of what was handed
// over: each window within the lookback then holds exactly the calls in it that were heard of by when it was asked last.
func TestAnyScheduleCountsOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(80) {
		random := rand.New(rand.NewPCG(seed, 1))
		windows := polled.Windows{Length: hour, Lookback: time.Duration(1+random.IntN(8)) * hour, Settle: 30 * time.Minute}
		if random.IntN(3) == 0 {
			windows.Length = 24 * hour
		}
		p := &program{}
		for at := begin; at.Before(begin.Add(72 * hour)); at = at.Add(time.Duration(random.IntN(1200)) * time.Second) {
			p.calls = append(p.calls, call{at, at.Add(time.Duration(random.IntN(1800)) * time.Second)})
		}
		p.now = begin.Add(time.Duration(random.IntN(600)) * time.Minute)
		held := new(scantest.Counted)
		var state []byte
		for p.now.Before(begin.Add(72 * hour)) {
			p.failing, p.partly = random.IntN(8) == 0, random.IntN(8) == 0
			next := polled.ParseState(state)
			err := windows.Read(t.Context(), p.now, "w", next, held, p.tell)
			if p.failing != (err != nil) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			switch {
			case err != nil:
			case random.IntN(10) == 0: // it is lost
				state, held = nil, new(scantest.Counted)
			default:
				state = next.Encode()
			}
			p.now = p.now.Add(time.Duration(1+random.IntN(90)) * time.Minute)
		}
		p.failing, p.partly = false, false
		next := polled.ParseState(state)
		if err := windows.Read(t.Context(), p.now, "w", next, held, p.tell); err != nil {
			t.Fatal(err)
		}
		for from := p.now.Add(-windows.Lookback).Truncate(windows.Length); !from.After(p.now); from = from.Add(windows.Length) {
			want := 0.0
			for _, c := range p.calls {
				if !c.made.Before(from) && c.made.Before(from.Add(windows.Length)) && !c.heard.After(p.now) {
					want++
				}
			}
			if got := total(held.Of("w", traffic.Hour(from.Unix()/3600))); got != want {
				t.Fatalf("seed %d: %v calls in the window from %s, want %v", seed, got, from, want)
			}
		}
	}
}

// TestForgetfulProgramsTakeNothingBack: what a program has pushed out stays counted, as long as it was read in time.
func TestForgetfulProgramsTakeNothingBack(t *testing.T) {
	t.Parallel()
	windows := polled.Windows{Length: hour, Lookback: 24 * hour, Settle: 30 * time.Minute, Again: hour, Forgetful: true}
	p := &program{kept: 5, now: begin}
	held := new(scantest.Counted)
	var state []byte
	for range 100 {
		p.calls = append(p.calls, call{p.now, p.now}, call{p.now, p.now})
		p.now = p.now.Add(10 * time.Minute)
		next := polled.ParseState(state)
		if err := windows.Read(t.Context(), p.now, "w", next, held, p.tell); err != nil {
			t.Fatal(err)
		}
		state = next.Encode()
	}
	for _, h := range held.Hours("w") {
		if got := total(held.Of("w", h)); got < 5 && int(h) < int(p.now.Unix()/3600) {
			t.Errorf("hour %d: %v calls are left, and 5 were told of", h, got)
		}
	}
	if len(held.Hours("w")) < 16 {
		t.Errorf("only %d hours are held", len(held.Hours("w")))
	}
}

// TestOldWindowsAreAskedSeldom: what is settled is left alone, or asked each hour, and costs no write unless it changed.
func TestOldWindowsAreAskedSeldom(t *testing.T) {
	t.Parallel()
	for again, want := range map[time.Duration]int{0: 1, hour: 4} {
		windows := polled.Windows{Length: hour, Lookback: 4 * hour, Settle: 30 * time.Minute, Again: again}
		p := &program{now: begin.Add(10*hour + 45*time.Minute)}
		held := new(scantest.Counted)
		state := polled.ParseState([]byte("no state"))
		read := func() (asked int) {
			before := p.answered
			if err := windows.Read(t.Context(), p.now, "w", state, held, p.tell); err != nil {
				t.Fatal(err)
			}
			return p.answered - before
		}
		if got := read(); got != 5 {
			t.Errorf("first %d windows are asked, want the running one and 4", got)
		}
		p.now = p.now.Add(5 * time.Minute)
		if got := read(); got != 1 {
			t.Errorf("then %d, want the running one", got)
		}
		p.now = p.now.Add(9 * time.Minute) // still the same hour
		if got := read(); got != 1 {
			t.Errorf("then %d, want the running one", got)
		}
		p.now = begin.Add(10*hour + 59*time.Minute + 59*time.Second)
		p.now = p.now.Add(46 * time.Minute) // the next hour: the last is over, and not settled until now
		if got := read(); got != want+1 {
			t.Errorf("with again after %v: %d are asked an hour later, want %d", again, got, want+1)
		}
	}
}

func TestSeen(t *testing.T) {
	t.Parallel()
	first, last := polled.Seen(begin, begin.Add(hour), begin.Add(2*hour))
	if first != catalog.InstantOf(begin) || last != catalog.InstantOf(begin.Add(hour-time.Second)) {
		t.Errorf("a window that is over was seen from %v to %v", first.Time(), last.Time())
	}
	if _, last := polled.Seen(begin, begin.Add(hour), begin.Add(time.Minute)); last != catalog.InstantOf(begin.Add(time.Minute)) {
		t.Errorf("a running one was seen until %v", last.Time())
	}
}
