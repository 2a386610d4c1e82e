package catalog

import "iter"

// Merge computes the Model of a set of documents, each with an ID of its own. The order in which they come makes no
// difference. It keeps parts of the documents (strings, descriptors, lists, but no edges), which must not be changed
// afterwards; a document itself is not needed once the next one is asked for.
//
// What an entity becomes follows from the claims about its Ref and from the aliases that stand for it; what an edge
// becomes follows from the claims about its two ends. Nothing else of the set is looked at, but for names and labels where
// an alias is matched by them.
func Merge(documents iter.Seq[*Document], options MergeOptions) *Model {
	m := NewMerger(options)
	m.Apply(nil, documents)
	return m.Model()
}
