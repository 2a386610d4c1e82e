package testenv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// Sizes of the shared server. Java takes some 300 MiB more.
const (
	sharedHeap  = "1g"
	sharedPages = "256m"
)

// database is a Neo4j server that was started here.
type database struct {
	library     library
	home        string            // holds its configuration, data and logs
	heap, pages string            // sizes of memory
	conf        map[string]string // settings that differ from the usual ones
	forget      bool              // the home goes with the process that started it
	port        int               // 0 until it is first started
	process     *process          // nil: it does not run
}

// The password where authentication is asked for by the setting dbms.security.auth_enabled.
const (
	ownUsername = "neo4j"
	ownPassword = "orrery-tests"
)

func (d *database) authenticates() bool { return d.conf["dbms.security.auth_enabled"] == "true" }

func (d *database) server() Neo4jServer {
	s := Neo4jServer{URI: "bolt://" + loopback(d.port), Database: "neo4j"}
	if d.authenticates() {
		s.Username, s.Password = ownUsername, ownPassword
	}
	return s
}

// start starts it and waits until it answers.
func (d *database) start(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		fresh := d.port == 0
		if fresh {
			port, err := freePort(ctx)
			if err != nil {
				return err
			}
			d.port = port
		}
		err := d.startThere(ctx)
		// Another process may have taken the port since it was found to be free.
		if gone := (*endedError)(nil); fresh && attempt < 3 && errors.As(err, &gone) {
			d.port = 0
			continue
		}
		return err
	}
}

func (d *database) startThere(ctx context.Context) (err error) {
	address := loopback(d.port)
	conf := map[string]string{
		"server.default_listen_address":     "127.0.0.1",
		"server.default_advertised_address": "127.0.0.1",
		"server.bolt.listen_address":        address,
		"server.bolt.advertised_address":    address,
		"server.http.enabled":               "false",
		"server.https.enabled":              "false",
		"server.memory.pagecache.size":      d.pages,
		"dbms.security.auth_enabled":        "false",
		"dbms.usage_report.enabled":         "false",
		"db.tx_log.preallocate":             "false",
	}
	maps.Copy(conf, d.conf)
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(conf)) {
		fmt.Fprintf(&lines, "%s=%s\n", name, conf[name])
	}
	settings := filepath.Join(d.home, "conf")
	if err := os.MkdirAll(settings, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(settings, "neo4j.conf"), []byte(lines.String()), 0o644); err != nil {
		return err
	}
	remove := ""
	if d.forget {
		remove = d.home
	}
	log := filepath.Join(d.home, "console.log")
	d.process, err = startProcess(log, remove, d.library.java, "-Xms256m", "-Xmx"+d.heap, "-cp", filepath.Join(d.library.jars, "*"),
		"--add-opens=java.base/java.nio=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
		"--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
		"org.neo4j.server.CommunityEntryPoint", "--home-dir="+d.home, "--config-dir="+settings)
	if err != nil {
		return err
	}
	gone := func() error {
		if d.process.running() {
			return nil
		}
		words, err := os.ReadFile(log)
		return &endedError{string(words), err}
	}
	if d.authenticates() {
		err = d.setPassword(ctx, gone)
	} else {
		err = d.server().answers(ctx, gone)
	}
	if err != nil {
		words, _ := os.ReadFile(log)
		d.kill()
		return fmt.Errorf("%w\n%s", err, lastLines(string(words), 20))
	}
	return nil
}

// setPassword replaces the password that a new server has, and waits until it answers to the new one.
func (d *database) setPassword(ctx context.Context, gone func() error) error {
	changed := d.server()
	initial := changed
	initial.Password, initial.Database = ownUsername, "system"
	ctx, cancel := context.WithTimeout(ctx, neo4jAnswers)
	defer cancel()
	for {
		if changed.ask(ctx) == nil {
			return nil
		}
		err := initial.run(ctx, "ALTER CURRENT USER SET PASSWORD FROM $old TO $new", map[string]any{"old": ownUsername, "new": ownPassword})
		if err == nil {
			return changed.answers(ctx, gone)
		}
		if gone := gone(); gone != nil {
			return gone
		}
		// After too many wrong passwords it refuses even the right one for some seconds.
		if !pause(ctx, time.Second) {
			return &noAnswerError{changed.URI, err}
		}
	}
}

// run runs a statement in an implicit transaction.
func (s Neo4jServer) run(ctx context.Context, statement string, params map[string]any) error {
	driver, err := s.driver()
	if err != nil {
		return err
	}
	defer func() { _ = driver.Close(context.WithoutCancel(ctx)) }()
	session := driver.NewSession(ctx, neo4j.SessionConfig{DatabaseName: s.Database})
	defer func() { _ = session.Close(context.WithoutCancel(ctx)) }()
	result, err := session.Run(ctx, statement, params)
	if err != nil {
		return err
	}
	_, err = result.Consume(ctx)
	return err
}

// kill ends it as a crash would.
func (d *database) kill() {
	if d.process != nil {
		d.process.kill()
		d.process = nil
	}
}

// stop ends it in order, and by force after a minute.
func (d *database) stop(ctx context.Context) {
	if d.process == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	d.process.terminate()
	for d.process.running() && pause(ctx, 20*time.Millisecond) {
	}
	d.kill()
}

// endedError says that the server ended instead of answering.
type endedError struct {
	log string
	err error
}

func (e *endedError) Error() string { return "the Neo4j server ended at once" }

// freePort is one that nobody listens on, below those that systems give to outgoing connections: so a server that is
// down for a while finds its port free again.
func freePort(ctx context.Context) (int, error) {
	const lowest, highest, attempts = 15000, 31999, 100
	var err error
	for range attempts {
		port := lowest + rand.IntN(highest-lowest+1)
		var listener net.Listener
		if listener, err = listen(ctx, loopback(port)); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port was found: %w", err)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func listen(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}
