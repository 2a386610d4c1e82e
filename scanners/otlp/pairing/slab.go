package pairing

// slab hands out numbered values in chunks that stay where they are, and takes them back. The first number is 0.
type slab[T any] struct {
	chunks [][]T
	free   []uint32
	used   int // that are handed out
	next   uint32
}

const (
	chunkBits = 9
	chunkSize = 1 << chunkBits
)

func (s *slab[T]) at(i uint32) *T { return &s.chunks[i>>chunkBits][i&(chunkSize-1)] }

// take hands out a value, which holds whatever it held before.
func (s *slab[T]) take() (uint32, *T) {
	s.used++
	if last := len(s.free) - 1; last >= 0 {
		i := s.free[last]
		s.free = s.free[:last]
		return i, s.at(i)
	}
	i := s.next
	s.next++
	if int(i>>chunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, chunkSize))
	}
	return i, s.at(i)
}

func (s *slab[T]) release(i uint32) {
	s.used--
	s.free = append(s.free, i)
}

// list is a list of traces, by their numbers; 0 = none.
type list struct {
	first, last uint32
	length      int
}

func (l *list) push(traces *slab[trace], at uint32) {
	t := traces.at(at)
	t.before, t.after = l.last, 0
	if l.last != 0 {
		traces.at(l.last).after = at
	} else {
		l.first = at
	}
	l.last = at
	l.length++
}

func (l *list) remove(traces *slab[trace], at uint32) {
	t := traces.at(at)
	if t.before != 0 {
		traces.at(t.before).after = t.after
	} else {
		l.first = t.after
	}
	if t.after != 0 {
		traces.at(t.after).before = t.before
	} else {
		l.last = t.before
	}
	l.length--
}
