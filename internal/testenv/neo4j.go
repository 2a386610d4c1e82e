package testenv

import (
	"context"
	"errors"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/config"
)

// The environment variables that name a Neo4j server to use instead of starting one. Tests write and wipe only what has a
// label prefix of theirs ([LabelPrefix]), so it may hold other data. Without a user name it is asked without
// authentication; no database is "neo4j".
const (
	Neo4jURIEnv      = "ORRERY_TEST_NEO4J_URI"
	Neo4jUsernameEnv = "ORRERY_TEST_NEO4J_USERNAME"
	Neo4jPasswordEnv = "ORRERY_TEST_NEO4J_PASSWORD"
	Neo4jDatabaseEnv = "ORRERY_TEST_NEO4J_DATABASE"
)

// neo4jAnswers is the longest that a server may take to answer for the first time, on a busy machine.
const neo4jAnswers = 3 * time.Minute

// Neo4jServer says how to reach a server.
type Neo4jServer struct {
	URI                string
	Username, Password string // "" Username = no authentication
	Database           string
}

// Neo4j is the server that all tests share: the one of the environment, which `make test` starts for all packages, or
// else one that this test process starts, once, and that ends with it. Use a [LabelPrefix] of your own in it, and an
// [OwnNeo4j] for what would disturb others.
func Neo4j(t testing.TB) Neo4jServer {
	t.Helper()
	shared := sharedNeo4j()
	if missing := (*MissingError)(nil); errors.As(shared.err, &missing) {
		Missing(t, PartNeo4j, missing.Error())
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// shared is never ended: its end is that of the process.
type shared struct {
	server Neo4jServer
	end    func() // not called, but what it holds keeps the server alive
	err    error
}

var sharedNeo4j = sync.OnceValue(func() (s shared) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*neo4jAnswers)
	defer cancel()
	if server, ok := GivenNeo4j(); ok {
		return shared{server: server, err: server.answers(ctx, nil)}
	}
	s.server, s.end, s.err = StartNeo4j(ctx)
	return s
})

// StartNeo4j starts a server that ends with this process, or when end is called, and waits until it answers. A
// *MissingError says that it needs something that is not installed.
func StartNeo4j(ctx context.Context) (server Neo4jServer, end func(), err error) {
	library, err := neo4jLibrary(ctx)
	if err != nil {
		return Neo4jServer{}, nil, err
	}
	home, err := os.MkdirTemp("", "orrery-neo4j-")
	if err != nil {
		return Neo4jServer{}, nil, err
	}
	d := &database{library: library, home: home, heap: sharedHeap, pages: sharedPages, forget: true}
	end = func() {
		d.kill()
		_ = os.RemoveAll(home) // only a temporary folder stays behind
	}
	if err := d.start(ctx); err != nil {
		end()
		return Neo4jServer{}, nil, err
	}
	return d.server(), end, nil
}

// GivenNeo4j is the server that the environment names, if it does.
func GivenNeo4j() (Neo4jServer, bool) {
	server := Neo4jServer{
		URI: os.Getenv(Neo4jURIEnv), Username: os.Getenv(Neo4jUsernameEnv), Password: os.Getenv(Neo4jPasswordEnv),
		Database: os.Getenv(Neo4jDatabaseEnv),
	}
	if server.Database == "" {
		server.Database = "neo4j"
	}
	return server, server.URI != ""
}

// Environ are the environment variables that name the server.
func (s Neo4jServer) Environ() []string {
	return []string{
		Neo4jURIEnv + "=" + s.URI, Neo4jUsernameEnv + "=" + s.Username, Neo4jPasswordEnv + "=" + s.Password,
		Neo4jDatabaseEnv + "=" + s.Database,
	}
}

// Address is host:port of the server, for a [Proxy].
func (s Neo4jServer) Address() string {
	u, err := url.Parse(s.URI)
	if err != nil {
		return ""
	}
	return u.Host
}

// Driver opens a driver of its own, closed at the end of the test.
func (s Neo4jServer) Driver(t testing.TB) neo4j.DriverWithContext {
	t.Helper()
	driver, err := s.driver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = driver.Close(context.WithoutCancel(t.Context())) })
	return driver
}

func (s Neo4jServer) driver() (neo4j.DriverWithContext, error) {
	auth := neo4j.NoAuth()
	if s.Username != "" {
		auth = neo4j.BasicAuth(s.Username, s.Password, "")
	}
	return neo4j.NewDriverWithContext(s.URI, auth, func(c *config.Config) {
		c.SocketConnectTimeout = 5 * time.Second
		c.ConnectionAcquisitionTimeout = 10 * time.Second
		c.MaxTransactionRetryTime = 5 * time.Second
	})
}

// answers waits until the server does, until ctx ends or gone says why it never will.
func (s Neo4jServer) answers(ctx context.Context, gone func() error) error {
	ctx, cancel := context.WithTimeout(ctx, neo4jAnswers)
	defer cancel()
	for {
		err := s.ask(ctx)
		if err == nil {
			return nil
		}
		if gone != nil {
			if gone := gone(); gone != nil {
				return gone
			}
		}
		if !pause(ctx, 100*time.Millisecond) {
			return &noAnswerError{s.URI, err}
		}
	}
}

func (s Neo4jServer) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	driver, err := s.driver()
	if err != nil {
		return err
	}
	defer func() { _ = driver.Close(context.WithoutCancel(ctx)) }()
	session := driver.NewSession(ctx, neo4j.SessionConfig{DatabaseName: s.Database})
	defer func() { _ = session.Close(context.WithoutCancel(ctx)) }()
	result, err := session.Run(ctx, "RETURN 1", nil)
	if err != nil {
		return err
	}
	_, err = result.Consume(ctx)
	return err
}

type noAnswerError struct {
	uri string
	err error
}

func (e *noAnswerError) Error() string {
	return "the Neo4j server at " + e.uri + " does not answer: " + e.err.Error()
}

func (e *noAnswerError) Unwrap() error { return e.err }

// pause waits so long; false if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
