package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// reading says how far a kind could be read.
type reading struct {
	state readState
	err   error // why not, of those that could not
}

// readState says how far a kind could be read. Of several parts of a kind the largest one counts.
type readState uint8

const (
	absent   readState = iota // the server does not have the kind
	readable                  // it is as it was read
	pending                   // it was not read yet
	failing                   // reading it fails
	refused                   // this user may not read it
	cutOff                    // the server does not answer
)

// readings are those of all kinds.
type readings map[inventory.Kind]reading

// note adds what became of a part of a kind.
func (r readings) note(kind inventory.Kind, now reading) {
	if old, known := r[kind]; !known || now.state > old.state {
		r[kind] = now
	}
}

// read says whether a kind is as it was read.
func (r readings) read(kind inventory.Kind) bool {
	return r[kind].state == readable || r[kind].state == absent
}

// readingOf is what an error means for a kind that is read for the first time.
func readingOf(err error) reading {
	switch {
	case err == nil:
		return reading{state: readable}
	case apierrors.IsForbidden(err):
		return reading{refused, err}
	case outOfReach(err) && !errors.Is(err, context.DeadlineExceeded): // of which one kind may be too large
		return reading{cutOff, err}
	}
	return reading{failing, err}
}

// reading is what discovery says of a kind that it has not found.
func (d *discovered) reading() reading {
	if d.err == nil {
		return reading{state: absent}
	}
	return readingOf(d.err)
}

// read is what came of listing a part.
func (p *part) read(err error) reading {
	if p.vanished(err) {
		return reading{state: absent}
	}
	return readingOf(err)
}

// vanished says whether an error says that the definition of a kind is gone.
func (p *part) vanished(err error) bool { return p.resource.New == nil && apierrors.IsNotFound(err) }

// reading is how far the part of a feed is read. An error that is younger than the patience may pass by itself.
func (f *feed) reading(now time.Time) reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := cmp.Or(f.listError, f.watchError)
	switch was := readingOf(err); {
	case err == nil && !f.synced:
		return reading{state: pending}
	case f.vanished(err):
		return reading{state: absent}
	case was.state == readable, was.state == refused:
		return was
	case now.Sub(f.since) >= f.timing.patience:
		return was
	case f.synced:
		return reading{state: readable}
	}
	return reading{state: pending}
}

// trouble is why the cluster as a whole cannot be read; nil = some of it can.
func (r readings) trouble(c *client) error {
	var first error
	some := false
	for _, resource := range inventory.Resources() {
		now := r[resource.Kind]
		if turnedAway(now.err) {
			return c.explained(now.err)
		}
		some = some || now.state == readable || now.state == pending
		if now.err != nil {
			first = cmp.Or(first, now.err)
		}
	}
	switch {
	case some || first == nil:
		return nil
	case outOfReach(first):
		return c.explained(first)
	}
	return fmt.Errorf("nothing in the cluster can be read with %s: %w", c.who, first)
}
