package testenv_test

import (
	"testing"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// single is the only value that the statement gives.
func single(t *testing.T, server testenv.Neo4jServer, statement string) (any, error) {
	t.Helper()
	result, err := neo4j.ExecuteQuery(t.Context(), server.Driver(t), statement, nil, neo4j.EagerResultTransformer,
		neo4j.ExecuteQueryWithDatabase(server.Database))
	if err != nil || len(result.Records) == 0 {
		return nil, err
	}
	return result.Records[0].Values[0], nil
}

func mustSingle(t *testing.T, server testenv.Neo4jServer, statement string) any {
	t.Helper()
	value, err := single(t, server, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

func TestLabelPrefix(t *testing.T) {
	server := testenv.Neo4j(t)
	var first, scheme string
	t.Run("left behind", func(t *testing.T) {
		first = testenv.LabelPrefix(t, server)
		if other := testenv.LabelPrefix(t, server); other == first {
			t.Errorf("two have the prefix %s", other)
		}
		scheme = "CREATE CONSTRAINT " + first + "thing IF NOT EXISTS FOR (n:" + first + "Thing) REQUIRE n.id IS UNIQUE"
		mustSingle(t, server, scheme)
		mustSingle(t, server, "UNWIND range(1, 2500) AS id CREATE (:"+first+"Thing {id: id})-[:NEXT]->(:"+first+"Other)")
	})
	t.Run("is gone", func(t *testing.T) {
		again := testenv.LabelPrefix(t, server)
		if again != first {
			t.Skipf("another test has the prefix %s by now", first)
		}
		if count := mustSingle(t, server, "MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH '"+again+"') RETURN count(n)"); count != int64(0) {
			t.Errorf("%v nodes are left", count)
		}
		if count := mustSingle(t, server, "SHOW CONSTRAINTS YIELD name WHERE name = '"+again+"thing' RETURN count(name)"); count != int64(1) {
			t.Errorf("the constraint was not kept")
		}
	})
}

func TestOwnNeo4j(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server three times")
	}
	own := testenv.OwnNeo4j(t, "db.transaction.timeout=7s")
	uri := own.URI
	if got := mustSingle(t, own.Neo4jServer, "SHOW SETTINGS 'db.transaction.timeout' YIELD value RETURN value"); got != "7s" {
		t.Errorf("the setting is %v", got)
	}
	mustSingle(t, own.Neo4jServer, "CREATE (:Kept {n: 1})")
	own.Kill()
	if got, err := single(t, own.Neo4jServer, "RETURN 1"); err == nil {
		t.Errorf("a killed server answers %v", got)
	}
	own.Conf("dbms.security.auth_enabled=true")
	own.Start()
	if own.URI != uri || own.Username == "" {
		t.Errorf("it is now %+v", own.Neo4jServer)
	}
	mustSingle(t, own.Neo4jServer, "CREATE (:Kept {n: 2})")
	wrong := own.Neo4jServer
	wrong.Password = "wrong"
	if _, err := single(t, wrong, "RETURN 1"); err == nil {
		t.Error("it takes a wrong password")
	}
	own.Stop()
	own.Start()
	if got := mustSingle(t, own.Neo4jServer, "MATCH (n:Kept) RETURN count(n)"); got != int64(2) {
		t.Errorf("%v nodes were kept", got)
	}
}

func TestProxyBeforeNeo4j(t *testing.T) {
	server := testenv.Neo4j(t)
	proxy := testenv.Proxy(t, server.Address())
	through := server
	through.URI = "bolt://" + proxy.Address()
	mustSingle(t, through, "RETURN 1")
	proxy.Cut()
	if got, err := single(t, through, "RETURN 1"); err == nil {
		t.Errorf("it answers %v through a proxy that is cut", got)
	}
	proxy.Mend()
	mustSingle(t, through, "RETURN 1")
}
