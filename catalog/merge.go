package catalog

import (
	"iter"
	"slices"
)

// Merge computes the Model of a set of documents, each with an ID of its own. The order in which they come makes no
// difference. It keeps parts of the documents (strings, descriptors, lists, but no edges), which must not be changed
// afterwards; a document itself is not needed once the next one is asked for.
//
// What an entity becomes follows from the claims about its Ref and from the aliases that stand for it; what an edge
// becomes follows from the claims about its two ends. Nothing else of the set is looked at, but for names and labels where
// an alias is matched by them, and for the declared paths that cover what is seen.
func Merge(documents iter.Seq[*Document], options MergeOptions) *Model {
	all := NewMerger(options).Apply(nil, documents)
	model := &Model{Problems: all.Problems}
	count := 0
	for _, row := range all.Edges {
		count += len(row.Edges)
	}
	model.Edges = slices.Grow(model.Edges, count)
	for _, row := range all.Edges {
		model.Edges = append(model.Edges, row.Edges...)
	}
	model.Entities = slices.Grow(model.Entities, len(all.Entities))
	for _, e := range all.Entities {
		model.Entities = append(model.Entities, e.Entity)
	}
	return model
}
