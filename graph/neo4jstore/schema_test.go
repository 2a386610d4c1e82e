package neo4jstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// space is a label space of the server of the tests.
func space(t *testing.T) Config {
	t.Helper()
	server := testenv.Neo4j(t)
	return Config{
		URI: server.URI, Username: server.Username, Password: server.Password, Database: server.Database,
		LabelPrefix: testenv.LabelPrefix(t, server), Program: "orrery test",
	}
}

func mustOpen(t *testing.T, config Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// query asks the server, past any Store.
func query(t *testing.T, cypher string) []*neo4j.Record {
	t.Helper()
	server := testenv.Neo4j(t)
	result, err := neo4j.ExecuteQuery(t.Context(), server.Driver(t), cypher, nil, neo4j.EagerResultTransformer,
		neo4j.ExecuteQueryWithDatabase(server.Database))
	if err != nil {
		t.Fatal(err)
	}
	return result.Records
}

// drop removes the constraints and indexes of a label space.
func drop(t *testing.T, config Config) {
	t.Helper()
	for _, kind := range [][2]string{{"CONSTRAINT", "CONSTRAINTS"}, {"INDEX", "INDEXES"}} { // an index of a constraint goes with it
		for _, record := range query(t, "SHOW "+kind[1]+" YIELD name WHERE name STARTS WITH '"+config.LabelPrefix+"' RETURN name") {
			name, _ := record.Values[0].(string)
			query(t, "DROP "+kind[0]+" `"+name+"` IF EXISTS")
		}
	}
}

// TestSchemeIsMadeByManyAtOnce opens an empty space from several processes at the same time.
func TestSchemeIsMadeByManyAtOnce(t *testing.T) {
	config := space(t)
	drop(t, config)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := Open(t.Context(), config)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(s.Ready(t.Context()), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var names []string
	for _, record := range query(t, "SHOW INDEXES YIELD name, state WHERE name STARTS WITH '"+config.LabelPrefix+"' AND state = 'ONLINE' RETURN name") {
		name, _ := record.Values[0].(string)
		names = append(names, name)
	}
	for _, rule := range rules {
		if name := config.LabelPrefix + "orrery_" + rule.name; !slices.Contains(names, name) {
			t.Errorf("there is no %s", name)
		}
	}
	if stores := query(t, "MATCH (s:"+config.LabelPrefix+"Store) RETURN s"); len(stores) != 1 {
		t.Errorf("there are %d Store nodes", len(stores))
	}
}

// TestNewerSchemeIsLeftAlone holds that what a newer program wrote is neither read nor changed.
func TestNewerSchemeIsLeftAlone(t *testing.T) {
	config := space(t)
	drop(t, config)
	query(t, "CREATE (:"+config.LabelPrefix+"Store {id: 'orrery', scheme: 1000, program: 'orrery 99'})")
	for _, readOnly := range []bool{false, true} {
		config.ReadOnly = readOnly
		s, err := Open(t.Context(), config)
		if err == nil {
			_ = s.Close()
		}
		if !errors.Is(err, ErrNewerScheme) || !strings.Contains(err.Error(), "orrery 99") || !strings.Contains(err.Error(), "upgrade") {
			t.Errorf("open, only reading %t: %v, want ErrNewerScheme, who wrote it and what to do", readOnly, err)
		}
	}
	if rules := query(t, "SHOW INDEXES YIELD name WHERE name STARTS WITH '"+config.LabelPrefix+"' RETURN name"); len(rules) > 0 {
		t.Errorf("%d constraints and indexes were made", len(rules))
	}
}

// TestOlderSchemeIsRaised holds that an older database is read as it is, and marked by whoever may write it, so that an
// older program leaves it alone from then on.
func TestOlderSchemeIsRaised(t *testing.T) {
	for older := int64(1); older < scheme; older++ {
		config := space(t)
		drop(t, config)
		query(t, fmt.Sprintf("CREATE (:%sStore {id: 'orrery', scheme: %d, program: 'orrery 0', revision: 0, past: 0, forgotten: 0, replaced: 0})",
			config.LabelPrefix, older))
		row := graph.TrafficRow{Data: []byte("counted"), Sequence: 1}
		for _, readOnly := range []bool{true, false} {
			config.ReadOnly = readOnly
			s, err := Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			want := []graph.TrafficRow{}
			if !readOnly {
				want = append(want, row)
				err = s.WriteTraffic(t.Context(), graph.TrafficWrite{Put: want})
			}
			rows := []graph.TrafficRow{}
			for row, e := range s.Traffic(t.Context(), 0) {
				rows, err = append(rows, row), errors.Join(err, e)
			}
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Errorf("rows of traffic of scheme %d, only reading %t (-want +got):\n%s", older, readOnly, diff)
			}
			if err := errors.Join(err, s.Ready(t.Context()), s.Close()); err != nil {
				t.Fatal(err)
			}
			number := int64(scheme)
			if readOnly {
				number = older
			}
			stores := query(t, "MATCH (s:"+config.LabelPrefix+"Store) RETURN s.scheme")
			if len(stores) != 1 || stores[0].Values[0] != number {
				t.Errorf("opened, only reading %t: %v, want one store of scheme %d", readOnly, stores, number)
			}
		}
	}
}

// TestForeignDataIsLeftAlone holds that no store is made where nodes of somebody else would be taken for its own, with the
// Store node of another program among them; and that one which is there goes on whatever others have put beside it.
func TestForeignDataIsLeftAlone(t *testing.T) {
	for _, label := range []string{"Entity", "Source", "Publishers", "Claim", "Store"} {
		t.Run(label, func(t *testing.T) {
			config := space(t)
			drop(t, config)
			query(t, "CREATE (:"+config.LabelPrefix+label+" {id: 'theirs', ref: 'theirs', topic: 'theirs'})")
			s, err := Open(t.Context(), config)
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, ErrForeignData) || errors.Is(err, graph.ErrUnavailable) ||
				!strings.Contains(err.Error(), config.LabelPrefix+label) || !strings.Contains(err.Error(), "labelPrefix") {
				t.Errorf("open: %v, want ErrForeignData, the label and what to do", err)
			}
			if rules := query(t, "SHOW INDEXES YIELD name WHERE name STARTS WITH '"+config.LabelPrefix+"' RETURN name"); len(rules) > 0 {
				t.Errorf("%d constraints and indexes were made", len(rules))
			}
		})
	}
	config := space(t)
	drop(t, config) // a store from before there was traffic
	query(t, "CREATE (:"+config.LabelPrefix+"Store {id: 'orrery', scheme: 2, program: 'orrery 0', revision: 0, past: 0, forgotten: 0, replaced: 0}), "+
		"(theirs:"+config.LabelPrefix+"TrafficRow {id: 'theirs'})")
	if s, err := Open(t.Context(), config); !errors.Is(err, ErrForeignData) {
		t.Errorf("raise a store beside nodes that have one of its new labels: %v, want ErrForeignData", err)
		if err == nil {
			_ = s.Close()
		}
	}
	config = space(t)
	if err := mustOpen(t, config).Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	query(t, "CREATE (:"+config.LabelPrefix+"Entity {note: 'beside'})")
	if err := mustOpen(t, config).Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReaderWritesNothing opens an empty space and a filled one for reading.
func TestReaderWritesNothing(t *testing.T) {
	config := space(t)
	drop(t, config)
	config.ReadOnly = true
	if s, err := Open(t.Context(), config); err == nil {
		_ = s.Close()
		t.Error("a store that is not there was opened for reading")
	}
	if made := query(t, "SHOW INDEXES YIELD name WHERE name STARTS WITH '"+config.LabelPrefix+"' RETURN name"); len(made) > 0 {
		t.Errorf("%d constraints and indexes were made by a reader", len(made))
	}
	if nodes := query(t, "MATCH (n:"+config.LabelPrefix+"Store) RETURN n"); len(nodes) > 0 {
		t.Error("a reader made a store")
	}
	config.ReadOnly = false
	mustOpen(t, config)
	config.ReadOnly = true
	if err := mustOpen(t, config).Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLabelPrefix(t *testing.T) {
	for _, bad := range []string{"1a", "a b", "a`b", "ä", "_a", "a-b", strings.Repeat("a", 64)} {
		if s, err := Open(t.Context(), Config{URI: "bolt://127.0.0.1:1", LabelPrefix: bad}); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("the label prefix %q: %v", bad, err)
			if err == nil {
				_ = s.Close()
			}
		}
	}
}

// TestPagesArePlannedAlongAnIndex holds that what is read by pages is read along an index, in its order: nothing is scanned or sorted for a page.
func TestPagesArePlannedAlongAnIndex(t *testing.T) {
	s := mustOpen(t, space(t))
	statements := map[string]string{
		"history": newHistoryPages(10, graph.HistoryQuery{}).statement,
		"traffic": trafficPageCypher,
	}
	for _, k := range kinds {
		statements["state"+k.label()], statements["put"+k.label()], statements["replaced"+k.label()] = statePage(k), putPage(k), replacedPage(k)
	}
	parameters := map[string]any{
		"revision": int64(1), "limit": int64(10), "before": int64(1), "since": int64(0), "until": int64(1), "after": "",
		"through": int64(1), "empty": true,
	}
	for name, statement := range statements {
		if name == "history" || name == "traffic" {
			parameters["after"] = int64(0)
		} else {
			parameters["after"] = ""
		}
		err := s.read(t.Context(), func(tx *transaction) error {
			result, err := tx.tx.Run(tx.ctx, "EXPLAIN "+s.cypher(statement), parameters)
			if err != nil {
				return err
			}
			summary, err := result.Consume(tx.ctx)
			if err != nil {
				return err
			}
			for _, operator := range operatorsOf(summary.Plan()) {
				for _, bad := range []string{"Scan", "Sort", "Top", "Eager", "CartesianProduct"} {
					if strings.Contains(operator, bad) {
						t.Errorf("%s is planned with %s", name, operator)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func operatorsOf(plan neo4j.Plan) []string {
	all := []string{plan.Operator()}
	for _, child := range plan.Children() {
		all = append(all, operatorsOf(child)...)
	}
	return all
}
