package graph

import "slices"

// pages is a table by node that snapshots share: in pieces, of which an edit copies those that it writes to.
type pages[T any] struct{ list []*page[T] }

const (
	pageBits = 7
	pageSize = 1 << pageBits
)

type page[T any] struct {
	edition *edition
	rows    [pageSize]T
}

// edition marks the pages that the edit under way has made, and so may write to.
type edition struct{ _ byte }

func (p *pages[T]) at(a node) *T { return &p.list[a>>pageBits].rows[a&(pageSize-1)] }

// fork lets an edit replace pages of p.
func (p *pages[T]) fork() { p.list = slices.Clone(p.list) }

// grow makes room for nodes below end.
func (p *pages[T]) grow(e *edition, end node) {
	for node(len(p.list))<<pageBits < end {
		p.list = append(p.list, &page[T]{edition: e})
	}
}

// write is the row of a node for an edit to change.
func (p *pages[T]) write(e *edition, a node) *T {
	at := &p.list[a>>pageBits]
	if (*at).edition != e {
		made := **at
		made.edition = e
		*at = &made
	}
	return &(*at).rows[a&(pageSize-1)]
}
