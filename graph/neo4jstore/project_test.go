package neo4jstore

import (
	"strings"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestProjector runs the suite with transactions as large as usual, and as small as can be, so that each change takes many.
func TestProjector(t *testing.T) {
	for _, size := range []struct {
		name string
		rows int
	}{{"Usual", 0}, {"Small", 7}} {
		t.Run(size.name, func(t *testing.T) {
			graphtest.RunProjector(t, graphtest.ProjectorEngine{
				Open: func(t testing.TB) graph.Projector { return openProjector(t, size.rows) }, Ask: ask,
			})
		})
	}
}

func openProjector(t testing.TB, rows int) *Store {
	t.Helper()
	server := testenv.Neo4j(t)
	store, err := Open(t.Context(), Config{
		URI: server.URI, Username: server.Username, Password: server.Password, Database: server.Database,
		LabelPrefix: testenv.LabelPrefix(t, server), Holder: "projection test", projectedRows: rows,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// ask asks by a transaction of its own, and may write.
func ask(t testing.TB, projector graph.Projector, cypher string, parameters map[string]any) []map[string]any {
	t.Helper()
	var rows []map[string]any
	err := projector.(*Store).write(t.Context(), func(tx *transaction) error {
		rows = nil
		for record, err := range tx.stream(cypher, parameters) {
			if err != nil {
				return err
			}
			row := make(map[string]any, len(record.Keys))
			for i, name := range record.Keys {
				row[name] = neutral(record.Values[i])
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(strings.Fields(cypher), " "), err)
	}
	return rows
}

// neutral is a value of the driver as graph.Properties has it.
func neutral(value any) any {
	switch v := value.(type) {
	case time.Time:
		return v.UTC()
	case neo4j.Duration:
		return time.Duration(v.Seconds)*time.Second + time.Duration(v.Nanos)
	case map[string]any:
		properties := make(map[string]any, len(v))
		for name, value := range v {
			if properties[name] = neutral(value); name == "labels" {
				continue
			}
			if list, ok := value.([]any); ok {
				properties[name] = texts(list)
			}
		}
		return properties
	default:
		return v
	}
}

func texts(list []any) []string {
	all := make([]string, len(list))
	for i, value := range list {
		all[i], _ = value.(string)
	}
	return all
}
