package boltpeer

import (
	"bufio"
	"context"
	"errors"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// writes recognises statements that change something.
var writes = regexp.MustCompile(`(?i)\b(CREATE|MERGE|SET|DELETE|REMOVE)\b`)

// Member is one server of a cluster.
type Member struct {
	Name    string // core1, replica1
	cluster *Cluster

	mu           sync.Mutex
	address      string
	listener     net.Listener
	stop         context.CancelFunc // ends what a stopped member's connections wait for
	open         map[net.Conn]bool  // of clients
	done         sync.WaitGroup     // the goroutines that serve
	major, minor byte               // the version of Bolt that it speaks
	lagging      bool
	seen         int64 // transaction up to which it knows, while lagging
	caughtUp     chan struct{}
}

// Start lets the member listen again, at the address it had.
func (m *Member) Start(t testing.TB) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		return
	}
	address := m.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(context.WithoutCancel(t.Context()), "tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	m.listener, m.address, m.open = listener, listener.Addr().String(), make(map[net.Conn]bool)
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	m.done.Go(func() { m.accept(ctx, listener) })
}

// Stop ends the member's connections and refuses new ones.
func (m *Member) Stop() {
	m.mu.Lock()
	if m.listener != nil {
		_ = m.listener.Close()
		m.stop()
		m.listener = nil
	}
	for conn := range m.open {
		_ = conn.Close()
	}
	m.mu.Unlock()
	m.done.Wait()
}

// Address is where the member listens: host:port.
func (m *Member) Address() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.address
}

// Connections is how many clients are connected.
func (m *Member) Connections() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.open)
}

// SpeakBolt lets the member speak another version of Bolt, such as 4.4, which Neo4j 4.4 does. The server in the background
// must speak it too.
func (m *Member) SpeakBolt(major, minor byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.major, m.minor = major, minor
}

// Lag stops the member from hearing of further transactions, until CatchUp: it lets those who name a later one wait.
func (m *Member) Lag() {
	m.cluster.mu.Lock()
	newest := m.cluster.newest
	m.cluster.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.lagging {
		m.lagging, m.seen, m.caughtUp = true, newest, make(chan struct{})
	}
}

// CatchUp ends Lag.
func (m *Member) CatchUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lagging {
		m.lagging = false
		close(m.caughtUp)
	}
}

// behind is what to wait for until the member knows the transaction; nil = it does.
func (m *Member) behind(transaction int64) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.lagging || transaction <= m.seen {
		return nil
	}
	return m.caughtUp
}

func (m *Member) accept(ctx context.Context, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		if m.listener != listener {
			m.mu.Unlock()
			_ = conn.Close()
			return
		}
		m.open[conn] = true
		m.done.Go(func() {
			m.serve(ctx, conn)
			_ = conn.Close()
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.open, conn)
		})
		m.mu.Unlock()
	}
}

// errCut ends a connection by the will of a script.
var errCut = errors.New("cut")

// connection is one client's, with the one to the server that belongs to it.
type connection struct {
	member   *Member
	number   int
	client   net.Conn
	writer   *bufio.Writer // to the client
	backend  net.Conn
	asked    *bufio.Writer // to the server
	answers  *bufio.Reader // from the server
	inside   *Request      // the BEGIN of the transaction; nil = in none
	queries  []string      // of the transaction
	auto     *Request      // a RUN outside of transactions, whose bookmark comes with its last PULL
	refusing bool          // a failure of ours was sent: everything is ignored until a RESET
}

// serve answers one client until either side ends. Errors end the connection: there is nobody else to tell.
func (m *Member) serve(ctx context.Context, client net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.cluster.mu.Lock()
	m.cluster.connections++
	number := m.cluster.connections
	m.cluster.mu.Unlock()
	m.mu.Lock()
	major, minor := m.major, m.minor
	m.mu.Unlock()

	if act := m.cluster.decide(&Request{Member: m.Name, Connection: number, Message: Handshake}); act != (Action{}) {
		// A client that leaves in the meantime is noticed when the member stops, or the script lets go.
		wait(ctx, act.Delay, act.Until)
		if act.Cut || act.Failure != "" {
			return
		}
	}
	if acceptHandshake(client, major, minor) != nil {
		return
	}
	backend, err := new(net.Dialer).DialContext(ctx, "tcp", m.cluster.backend)
	if err != nil {
		return
	}
	defer func() { _ = backend.Close() }()
	if proposeHandshake(backend, major, minor) != nil {
		return
	}
	c := &connection{
		member: m, number: number, client: client, writer: bufio.NewWriterSize(client, 64<<10),
		backend: backend, asked: bufio.NewWriterSize(backend, 64<<10), answers: bufio.NewReaderSize(backend, 64<<10),
	}
	messages := make(chan []byte)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(messages)
		// A client that goes away takes its transaction with it, also one that waits for a lock in the server.
		defer func() { _ = backend.Close() }()
		defer cancel()
		for reader := bufio.NewReaderSize(client, 64<<10); ; {
			message, err := readMessage(reader)
			if err != nil {
				return
			}
			select {
			case messages <- message:
			case <-ctx.Done():
				return
			}
		}
	})
	for message := range messages {
		if c.handle(ctx, message) != nil {
			break
		}
	}
	cancel()
	_ = client.Close()
	reading.Wait()
}

func wait(ctx context.Context, delay time.Duration, until <-chan struct{}) {
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	if until != nil {
		select {
		case <-until:
		case <-ctx.Done():
		}
	}
}

// handle answers one request. An error ends the connection.
func (c *connection) handle(ctx context.Context, message []byte) error {
	request, err := parse(message, c.inside)
	if err != nil {
		return err
	}
	request.Member, request.Connection = c.member.Name, c.number
	if request.Message == Commit {
		request.Query = strings.Join(c.queries, "\n")
	}
	if c.refusing && request.Message != Reset && request.Message != Goodbye {
		return c.answer(ignored, map[string]any{})
	}
	cluster := c.member.cluster
	act := cluster.decide(&request)
	wait(ctx, act.Delay, act.Until)
	if !act.After && (act.Cut || act.Failure != "") {
		return c.instead(&request, act)
	}
	if code := cluster.refusal(c.member.Name, &request); code != "" {
		return c.instead(&request, Action{Failure: code})
	}
	if request.Message == Begin || request.Message == Run && c.inside == nil {
		if caughtUp := c.member.behind(request.Transaction()); caughtUp != nil {
			cluster.mu.Lock()
			timeout := cluster.bookmarkTimeout
			cluster.mu.Unlock()
			select {
			case <-caughtUp:
			case <-time.After(timeout):
				return c.instead(&request, Action{Failure: BookmarkTimeout})
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if request.Message == Route {
		if err := c.answer(success, cluster.routing(routed(message))); err != nil {
			return err
		}
		cluster.answered(&request, "SUCCESS", "")
		return nil
	}
	return c.forward(&request, message, act)
}

// routed is the database that a ROUTE asks for; "neo4j" where it names none.
func routed(message []byte) string {
	u := unpacker{rest: message[2:]}
	var last any
	for len(u.rest) > 0 {
		value, err := u.value()
		if err != nil {
			break
		}
		last = value
	}
	if extra, ok := last.(map[string]any); ok {
		if database, ok := extra["db"].(string); ok {
			return database
		}
	}
	return "neo4j"
}

// instead answers in the server's place.
func (c *connection) instead(request *Request, act Action) error {
	if act.Cut {
		return errCut
	}
	c.refusing = true
	c.member.cluster.answered(request, act.Failure, "")
	text := "scripted: " + act.Failure
	return c.answer(failure, map[string]any{
		"code": act.Failure, "neo4j_code": act.Failure, "message": text, "gql_status": "50N42", "description": text,
	})
}

func (c *connection) answer(tag byte, fields map[string]any) error {
	if err := writeMessage(c.writer, pack(nil, structure{tag, []any{fields}})); err != nil {
		return err
	}
	return c.writer.Flush()
}

// forward asks the server and passes its answer on.
func (c *connection) forward(request *Request, message []byte, act Action) error {
	if err := writeMessage(c.asked, message); err != nil {
		return err
	}
	if err := c.asked.Flush(); err != nil || request.Message == Goodbye {
		return errors.Join(err, net.ErrClosed)
	}
	for {
		answer, err := readMessage(c.answers)
		if err != nil || len(answer) < 2 {
			return errors.Join(err, errPackStream)
		}
		if answer[1] == record {
			if act.Version != "" {
				answer = withVersion(answer, act.Version)
			}
			if !act.After {
				if err := writeMessage(c.writer, answer); err != nil {
					return err
				}
			}
			continue
		}
		fields := map[string]any{}
		u := unpacker{rest: answer[2:]}
		if len(u.rest) > 0 {
			value, err := u.value()
			if err != nil {
				return err
			}
			fields, _ = value.(map[string]any)
		}
		c.note(request, answer[1], fields)
		switch {
		case act.After && (act.Cut || act.Failure != ""):
			return c.instead(request, act)
		case act.Version != "" && request.Message == Hello && answer[1] == success:
			fields["server"] = "Neo4j/" + act.Version
			return c.answer(success, fields)
		}
		if err := writeMessage(c.writer, answer); err != nil {
			return err
		}
		return c.writer.Flush()
	}
}

// version is what dbms.components gives of the server.
var version = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

// withVersion is a record in which each version is this one.
func withVersion(answer []byte, instead string) []byte {
	u := unpacker{rest: answer[2:]}
	value, err := u.value()
	row, ok := value.([]any)
	if err != nil || !ok {
		return answer
	}
	for i, column := range row {
		if text, ok := column.(string); ok && version.MatchString(text) {
			row[i] = instead
		}
	}
	return pack(nil, structure{record, []any{row}})
}

// note keeps what the server's answer means for the transaction and for the log.
func (c *connection) note(request *Request, tag byte, fields map[string]any) {
	bookmark, _ := fields["bookmark"].(string)
	switch tag {
	case success:
		c.member.cluster.answered(request, "SUCCESS", bookmark)
	case ignored:
		c.member.cluster.answered(request, "IGNORED", "")
		return
	default:
		code, ok := fields["neo4j_code"].(string)
		if !ok {
			code, _ = fields["code"].(string)
		}
		c.member.cluster.answered(request, code, "")
		return
	}
	switch request.Message {
	case Begin:
		c.inside, c.queries = request, nil
	case Run:
		if c.inside == nil {
			c.auto = request
		} else {
			c.queries = append(c.queries, request.Query)
		}
	case Pull, Discard:
		if c.auto != nil && bookmark != "" {
			c.member.cluster.answered(c.auto, "SUCCESS", bookmark)
			c.auto = nil
		}
	case Commit, Rollback, Reset:
		c.inside, c.auto = nil, nil
		if request.Message == Reset {
			c.refusing = false
		}
	}
}
