package graph

// scratch is working memory of a walk, kept between questions. Every table is all zero between uses: whoever writes
// puts back what it touched, so that a small answer costs little in a large graph.
type scratch struct {
	state       []state        // by node
	lost        []int32        // by group: members lost
	queue       []node         // entities with a state
	hubs        []node         // hubs with a state
	later       [Outage][]node // by impact below Outage: nodes that may have it
	hit         []int32        // groups with lost members
	front, next []node         // of a walk by layers
}

// borrow takes working memory that is large enough for the view.
func (v *view) borrow() *scratch {
	w := v.scratch.Get().(*scratch)
	if n := v.nodeCount(); len(w.state) < n {
		w.state = make([]state, n)
	}
	if n := v.groupCount(); len(w.lost) < n {
		w.lost = make([]int32, n)
	}
	return w
}

// giveBack zeroes what the walk has touched.
func (v *view) giveBack(w *scratch) {
	for _, touched := range [][]node{w.queue, w.hubs} {
		for _, a := range touched {
			w.state[a] = 0
		}
	}
	for _, number := range w.hit {
		w.lost[number] = 0
	}
	w.queue, w.hubs, w.hit = w.queue[:0], w.hubs[:0], w.hit[:0]
	for i := range w.later {
		w.later[i] = w.later[i][:0]
	}
	v.scratch.Put(w)
}

// state packs what a walk knows of a node: the impact on it and, plus one, its distance. 0 = nothing.
type state uint32

const stateDistanceShift = 2 // a distance of 0 and more makes the state at least atDistance(0)

func (s state) impact() Impact { return Impact(s & 3) }

// distance is -1 where none is known.
func (s state) distance() int { return int(s>>stateDistanceShift) - 1 }

func atDistance(d int) state { return state(d+1) << stateDistanceShift }
