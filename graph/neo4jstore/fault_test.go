package neo4jstore_test

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/boltpeer"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// calls is every method that needs the server, each broken off after its first answer.
var calls = []struct {
	name string
	call func(context.Context, graph.Store, *ledger) error
}{
	{"Ready", func(ctx context.Context, s graph.Store, _ *ledger) error { return s.Ready(ctx) }},
	{"Load", func(ctx context.Context, s graph.Store, _ *ledger) error {
		_, _, err := loaded(ctx, s)
		return err
	}},
	{"Follow", func(ctx context.Context, s graph.Store, l *ledger) error {
		for _, err := range s.Follow(ctx, l.revision-1) {
			return err
		}
		return context.Cause(ctx)
	}},
	{"History", func(ctx context.Context, s graph.Store, _ *ledger) error {
		for _, err := range s.History(ctx, graph.HistoryQuery{}) {
			return err
		}
		return nil
	}},
	{"Lease", func(ctx context.Context, s graph.Store, _ *ledger) error {
		_, err := s.Lease(ctx, "fault", "test", time.Millisecond)
		return err
	}},
	{"WriteTraffic", func(ctx context.Context, s graph.Store, _ *ledger) error {
		return s.(graph.TrafficStore).WriteTraffic(ctx, graph.TrafficWrite{Put: []graph.TrafficRow{{Data: []byte("fault")}}})
	}},
	{"Traffic", func(ctx context.Context, s graph.Store, _ *ledger) error {
		for _, err := range s.(graph.TrafficStore).Traffic(ctx, 0) {
			return err
		}
		return nil
	}},
}

// unavailableWithin is how long a call may take to say that the server does not do what it should.
const unavailableWithin = 25 * time.Second

// requireUnavailable requires that every method says graph.ErrUnavailable in bounded time, also many at once.
func requireUnavailable(t *testing.T, store graph.Store, l *ledger) {
	t.Helper()
	var running sync.WaitGroup
	for _, c := range calls {
		for range 4 {
			running.Go(func() {
				start := time.Now()
				if err := c.call(t.Context(), store, l); !errors.Is(err, graph.ErrUnavailable) {
					t.Errorf("%s says %v, want ErrUnavailable", c.name, err)
				}
				if took := time.Since(start); took > unavailableWithin || c.name == "Ready" && took > 4*time.Second {
					t.Errorf("%s took %v", c.name, took)
				}
			})
		}
	}
	running.Go(func() {
		start := time.Now()
		if _, err := store.Apply(t.Context(), l.change(l.next(5))); !errors.Is(err, graph.ErrUnavailable) {
			t.Errorf("Apply says %v, want ErrUnavailable", err)
		}
		if took := time.Since(start); took > 2*unavailableWithin { // it may have to see whether its commit took place
			t.Errorf("Apply took %v", took)
		}
	})
	running.Wait()
}

// requireHealed requires that the store works again by itself, with everything that was there and nothing else.
func requireHealed(t *testing.T, store graph.Store, l *ledger) {
	t.Helper()
	requireReady(t, store)
	l.requireLoad(t, store)
	l.apply(t, store, l.next(10))
	l.requireLoad(t, store)
	l.requireCommits(t, store)
}

// goroutines is how many there are once those that are about to end have done so: the least of many looks.
func goroutines() int {
	least := runtime.NumGoroutine()
	for range 50 {
		pause(context.Background(), 10*time.Millisecond)
		least = min(least, runtime.NumGoroutine())
	}
	return least
}

// TestFaultOfNetwork: the way to the server breaks, hangs or is slow, under calls and before them.
func TestFaultOfNetwork(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(*testenv.TCPProxy)
		works bool
	}{
		{"cut", (*testenv.TCPProxy).Cut, false},
		{"hanging", (*testenv.TCPProxy).Hang, false},
		{"slow", func(p *testenv.TCPProxy) { p.Delay(100 * time.Millisecond) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := behindProxy(t)
			store := open(t, o.config)
			var l ledger
			l.apply(t, store, l.next(10))
			following := make(chan error, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				var last error
				for _, err := range store.Follow(ctx, l.revision) { // nothing comes until the end of the fault
					if last = err; err != nil {
						break
					}
				}
				following <- last
			}()
			before := goroutines()
			for range 3 {
				test.fault(o.proxy)
				if test.works {
					l.apply(t, store, l.next(10))
					l.requireLoad(t, store)
				} else {
					requireUnavailable(t, store, &l)
				}
				o.proxy.Mend()
				if !test.works {
					requireReady(t, store)
				}
			}
			cancel()
			select {
			case err := <-following:
				if err != nil && !errors.Is(err, graph.ErrUnavailable) {
					t.Errorf("a stream under way ended with %v", err)
				}
			case <-time.After(unavailableWithin):
				t.Error("a stream under way does not end")
			}
			if after := goroutines(); after > before+10 {
				t.Errorf("%d goroutines after the faults, %d before", after, before)
			}
			requireHealed(t, store, &l)
		})
	}
}

// TestFaultAtStart: the server is away when the store is opened.
func TestFaultAtStart(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(*testenv.TCPProxy)
	}{
		{"away", (*testenv.TCPProxy).Cut},
		{"hanging", (*testenv.TCPProxy).Hang},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := behindProxy(t)
			test.fault(o.proxy)
			start := time.Now()
			store := open(t, o.config)
			if took := time.Since(start); took > unavailableWithin {
				t.Errorf("open took %v", took)
			}
			l := ledger{revision: 1}
			requireUnavailable(t, store, &l)
			o.proxy.Mend()
			var empty ledger
			requireHealed(t, store, &empty)
		})
	}
	t.Run("closed while away", func(t *testing.T) {
		o := behindProxy(t)
		o.proxy.Hang()
		store, err := neo4jstore.Open(t.Context(), o.config)
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan error, 1)
		go func() { _, _, err := loaded(t.Context(), store); asked <- err }()
		start := time.Now()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if err := <-asked; !errors.Is(err, graph.ErrClosed) && !errors.Is(err, graph.ErrUnavailable) {
			t.Errorf("a load under way ended with %v", err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("close took %v", took)
		}
	})
}

// TestFaultInConfiguration: what cannot pass by itself is told at once, and what to do.
func TestFaultInConfiguration(t *testing.T) {
	server := testenv.Neo4j(t)
	for _, test := range []struct {
		name   string
		change func(*neo4jstore.Config)
		want   error    // nil = any
		opens  bool     // Open succeeds, as it may pass, and the methods say ErrUnavailable
		words  []string // of the message
	}{
		{"no such database", func(c *neo4jstore.Config) { c.Database = "nosuch" }, graph.ErrUnavailable, true, []string{"nosuch"}},
		{"encryption that is not offered", func(c *neo4jstore.Config) { c.URI = strings.Replace(c.URI, "bolt:", "bolt+s:", 1) }, graph.ErrUnavailable, true, []string{"bolt+s", "TLS"}},
		{"nobody's port", func(c *neo4jstore.Config) { c.URI = "bolt://127.0.0.1:1" }, graph.ErrUnavailable, true, []string{"127.0.0.1:1"}},
		{"no such host", func(c *neo4jstore.Config) { c.URI = "neo4j://no-such-host.invalid" }, graph.ErrUnavailable, true, []string{"no-such-host.invalid"}},
		{"reading what is not there", func(c *neo4jstore.Config) { c.ReadOnly = true }, fs.ErrNotExist, false, []string{"scan"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := neo4jstore.Config{
				URI: "bolt://" + server.Address(), Username: server.Username, Password: server.Password, Database: server.Database,
				LabelPrefix: testenv.LabelPrefix(t, server),
			}
			test.change(&config)
			start := time.Now()
			store, err := neo4jstore.Open(t.Context(), config)
			if test.opens {
				if err != nil {
					t.Fatalf("open: %v", err)
				}
				defer func() { _ = store.Close() }() // nothing was written
				_, _, err = loaded(t.Context(), store)
			} else if err == nil {
				_ = store.Close()
			}
			if took := time.Since(start); took > unavailableWithin {
				t.Errorf("it took %v", took)
			}
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
		})
	}
}

// TestFaultOfVersion: servers that are too old are told from those that are new enough, and left as they are.
func TestFaultOfVersion(t *testing.T) {
	for _, test := range []struct {
		version      string
		major, minor byte // of Bolt
		want         error
	}{
		{"4.3.0", 4, 3, neo4jstore.ErrOldServer},
		{"4.4.30", 4, 4, neo4jstore.ErrOldServer},
		{"5.0.0", 5, 0, nil},
		{"5.26.12", 5, 8, nil},
		{"2025.10.1", 5, 8, nil},
	} {
		t.Run(test.version, func(t *testing.T) {
			c := startScripted(t)
			for _, name := range []string{"core1", "core2", "core3", "replica1"} {
				c.Member(name).SpeakBolt(test.major, test.minor)
			}
			c.Script(func(request boltpeer.Request) boltpeer.Action {
				if request.Message == boltpeer.Hello || request.Message == boltpeer.Pull {
					return boltpeer.Action{Version: test.version}
				}
				return boltpeer.Action{}
			})
			store, err := neo4jstore.Open(t.Context(), c.config("core1"))
			if !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if err != nil {
				if !strings.Contains(err.Error(), test.version) {
					t.Errorf("%q does not say which version it is", err)
				}
				if n := c.written(); n > 0 {
					t.Errorf("%d transactions wrote into a server that is too old", n)
				}
				return
			}
			defer func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}()
			if got := store.Capabilities().Version; got != test.version {
				t.Errorf("the version is told as %q", got)
			}
			var l ledger
			l.apply(t, store, l.next(5))
			l.requireLoad(t, store)
		})
	}
}

// TestFaultOfSlowIndexes: a store whose indexes take long to be made is opened, and works once they are.
func TestFaultOfSlowIndexes(t *testing.T) {
	c := startScripted(t)
	c.prefix += "Slow_" // nobody has made its indexes yet
	c.Script(func(request boltpeer.Request) boltpeer.Action {
		if request.Message == boltpeer.Run && strings.Contains(request.Query, "awaitIndexes") {
			return boltpeer.Action{Failure: "Neo.ClientError.Procedure.ProcedureCallFailed"}
		}
		return boltpeer.Action{}
	})
	store := c.open(t, "core1")
	var l ledger
	l.apply(t, store, l.next(5))
	l.requireLoad(t, store)
}

// TestFaultOfServer lets the server answer with each failure for a while.
func TestFaultOfServer(t *testing.T) {
	for _, code := range []string{
		boltpeer.DatabaseUnavailable, boltpeer.MemoryPool, boltpeer.DeadlockDetected, boltpeer.NotALeader, boltpeer.ReplicationFailure,
		"Neo.ClientError.Database.DatabaseNotFound", "Neo.TransientError.General.OutOfMemoryError", "Neo.DatabaseError.Statement.ExecutionFailed",
		"Neo.DatabaseError.Transaction.TransactionCommitFailed", "Neo.DatabaseError.Transaction.TransactionStartFailed",
		"Neo.DatabaseError.Transaction.TransactionLogError", "Neo.DatabaseError.General.UnknownError", "Neo.DatabaseError.General.StorageDamageDetected",
		"Neo.ClientError.Transaction.TransactionTimedOut", "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
		"Neo.ClientError.Transaction.Terminated", "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase", "Neo.TransientError.Transaction.LockAcquisitionTimeout",
		"Neo.TransientError.Transaction.MaximumTransactionLimitReached", "Neo.ClientError.Security.AuthorizationExpired",
		"Neo.TransientError.Request.NoThreadsAvailable", "Neo.TransientError.Security.AuthProviderTimeout",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			store := c.open(t, "core1")
			var l ledger
			l.apply(t, store, l.next(5))
			c.Script(func(request boltpeer.Request) boltpeer.Action {
				if request.Message == boltpeer.Run || request.Message == boltpeer.Commit {
					return boltpeer.Action{Failure: code}
				}
				return boltpeer.Action{}
			})
			requireUnavailable(t, store, &l)
			c.Script(nil)
			requireHealed(t, store, &l)
			c.requireClean(t, &l)
		})
	}
}

// TestFaultOfLogin: names and passwords that are refused are typed errors at start, and pass where they are mended while
// the store is open. The server is not asked over and over, as it locks accounts.
func TestFaultOfLogin(t *testing.T) {
	for _, code := range []string{boltpeer.Unauthorized, boltpeer.RateLimited, "Neo.ClientError.Security.CredentialsExpired"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			var refusing sync.Map // of members; empty = no login is refused
			c.Script(func(request boltpeer.Request) boltpeer.Action {
				if _, refuse := refusing.Load("all"); refuse && request.Message == boltpeer.Logon {
					return boltpeer.Action{Failure: code}
				}
				return boltpeer.Action{}
			})
			store := c.open(t, "core1")
			var l ledger
			l.apply(t, store, l.next(5))

			refusing.Store("all", true)
			_, err := neo4jstore.Open(t.Context(), c.config("core1"))
			if !errors.Is(err, neo4jstore.ErrCredentials) {
				t.Errorf("open: %v, want ErrCredentials", err)
			}
			for _, name := range []string{"core1", "core2", "core3", "replica1"} { // connections that are there need no login
				c.Member(name).Stop()
				c.Member(name).Start(t)
			}
			c.Forget()
			_ = store.Ready(t.Context()) // it may find its connection closed, and no more
			for range 20 {
				err := store.Ready(t.Context())
				if !errors.Is(err, graph.ErrUnavailable) || !errors.Is(err, neo4jstore.ErrCredentials) {
					t.Fatalf("ready: %v, want ErrUnavailable and ErrCredentials", err)
				}
			}
			logins := 0
			for _, request := range c.Requests() {
				if request.Message == boltpeer.Logon {
					logins++
				}
			}
			if logins > 2 {
				t.Errorf("20 calls tried to log in %d times", logins)
			}
			refusing.Delete("all")
			requireReady(t, store) // within the half minute that the server is left alone
			l.requireLoad(t, store)
			l.apply(t, store, l.next(5))
		})
	}
}

// TestFaultLeavesNothingOpen: connections and goroutines do not grow with failures, nor stay after Close.
func TestFaultLeavesNothingOpen(t *testing.T) {
	c := startScripted(t)
	before := goroutines()
	store, err := neo4jstore.Open(t.Context(), c.config("core1"))
	if err != nil {
		t.Fatal(err)
	}
	var l ledger
	l.apply(t, store, l.next(5))
	connections := func() (n int) {
		for _, name := range []string{"core1", "core2", "core3", "replica1"} {
			n += c.Member(name).Connections()
		}
		return n
	}
	at := connections()
	failures := []boltpeer.Action{{Cut: true}, {Failure: boltpeer.DeadlockDetected}, {Failure: "Neo.DatabaseError.General.UnknownError"}}
	for i := range 60 {
		end := c.strike(fault{action: failures[i%len(failures)], only: inTransaction}, i%7)
		_, _, _ = loaded(t.Context(), store) // whether it works is the subject of other tests
		_ = store.Ready(t.Context())
		end()
	}
	if n := connections(); n > at+5 {
		t.Errorf("%d connections after the failures, %d before", n, at)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for connections() > 0 && time.Now().Before(deadline) {
		pause(t.Context(), 10*time.Millisecond)
	}
	if n := connections(); n > 0 {
		t.Errorf("%d connections after Close", n)
	}
	if after := goroutines(); after > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines after Close, %d before Open:\n%s", after, before, stacks[:runtime.Stack(stacks, true)])
	}
}
