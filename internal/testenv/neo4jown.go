package testenv

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// OwnServer is a Neo4j server for one test, which may do with it whatever it wants. Its methods fail the test when they
// cannot do what they say; they may not be called at the same time.
type OwnServer struct {
	Neo4jServer // valid while it runs, and the same after each Start, unless Conf changes it
	t           testing.TB
	database    *database
}

// OwnNeo4j starts a small server (512 MiB of heap) that ends with the test. Each line of conf is a setting as in
// neo4j.conf, "name=value". With "dbms.security.auth_enabled=true" it has a user name and a password.
func OwnNeo4j(t testing.TB, conf ...string) *OwnServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), neo4jAnswers)
	defer cancel()
	library, err := neo4jLibrary(ctx)
	if missing := (*MissingError)(nil); errors.As(err, &missing) {
		Missing(t, PartNeo4j, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	o := &OwnServer{t: t, database: &database{
		library: library, home: t.TempDir(), heap: "512m", pages: "64m", conf: map[string]string{},
	}}
	t.Cleanup(o.Kill)
	o.Conf(conf...)
	o.Start()
	return o
}

// Conf changes settings for the next Start.
func (o *OwnServer) Conf(lines ...string) {
	o.t.Helper()
	for _, line := range lines {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			o.t.Fatalf("%q is no setting: name=value is wanted", line)
		}
		o.database.conf[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
}

// Start starts it again, with the same data and port, and waits until it answers. A server that runs stays as it is.
func (o *OwnServer) Start() {
	o.t.Helper()
	if o.database.process != nil {
		return
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), neo4jAnswers+time.Minute)
	defer cancel()
	if err := o.database.start(ctx); err != nil {
		o.t.Fatal(err)
	}
	o.Neo4jServer = o.database.server()
}

// Stop ends it in order.
func (o *OwnServer) Stop() { o.database.stop(context.WithoutCancel(o.t.Context())) }

// Kill ends it by SIGKILL. One that does not run stays so.
func (o *OwnServer) Kill() { o.database.kill() }
