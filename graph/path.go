package graph

import "github.com/orrery-catalog/orrery/catalog"

// Path is a shortest chain of needs from one entity to another, of equally short ones that with the smallest Refs; nil
// where there is none, empty where from is to. The error is a *NotFoundError.
func (s *Snapshot) Path(from, to catalog.Ref, filter Filter) ([]Need, error) {
	v := s.view(filter)
	start, end := v.find(from), v.find(to)
	if start < 0 {
		return nil, s.notFound(string(from))
	}
	if end < 0 {
		return nil, s.notFound(string(to))
	}
	w := v.borrow()
	defer v.giveBack(w)
	if !v.reachBack(w, start, end) {
		return nil, nil
	}
	path := make([]Need, 0, w.state[start].distance())
	for a := start; a != end; {
		var best step
		found := false
		for step := range v.steps(a) {
			d := w.state[step.to].distance()
			if d >= 0 && d == w.state[a].distance()-1 && (!found || v.compareSteps(step, best) < 0) {
				best, found = step, true
			}
		}
		path = append(path, v.needOf(best))
		a = best.to
	}
	return path, nil
}

// reachBack gives every entity that needs end its distance to it, layer by layer until start has one.
func (v *view) reachBack(w *scratch, start, end node) bool {
	w.state[end] = atDistance(0)
	w.queue = append(w.queue, end)
	for i := 0; i < len(w.queue) && w.state[start] == 0; i++ {
		b := w.queue[i]
		next := atDistance(w.state[b].distance() + 1)
		needs := v.needsTo(b)
		for _, need := range needs {
			if !v.counts(need.attr) || w.state[need.from] != 0 {
				continue
			}
			w.state[need.from] = next
			if need.attr&attrHub == 0 {
				w.queue = append(w.queue, need.from)
				continue
			}
			w.hubs = append(w.hubs, need.from)
			consumers := v.needsTo(need.from)
			for _, consumer := range consumers {
				if v.counts(consumer.attr) && w.state[consumer.from] == 0 {
					w.state[consumer.from] = next
					w.queue = append(w.queue, consumer.from)
				}
			}
		}
	}
	return w.state[start] != 0
}
