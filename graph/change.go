package graph

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
)

// maxRevision is the greatest that there can be: databases number by signed integers of 64 bits.
const maxRevision Revision = 1<<63 - 1

// Check finds what makes a change senseless, whatever the state of the store: a document or state named twice, a nil
// document, a state that is too large, an origin that no store can number. Errors wrap [ErrBadChange] or [ErrTooLarge].
// Engines call it before they write.
func (c *Change) Check() error {
	if c.Origin && c.Base >= maxRevision {
		return fmt.Errorf("%w: there is no revision after %d", ErrBadChange, c.Base)
	}
	seen := make(map[catalog.DocumentID]struct{}, len(c.Put)+len(c.Remove))
	for _, document := range c.Put {
		if document == nil {
			return fmt.Errorf("%w: it puts a nil document", ErrBadChange)
		}
		seen[document.ID] = struct{}{}
	}
	for _, id := range c.Remove {
		seen[id] = struct{}{}
	}
	if len(seen) < len(c.Put)+len(c.Remove) {
		return fmt.Errorf("%w: it names a document twice", ErrBadChange)
	}
	type key struct{ source, name string }
	states := make(map[key]struct{}, len(c.States))
	for _, state := range c.States {
		k := key{state.Source, state.Name}
		if _, twice := states[k]; twice {
			return fmt.Errorf("%w: it names the state %q of source %q twice", ErrBadChange, state.Name, state.Source)
		}
		states[k] = struct{}{}
		if len(state.Data) > MaxStateBytes {
			return fmt.Errorf("the state %q of source %q has %d bytes: %w (at most %d)",
				state.Name, state.Source, len(state.Data), ErrTooLarge, MaxStateBytes)
		}
	}
	return nil
}
