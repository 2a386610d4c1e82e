package config

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	wellFormedPrefix = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	// wellFormedDatabase takes the names that Neo4j gives to databases, and those of hosted ones.
	wellFormedDatabase = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$`)
)

// neo4jSchemes are those of the driver: with routing in a cluster or without, in plain text, over TLS, and over TLS with
// any certificate.
var neo4jSchemes = []string{"neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"}

// validateGraph checks where the catalog is kept.
func validateGraph(d *decoder, g Graph) {
	if g.Engine != EngineNeo4j {
		return
	}
	fail := func(name, message, fix string) {
		d.fail(d.lines[field("graph", name)], field("graph", name), message, fix)
	}
	if message, fix := checkNeo4jURI(g.URI); message != "" {
		fail("uri", message, fix)
	}
	switch {
	case g.Username == "" && g.Password != "":
		fail("password", "says nothing without a username", "add username: neo4j, or remove it")
	case g.Username != "" && g.Password == "":
		fail("username", "has no password", "add password: ${NEO4J_PASSWORD}")
	}
	switch database := d.written("graph.database", g.Database); {
	case strings.EqualFold(g.Database, "system"):
		fail("database", "is the one that Neo4j keeps for itself", "name another, for example neo4j")
	case !wellFormedDatabase.MatchString(g.Database):
		fail("database", database+" is no name of a database", "use letters, digits and . - between them, at most 63")
	}
	if g.LabelPrefix != "" && !wellFormedPrefix.MatchString(g.LabelPrefix) {
		fail("labelPrefix", d.written("graph.labelPrefix", g.LabelPrefix)+" cannot stand before a label",
			"use letters, digits and _, beginning with a letter, at most 63")
	}
}

// checkNeo4jURI says what is wrong with the address of a Neo4j, "" = nothing. The address is not shown, as it may hold a
// password.
func checkNeo4jURI(uri string) (message, fix string) {
	const example = "write it like neo4j://host:7687"
	parsed, err := url.Parse(uri)
	if err != nil {
		return "is no address of a Neo4j server", example
	}
	port, err := strconv.Atoi(parsed.Port())
	switch {
	case !slices.Contains(neo4jSchemes, parsed.Scheme):
		return "does not begin with " + strings.Join(neo4jSchemes, "://, ") + "://", example
	case parsed.User != nil:
		return "holds a user name or password", "give them by username and password"
	case parsed.Hostname() == "":
		return "names no host", example
	case parsed.Port() != "" && (err != nil || port < 1 || port > 65535):
		return "has no port from 1 to 65535", example
	case parsed.Path != "" && parsed.Path != "/":
		return "has a path", "write the address of the server alone, and name the database by database"
	case parsed.Fragment != "":
		return "has something behind #", "write the address of the server alone"
	case parsed.RawQuery != "" && strings.HasPrefix(parsed.Scheme, "bolt"):
		return "has something behind ?, which is for neo4j:// alone", "remove it"
	}
	return "", ""
}
