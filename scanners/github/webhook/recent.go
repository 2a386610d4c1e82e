package webhook

import "sync"

// maxRecent is how many deliveries are remembered here. Sources remember theirs beyond the end of the process; this also
// has those that no source had to scan anything for.
const maxRecent = 4096

// recent remembers the ids of the deliveries that were taken, and of those being taken.
type recent struct {
	mu    sync.Mutex
	taken map[string]bool // false = it is being taken; guarded by mu
	order []string        // of those that were taken; guarded by mu
}

func newRecent() *recent { return &recent{taken: make(map[string]bool)} }

// begin returns whether the id is new; then end must follow.
func (r *recent) begin(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.taken[id]; known {
		return false
	}
	r.taken[id] = false
	return true
}

// end keeps the id, or forgets it so that it may be delivered again.
func (r *recent) end(id string, taken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !taken {
		delete(r.taken, id)
		return
	}
	r.taken[id] = true
	if r.order = append(r.order, id); len(r.order) > maxRecent {
		delete(r.taken, r.order[0])
		r.order = r.order[1:]
	}
}
