package facts

// dependents finds what rests on something.
type dependents[On, By comparable] struct {
	on map[On]map[By]bool
	by map[By][]On
}

func newDependents[On, By comparable]() dependents[On, By] {
	return dependents[On, By]{on: make(map[On]map[By]bool), by: make(map[By][]On)}
}

// set makes what by rests on exactly those.
func (d *dependents[On, By]) set(by By, on []On) {
	for _, before := range d.by[by] {
		take(d.on, before, by)
	}
	delete(d.by, by)
	if len(on) == 0 {
		return
	}
	d.by[by] = on
	for _, one := range on {
		put(d.on, one, by)
	}
}

func put[K, V comparable](sets map[K]map[V]bool, key K, value V) {
	if sets[key] == nil {
		sets[key] = make(map[V]bool)
	}
	sets[key][value] = true
}

func take[K, V comparable](sets map[K]map[V]bool, key K, value V) {
	if delete(sets[key], value); len(sets[key]) == 0 {
		delete(sets, key)
	}
}
