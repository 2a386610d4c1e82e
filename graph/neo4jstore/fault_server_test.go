package neo4jstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// configOf is that of a store in a server of the test's own.
func configOf(server testenv.Neo4jServer) neo4jstore.Config {
	return neo4jstore.Config{URI: server.URI, Username: server.Username, Password: server.Password, Database: server.Database}
}

// TestFaultServerEnds: the server is killed or stopped, under writes and reads, and started again.
func TestFaultServerEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("a server of its own takes long")
	}
	server := testenv.OwnNeo4j(t)
	store := open(t, configOf(server.Neo4jServer))
	var l ledger
	l.apply(t, store, l.next(10))
	for _, end := range []struct {
		name string
		end  func()
	}{{"killed", server.Kill}, {"stopped", server.Stop}} {
		t.Run(end.name, func(t *testing.T) {
			// Changes are applied until the server is gone: of the last one, it is open whether it took place.
			began := make(chan struct{})
			type outcome struct {
				documents map[string]int
				err       error
			}
			ended := make(chan outcome, 1)
			go func() {
				for i := 0; ; i++ {
					documents := l.next(50)
					if i == 3 {
						close(began)
					}
					revision, err := store.Apply(t.Context(), l.change(documents))
					if err == nil && revision != l.revision+1 {
						err = fmt.Errorf("revision %d after %d", revision, l.revision)
					}
					if err != nil {
						ended <- outcome{documents, err}
						return
					}
					l.committed(documents)
				}
			}()
			<-began
			end.end()
			last := <-ended
			if !errors.Is(last.err, graph.ErrUnavailable) {
				t.Fatalf("apply while the server ended: %v", last.err)
			}
			requireUnavailable(t, store, &l)
			server.Start()
			requireReady(t, store)
			was := l.applyAgain(t, store, last.documents)
			t.Logf("%d revisions; the last one was there before: %t", l.revision, was)
			requireHealed(t, store, &l)
		})
	}
}

// TestFaultServerReadOnly: a database that takes no writes is read from.
func TestFaultServerReadOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("a server of its own takes long")
	}
	server := testenv.OwnNeo4j(t)
	store := open(t, configOf(server.Neo4jServer))
	var l ledger
	l.apply(t, store, l.next(10))
	server.Stop()
	server.Conf("server.databases.default_to_read_only=true")
	server.Start()
	l.requireLoad(t, store)
	l.requireCommits(t, store)
	start := time.Now()
	if _, err := store.Apply(t.Context(), l.change(l.next(5))); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("apply to a database that is read-only: %v", err)
	} else {
		t.Log(err)
	}
	if took := time.Since(start); took > unavailableWithin {
		t.Errorf("apply took %v", took)
	}
	config := configOf(server.Neo4jServer)
	config.ReadOnly = true
	l.requireLoad(t, open(t, config))
	l.requireLoad(t, open(t, configOf(server.Neo4jServer)))
	server.Stop()
	server.Conf("server.databases.default_to_read_only=false")
	server.Start()
	requireHealed(t, store, &l)
}

// TestFaultServerMemory: transactions that a server has no memory for fail, without harm, and smaller changes go on.
func TestFaultServerMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a server of its own takes long")
	}
	server := testenv.OwnNeo4j(t, "db.memory.transaction.total.max=10m", "db.memory.transaction.max=2m")
	store := open(t, configOf(server.Neo4jServer))
	var l ledger
	l.apply(t, store, l.next(10))
	large := l.change(nil)
	for i := range 4 {
		large.States = append(large.States, graph.State{Source: "files", Name: fmt.Sprint("large", i), Data: make([]byte, graph.MaxStateBytes)})
	}
	start := time.Now()
	_, err := store.Apply(t.Context(), large)
	if !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a change that there is no memory for: %v", err)
	}
	if took := time.Since(start); took > unavailableWithin {
		t.Errorf("apply took %v", took)
	}
	requireHealed(t, store, &l)
}

// TestFaultServerLogin: a real server refuses a wrong password, counts failures, and takes a new one while the store is open.
func TestFaultServerLogin(t *testing.T) {
	if testing.Short() {
		t.Skip("a server of its own takes long")
	}
	server := testenv.OwnNeo4j(t, "dbms.security.auth_enabled=true", "dbms.security.auth_lock_time=1s")
	proxy := testenv.Proxy(t, server.Address())
	config := configOf(server.Neo4jServer)
	config.URI = "bolt://" + proxy.Address()
	store := open(t, config)
	var l ledger
	l.apply(t, store, l.next(10))

	for _, wrong := range []struct{ name, username, password string }{
		{"wrong password", server.Username, "wrong-password"},
		{"no such user", "nobody", server.Password},
		{"no password", server.Username, ""},
		{"no authentication", "", ""},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			config := configOf(server.Neo4jServer)
			config.Username, config.Password = wrong.username, wrong.password
			start := time.Now()
			refused, err := neo4jstore.Open(t.Context(), config)
			if err == nil {
				_ = refused.Close() // it must not have been opened
			}
			if !errors.Is(err, neo4jstore.ErrCredentials) {
				t.Errorf("open: %v, want ErrCredentials", err)
			}
			if err != nil && wrong.password != "" && strings.Contains(err.Error(), wrong.password) {
				t.Errorf("%q tells the password", err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("open took %v", took)
			}
		})
	}

	t.Run("changed while open", func(t *testing.T) {
		setPassword := func(from, to string) {
			t.Helper()
			driver, err := neo4j.NewDriverWithContext(server.URI, neo4j.BasicAuth(server.Username, from, ""))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = driver.Close(context.WithoutCancel(t.Context())) }()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			for { // the account is locked for a second after too many failures
				_, err := neo4j.ExecuteQuery(ctx, driver, "ALTER CURRENT USER SET PASSWORD FROM $from TO $to", map[string]any{"from": from, "to": to},
					neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase("system"))
				if err == nil {
					return
				}
				if !pause(ctx, 300*time.Millisecond) {
					t.Fatal(err)
				}
			}
		}
		const another = "another-password"
		setPassword(server.Password, another)
		requireReady(t, store) // who is logged in stays so
		proxy.Cut()
		proxy.Mend()
		_ = store.Ready(t.Context()) // it may find its connection closed, and no more
		if err := store.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) || !errors.Is(err, neo4jstore.ErrCredentials) {
			t.Errorf("ready after the password was changed: %v", err)
		}
		requireUnavailable(t, store, &l)
		setPassword(another, server.Password)
		requireHealed(t, store, &l)
	})
}
