package graphtest

import (
	"cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The orders in which a store gives what it holds.

func compareIDs(a, b catalog.DocumentID) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
}

func compareDocuments(a, b *catalog.Document) int { return compareIDs(a.ID, b.ID) }

func compareStates(a, b graph.State) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name))
}

// compareRecords is the order of a load: documents, then states.
func compareRecords(a, b graph.Record) int {
	switch {
	case a.Document != nil && b.Document != nil:
		return compareDocuments(a.Document, b.Document)
	case a.State != nil && b.State != nil:
		return compareStates(*a.State, *b.State)
	case a.Document != nil:
		return -1
	default:
		return 1
	}
}

// compareRecorded puts the newest revision first and keeps the order within one where the sort is stable.
func compareRecorded(a, b graph.Recorded) int { return cmp.Compare(b.Revision, a.Revision) }
