package neo4jstore_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/boltpeer"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// rowsOf reads all rows of traffic.
func rowsOf(t testing.TB, store *neo4jstore.Store) map[graph.TrafficKey]graph.TrafficRow {
	t.Helper()
	rows := make(map[graph.TrafficKey]graph.TrafficRow)
	for row, err := range store.Traffic(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		rows[row.TrafficKey] = row
	}
	return rows
}

// dataOf is what rows hold.
func dataOf(rows map[graph.TrafficKey]graph.TrafficRow) map[graph.TrafficKey]string {
	data := make(map[graph.TrafficKey]string)
	for key, row := range rows {
		data[key] = string(row.Data)
	}
	return data
}

// TestClusterTrafficSurvives lets each fault happen at each message of a write of traffic in turn, and at each message of a
// look at the rows, and requires that the write takes place once: it rests on what was there before.
func TestClusterTrafficSurvives(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			store, direct := c.open(t, "core1"), c.direct(t)
			want := make(map[graph.TrafficKey]string)
			rows := rowsOf(t, store)
			for at := 0; ; at++ {
				var write graph.TrafficWrite
				for part := range uint16(8) {
					row := graph.TrafficRow{TrafficKey: graph.TrafficKey{Source: "traces", Part: part}, Data: fmt.Append(nil, at)}
					write.Put, want[row.TrafficKey] = append(write.Put, row), string(row.Data)
					row.Sequence = rows[row.TrafficKey].Sequence
					write.Expect = append(write.Expect, row)
				}
				end := c.strike(f, at)
				err := store.WriteTraffic(t.Context(), write)
				messages := end()
				if err != nil {
					t.Fatalf("%s at message %d of %d of a write: %v", f.name, at, messages, err)
				}
				end = c.strike(f, at)
				rows = rowsOf(t, store)
				if diff := cmp.Diff(want, dataOf(rows)); diff != "" {
					t.Fatalf("%s at message %d of a look (-want +got):\n%s", f.name, at, diff)
				}
				if diff := cmp.Diff(rows, rowsOf(t, direct)); diff != "" {
					t.Fatalf("%s at message %d: what is there otherwise (-want +got):\n%s", f.name, at, diff)
				}
				if read := end(); max(messages, read) <= at {
					break
				}
			}
		})
	}
}

// TestCrashingTraffic has several processes write their rows over networks that break at any moment. Each tries a write
// again until it is told that it took place. Somebody who reads on all the while gets to the same as one who reads in the
// end.
func TestCrashingTraffic(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	place := behindProxy(t).config
	place.URI = testenv.Neo4j(t).URI
	reader := open(t, place)
	want := make([]map[graph.TrafficKey]string, 3)
	var writers sync.WaitGroup
	for number := range want {
		want[number] = make(map[graph.TrafficKey]string)
		writers.Go(func() { crashTraffic(t, place, number, rounds, want[number]) })
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		close(done)
	}()
	read, last := make(map[graph.TrafficKey]string), uint64(0)
	for end := false; ; {
		for row, err := range reader.Traffic(t.Context(), last) {
			if err != nil || row.Sequence <= last {
				t.Fatalf("after sequence %d came %d: %v", last, row.Sequence, err)
			}
			last = row.Sequence
			if read[row.TrafficKey] = string(row.Data); len(row.Data) == 0 {
				delete(read, row.TrafficKey)
			}
		}
		if end {
			break
		}
		select {
		case <-done:
			end = true
		default:
		}
	}
	all := make(map[graph.TrafficKey]string)
	for _, rows := range want {
		maps.Copy(all, rows)
	}
	if diff := cmp.Diff(all, dataOf(rowsOf(t, reader))); diff != "" {
		t.Errorf("the rows in the end (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all, read); diff != "" {
		t.Errorf("the rows of who read all the while (-want +got):\n%s", diff)
	}
}

// crashTraffic writes rows, replaces and empties them.
func crashTraffic(t *testing.T, place neo4jstore.Config, number, rounds int, want map[graph.TrafficKey]string) {
	random := rand.New(rand.NewPCG(uint64(number), 11))
	proxy := testenv.Proxy(t, testenv.Neo4j(t).Address())
	place.URI = "bolt://" + proxy.Address()
	store, err := neo4jstore.Open(t.Context(), place)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = store.Close() }()
	again := 0
	for round := range rounds {
		var write graph.TrafficWrite
		for part := range uint16(20) {
			row := graph.TrafficRow{TrafficKey: graph.TrafficKey{Source: "traces", Writer: fmt.Sprint(number), Part: part}}
			if random.IntN(4) > 0 {
				row.Data = fmt.Append(nil, round)
			}
			if want[row.TrafficKey] = string(row.Data); row.Data == nil {
				delete(want, row.TrafficKey)
			}
			write.Put = append(write.Put, row)
		}
		var mishap sync.WaitGroup
		if random.IntN(2) == 0 {
			after, away := rand.N(60*time.Millisecond), rand.N(200*time.Millisecond)
			if random.IntN(5) == 0 {
				away = 3 * time.Second // longer than the store itself tries again
			}
			mishap.Go(func() {
				<-time.After(after)
				proxy.Cut()
				<-time.After(away)
				proxy.Mend()
			})
		}
		for deadline := time.Now().Add(time.Minute); ; again++ {
			if err = store.WriteTraffic(t.Context(), write); err == nil {
				break
			}
			if !errors.Is(err, graph.ErrUnavailable) || time.Now().After(deadline) {
				t.Errorf("round %d: %v", round, err)
				break
			}
		}
		mishap.Wait()
	}
	t.Logf("writer %d was told %d times that the server was not there", number, again)
}

// TestPausedTraffic has a write stop when it holds the lock, as a process does that is paused or cut off: it stops the
// others for no longer than a transaction may take, and does not come back over what they wrote.
func TestPausedTraffic(t *testing.T) {
	c := startScripted(t)
	paused, quick := c.open(t, "core1"), c.direct(t)
	row := graph.TrafficRow{TrafficKey: graph.TrafficKey{Source: "traces"}, Data: []byte("first")}
	if err := paused.WriteTraffic(t.Context(), graph.TrafficWrite{Put: []graph.TrafficRow{row}}); err != nil {
		t.Fatal(err)
	}
	stopped, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c.Script(func(request boltpeer.Request) boltpeer.Action {
		if request.Message != boltpeer.Commit || !request.Write {
			return boltpeer.Action{}
		}
		once.Do(func() { close(stopped) })
		return boltpeer.Action{Until: goOn}
	})
	ended := make(chan error, 1)
	go func() {
		ended <- paused.WriteTraffic(t.Context(), graph.TrafficWrite{
			Put:    []graph.TrafficRow{{TrafficKey: row.TrafficKey, Data: []byte("paused")}},
			Expect: []graph.TrafficRow{{TrafficKey: row.TrafficKey, Sequence: 1}},
		})
	}()
	<-stopped
	start := time.Now()
	for {
		err := quick.WriteTraffic(t.Context(), graph.TrafficWrite{Put: []graph.TrafficRow{{TrafficKey: row.TrafficKey, Data: []byte("quick")}}})
		if err == nil {
			break
		}
		if !errors.Is(err, graph.ErrUnavailable) || time.Since(start) > time.Minute {
			t.Fatal(err)
		}
	}
	t.Logf("the other one had to wait for %v", time.Since(start))
	close(goOn)
	if err := <-ended; !errors.Is(err, graph.ErrConflict) && !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("the paused write: %v", err)
	}
	if rows := rowsOf(t, quick); string(rows[row.TrafficKey].Data) != "quick" || len(rows) != 1 {
		t.Errorf("in the end there is %v", dataOf(rows))
	}
}

// TestTrafficOfAnOlderCopy: a backup was played back under readers and writers. Who reads on learns that it must begin
// anew, and rows can be written at once.
func TestTrafficOfAnOlderCopy(t *testing.T) {
	o := behindProxy(t)
	store := open(t, o.config)
	put := func(data string) {
		t.Helper()
		for part := range uint16(10) {
			if err := store.WriteTraffic(t.Context(), graph.TrafficWrite{Put: []graph.TrafficRow{
				{TrafficKey: graph.TrafficKey{Source: "traces", Part: part}, Data: []byte(data)},
			}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("in the backup")
	before := rowsOf(t, store)
	ask := func(cypher string) {
		t.Helper()
		server := testenv.Neo4j(t)
		if _, err := neo4j.ExecuteQuery(t.Context(), server.Driver(t), strings.ReplaceAll(cypher, "@", o.config.LabelPrefix), nil,
			neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase(server.Database)); err != nil {
			t.Fatal(err)
		}
	}
	ask("MATCH (r:@TrafficRow) CREATE (b:@Backup) SET b = properties(r)")
	put("lost")
	ask("MATCH (r:@TrafficRow) DELETE r")
	ask("MATCH (b:@Backup) CREATE (r:@TrafficRow) SET r = properties(b)")
	ask("MATCH (n:@TrafficSequence) SET n.newest = 10")
	for _, err := range store.Traffic(t.Context(), 20) {
		if !errors.Is(err, graph.ErrCompacted) {
			t.Errorf("read on after what is lost: %v, want ErrCompacted", err)
		}
	}
	if diff := cmp.Diff(before, rowsOf(t, store)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	put("again")
	for _, row := range rowsOf(t, store) {
		if string(row.Data) != "again" {
			t.Errorf("after all there is %s", row.Data)
		}
	}
}

// TestTrafficBesideCompaction: what the store forgets of its past takes no row with it.
func TestTrafficBesideCompaction(t *testing.T) {
	a := newAging(t, neo4jstore.Config{KeepHistory: time.Hour, KeepPastBytes: 1})
	for part := range uint16(30) {
		if err := a.WriteTraffic(t.Context(), graph.TrafficWrite{Put: []graph.TrafficRow{
			{TrafficKey: graph.TrafficKey{Source: "traces", Part: part}, Data: []byte("kept")},
		}}); err != nil {
			t.Fatal(err)
		}
		a.clock = a.clock.Add(24 * time.Hour)
		a.change(t)
	}
	if _, err := a.markAt(t, 5); !errors.Is(err, graph.ErrCompacted) {
		t.Fatalf("a past that should be gone: %v", err)
	}
	if rows := rowsOf(t, a.Store); len(rows) != 30 {
		t.Errorf("%d rows of 30", len(rows))
	}
}
