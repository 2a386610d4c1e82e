package testenv

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// LabelPrefix is a prefix of labels, constraints and indexes that no other test uses at the same time, in this process or
// another one. Nodes with such labels are gone when the test gets it, and are removed at its end. Constraints and indexes
// that a test of the same program made may be there already: they are kept, as making them takes long.
func LabelPrefix(t testing.TB, server Neo4jServer) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), neo4jAnswers)
	defer cancel()
	p, err := takePrefix(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), neo4jAnswers)
		defer cancel()
		if err := errors.Join(p.wipe(ctx), p.lock.Close()); err != nil {
			t.Logf("what the test left in Neo4j stays until the prefix %s is taken again: %v", p.name, err)
		}
	})
	return p.name
}

// prefix is held by the lock of a file, which ends with the process at the latest.
type prefix struct {
	name   string
	server Neo4jServer
	lock   *flock.Flock
}

// prefixes is how many may be in use at once.
const prefixes = 1000

func takePrefix(ctx context.Context, server Neo4jServer) (*prefix, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	// A server may be shared with other machines, and with other users of this one, whose locks are elsewhere.
	here := sum32(fmt.Sprint(host, os.Getuid())) & 0xffff
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("orrery-neo4j-prefixes-%d", os.Getuid()), fmt.Sprintf("%08x", sum32(server.URI+" "+server.Database)))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	for number := range prefixes {
		name := fmt.Sprintf("T%04x_%d_", here, number)
		lock := flock.New(filepath.Join(folder, name))
		held, err := lock.TryLock()
		if err != nil {
			return nil, err
		}
		if !held {
			continue
		}
		p := &prefix{name, server, lock}
		if err := p.prepare(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("removing what an earlier test left in Neo4j: %w", err), lock.Close())
		}
		return p, nil
	}
	return nil, fmt.Errorf("all %d label prefixes are in use", prefixes)
}

func sum32(text string) uint32 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(text)) // never fails
	return hash.Sum32()
}

// prepare wipes the nodes, and the constraints and indexes of another program too: a server that outlives a test run may
// have those of an older scheme under the same names.
func (p *prefix) prepare(ctx context.Context) error {
	if err := p.wipe(ctx); err != nil {
		return err
	}
	program := fmt.Sprint(p.server.URI, " ", os.Getpid(), " ", processStart.UnixNano())
	if last, err := os.ReadFile(p.lock.Path()); err == nil && string(last) == program {
		return nil
	}
	if err := p.dropScheme(ctx); err != nil {
		return err
	}
	return os.WriteFile(p.lock.Path(), []byte(program), 0o644)
}

// processStart tells this process from an earlier one with its number.
var processStart = time.Now()

// wipe removes the nodes in several transactions, as there may be too many for one.
func (p *prefix) wipe(ctx context.Context) error {
	return p.each(ctx, "CALL db.labels() YIELD label WHERE label STARTS WITH $prefix RETURN label AS name", func(label string) string {
		return "MATCH (n:`" + label + "`) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 1000 ROWS"
	})
}

func (p *prefix) dropScheme(ctx context.Context) error {
	err := p.each(ctx, "SHOW CONSTRAINTS YIELD name, labelsOrTypes WHERE any(l IN labelsOrTypes WHERE l STARTS WITH $prefix) RETURN name",
		func(name string) string { return "DROP CONSTRAINT `" + name + "` IF EXISTS" })
	if err != nil {
		return err
	}
	return p.each(ctx, "SHOW INDEXES YIELD name, labelsOrTypes WHERE any(l IN labelsOrTypes WHERE l STARTS WITH $prefix) RETURN name",
		func(name string) string { return "DROP INDEX `" + name + "` IF EXISTS" })
}

// each runs a statement for each name of ours that the list gives.
func (p *prefix) each(ctx context.Context, list string, statement func(string) string) error {
	driver, err := p.server.driver()
	if err != nil {
		return err
	}
	defer func() { _ = driver.Close(context.WithoutCancel(ctx)) }()
	session := driver.NewSession(ctx, neo4j.SessionConfig{DatabaseName: p.server.Database})
	defer func() { _ = session.Close(context.WithoutCancel(ctx)) }()
	result, err := session.Run(ctx, list, map[string]any{"prefix": p.name})
	if err != nil {
		return err
	}
	records, err := result.Collect(ctx)
	if err != nil {
		return err
	}
	for _, record := range records {
		name, _, err := neo4j.GetRecordValue[string](record, "name")
		if err != nil {
			return err
		}
		result, err := session.Run(ctx, statement(name), nil)
		if err == nil {
			_, err = result.Consume(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", statement(name), err)
		}
	}
	return nil
}
