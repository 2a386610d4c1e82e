package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
)

// concern is something that a Catalog wants of its store.
type concern string

const (
	toRead    concern = "be read"
	toWrite   concern = "be written"
	toLease   concern = "say who scans"
	toProject concern = "take the graph that is written for people"
	toHear    concern = "take what was heard for the process that scans"
)

// outage logs once when the store stops doing what is wanted of it, and once when it does again, however many attempts
// there are in between. That the store is unavailable is one outage, whatever was wanted; any other error is one of the
// concern that it came up in.
type outage struct {
	log zerolog.Logger

	mu      sync.Mutex
	ongoing map[concern]*trouble // guarded by mu; away = the store is unavailable
}

// away is not wanted of a store.
const away concern = ""

type trouble struct {
	since    time.Time
	concerns map[concern]bool
}

func newOutage(log zerolog.Logger) *outage {
	return &outage{log: log, ongoing: make(map[concern]*trouble)}
}

// fails notes that the store did not do what was wanted.
func (o *outage) fails(what concern, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kind := what
	if errors.Is(err, graph.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		kind = away
	}
	now := o.ongoing[kind]
	if now == nil {
		now = &trouble{time.Now(), make(map[concern]bool)}
		o.ongoing[kind] = now
		if kind == away {
			o.log.Warn().Err(err).Msg("the store is away; answers come from the newest snapshot, and scans wait")
		} else {
			o.log.Error().Err(err).Msg("the store cannot " + string(what) + "; trying again")
		}
	}
	now.concerns[what] = true
}

// works notes that the store does again what was wanted.
func (o *outage) works(what concern) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for kind, was := range o.ongoing {
		if delete(was.concerns, what); len(was.concerns) > 0 {
			continue
		}
		delete(o.ongoing, kind)
		event := o.log.Info().Dur("after", time.Since(was.since))
		if kind == away {
			event.Msg("the store is back")
		} else {
			event.Msg("the store can " + string(kind) + " again")
		}
	}
}

// ends notes that nobody wants it any more, without knowing whether it works.
func (o *outage) ends(what concern) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for kind, was := range o.ongoing {
		if delete(was.concerns, what); len(was.concerns) == 0 {
			delete(o.ongoing, kind)
		}
	}
}
