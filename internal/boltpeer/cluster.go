// Package boltpeer is a Neo4j cluster for tests: members that speak Bolt 5, all in front of one real server, which does the
// work. Community Edition cannot form a cluster; what a cluster adds for its clients is played here: routing tables,
// leaders and followers, elections, members that lag behind, connections that end at the worst moment. Every request is
// kept, and a script may answer any of them in the server's place.
package boltpeer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Cluster is a set of members. Its methods may be called from many goroutines.
type Cluster struct {
	backend string
	members []*Member

	mu              sync.Mutex
	leader          string // "" = none
	ttl             time.Duration
	bookmarkTimeout time.Duration
	script          Script
	requests        []*Request
	connections     int
	newest          int64 // transaction that was committed through any member
}

// Script decides how a request is answered. It is asked before the rules of the cluster, by the goroutine of the
// connection; the zero Action leaves the request to them.
type Script func(Request) Action

// Action is what happens to one request, in the order of the fields.
type Action struct {
	Delay time.Duration   // before anything else
	Until <-chan struct{} // waited for, unless nil
	// After is for what follows: the server is asked and answers first, then comes Failure or Cut in place of its answer.
	// A COMMIT with it took place.
	After   bool
	Failure string // a code of Neo4j to answer with
	Cut     bool   // the connection is closed
	Version string // of Neo4j, such as "4.4.30", in the answers to HELLO and dbms.components in place of the server's own
}

// Codes of failures that a cluster knows.
const (
	NotALeader          = "Neo.ClientError.Cluster.NotALeader"
	ForbiddenOnReadOnly = "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase"
	BookmarkTimeout     = "Neo.TransientError.Transaction.BookmarkTimeout"
	DatabaseUnavailable = "Neo.TransientError.General.DatabaseUnavailable"
	DeadlockDetected    = "Neo.TransientError.Transaction.DeadlockDetected"
	MemoryPool          = "Neo.TransientError.General.MemoryPoolOutOfMemoryError"
	ReplicationFailure  = "Neo.TransientError.Cluster.ReplicationFailure"
	EntityNotFound      = "Neo.ClientError.Statement.EntityNotFound"
	Unauthorized        = "Neo.ClientError.Security.Unauthorized"
	RateLimited         = "Neo.ClientError.Security.AuthenticationRateLimit"
)

// Start starts members core1, core2 … and replica1, replica2 … in front of the server at backend (host:port), with core1
// as leader. They end with the test.
func Start(t testing.TB, backend string, cores, replicas int) *Cluster {
	t.Helper()
	c := &Cluster{backend: backend, leader: "core1", ttl: time.Second, bookmarkTimeout: 30 * time.Second}
	for i := range cores {
		c.members = append(c.members, &Member{cluster: c, Name: fmt.Sprintf("core%d", i+1), major: 5, minor: 8})
	}
	for i := range replicas {
		c.members = append(c.members, &Member{cluster: c, Name: fmt.Sprintf("replica%d", i+1), major: 5, minor: 8})
	}
	for _, member := range c.members {
		member.Start(t)
		t.Cleanup(member.Stop)
	}
	return c
}

// URI is where a client begins: the named member, from which it learns of the others.
func (c *Cluster) URI(member string) string { return "neo4j://" + c.Member(member).Address() }

// Member is the member of that name, which must be there.
func (c *Cluster) Member(name string) *Member {
	i := slices.IndexFunc(c.members, func(m *Member) bool { return m.Name == name })
	return c.members[i]
}

// Elect makes a member the leader; "" leaves the cluster without one. A leader before it refuses writes from now on, also
// the commits of transactions that it began.
func (c *Cluster) Elect(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leader = name
}

// Leader is the name of the leader; "" = none.
func (c *Cluster) Leader() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}

// SetTTL is how long clients may keep a routing table: whole seconds, 1 unless set.
func (c *Cluster) SetTTL(ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ttl = ttl
}

// SetBookmarkTimeout is how long a member that lags behind waits for what a bookmark names, 30 s unless set.
func (c *Cluster) SetBookmarkTimeout(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bookmarkTimeout = d
}

// Script sets the script of all members; nil = none.
func (c *Cluster) Script(script Script) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = script
}

// Requests are all that were made so far: BEGIN, RUN, COMMIT, ROLLBACK, ROUTE and LOGON, in the order of their arrival.
func (c *Cluster) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	requests := make([]Request, len(c.requests))
	for i, request := range c.requests {
		requests[i] = *request
	}
	return requests
}

// Forget empties the list of requests.
func (c *Cluster) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}

// decide keeps the request and asks the script.
func (c *Cluster) decide(request *Request) Action {
	c.mu.Lock()
	script := c.script
	switch request.Message {
	case Begin, Run, Commit, Rollback, Route, Logon:
		c.requests = append(c.requests, request)
	}
	asked := *request
	c.mu.Unlock()
	if script == nil {
		return Action{}
	}
	return script(asked)
}

// answered notes what a request was answered with.
func (c *Cluster) answered(request *Request, answer, bookmark string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	request.Answer, request.Bookmark = answer, bookmark
	c.newest = max(c.newest, Transaction(bookmark))
}

// routing is the answer to a ROUTE: the leader for writes, the others for reads, every core for routes.
func (c *Cluster) routing(database string) map[string]any {
	c.mu.Lock()
	ttl, leader := c.ttl, c.leader
	c.mu.Unlock()
	var writers, readers, routers []string
	for _, member := range c.members {
		if strings.HasPrefix(member.Name, "core") {
			routers = append(routers, member.Name)
		}
		if member.Name == leader {
			writers = append(writers, member.Name)
		} else {
			readers = append(readers, member.Name)
		}
	}
	if len(readers) == 0 {
		readers = writers
	}
	servers := []any{}
	for _, role := range []struct {
		name    string
		members []string
	}{{"WRITE", writers}, {"READ", readers}, {"ROUTE", routers}} {
		addresses := []any{}
		for _, name := range role.members {
			addresses = append(addresses, c.Member(name).Address())
		}
		servers = append(servers, map[string]any{"role": role.name, "addresses": addresses})
	}
	return map[string]any{"rt": map[string]any{"ttl": int64(ttl / time.Second), "db": database, "servers": servers}}
}

// refusal is the code with which a member refuses a request by its role; "" = it does not.
func (c *Cluster) refusal(member string, request *Request) string {
	if !request.Write {
		return ""
	}
	// A member finds out that it may not write when it is to: by the first statement that does.
	if request.Message != Commit && (request.Message != Run || !writes.MatchString(request.Query)) {
		return ""
	}
	if strings.HasPrefix(member, "replica") {
		return ForbiddenOnReadOnly
	}
	if member != c.Leader() {
		return NotALeader
	}
	return ""
}
