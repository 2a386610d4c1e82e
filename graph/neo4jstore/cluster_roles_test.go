package neo4jstore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/boltpeer"
)

// TestClusterRoles: writes go to the leader, reads to others, and every transaction has a timeout, the database and the
// bookmarks of what the Store wrote and saw before.
func TestClusterRoles(t *testing.T) {
	c := startScripted(t)
	store := c.open(t, "core2")
	var l ledger
	for i := range 5 {
		before := c.newest()
		c.Forget()
		l.apply(t, store, l.next(10*i))
		l.requireLoad(t, store)
		for _, request := range c.Requests() {
			if request.Message == boltpeer.Begin && request.Transaction() < before {
				t.Errorf("the bookmark %d was sent after %d was seen: %+v", request.Transaction(), before, request)
			}
		}
		written := c.newest()
		c.Forget()
		l.requireLoad(t, store)
		l.requireCommits(t, store)
		reads := 0
		for _, request := range c.Requests() {
			if request.Message != boltpeer.Begin {
				continue
			}
			reads++
			if request.Write || request.Member == c.Leader() {
				t.Errorf("a read went to the leader, or was no read: %+v", request)
			}
			if request.Transaction() < written {
				t.Errorf("a read names transaction %d, and %d was written: %+v", request.Transaction(), written, request)
			}
		}
		if reads < 3 {
			t.Errorf("%d reads", reads)
		}
	}
	for _, request := range c.Requests() {
		switch request.Message {
		case boltpeer.Run, boltpeer.Begin:
			if request.Timeout <= 0 || request.Timeout > 10*time.Second || request.Database != c.server.Database {
				t.Errorf("without timeout or database: %+v", request)
			}
		case boltpeer.Commit:
			if request.Write && request.Member != c.Leader() {
				t.Errorf("a write was sent to %s", request.Member)
			}
		}
	}
}

// newest is the newest transaction that an answer has named.
func (c *scripted) newest() int64 {
	newest := int64(0)
	for _, request := range c.Requests() {
		newest = max(newest, boltpeer.Transaction(request.Bookmark))
	}
	return newest
}

var followers = []string{"core2", "core3", "replica1"}

// TestClusterLag: what a Store wrote or saw, it never reads behind, whatever a member does not know yet.
func TestClusterLag(t *testing.T) {
	for _, test := range []struct {
		name    string
		lagging []string
		timeout time.Duration // of the members
		catchUp time.Duration // 0 = never
	}{
		{"all are waited for", followers, 30 * time.Second, time.Second},
		{"all refuse for a while", followers, 100 * time.Millisecond, time.Second},
		{"all stay behind", followers, 30 * time.Second, 0},
		{"all refuse for ever", followers, 100 * time.Millisecond, 0},
		{"one stays behind", followers[:1], 30 * time.Second, 0},
		{"one refuses for ever", followers[:1], 100 * time.Millisecond, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			c.SetBookmarkTimeout(test.timeout)
			store := c.open(t, "core1")
			var l ledger
			l.apply(t, store, l.next(10))
			l.requireLoad(t, store)
			for _, name := range test.lagging {
				c.Member(name).Lag()
			}
			l.apply(t, store, l.next(10))
			written := c.newest()
			c.Forget()
			if test.catchUp > 0 {
				time.AfterFunc(test.catchUp, func() {
					for _, name := range test.lagging {
						c.Member(name).CatchUp()
					}
				})
			}
			start := time.Now()
			for range 3 {
				l.requireLoad(t, store)
			}
			if took := time.Since(start); took > 15*time.Second { // a member is waited for once, not in each transaction
				t.Errorf("three loads took %v", took)
			}
			for _, request := range c.Requests() {
				if request.Message == boltpeer.Begin && request.Answer == "SUCCESS" && request.Transaction() < written {
					t.Errorf("%s answered a transaction that names %d, and %d was written", request.Member, request.Transaction(), written)
				}
			}
		})
	}
}

// TestClusterWithoutLeader: writes fail soon, reads go on, and all is well once there is a leader.
func TestClusterWithoutLeader(t *testing.T) {
	c := startScripted(t)
	store := c.open(t, "core1")
	var l ledger
	l.apply(t, store, l.next(10))
	c.Elect("")
	start := time.Now()
	if _, err := store.Apply(t.Context(), l.change(l.next(10))); !errors.Is(err, graph.ErrUnavailable) {
		t.Fatalf("apply without a leader: %v", err)
	}
	if took := time.Since(start); took > 25*time.Second {
		t.Errorf("apply without a leader took %v", took)
	}
	start = time.Now()
	if err := store.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) || time.Since(start) > 4*time.Second {
		t.Errorf("ready without a leader: %v after %v", err, time.Since(start))
	}
	l.requireLoad(t, store)
	c.Elect("core3")
	requireReady(t, store)
	l.apply(t, store, l.next(10))
	l.requireLoad(t, store)
	c.requireClean(t, &l)
}

// requireReady waits until the store answers again, which it must do by itself.
func requireReady(t testing.TB, store graph.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	for {
		err := store.Ready(ctx)
		if err == nil {
			return
		}
		if !pause(ctx, 50*time.Millisecond) {
			t.Fatalf("the store does not recover: %v", err)
		}
	}
}

// TestClusterAway: all members, or all that tell routes, go away and come back, also at other addresses of the table.
func TestClusterAway(t *testing.T) {
	for _, test := range []struct {
		name string
		away []string
	}{
		{"all", []string{"core1", "core2", "core3", "replica1"}},
		{"the routers", []string{"core1", "core2", "core3"}},
		{"the leader", []string{"core1"}},
		{"all readers", followers},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startScripted(t)
			store := c.open(t, "core2")
			var l ledger
			l.apply(t, store, l.next(10))
			l.requireLoad(t, store)
			for _, name := range test.away {
				c.Member(name).Stop()
			}
			start := time.Now()
			documents := l.next(10)
			revision, err := store.Apply(t.Context(), l.change(documents))
			switch {
			case err == nil && revision == l.revision+1 && !slices.Contains(test.away, "core1"):
				l.committed(documents)
			case !errors.Is(err, graph.ErrUnavailable):
				t.Errorf("apply while %s is away: %d, %v", test.name, revision, err)
			}
			if _, _, err := loaded(t.Context(), store); err != nil && !errors.Is(err, graph.ErrUnavailable) {
				t.Errorf("load while %s is away: %v", test.name, err)
			}
			if took := time.Since(start); took > 40*time.Second {
				t.Errorf("an apply and a load took %v", took)
			}
			for _, name := range test.away {
				c.Member(name).Start(t)
			}
			requireReady(t, store)
			l.apply(t, store, l.next(10))
			l.requireLoad(t, store)
			l.requireCommits(t, store)
			c.requireClean(t, &l)
		})
	}
}

// TestClusterStart: a Store that is opened by way of a member that is away, or of one that cannot lead.
func TestClusterStart(t *testing.T) {
	c := startScripted(t)
	c.Member("core3").Stop()
	start := time.Now()
	store, err := neo4jstore.Open(t.Context(), c.config("core3"))
	if err != nil || time.Since(start) > 15*time.Second {
		t.Fatalf("open by way of a member that is away: %v after %v", err, time.Since(start))
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := store.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) {
		t.Fatalf("ready by way of a member that is away: %v", err)
	}
	c.Member("core3").Start(t)
	requireReady(t, store)
	var l ledger
	l.apply(t, store, l.next(10))
	l.requireLoad(t, c.open(t, "replica1"))
}

// TestClusterFollow: a Follow gives every commit of another Store exactly once and soon, while leaders change and the
// members that it reads from come and go.
func TestClusterFollow(t *testing.T) {
	c := startScripted(t)
	writer, reader := c.open(t, "core1"), c.open(t, "core3")
	var l ledger
	l.apply(t, writer, l.next(10))
	const commits = 40
	type arrival struct {
		commit graph.Commit
		at     time.Time
	}
	arrived := make(chan arrival, commits)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var following sync.WaitGroup
	after := l.revision
	following.Go(func() {
		defer close(arrived)
		for after < commits+1 && ctx.Err() == nil {
			for commit, err := range reader.Follow(ctx, after) {
				if errors.Is(err, graph.ErrUnavailable) {
					break // a stream may end where the store is away; it is begun anew after what it gave
				}
				if err != nil {
					t.Errorf("follow after %d: %v", after, err)
					return
				}
				after = commit.Revision
				arrived <- arrival{commit, time.Now()}
				if after == commits+1 {
					return
				}
			}
		}
	})
	c.weather(t, 2)
	before := make(map[string]int)
	for key, ordinal := range l.held {
		before[key] = ordinal
	}
	made := make([]time.Time, 0, commits)
	first := ledger{revision: l.revision, held: l.held}
	for range commits {
		l.apply(t, writer, l.next(15))
		made = append(made, time.Now())
	}
	following.Wait()
	n := 0
	for a := range arrived {
		if a.commit.Revision != first.revision+graph.Revision(n)+1 {
			t.Fatalf("follow gave revision %d, want %d", a.commit.Revision, first.revision+graph.Revision(n)+1)
		}
		requireSameCommit(t, l.commits[a.commit.Revision-1], before, a.commit)
		if late := a.at.Sub(made[n]); late > 10*time.Second {
			t.Errorf("commit %d came %v after it was made", a.commit.Revision, late)
		}
		n++
	}
	if n != commits {
		t.Fatalf("follow gave %d commits, want %d", n, commits)
	}
	c.Script(nil)
	l.requireLoad(t, reader)
	c.requireClean(t, &l)
}

// TestClusterLeasePasses: the holder of a lease hangs on a member that lost the lead; another Store takes over by way of
// the new leader; what the first one then writes is refused, and a commit of it that was held back does not come through.
func TestClusterLeasePasses(t *testing.T) {
	c := startScripted(t)
	first, second := c.open(t, "core1"), c.open(t, "core2")
	var l ledger
	token, err := first.Lease(t.Context(), graph.LeaseScans, "first", 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c.Script(func(request boltpeer.Request) boltpeer.Action {
		if request.Message != boltpeer.Commit || !request.Write {
			return boltpeer.Action{}
		}
		hold := boltpeer.Action{}
		once.Do(func() {
			c.Elect("core2")
			close(held)
			hold.Until = release
		})
		return hold
	})
	change := l.change(l.next(10))
	change.Lease, change.Fence = graph.LeaseScans, token
	applied := make(chan error, 1)
	go func() {
		_, err := first.Apply(t.Context(), change)
		applied <- err
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var newer graph.FencingToken
	for {
		newer, err = second.Lease(ctx, graph.LeaseScans, "second", time.Minute)
		if err == nil {
			break
		}
		if !pause(ctx, 50*time.Millisecond) {
			t.Fatalf("the lease does not pass: %v", err)
		}
	}
	if newer <= token {
		t.Fatalf("the lease passed with token %d after %d", newer, token)
	}
	documents := l.next(5)
	taken := l.change(documents)
	taken.Lease, taken.Fence = graph.LeaseScans, newer
	if _, err := second.Apply(ctx, taken); err != nil {
		t.Fatalf("apply of the new holder: %v", err)
	}
	l.committed(documents)
	close(release)
	if err := <-applied; !errors.Is(err, graph.ErrFenced) && !errors.Is(err, graph.ErrConflict) && !errors.Is(err, graph.ErrUnavailable) {
		t.Fatalf("apply of the holder that was passed over: %v", err)
	}
	if _, err := first.Apply(ctx, change); !errors.Is(err, graph.ErrFenced) && !errors.Is(err, graph.ErrConflict) {
		t.Fatalf("a second apply of the holder that was passed over: %v", err)
	}
	l.requireLoad(t, first)
	l.requireLoad(t, second)
	c.requireClean(t, &l)
}
