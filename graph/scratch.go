package graph

// scratch is working memory of a walk, kept between questions. Every table is all zero between uses: whoever writes
// puts back what it touched, so that a small answer costs little in a large graph.
type scratch struct {
	state []state // by node
	mark  []mark  // by node: what a blast radius looks at most, small enough to stay near the processor
	left  []int32 // by group, where members are lost: how many are not, plus one
	queue []node  // entities with a state or mark
	hubs  []node  // hubs with a state or mark
	hit   []int32 // groups with lost members

	rows        [rowsAhead][]inNeed // see rowsAhead
	touch       node
	front, next []node // layers
	inOrder     []node // impacted, by impact and distance
	buckets     []bucket
	nearer      []distant // outages with the distance that they have by a lost group, nearer than that of the walk
	// reached holds by impact below Outage, and by what it was reached from (Outage, Degraded, and outages whose distance was
	// mended), entities that have the impact if nothing worse, by distance.
	reached [Outage][mendedReach + 1][]distant
}

// mendedReach is the place in reached of what was reached from mended outages.
const mendedReach = 2

// isLost says whether all members of a group are lost.
func (w *scratch) isLost(number int32) bool { return w.left[number] == 1 }

// rowsAhead is how many rows a walk fetches at once.
const rowsAhead = 32

// rowsAhead takes the rows of needs to the first of nodes. They lie all over memory: asked for together they come
// together, where a walk that took one after the other would wait for each.
func (v *view) rowsAhead(w *scratch, nodes []node) [][]inNeed {
	nodes = nodes[:min(len(nodes), rowsAhead)]
	rows := w.rows[:len(nodes)]
	for i, b := range nodes {
		rows[i] = v.needsTo(b)
	}
	for _, row := range rows {
		if len(row) > 0 {
			w.touch ^= row[0].from // so that it is loaded
		}
	}
	return rows
}

// borrow takes working memory that is large enough for the view.
func (v *view) borrow() *scratch {
	w := v.scratch.Get().(*scratch)
	if n := int(v.end); len(w.state) < n {
		w.state, w.mark = make([]state, n), make([]mark, n)
	}
	if n := int(v.end); len(w.left) < n {
		w.left = make([]int32, n)
	}
	return w
}

// giveBack zeroes what the walk has touched.
func (v *view) giveBack(w *scratch) {
	for _, touched := range [][]node{w.queue, w.hubs} {
		for _, a := range touched {
			w.state[a], w.mark[a] = 0, 0
		}
	}
	for _, number := range w.hit {
		w.left[number] = 0
	}
	w.queue, w.hubs, w.hit = w.queue[:0], w.hubs[:0], w.hit[:0]
	w.inOrder, w.buckets, w.nearer = w.inOrder[:0], w.buckets[:0], w.nearer[:0]
	for i := range w.reached {
		for j := range w.reached[i] {
			w.reached[i][j] = w.reached[i][j][:0]
		}
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

// distant is an entity with the distance at which it was reached.
type distant struct {
	a        node
	distance int
}

// mark packs the impact on a node, whether its distance is known, and from which impact it was reached last.
type mark uint8

const (
	measured       mark = 1 << 2
	markNotedShift      = 3
)

func (m mark) impact() Impact { return Impact(m & 3) }
func (m mark) noted() Impact  { return Impact(m >> markNotedShift & 3) }

func notedFrom(impact Impact) mark { return mark(impact) << markNotedShift }
