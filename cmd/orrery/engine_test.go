package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/internal/boltpeer"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// onNeo4j are all ways by which a command comes to the store of a configuration without a server.
var onNeo4j = []string{"owner checkout", "export", "scan", "sources", "sources scan files", "sources approve files"}

// fails holds that a command ends with status 3 and one line that says all the texts.
func fails(t *testing.T, command, file string, says ...string) outcome {
	t.Helper()
	got := orrery(t, append(strings.Fields(command), "--config", file)...)
	if got.status != statusFailed || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%s: %+v", command, got)
	}
	for _, text := range says {
		if !strings.Contains(got.stderr, text) {
			t.Errorf("%s says %s, want %q in it", command, got.stderr, text)
		}
	}
	return got
}

// TestNoNeo4j holds that commands which need the store now end soon where nobody answers, and say where that is.
func TestNoNeo4j(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"bolt", "neo4j"} {
		uri := scheme + "://127.0.0.1:9"
		file := configuredOn(t, "{engine: neo4j, uri: '"+uri+"'}", "files", shopFolder(t))
		for _, command := range onNeo4j {
			t.Run(scheme+" "+command, func(t *testing.T) {
				t.Parallel()
				fails(t, command, file, "the store is unavailable", uri, "connection refused", "start it, or correct graph in "+file)
			})
		}
	}
}

// TestEmptyNeo4j holds that asking an empty database says how to fill it, and leaves it empty.
func TestEmptyNeo4j(t *testing.T) {
	t.Parallel()
	file := configuredOn(t, neo4jGraph(t), "files", shopFolder(t))
	for range 2 {
		fails(t, "owner checkout", file, "there is no store bolt://", "fill it by `orrery scan --config "+file+"`")
	}
	fails(t, "sources approve files", file, "nothing is in the store bolt://", "fill it by `orrery scan --config "+file+"`")
	must(t, "scan", "--config", file)
	if got := must(t, "owner", "checkout", "--config", file); !strings.Contains(got, "Payments team") {
		t.Errorf("%s", got)
	}
}

// TestOneScanner holds that one process scans into a Neo4j at a time, whom others are told; that it can be asked to scan;
// and that any number of processes read beside it.
func TestOneScanner(t *testing.T) {
	t.Parallel()
	file := configuredOn(t, neo4jGraph(t), "files", shopFolder(t))
	server := serve(t, "--config", file)
	fails(t, "scan", file, "is held by orrery serve (process ", "`orrery sources scan ID --server URL`")
	if got := must(t, "sources", "scan", "files", "--config", file); !strings.Contains(got, "Scanned files") {
		t.Errorf("%s", got)
	}
	if got := must(t, "owner", "checkout", "--config", file); !strings.Contains(got, "Payments team") {
		t.Errorf("a reader beside the server sees %s", got)
	}
	if got := server.stop(); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	if got := orrery(t, "scan", "--config", file); got.status != 0 || got.stderr != "" {
		t.Errorf("the lease is not given back: %+v", got)
	}
}

// TestUnfitNeo4j holds that what a person has to mend ends a server at its start, and a command at once.
func TestUnfitNeo4j(t *testing.T) {
	t.Parallel()
	real := testenv.Neo4j(t)
	address, err := url.Parse(real.URI)
	if err != nil {
		t.Fatal(err)
	}
	cluster := func(script boltpeer.Script) testenv.Neo4jServer {
		c := boltpeer.Start(t, address.Host, 1, 0)
		c.Script(script)
		unfit := real
		unfit.URI = c.URI("core1")
		return unfit
	}
	refusing := cluster(func(r boltpeer.Request) boltpeer.Action {
		if r.Message == boltpeer.Hello || r.Message == boltpeer.Logon {
			return boltpeer.Action{Failure: boltpeer.Unauthorized}
		}
		return boltpeer.Action{}
	})
	refusing.Username, refusing.Password = "orrery", "s3cr3t"
	old := cluster(func(boltpeer.Request) boltpeer.Action { return boltpeer.Action{Version: "4.4.30"} })
	newer, prefix := real, testenv.LabelPrefix(t, real)
	must(t, "scan", "--config", configuredOn(t, neo4jGraphOn(newer, prefix), "files", shopFolder(t)))
	makeNewer(t, newer, prefix)
	for name, unfit := range map[string]struct {
		graph string
		says  []string
	}{
		"password": {neo4jGraphOn(refusing, ""), []string{"refuses the user name or password", `"orrery"`, "check username and password"}},
		"old":      {neo4jGraphOn(old, ""), []string{"is too old", "4.4.30"}},
		"newer":    {neo4jGraphOn(newer, prefix), []string{"was written by a newer Orrery", "upgrade this program"}},
	} {
		file := configuredOn(t, unfit.graph, "files", shopFolder(t))
		for _, command := range append([]string{"serve"}, onNeo4j...) {
			t.Run(name+" "+command, func(t *testing.T) {
				t.Parallel()
				if got := fails(t, command, file, unfit.says...); strings.Contains(got.stderr, "s3cr3t") {
					t.Errorf("the password is told: %s", got.stderr)
				}
			})
		}
	}
}

// makeNewer lets a store look as if a newer version had written it.
func makeNewer(t *testing.T, server testenv.Neo4jServer, prefix string) {
	t.Helper()
	auth := neo4j.NoAuth()
	if server.Username != "" {
		auth = neo4j.BasicAuth(server.Username, server.Password, "")
	}
	driver, err := neo4j.NewDriverWithContext(server.URI, auth)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = driver.Close(t.Context()) }()
	_, err = neo4j.ExecuteQuery(t.Context(), driver, "MATCH (s:"+prefix+"Store) SET s.scheme = 99", nil, neo4j.EagerResultTransformer,
		neo4j.ExecuteQueryWithDatabase(server.Database))
	if err != nil {
		t.Fatal(err)
	}
}
