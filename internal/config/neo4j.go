package config

import (
	"errors"
	"fmt"
	"strings"
)

// IsNeo4jURI says whether the text is meant as the address of a Neo4j.
func IsNeo4jURI(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && (strings.HasPrefix(scheme, "neo4j") || strings.HasPrefix(scheme, "bolt"))
}

// Neo4jAt is the Graph at an address that was given without a configuration file: user name, password and database are
// those of the environment variables that the tools of Neo4j use, too. Errors say what to do and show no secret.
func Neo4jAt(uri string, env Lookup) (Graph, error) {
	g := Graph{Engine: EngineNeo4j, URI: uri}
	g.Username, _ = env("NEO4J_USERNAME")
	g.Password, _ = env("NEO4J_PASSWORD")
	if g.Database, _ = env("NEO4J_DATABASE"); g.Database == "" {
		g.Database = "neo4j"
	}
	if message, fix := checkNeo4jURI(uri); message != "" {
		if strings.Contains(uri, "@") {
			fix = "set NEO4J_USERNAME and NEO4J_PASSWORD instead"
		}
		return Graph{}, fmt.Errorf("the address %s (%s)", message, fix)
	}
	switch {
	case g.Username == "" && g.Password != "":
		return Graph{}, errors.New("NEO4J_PASSWORD says nothing without NEO4J_USERNAME (set it to neo4j, for example)")
	case g.Username != "" && g.Password == "":
		return Graph{}, errors.New("NEO4J_USERNAME has no password (set NEO4J_PASSWORD)")
	case strings.EqualFold(g.Database, "system") || !wellFormedDatabase.MatchString(g.Database):
		return Graph{}, errors.New("NEO4J_DATABASE names no database for a catalog (set it to neo4j, for example, or unset it)")
	}
	return g, nil
}
