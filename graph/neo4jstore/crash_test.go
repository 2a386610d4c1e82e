package neo4jstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// crashDocuments is how many documents each change of these tests replaces, with crashRows a transaction.
const (
	crashDocuments = 60
	crashRows      = 7
)

// marked is a change that replaces every document, each with the same mark: a state in which there are two, or one is
// missing, is half a change.
func marked(base graph.Revision, mark string) graph.Change {
	change := graph.Change{
		Base: base, Time: time.Date(2026, 1, 1, 0, 0, int(base), 0, time.UTC),
		States:   []graph.State{{Source: "s", Name: "mark", Data: []byte(mark)}},
		Recorded: []graph.FieldChange{{Ref: "component:default/a", New: mark}},
	}
	for n := range crashDocuments {
		change.Put = append(change.Put, &catalog.Document{ID: catalog.DocumentID{Source: "s", Key: strconv.Itoa(n)}, Location: mark})
	}
	return change
}

// markOf requires that documents and states are those of one change.
func markOf(documents []*catalog.Document, states []graph.State) (string, error) {
	if len(documents) != crashDocuments || len(states) != 1 {
		return "", fmt.Errorf("%d documents and %d states", len(documents), len(states))
	}
	mark := string(states[0].Data)
	for _, document := range documents {
		if document.Location != mark {
			return "", fmt.Errorf("the document %s is of change %s, the state of %s", document.ID.Key, document.Location, mark)
		}
	}
	return mark, nil
}

// loadMark loads the newest state.
func loadMark(ctx context.Context, store graph.Store) (graph.Revision, string, error) {
	var (
		documents []*catalog.Document
		states    []graph.State
	)
	revision, records := store.Load(ctx, graph.AsOf{})
	for record, err := range records {
		switch {
		case err != nil:
			return 0, "", err
		case record.State != nil:
			states = append(states, *record.State)
		default:
			documents = append(documents, record.Document)
		}
	}
	if revision == 0 && len(documents) == 0 {
		return 0, "", nil
	}
	mark, err := markOf(documents, states)
	if err != nil {
		err = fmt.Errorf("revision %d is not whole: %w", revision, err)
	}
	return revision, mark, err
}

// outcome is what the writer of a mark was told.
type outcome struct {
	revision graph.Revision // 0 = an error
	open     bool           // the error leaves open whether it took place
}

// outcomes are those of all writers.
type outcomes struct {
	mu  sync.Mutex
	all map[string]outcome
}

func (o *outcomes) note(mark string, revision graph.Revision, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all[mark] = outcome{revision, errors.Is(err, graph.ErrUnavailable)}
}

// TestCrashingWriters has several writers make changes of many transactions, which are broken off at any moment by their
// context or by the network, next to readers: they see whole changes only, each once, in order, and exactly those of
// which the writer was told that they took place.
func TestCrashingWriters(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 6
	}
	direct := behindProxy(t)
	reader := open(t, direct.config)
	told := &outcomes{all: make(map[string]outcome)}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var readers, writers sync.WaitGroup
	followed := []string{""} // marks by revision
	readers.Go(func() {
		for commit, err := range reader.Follow(ctx, 0) {
			if err != nil {
				t.Errorf("follow: %v", err)
				return
			}
			mark, err := markOf(commit.Put, commit.States)
			if err != nil || int(commit.Revision) != len(followed) || len(commit.Remove) > 0 {
				t.Errorf("after %d changes came revision %d with %d removals: %v", len(followed)-1, commit.Revision, len(commit.Remove), err)
				return
			}
			followed = append(followed, mark)
		}
	})
	readers.Go(func() {
		for ctx.Err() == nil {
			if _, _, err := loadMark(ctx, reader); err != nil && ctx.Err() == nil {
				t.Errorf("load: %v", err)
				return
			}
		}
	})
	for number := range 3 {
		writers.Go(func() { crash(t, direct.config, number, rounds, told) })
	}
	writers.Wait()

	// Whatever was left behind is in nobody's way.
	var last graph.Revision
	for deadline := time.Now().Add(time.Minute); ; {
		base, _, err := loadMark(t.Context(), reader)
		if err != nil {
			t.Fatal(err)
		}
		if last, err = reader.Apply(t.Context(), marked(base, "last")); err == nil {
			break
		}
		if !errors.Is(err, graph.ErrConflict) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for commit, err := range reader.Follow(t.Context(), last-1) {
		if err != nil || commit.Revision != last {
			t.Fatalf("follow after %d: %d, %v", last-1, commit.Revision, err)
		}
		break
	}
	waitFor(t, "the follower", func() bool {
		revision, mark, err := loadMark(t.Context(), reader)
		return err == nil && revision == last && mark == "last"
	})
	cancel()
	readers.Wait()
	requireTold(t, reader, told, last)
}

// requireTold compares the history of the store with what the writers were told.
func requireTold(t *testing.T, reader graph.Store, told *outcomes, last graph.Revision) {
	t.Helper()
	revisions := make(map[string]graph.Revision)
	n := graph.Revision(0)
	for recorded, err := range reader.History(t.Context(), graph.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if revisions[recorded.New] != 0 {
			t.Errorf("the change %s took place twice", recorded.New)
		}
		revisions[recorded.New] = recorded.Revision
		n++
	}
	if n != last {
		t.Errorf("%d changes are recorded, the newest revision is %d", n, last)
	}
	counts := make(map[string]int)
	for mark, o := range told.all {
		switch was := revisions[mark]; {
		case o.revision != 0:
			counts["made"]++
			if was != o.revision {
				t.Errorf("the change %s was reported as revision %d and is %d", mark, o.revision, was)
			}
		case o.open:
			counts["left open"]++
		default:
			counts["refused"]++
			if was != 0 {
				t.Errorf("the change %s was refused and is revision %d", mark, was)
			}
		}
	}
	t.Logf("%d revisions; the writers were told: %v", last, counts)
}

// crash makes changes, most of which are broken off.
func crash(t *testing.T, config neo4jstore.Config, number, rounds int, told *outcomes) {
	random := rand.New(rand.NewPCG(uint64(number), 7))
	proxy := testenv.Proxy(t, testenv.Neo4j(t).Address())
	config.URI = "bolt://" + proxy.Address()
	store, err := neo4jstore.Open(t.Context(), config)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = store.Close() }()
	store.Hasty(crashRows, time.Second)
	for round := range rounds {
		base, _, err := loadMark(t.Context(), store)
		if err != nil {
			if !errors.Is(err, graph.ErrUnavailable) {
				t.Error(err)
			}
			continue
		}
		mark := fmt.Sprintf("%d.%d", number, round)
		ctx, cancel := context.WithCancel(t.Context())
		var mishap sync.WaitGroup
		after := rand.N(400 * time.Millisecond)
		switch random.IntN(4) {
		case 0:
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), after)
		case 1, 2:
			mishap.Go(func() {
				<-time.After(after)
				proxy.Cut()
				<-time.After(after / 4)
				proxy.Mend()
			})
		}
		revision, err := store.Apply(ctx, marked(base, mark))
		told.note(mark, revision, err)
		switch {
		case err == nil, errors.Is(err, graph.ErrConflict), errors.Is(err, graph.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		default:
			t.Errorf("change %s: %v", mark, err)
		}
		mishap.Wait()
		cancel()
	}
}

// waitFor waits until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestPausedWriter lets a change of many transactions stop in its middle, as a process does that is paused or cut off,
// and go on after another one has taken over: it changes nothing any more.
func TestPausedWriter(t *testing.T) {
	for _, lease := range []bool{false, true} {
		t.Run(fmt.Sprintf("lease_%t", lease), func(t *testing.T) {
			for round := range 3 {
				overtake(t, lease, time.Duration(round)*60*time.Millisecond)
			}
		})
	}
}

func overtake(t *testing.T, lease bool, after time.Duration) {
	paused := behindProxy(t)
	config := paused.config
	config.URI = "bolt://" + testenv.Neo4j(t).Address()
	slow, quick := open(t, paused.config), open(t, config)
	slow.Hasty(1, time.Second)
	quick.Hasty(crashRows, time.Second)
	if _, err := quick.Apply(t.Context(), marked(0, "first")); err != nil {
		t.Fatal(err)
	}
	change, next := marked(1, "paused"), marked(1, "next")
	if lease {
		next.Lease, change.Lease = graph.LeaseScans, graph.LeaseScans
		token, err := slow.Lease(t.Context(), graph.LeaseScans, "slow", 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		change.Fence = token
	}
	ended := make(chan error, 1)
	go func() {
		_, err := slow.Apply(t.Context(), change)
		ended <- err
	}()
	waitFor(t, "the change to begin", func() bool { return attemptStep(t, config) > 1 })
	<-time.After(after)
	paused.proxy.Hang()
	if lease {
		waitFor(t, "the lease", func() bool {
			var err error
			next.Fence, err = quick.Lease(t.Context(), graph.LeaseScans, "quick", time.Minute)
			return err == nil
		})
	}
	var revision graph.Revision
	var err error
	waitFor(t, "the change that takes over", func() bool {
		// On a busy server it may be told that this is too slow now, and try again.
		revision, err = quick.Apply(t.Context(), next)
		return !errors.Is(err, graph.ErrUnavailable)
	})
	if err != nil || revision != 2 {
		t.Fatalf("the change that takes over: %d, %v", revision, err)
	}
	paused.proxy.Mend()
	err = <-ended
	if err == nil || lease && !errors.Is(err, graph.ErrFenced) && !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("the paused change: %v", err)
	}
	if !lease && !errors.Is(err, graph.ErrConflict) && !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("the paused change: %v", err)
	}
	if revision, mark, err := loadMark(t.Context(), quick); err != nil || revision != 2 || mark != "next" {
		t.Errorf("after all, revision %d is of the change %s: %v", revision, mark, err)
	}
	if revision, err := quick.Apply(t.Context(), marked(2, "last")); err != nil || revision != 3 {
		t.Errorf("the next change: %d, %v", revision, err)
	}
	for commit, err := range quick.Follow(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := markOf(commit.Put, commit.States); err != nil {
			t.Errorf("revision %d: %v", commit.Revision, err)
		}
		if commit.Revision == 3 {
			break
		}
	}
}

// attemptStep is how many transactions of the change under way were committed.
func attemptStep(t *testing.T, config neo4jstore.Config) int64 {
	t.Helper()
	server := testenv.Neo4j(t)
	result, err := neo4j.ExecuteQuery(t.Context(), server.Driver(t), "MATCH (s:"+config.LabelPrefix+"Store) RETURN coalesce(s.attemptStep, 0) AS step",
		nil, neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase(server.Database))
	if err != nil {
		t.Fatal(err)
	}
	step, _, err := neo4j.GetRecordValue[int64](result.Records[0], "step")
	if err != nil {
		t.Fatal(err)
	}
	return step
}
