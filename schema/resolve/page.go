package resolve

import (
	"context"
	"encoding/base64"
	"iter"
	"sort"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/fxamacker/cbor/v2"

	"github.com/orrery-catalog/orrery/schema/gen"
)

// A page holds at most pageMax elements, and pageDefault where the asker names no number.
const (
	pageDefault = 25
	pageMax     = 1000
)

// page is one page of a list, before it takes the form of a connection.
type page[T any] struct {
	nodes  []T
	cursor func(i int) string // of nodes[i]
	after  bool               // a cursor was given
	more   bool               // elements follow
	total  int                // of the whole list; only right where totalCount is selected
}

func (p *page[T]) info() *gen.PageInfo {
	info := &gen.PageInfo{HasNextPage: p.more, HasPreviousPage: p.after}
	if last := len(p.nodes) - 1; last >= 0 {
		start, end := p.cursor(0), p.cursor(last)
		info.StartCursor, info.EndCursor = &start, &end
	}
	return info
}

// edges makes the elements of a connection, if they are selected.
func edges[T, E any](ctx context.Context, p *page[T], edge func(node T, cursor string) *E) []*E {
	if !selected(ctx, "edges") {
		return nil
	}
	made := make([]*E, len(p.nodes))
	for i, node := range p.nodes {
		made[i] = edge(node, p.cursor(i))
	}
	return made
}

// selected says whether a field of the object being resolved is asked for.
func selected(ctx context.Context, name string) bool {
	for _, field := range graphql.CollectFieldsCtx(ctx, nil) {
		if field.Name == name {
			return true
		}
	}
	return false
}

// list is an ordered list that can be cut anywhere.
type list[T any] struct {
	length int
	slice  func(from, to int) []T
}

func sliceOf[T any](elements []T) list[T] {
	return list[T]{len(elements), func(from, to int) []T { return elements[from:to] }}
}

// pointers is a list of pointers to the elements.
func pointers[T any](elements []T) list[*T] {
	return list[*T]{len(elements), func(from, to int) []*T {
		made := make([]*T, 0, to-from)
		for i := from; i < to; i++ {
			made = append(made, &elements[i])
		}
		return made
	}}
}

// order is what a list is sorted by. Its keys are in the cursors, so that a cursor keeps its place when elements come and
// go, even its own.
type order[T, K any] struct {
	name    string // tells the cursors of different lists apart
	key     func(i int, node T) K
	compare func(a, b K) int
}

// cut takes the page out of a list.
func cut[T, K any](l list[T], by order[T, K], first *int, after *string) (*page[T], error) {
	limit, key, err := pageArguments[K](by.name, first, after)
	if err != nil {
		return nil, err
	}
	from := 0
	if key != nil {
		from = sort.Search(l.length, func(i int) bool {
			return by.compare(by.key(i, l.slice(i, i+1)[0]), *key) > 0
		})
	}
	to := min(from+limit, l.length)
	p := &page[T]{nodes: l.slice(from, to), after: key != nil, more: to < l.length, total: l.length}
	p.cursor = func(i int) string { return encodeCursor(by.name, by.key(from+i, p.nodes[i])) }
	return p, nil
}

// take reads the page off a stream that begins behind the cursor.
func take[T, K any](stream iter.Seq[T], by order[T, K], limit int, after bool) *page[T] {
	p := &page[T]{after: after}
	p.cursor = func(i int) string { return encodeCursor(by.name, by.key(0, p.nodes[i])) }
	for node := range stream {
		if len(p.nodes) == limit {
			p.more = true
			break
		}
		p.nodes = append(p.nodes, node)
	}
	return p
}

// pageArguments reads first and after; the key is nil where no cursor is given.
func pageArguments[K any](name string, first *int, after *string) (int, *K, error) {
	limit := pageDefault
	if first != nil {
		limit = *first
	}
	if limit < 0 || limit > pageMax {
		return 0, nil, badInput("first is %d; it must be from 0 to %d", limit, pageMax)
	}
	if after == nil || *after == "" {
		return limit, nil, nil
	}
	key, err := decodeCursor[K](name, *after)
	return limit, key, err
}

// cursor is what is in the text of one: CBOR, because it keeps any bytes, as base64.
type cursor[K any] struct {
	_    struct{} `cbor:",toarray"`
	List string
	Key  K
}

func encodeCursor[K any](name string, key K) string {
	packed, err := cbor.Marshal(cursor[K]{List: name, Key: key})
	if err != nil {
		panic(err) // keys are strings, numbers and structs of them
	}
	return base64.RawURLEncoding.EncodeToString(packed)
}

func decodeCursor[K any](name, text string) (*K, error) {
	var read cursor[K]
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = cursorMode().Unmarshal(packed, &read)
	}
	if err != nil || read.List != name {
		return nil, badInput("after is not a cursor of this list")
	}
	return &read.Key, nil
}

var cursorMode = sync.OnceValue(func() cbor.DecMode {
	mode, err := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	if err != nil {
		panic(err) // the options are constant
	}
	return mode
})
