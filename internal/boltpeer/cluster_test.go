package boltpeer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/config"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// bench is a cluster of three cores and a replica in front of the shared server, and a driver that asks it.
type bench struct {
	*Cluster
	driver    neo4j.DriverWithContext
	label     string
	database  string
	bookmarks neo4j.BookmarkManager
}

func newBench(t *testing.T) *bench {
	t.Helper()
	server := testenv.Neo4j(t)
	if server.Username != "" {
		t.Skip("the logins of these tests are without a password")
	}
	c := Start(t, server.Address(), 3, 1)
	driver, err := neo4j.NewDriverWithContext(c.URI("core1"), neo4j.NoAuth(), func(c *config.Config) { c.MaxTransactionRetryTime = 10 * time.Second })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = driver.Close(context.WithoutCancel(t.Context())) })
	return &bench{c, driver, testenv.LabelPrefix(t, server) + "Peer", server.Database, neo4j.NewBookmarkManager(neo4j.BookmarkManagerConfig{})}
}

// do runs one statement in a managed transaction and returns its first value.
func (b *bench) do(t *testing.T, mode neo4j.AccessMode, query string, parameters map[string]any) (any, error) {
	t.Helper()
	session := b.driver.NewSession(t.Context(), neo4j.SessionConfig{AccessMode: mode, DatabaseName: b.database, BookmarkManager: b.bookmarks})
	defer func() { _ = session.Close(t.Context()) }()
	work := func(tx neo4j.ManagedTransaction) (any, error) {
		result, err := tx.Run(t.Context(), query, parameters)
		if err != nil {
			return nil, err
		}
		record, err := result.Single(t.Context())
		if err != nil {
			return nil, err
		}
		return record.Values[0], nil
	}
	if mode == neo4j.AccessModeRead {
		return session.ExecuteRead(t.Context(), work, neo4j.WithTxTimeout(7*time.Second))
	}
	return session.ExecuteWrite(t.Context(), work)
}

func (b *bench) write(t *testing.T) {
	t.Helper()
	if _, err := b.do(t, neo4j.AccessModeWrite, "MERGE (n:`"+b.label+"` {id: 1}) SET n.count = coalesce(n.count, 0) + 1 RETURN n.count", nil); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) count(t *testing.T) int64 {
	t.Helper()
	got, err := b.do(t, neo4j.AccessModeRead, "MATCH (n:`"+b.label+"`) RETURN coalesce(sum(n.count), 0)", nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.(int64)
}

// asked are the requests of one kind.
func (b *bench) asked(message Message) (found []Request) {
	for _, request := range b.Requests() {
		if request.Message == message {
			found = append(found, request)
		}
	}
	return found
}

func TestRolesAndBookmarks(t *testing.T) {
	b := newBench(t)
	b.write(t)
	if got := b.count(t); got != 1 {
		t.Fatalf("%d after one write", got)
	}
	begins, commits := b.asked(Begin), b.asked(Commit)
	if len(begins) != 2 || len(commits) != 2 {
		t.Fatalf("%d BEGIN and %d COMMIT, want 2 of each: %+v", len(begins), len(commits), b.Requests())
	}
	if w := begins[0]; w.Member != "core1" || !w.Write || w.Database != b.database || len(w.Bookmarks) != 0 {
		t.Errorf("the write began with %+v", w)
	}
	if commits[0].Bookmark == "" || Transaction(commits[0].Bookmark) == 0 || commits[0].Answer != "SUCCESS" {
		t.Errorf("the write ended with %+v", commits[0])
	}
	if r := begins[1]; r.Member == "core1" || r.Write || r.Timeout != 7*time.Second || r.Transaction() != Transaction(commits[0].Bookmark) {
		t.Errorf("the read began with %+v", r)
	}
}

func TestLargeValuesPass(t *testing.T) {
	b := newBench(t)
	large := strings.Repeat("x", 200_000)
	got, err := b.do(t, neo4j.AccessModeRead, "RETURN $large", map[string]any{"large": large})
	if err != nil || got != large {
		t.Fatalf("%d characters came back, %v", len(got.(string)), err)
	}
}

func TestElection(t *testing.T) {
	b := newBench(t)
	b.SetTTL(time.Minute) // so that the client has to find out by itself
	b.write(t)
	b.Elect("core2")
	b.write(t)
	if got := b.count(t); got != 2 {
		t.Fatalf("%d after two writes", got)
	}
	refused, byNew := 0, 0
	for _, request := range b.asked(Run) {
		if request.Answer == NotALeader && request.Member == "core1" {
			refused++
		}
		if request.Member == "core2" && request.Write && request.Answer == "SUCCESS" {
			byNew++
		}
	}
	if refused != 1 || byNew != 1 {
		t.Errorf("%d refusals by the old leader and %d writes by the new one, want 1 and 1", refused, byNew)
	}
}

// What a commit was, when its answer is not the server's.
func TestCommitEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		action Action
		want   int64
	}{
		{"cut before", Action{Cut: true}, 0},
		{"cut after", Action{Cut: true, After: true}, 1},
		{"refused before", Action{Failure: NotALeader}, 1}, // the driver tries again
		{"refused after", Action{Failure: ReplicationFailure, After: true}, 2},
		{"not touched", Action{}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			done := false
			b.Script(func(request Request) Action {
				if request.Message != Commit || !request.Write || done {
					return Action{}
				}
				done = true
				return test.action
			})
			_, err := b.do(t, neo4j.AccessModeWrite, "MERGE (n:`"+b.label+"` {id: 1}) SET n.count = coalesce(n.count, 0) + 1 RETURN n.count", nil)
			if lost := test.action.Cut; lost != (err != nil) {
				t.Errorf("the driver says %v", err)
			}
			if got := b.count(t); got != test.want {
				t.Errorf("%d writes took place, want %d", got, test.want)
			}
		})
	}
}

func TestLag(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		want    string // what the first read is answered with
	}{
		{"waited for", 30 * time.Second, "SUCCESS"},
		{"too long", 50 * time.Millisecond, BookmarkTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.SetBookmarkTimeout(test.timeout)
			readers := []*Member{b.Member("core2"), b.Member("core3"), b.Member("replica1")}
			b.write(t)
			for _, reader := range readers {
				reader.Lag()
			}
			if got := b.count(t); got != 1 {
				t.Fatalf("%d after one write", got)
			}
			b.write(t)
			b.Forget()
			time.AfterFunc(300*time.Millisecond, func() {
				for _, reader := range readers {
					reader.CatchUp()
				}
			})
			if got := b.count(t); got != 2 {
				t.Fatalf("%d after two writes", got)
			}
			if first := b.asked(Begin)[0]; first.Answer != test.want {
				t.Errorf("the read of what a member did not know yet: %+v", first)
			}
		})
	}
}

func TestStopAndStart(t *testing.T) {
	b := newBench(t)
	b.write(t)
	for _, member := range b.members {
		member.Stop()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.driver.VerifyConnectivity(ctx); err == nil {
		t.Fatal("a cluster without members answers")
	}
	for _, member := range b.members {
		member.Start(t)
	}
	if got := b.count(t); got != 1 {
		t.Fatalf("%d after one write", got)
	}
}

func TestHello(t *testing.T) {
	for _, test := range []struct {
		name         string
		major, minor byte
		script       Script
		wantAgent    string
		wantCode     string
	}{
		{"Neo4j 4.4", 4, 4, func(r Request) Action { return Action{Version: "4.4.30"} }, "Neo4j/4.4.30", ""},
		{"Neo4j 6", 5, 8, func(r Request) Action { return Action{Version: "6.0.0"} }, "Neo4j/6.0.0", ""},
		{"wrong password", 5, 8, func(r Request) Action {
			if r.Message == Logon {
				return Action{Failure: Unauthorized}
			}
			return Action{}
		}, "", Unauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			for _, member := range b.members {
				member.SpeakBolt(test.major, test.minor)
			}
			b.Script(func(request Request) Action {
				switch request.Message {
				case Hello, Logon, Pull:
					return test.script(request)
				}
				return Action{}
			})
			info, err := b.driver.GetServerInfo(t.Context())
			var failed *neo4j.Neo4jError
			switch {
			case test.wantCode != "":
				if !errors.As(err, &failed) || failed.Code != test.wantCode {
					t.Errorf("%v, want %s", err, test.wantCode)
				}
			case err != nil:
				t.Error(err)
			case info.Agent() != test.wantAgent:
				t.Errorf("the server is %s, want %s", info.Agent(), test.wantAgent)
			default:
				got, err := b.do(t, neo4j.AccessModeRead, "CALL dbms.components() YIELD versions RETURN versions[0]", nil)
				if err != nil || "Neo4j/"+got.(string) != test.wantAgent {
					t.Errorf("dbms.components tells of %v, %v, want %s", got, err, test.wantAgent)
				}
			}
		})
	}
}
