package catalog

import (
	"iter"
	"regexp"
)

// Model is the merged catalog: what all claims together say. It is a pure function of the set of documents, immutable,
// and may be shared freely.
type Model struct {
	Entities []*Entity // sorted by Ref; a placeholder for every Ref that is only referred to
	Edges    []Edge    // sorted by From, To, Type, Environment; every relation once, forward
	// Problems holds those of the documents and those that only the whole shows (two descriptors of one entity, an alias
	// declared twice, a self-edge ...), sorted by [CompareProblems].
	Problems []Problem
}

// Merge computes the Model of a set of documents. The order in which they come makes no difference. It keeps strings of
// the documents, but not the documents themselves.
func Merge(documents iter.Seq[*Document], options MergeOptions) *Model {
	panic("to be written")
}

// MergeOptions are the configured rules of identity. The zero value has none.
type MergeOptions struct {
	// Rewrites turn an alias into the name of an entity, tried in order.
	Rewrites []Rewrite
}

// Rewrite is one configured rule of identity.
type Rewrite struct {
	Match   *regexp.Regexp // against the whole alias
	Replace string         // a Ref, with $1 and so on for the groups of Match
}
