package ingest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
)

const (
	// A lost watch is tried again after firstPause, and then after twice the time of before, at most longestPause.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// steady is how long a watch must have held for its loss to be a new one.
	steady = time.Minute
	// maxParts is how many parts are scanned alone; what is more is scanned whole.
	maxParts = 2000
)

func canWatch(scanner scanners.Scanner) bool {
	_, ok := scanner.(scanners.Watcher)
	return ok
}

// watch hears of changes until ctx ends. While it cannot, the keeper scans by the clock.
func (k *keeper) watch(ctx context.Context) {
	watcher, ok := k.source.Scanner.(scanners.Watcher)
	if !ok {
		return // New has refused such a source
	}
	log := k.catalog.config.Log.With().Str("source", k.source.ID).Logger()
	wait := firstPause
	for {
		began := k.now()
		err := watcher.Watch(ctx, func(names ...string) {
			if again := k.heard.change(names); again {
				log.Info().Msg("watched again")
			}
		})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("watching ended by itself")
		}
		if k.heard.lose(err) {
			log.Warn().Err(err).Msg("changes cannot be seen as they happen; the source is scanned by the clock instead")
		}
		if k.now().Sub(began) >= steady {
			wait = firstPause
		}
		pause(ctx, wait)
		wait = min(2*wait, longestPause)
	}
}

// heard gathers what the watch of a source hears until it is scanned.
type heard struct {
	signal chan struct{} // has one when there is something to take

	mu      sync.Mutex
	whole   bool // anything may have changed
	parts   map[string]bool
	watched bool
	lost    string // why it is not watched; "" = it is, or was never tried
	deaf    bool   // what is sent to it is lost meanwhile
}

// change adds what may have changed; without names that is everything, and says that the source is watched. It returns
// whether watching had been lost until now.
func (h *heard) change(names []string) (again bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(names) == 0 {
		again = h.lost != ""
		h.watched, h.lost, h.deaf, h.whole = true, "", false, true
	}
	if h.parts == nil {
		h.parts = make(map[string]bool)
	}
	for _, name := range names {
		if h.whole = h.whole || len(h.parts) >= maxParts; h.whole {
			break
		}
		h.parts[name] = true
	}
	if h.whole {
		h.parts = nil
	}
	h.wake()
	return again
}

// lose says that changes are not heard of any more. It returns whether that is news; then anything may have changed.
func (h *heard) lose(reason error) (news bool) {
	var deaf *scanners.DeafError
	h.mu.Lock()
	defer h.mu.Unlock()
	news = h.lost == ""
	h.watched, h.lost, h.deaf = false, oneLine(reason.Error()), errors.As(reason, &deaf)
	if news {
		h.whole, h.parts = true, nil
	}
	h.wake()
	return news
}

func (h *heard) wake() {
	select {
	case h.signal <- struct{}{}:
	default: // there is one already
	}
}

// take is what may have changed since it was last asked for: everything, or the sorted parts.
func (h *heard) take() (whole bool, parts []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	whole, parts = h.whole, slices.Sorted(maps.Keys(h.parts))
	h.whole, h.parts = false, nil
	return whole, parts
}

func (h *heard) watching() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watched
}

func (h *heard) isDeaf() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.deaf
}

func (h *heard) reason() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost
}
