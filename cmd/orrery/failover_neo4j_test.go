package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// takeoverTime is how long after the death of the holder another one scans, as promised; on a machine that is busy with
// other tests it may be twice that.
const takeoverTime = 15 * time.Second

// TestNeo4jKilledHolder kills the one of three replicas that scans, by SIGKILL while it does, time and again: each revision
// must be whole, nothing be lost or told twice, and all replicas show what the files say soon.
func TestNeo4jKilledHolder(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the end of leases")
	}
	t.Parallel()
	const rounds = 6
	random := rand.New(rand.NewPCG(5, 7))
	server := testenv.Neo4j(t)
	prefix := testenv.LabelPrefix(t, server)
	rs := startReplicas(t, 3, neo4jGraphOn(server, prefix))
	usual := rs.usualScan()

	var takeovers []time.Duration
	for round := range rounds {
		rs.generation(round + 2)
		holder, others := rs.holder()
		asked := rs.scanAside(others[random.IntN(len(others))])
		pause(t.Context(), time.Duration(random.Int64N(int64(usual)+1)))
		holder.kill()
		killed := time.Now()
		rs.running = others
		next, _ := rs.holder()
		takeovers = append(takeovers, time.Since(killed))
		if took := time.Since(killed); took > 2*takeoverTime {
			t.Errorf("round %d: another replica scans only after %s", round, took)
		}
		if err := <-asked; err != nil {
			t.Errorf("round %d: the scan that was asked for: %v", round, err)
		}
		rs.converge()
		if next.ended() {
			t.Fatalf("round %d: the new holder has ended", round)
		}
		rs.running = append(rs.running, startReplica(t, rs.file))
		rs.converge()
	}
	t.Logf("a usual scan takes %s; another replica scans after %s", usual, takeovers)
	rs.judgeHistory(server, prefix, rounds+2)
}

// TestNeo4jPausedHolder stops the replica that scans by SIGSTOP for longer than its lease, while it does. When it goes on,
// what it was about to write must not be.
func TestNeo4jPausedHolder(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the end of leases")
	}
	t.Parallel()
	const rounds = 4
	random := rand.New(rand.NewPCG(11, 13))
	server := testenv.Neo4j(t)
	prefix := testenv.LabelPrefix(t, server)
	rs := startReplicas(t, 3, neo4jGraphOn(server, prefix))
	usual := rs.usualScan()

	generation := 2
	for round := range rounds {
		rs.generation(generation)
		holder, others := rs.holder()
		asked := rs.scanAside(others[random.IntN(len(others))])
		pause(t.Context(), time.Duration(random.Int64N(int64(usual)+1)))
		holder.pause()
		rs.running = others
		rs.holder()
		// The new one writes what the paused one knows nothing of.
		if err := <-asked; err != nil {
			t.Errorf("round %d: the scan that was asked for: %v", round, err)
		}
		rs.generation(generation + 1)
		rs.scanNow(others[0])
		rs.converge()
		generation += 2
		holder.resume()
		rs.running = append(others, holder)
		rs.converge()
		eventually(t, "the replica that was paused knows that it does not scan any more", func() bool { return !holder.scans() })
	}
	// Whatever the paused ones had under way has failed by now, as the last one knows.
	rs.converge()
	rs.judgeHistory(server, prefix, generation)
}

// TestNeo4jVisible measures how soon a change is visible on every replica.
func TestNeo4jVisible(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	t.Parallel()
	rs := startReplicas(t, 3, neo4jGraph(t))
	var took []time.Duration
	for round := range rounds {
		write(t, fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: changing, description: text %d}\n"+
			"spec: {type: service, lifecycle: production, owner: somebody}\n", round), rs.dir, "files", "changing.yaml")
		revision := rs.scanNow(rs.running[round%3])
		answered := time.Now()
		for _, r := range rs.running {
			eventually(t, fmt.Sprintf("revision %d is visible", revision), func() bool { return r.revision() >= revision })
		}
		took = append(took, time.Since(answered))
	}
	slices.Sort(took)
	t.Logf("after the answer to who asked for the scan, a change is visible on all replicas within %s (median), %s (longest)", took[len(took)/2], took[len(took)-1])
	// The aim is 2 seconds. The median bears that the machine does other things at times.
	if took[len(took)/2] > 10*time.Second {
		t.Errorf("it takes %s", took)
	}
	rs.converge()
}

// usualScan has generation 1 scanned and tells how long that takes.
func (rs *replicas) usualScan() time.Duration {
	rs.Helper()
	rs.generation(1)
	holder, _ := rs.holder()
	began := time.Now()
	rs.scanNow(holder)
	took := time.Since(began)
	rs.converge()
	return took
}

func (rs *replicas) scanNow(r *replica) int {
	rs.Helper()
	ctx, cancel := context.WithTimeout(rs.Context(), patience)
	defer cancel()
	revision, err := r.scan(ctx)
	if err != nil {
		rs.Fatal(err)
	}
	return revision
}

// scanAside asks for a scan and gives what came of it when it is done.
func (rs *replicas) scanAside(r *replica) chan error {
	asked := make(chan error, 1)
	ctx, cancel := context.WithTimeout(rs.Context(), patience)
	done := make(chan struct{})
	rs.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		defer cancel()
		_, err := r.scan(ctx)
		asked <- err
	}()
	return asked
}

// judgeHistory reads every revision of the store, from the empty one on. Each must hold the entities of one generation and
// no others, generations never go back, and the history of each entity must tell each change exactly once.
func (rs *replicas) judgeHistory(server testenv.Neo4jServer, prefix string, generations int) {
	rs.Helper()
	ctx := rs.Context()
	store, err := neo4jstore.Open(ctx, neo4jstore.Config{
		URI: server.URI, Username: server.Username, Password: server.Password, Database: server.Database, LabelPrefix: prefix, ReadOnly: true,
	})
	if err != nil {
		rs.Fatal(err)
	}
	defer store.Close()
	newest, _ := store.Load(ctx, graph.AsOf{})
	last, seen := -1, map[int]bool{}
	for revision := graph.Revision(1); revision <= newest; revision++ {
		_, records := store.Load(ctx, graph.AsOf{Revision: revision})
		held, entities := map[string]int{}, 0
		for record, err := range records {
			if err != nil {
				rs.Fatal(err)
			}
			if record.Document == nil {
				continue
			}
			for _, claim := range record.Document.Claims {
				if claim.Descriptor != nil {
					held[claim.Descriptor.Lifecycle]++
					entities++
				}
			}
		}
		if entities == 0 && last < 0 {
			continue
		}
		generation := -1
		for name := range held {
			if _, err := fmt.Sscanf(name, "g%d", &generation); err != nil {
				rs.Fatalf("revision %d holds %v", revision, held)
			}
		}
		if want := entitiesOf(generation); len(held) != 1 || entities != want || generation < last {
			rs.Errorf("revision %d, after generation %d, holds %v, not %d of one generation", revision, last, held, want)
		}
		last, seen[generation] = generation, true
	}
	if last != generations-1 {
		rs.Errorf("the newest generation is %d, not %d", last, generations-1)
	}
	rs.Logf("%d revisions, %d generations", newest, len(seen))
	rs.judgeChanges(store)
}

// entitiesOf is how many entities a generation has.
func entitiesOf(generation int) int {
	count := 0
	for file := range generationFiles {
		if (file+generation)%8 != 0 {
			count += generationEntities
		}
	}
	return count
}

// judgeChanges holds that what the history tells of the lifecycle of each entity is a chain: each change begins where the
// one before has ended.
func (rs *replicas) judgeChanges(store graph.Store) {
	rs.Helper()
	var changes []graph.Recorded
	for change, err := range store.History(rs.Context(), graph.HistoryQuery{}) {
		if err != nil {
			rs.Fatal(err)
		}
		changes = append(changes, change)
	}
	slices.SortStableFunc(changes, func(a, b graph.Recorded) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Position, b.Position))
	})
	is := map[string]string{}
	broken := 0
	for _, change := range changes {
		ref := string(change.Ref)
		if change.Field == "" { // it came or went
			delete(is, ref)
		}
		if change.Field != "lifecycle" {
			continue
		}
		if was, known := is[ref]; (known && was != change.Old || !strings.HasPrefix(change.Old+change.New, "g")) && broken < 10 {
			rs.Errorf("revision %d changes the lifecycle of %s from %q to %q, and it was %q", change.Revision, ref, change.Old, change.New, was)
			broken++
		}
		is[ref] = change.New
	}
	if len(is) == 0 {
		rs.Error("the history tells of no entity")
	}
}
