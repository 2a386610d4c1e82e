package catalog

import "slices"

// pool holds records by number. A record stays where it is, and the number of one that was dropped is used again.
type pool[T any] struct {
	blocks []*[poolBlock]T
	length int32 // numbers below it are, or were, in use
	free   []int32
}

const poolBlock = 64

func (p *pool[T]) at(id int32) *T { return &p.blocks[id/poolBlock][id%poolBlock] }

func (p *pool[T]) add() (id int32, record *T) {
	if last := len(p.free) - 1; last >= 0 {
		id = p.free[last]
		p.free = p.free[:last]
		return id, p.at(id)
	}
	if int(p.length) == len(p.blocks)*poolBlock {
		p.blocks = append(p.blocks, new([poolBlock]T))
	}
	id = p.length
	p.length++
	return id, p.at(id)
}

func (p *pool[T]) drop(id int32) {
	var zero T
	*p.at(id) = zero
	p.free = append(p.free, id)
}

// take removes what stands at a place of a list without order, by moving the last one there. moved says whether that is
// another, which must then be told its new place.
func take[T any](list []T, place int32) (rest []T, moved bool) {
	last := len(list) - 1
	moved = int(place) < last
	list[place] = list[last]
	clear(list[last:])
	list = list[:last]
	if cap(list) >= 64 && 4*len(list) < cap(list) {
		list = slices.Clone(list)
	}
	return list, moved
}

// keep puts a list back into an index, or takes it out where nothing is left.
func keep[K comparable, T any](index map[K][]T, key K, list []T) {
	if len(list) > 0 {
		index[key] = list
	} else {
		delete(index, key)
	}
}

// without removes the first x from a short list without order.
func without[T comparable](list []T, x T) []T {
	if i := slices.Index(list, x); i >= 0 {
		list, _ = take(list, int32(i))
	}
	return list
}
