package search

// bits is a set of documents.
type bits []uint64

func newBits(documents int) bits { return make(bits, (documents+63)/64) }

func (b bits) set(document uint32)      { b[document/64] |= 1 << (document % 64) }
func (b bits) has(document uint32) bool { return b[document/64]&(1<<(document%64)) != 0 }
func (b bits) clear()                   { clear(b) }

func (b bits) fill() {
	for i := range b {
		b[i] = ^uint64(0)
	}
}

func (b bits) and(other bits) {
	for i := range b {
		b[i] &= other[i]
	}
}

// without takes out the documents of another set; nil has none.
func (b bits) without(other bits) {
	for i := range other {
		b[i] &^= other[i]
	}
}
