package graph

import "github.com/orrery-catalog/orrery/catalog"

// FieldChanges lists what a change does to the entities of the snapshot, for the history: of each entity its birth, its
// end, or its changed fields and relations.
func (s *Snapshot) FieldChanges(change *catalog.ModelChange) []FieldChange {
	return nil
}
