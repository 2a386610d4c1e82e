package catalog

import "regexp"

// Model is the merged catalog: what all claims together say. It is a pure function of the set of documents, immutable,
// and may be shared freely.
type Model struct {
	Entities []*Entity // sorted by Ref; one for every Ref that is only referred to, and for what was only observed
	Edges    []Edge    // sorted by From, To, Type, Environment; every relation once, forward
	// Problems holds those of the documents and those that only the whole shows (two descriptors of one entity, an alias
	// declared twice, a self-edge ...), sorted by [CompareProblems].
	Problems []Problem
}

// MergeOptions are the configured rules of identity. The zero value has none.
type MergeOptions struct {
	// Rewrites turn an alias into the name of an entity, tried in order.
	Rewrites []Rewrite
	// Environments gives the name that counts for another name of an environment (prod → production), by the other in lower
	// case. Names that are not in it count as they are, in lower case.
	Environments map[string]string
}

// Rewrite is one configured rule of identity.
type Rewrite struct {
	Match *regexp.Regexp // must match the whole alias
	// Replace is a Ref, with $1 and so on for the groups of Match. The rule says nothing where nobody describes that Ref.
	Replace string
}

// ModelChange is the difference between two Models.
type ModelChange struct {
	Entities []EntityChange // by Ref; each differs
	Edges    []EdgesChange  // by From; each differs
	// Problems that came and that went, each sorted by [CompareProblems].
	Problems, Mended []Problem
	// Moved are problems that were there before and stand at another Version now, in that order.
	Moved []Problem
}

// EntityChange is one entity that came, changed or went.
type EntityChange struct {
	Ref    Ref
	Entity *Entity // nil = it is gone
}

// EdgesChange is all edges from one entity, where any of them came, changed or went.
type EdgesChange struct {
	From  Ref
	Edges []Edge // sorted by To, Type, Environment; none = there are none left
}

// IsEmpty says whether nothing differs.
func (c *ModelChange) IsEmpty() bool {
	return len(c.Entities)+len(c.Edges)+len(c.Problems)+len(c.Mended)+len(c.Moved) == 0
}
