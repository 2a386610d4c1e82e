package graph

import (
	"sync"
	"sync/atomic"

	"github.com/orrery-catalog/orrery/catalog"
)

// Index is something that a package above makes of a whole Snapshot (for text search), and that follows the changes
// instead of being made anew. An Index is immutable, and may be asked from many goroutines.
type Index interface {
	// Apply is the index of next, which change has made of the snapshot that the receiver is of. It takes time in the size
	// of the change, and shares with the receiver what is the same. Where an entity changed or is gone, old still has it.
	Apply(old, next *Snapshot, change *catalog.ModelChange) Index
}

// Index is the one index of a snapshot. The first who asks waits for build to make it of a whole snapshot; from then on
// each [Snapshot.Apply] brings it up to date, before the new snapshot is there. While a build is under way, Apply goes on
// and the index catches up behind it. All callers must pass the same build. A snapshot at a later revision in which nothing changed
// shares the index of the earlier one; build, and Apply as old, may get either.
func (s *Snapshot) Index(build func(*Snapshot) Index) Index { return s.index.get(build) }

// indexSlot is the place for the index of one snapshot.
type indexSlot struct {
	snapshot *Snapshot
	asked    atomic.Bool
	value    atomic.Pointer[Index]

	mu     sync.Mutex // held while the index is made
	prior  *indexSlot // what it is to follow, where that was asked for and not there in time
	change *catalog.ModelChange
}

func (i *indexSlot) get(build func(*Snapshot) Index) Index {
	if value := i.value.Load(); value != nil {
		return *value
	}
	i.asked.Store(true)
	i.mu.Lock()
	defer i.mu.Unlock()
	if value := i.value.Load(); value != nil {
		return *value
	}
	var value Index
	if i.prior != nil {
		value = i.prior.get(build).Apply(i.prior.snapshot, i.snapshot, i.change)
	} else {
		value = build(i.snapshot)
	}
	i.value.Store(&value)
	i.prior, i.change = nil, nil
	return value
}

// ready says whether get has no need to build.
func (i *indexSlot) ready() bool {
	if i.value.Load() != nil {
		return true
	}
	if !i.mu.TryLock() {
		return false // under way
	}
	defer i.mu.Unlock()
	return i.prior != nil && i.prior.ready()
}

// after is the place for the index of the snapshot that a change has made.
func (i *indexSlot) after(next *Snapshot, change *catalog.ModelChange) *indexSlot {
	slot := &indexSlot{snapshot: next}
	if !i.asked.Load() {
		return slot
	}
	slot.asked.Store(true)
	slot.prior, slot.change = i, change
	if i.ready() {
		slot.get(nil)
	}
	return slot
}
