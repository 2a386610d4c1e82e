package sqlitestore

import (
	"testing"

	"github.com/orrery-catalog/orrery/graph"
)

// Exec runs a statement in the writing connection of the store.
func Exec(t testing.TB, store graph.Store, statement string, args ...any) {
	t.Helper()
	s, ok := store.(*Store)
	if !ok {
		t.Fatalf("a %T is no store of this package", store)
	}
	if err := s.write.do(t.Context(), func(tx *transaction) error { return tx.run(statement, args...) }); err != nil {
		t.Fatal(err)
	}
}
