package ingest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/graph"
)

// The state of a scanner may be larger than a document of state, and is kept in several: all but the last have chunkBytes,
// so that a small change writes few of them. They are small, since a store keeps what was replaced as long as it keeps the past:
// a push to one of thousands of repositories should not take much of that. Other sizes, as they were stored earlier, are read
// alike.
const (
	chunkBytes     = 16 << 10
	maxCursorBytes = 64 << 20
)

// chunks are the documents that hold the state of a scanner, in order; nil in the place of one that is missing.
type chunks [][]byte

// chunkName names the document of a chunk: "cursor", "cursor/1", "cursor/2" and so on.
func chunkName(i int) string {
	if i == 0 {
		return cursorName
	}
	return cursorName + "/" + strconv.Itoa(i)
}

// chunkIndex is the place of the chunk that a document holds.
func chunkIndex(name string) (int, bool) {
	if name == cursorName {
		return 0, true
	}
	number, ok := strings.CutPrefix(name, cursorName+"/")
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(number)
	return i, err == nil && i > 0 && i < maxCursorBytes/chunkBytes && chunkName(i) == name
}

// with are the chunks with another one in a place; nil = none there. They share memory with those before.
func (c chunks) with(i int, data []byte) chunks {
	c = slices.Clone(c)
	for len(c) <= i {
		c = append(c, nil)
	}
	c[i] = data
	for len(c) > 0 && c[len(c)-1] == nil {
		c = c[:len(c)-1]
	}
	return c
}

// whole is the state of the scanner, not to be written to; nil where a chunk is missing, so that everything is read.
func (c chunks) whole() []byte {
	switch {
	case slices.ContainsFunc(c, func(chunk []byte) bool { return chunk == nil }):
		return nil
	case len(c) == 1:
		return c[0]
	}
	return slices.Concat(c...)
}

// changes are the documents that make the chunks those of another state. They keep nothing of its memory.
func (c chunks) changes(source string, next []byte) []graph.State {
	var states []graph.State
	i := 0
	for chunk := range slices.Chunk(next, chunkBytes) {
		if i >= len(c) || !bytes.Equal(c[i], chunk) {
			states = append(states, graph.State{Source: source, Name: chunkName(i), Data: bytes.Clone(chunk)})
		}
		i++
	}
	for ; i < len(c); i++ {
		if c[i] != nil {
			states = append(states, graph.State{Source: source, Name: chunkName(i)})
		}
	}
	return states
}
