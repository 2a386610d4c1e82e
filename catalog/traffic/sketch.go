package traffic

// Sketch sums up durations, so that quantiles can be told of any number of them, and merges with others in any order to the
// same. The zero value is empty. It takes at most MaxSketchBytes when encoded.
type Sketch struct {
	packed []byte
}

// MaxSketchBytes is the most that an encoded Sketch takes.
const MaxSketchBytes = 256
