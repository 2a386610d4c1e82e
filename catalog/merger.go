package catalog

import (
	"cmp"
	"iter"
	"maps"
	"reflect"
	"slices"
)

// Merger keeps a [Model] up to date while documents come and go. What it has after any sequence of changes is what
// [Merge] makes of the documents that are left. It is not safe for use from several goroutines; what it returns is
// immutable and may be shared.
type Merger struct {
	options   MergeOptions
	documents map[DocumentID]*Document
	model     *Model
}

// NewMerger makes one without documents.
func NewMerger(options MergeOptions) *Merger {
	return &Merger{options: options, documents: make(map[DocumentID]*Document), model: &Model{}}
}

// Apply takes documents away and puts others, in place of those of the same ID, and tells what that changed. An absent
// document may be removed. The inverse change (the documents that were there before) leads back to the same Model. The
// Merger keeps the same parts of documents as [Merge].
func (m *Merger) Apply(remove []DocumentID, put iter.Seq[*Document]) *ModelChange {
	for _, id := range remove {
		delete(m.documents, id)
	}
	for document := range put {
		m.documents[document.ID] = document
	}
	old := m.model
	m.model = Merge(maps.Values(m.documents), m.options)
	return difference(old, m.model)
}

// Model is the present one as a whole. It takes time in the size of the catalog.
func (m *Merger) Model() *Model { return m.model }

func difference(old, now *Model) *ModelChange {
	change := &ModelChange{}
	before := make(map[Ref]*Entity)
	for _, e := range old.Entities {
		before[e.Ref] = e
	}
	for _, e := range now.Entities {
		if !reflect.DeepEqual(before[e.Ref], e) {
			change.Entities = append(change.Entities, EntityChange{e.Ref, e})
		}
		delete(before, e.Ref)
	}
	for ref := range before {
		change.Entities = append(change.Entities, EntityChange{Ref: ref})
	}
	slices.SortFunc(change.Entities, func(a, b EntityChange) int { return cmp.Compare(a.Ref, b.Ref) })

	was, is := byFrom(old.Edges), byFrom(now.Edges)
	for from, row := range is {
		if !reflect.DeepEqual(was[from], row) {
			change.Edges = append(change.Edges, EdgesChange{from, row})
		}
	}
	for from := range was {
		if is[from] == nil {
			change.Edges = append(change.Edges, EdgesChange{From: from})
		}
	}
	slices.SortFunc(change.Edges, func(a, b EdgesChange) int { return cmp.Compare(a.From, b.From) })

	for _, p := range now.Problems {
		if _, found := slices.BinarySearchFunc(old.Problems, p, CompareProblems); !found {
			change.Problems = append(change.Problems, p)
		}
	}
	for _, p := range old.Problems {
		if _, found := slices.BinarySearchFunc(now.Problems, p, CompareProblems); !found {
			change.Mended = append(change.Mended, p)
		}
	}
	return change
}

func byFrom(edges []Edge) map[Ref][]Edge {
	rows := make(map[Ref][]Edge)
	for i := 0; i < len(edges); {
		j := i
		for j < len(edges) && edges[j].From == edges[i].From {
			j++
		}
		rows[edges[i].From] = edges[i:j:j]
		i = j
	}
	return rows
}
