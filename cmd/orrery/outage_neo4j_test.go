package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestNeo4jRestart kills Neo4j and starts it again while two replicas are asked without a break. Not one question may
// fail, a scan that is asked for in between waits, and all is fresh again soon after.
func TestNeo4jRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server of its own several times")
	}
	own := testenv.OwnNeo4j(t)
	rs := startReplicas(t, 2, neo4jGraphOn(own.Neo4jServer, ""))
	rs.usualScan()

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	var answers atomic.Int64
	for _, r := range rs.running {
		for _, query := range []string{
			`{ entity(ref: "component:default/c1-1") { ref owner { ref } } }`,
			`{ blastRadius(of: ["component:default/c2-2"]) { totals { outage } } }`,
			`{ entities(first: 20) { totalCount nodes { ref } } sources { nodes { id state } } }`,
		} {
			asking.Go(func() {
				for ctx.Err() == nil {
					if _, err := tryQuery(ctx, r.url, query); err != nil && ctx.Err() == nil {
						t.Errorf("a question fails: %v", err)
						return
					}
					answers.Add(1)
					pause(ctx, 20*time.Millisecond)
				}
			})
		}
	}
	defer asking.Wait()
	defer stop()

	const rounds = 2
	for round := range rounds {
		own.Kill()
		killed := time.Now()
		for _, r := range rs.running {
			eventually(t, "/readyz tells that the store is away", func() bool {
				status, reachable := r.readyz()
				return status == http.StatusOK && !reachable
			})
		}
		told := time.Since(killed)
		rs.generation(2 + round)
		asked := rs.scanAside(rs.running[round%2])
		before := answers.Load()
		eventually(t, "questions are answered without the store", func() bool { return answers.Load() > before+100 })
		select {
		case err := <-asked:
			t.Fatalf("the scan ends without a store: %v", err)
		default:
		}
		own.Start()
		started := time.Now()
		for _, r := range rs.running {
			eventually(t, "/readyz tells that the store is back", func() bool {
				status, reachable := r.readyz()
				return status == http.StatusOK && reachable
			})
		}
		back := time.Since(started)
		if err := <-asked; err != nil {
			t.Errorf("the scan that waited: %v", err)
		}
		landed := time.Since(started)
		rs.converge()
		t.Logf("round %d: known to be away after %s; back %s after it answers, the scan landed after %s, shown everywhere after %s; %d answers so far",
			round, told, back, landed, time.Since(started), answers.Load())
	}
	stop()
	asking.Wait()
	for _, r := range rs.running {
		if told := strings.Count(r.log.String(), "the store is away"); told < 1 || told > 2*rounds {
			t.Errorf("replica %d logs %d times that the store is away, in %d outages", r.command.Process.Pid, told, rounds)
		}
		if lines := strings.Count(r.said(), "\n"); lines > 200 {
			t.Errorf("replica %d logs %d lines", r.command.Process.Pid, lines)
		}
	}
}

// TestNeo4jAwayAtStart starts a replica before its Neo4j: it says that it waits, and is there once the server is.
func TestNeo4jAwayAtStart(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server of its own twice")
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	own := testenv.OwnNeo4j(t)
	own.Kill()
	r := startReplica(t, configuredOn(t, neo4jGraphOn(own.Neo4jServer, ""), "files", shopFolder(t)))
	eventually(t, "/readyz tells that it waits for the store", func() bool {
		body, status := get(t, r.url+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "waiting for the store")
	})
	if _, err := tryQuery(t.Context(), r.url, "{ snapshot { revision } }"); err == nil {
		t.Error("a question is answered before there is a catalog")
	}
	if body, status := get(t, r.url+"/livez"); status != http.StatusOK {
		t.Errorf("/livez: %d %s", status, body)
	}
	own.Start()
	want := strings.TrimSpace(must(t, "export", "--digest", "--catalog", shopFolder(t)))
	eventually(t, "the catalog is there", func() bool { return r.digest() == want })
}
