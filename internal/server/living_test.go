package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

// living is a catalog that changes: the fake of what ingest is.
type living struct {
	holder
	scan func(ctx context.Context, id string) (graph.ScanResult, error)

	mu      sync.Mutex
	records []graph.Recorded // the oldest first
	floor   graph.Revision   // what is up to here is forgotten
	reads   int
	changed chan struct{}
	scans   []chan graph.ScanProgress
}

func newLiving() *living {
	l := &living{changed: make(chan struct{})}
	l.current.Store(withSources(1))
	return l
}

func withSources(revision graph.Revision) *graph.Snapshot {
	return graph.Build(graph.Input{
		Revision: revision, Time: time.Unix(int64(revision), 0),
		Model: &catalog.Model{Entities: []*catalog.Entity{{Descriptor: catalog.Descriptor{
			Ref: "component:default/web", Kind: "Component", Namespace: "default", Name: "web",
		}}}},
		Sources: []graph.Source{{ID: "repos", Kind: "files", State: graph.SourceOK, Documents: int(revision)}},
	})
}

// commit makes a revision that changes the entities.
func (l *living) commit(refs ...catalog.Ref) graph.Revision {
	l.mu.Lock()
	defer l.mu.Unlock()
	revision := l.Snapshot().Revision() + 1
	for _, ref := range refs {
		l.records = append(l.records, graph.Recorded{
			FieldChange: graph.FieldChange{Ref: ref, Field: "owner", Old: "a", New: fmt.Sprint(revision), Source: "repos"},
			Revision:    revision, Time: time.Unix(int64(revision), 0),
		})
	}
	l.current.Store(withSources(revision))
	close(l.changed)
	l.changed = make(chan struct{})
	return revision
}

func (l *living) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *living) At(context.Context, graph.AsOf) (*graph.Snapshot, error) {
	return nil, graph.ErrNoPast
}

func (l *living) History(_ context.Context, q graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		l.mu.Lock()
		records, floor := l.records, l.floor
		l.reads++
		l.mu.Unlock()
		if q.After > 0 && q.After < floor {
			yield(graph.Recorded{}, graph.ErrCompacted)
			return
		}
		// The newest revision first, each in its own order.
		for end := len(records); end > 0; {
			start := end - 1
			for start > 0 && records[start-1].Revision == records[start].Revision {
				start--
			}
			for _, r := range records[start:end] {
				if r.Revision > floor && r.Revision > q.After && (q.Through == 0 || r.Revision <= q.Through) &&
					(q.Refs == nil || slices.Contains(q.Refs, r.Ref)) && !yield(r, nil) {
					return
				}
			}
			end = start
		}
	}
}

func (l *living) ScanSource(ctx context.Context, id string) (graph.ScanResult, error) {
	return l.scan(ctx, id)
}

func (l *living) ApproveScan(ctx context.Context, id, digest string) (graph.ScanResult, error) {
	switch digest {
	case "none":
		return graph.ScanResult{}, fmt.Errorf("%s: %w", id, graph.ErrNothingHeld)
	case "old":
		return graph.ScanResult{}, fmt.Errorf("%s: %w", id, graph.ErrHeldMoved)
	}
	return l.scan(ctx, id)
}

func (l *living) Progress(ctx context.Context) iter.Seq[graph.ScanProgress] {
	told := make(chan graph.ScanProgress, 8)
	l.mu.Lock()
	l.scans = append(l.scans, told)
	l.mu.Unlock()
	return func(yield func(graph.ScanProgress) bool) {
		for {
			select {
			case p := <-told:
				if !yield(p) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// progress tells those who listen.
func (l *living) progress(p graph.ScanProgress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, told := range l.scans {
		told <- p
	}
}

func (l *living) readCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads
}

// running is a server on the loopback.
type running struct {
	address string
	handler http.Handler
	stop    func() // waits for the end
}

func run(t *testing.T, l *living, config server.Config) *running {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return runOn(t, listener, l, config)
}

func runOn(t *testing.T, listener net.Listener, l *living, config server.Config) *running {
	t.Helper()
	config.Snapshots, config.Past, config.Live = l, l, l
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	h := server.New(config)
	go func() { ended <- server.Run(ctx, listener, h, zerolog.Nop()) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return &running{address: listener.Addr().String(), handler: h, stop: stop}
}

// event is one that a client was sent.
type event struct {
	name, data string
}

func (e event) revision(t *testing.T) graph.Revision {
	t.Helper()
	var answer struct {
		Data struct {
			Changes struct{ Revision graph.Revision }
		}
	}
	if err := json.Unmarshal([]byte(e.data), &answer); err != nil {
		t.Fatalf("%v in %s", err, e.data)
	}
	return answer.Data.Changes.Revision
}

// events is an open stream of events.
type events struct {
	t        testing.TB
	response *http.Response
	lines    *bufio.Scanner
	comments int
}

func (s *running) get(t testing.TB, query string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/graphql?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "gzip")
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func (s *running) subscribe(t testing.TB, query string) *events {
	t.Helper()
	response := s.get(t, query)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" ||
		response.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%s %v", response.Status, response.Header)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	e := &events{t: t, response: response, lines: bufio.NewScanner(response.Body)}
	e.lines.Buffer(nil, 4<<20)
	return e
}

// next reads an event; none at the end of the stream.
func (e *events) next() (next event, ok bool) {
	e.t.Helper()
	for e.lines.Scan() {
		line := e.lines.Text()
		switch name, value, _ := strings.Cut(line, ":"); {
		case line == "" && next != (event{}):
			return next, true
		case line == "":
		case name == "":
			e.comments++
		case name == "event":
			next.name = strings.TrimPrefix(value, " ")
		case name == "data":
			next.data = strings.TrimPrefix(value, " ")
		default:
			e.t.Fatalf("a line %q", line)
		}
	}
	return event{}, false
}

func (e *events) expect(name, says string) event {
	e.t.Helper()
	got, ok := e.next()
	if !ok || got.name != name || !strings.Contains(got.data, says) {
		e.t.Fatalf("got %q %s (%v), want %s with %s", got.name, got.data, ok, name, says)
	}
	return got
}

func (e *events) end() {
	e.t.Helper()
	if got, ok := e.next(); ok {
		e.t.Fatalf("after the end comes %v", got)
	}
}

// socket is an open WebSocket.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
}

func (s *running) dial(t testing.TB, options *websocket.DialOptions) (*socket, *http.Response, error) {
	t.Helper()
	if options.Subprotocols == nil {
		options.Subprotocols = []string{"graphql-transport-ws"}
	}
	options.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	conn, response, err := websocket.Dial(t.Context(), "ws://"+s.address+"/graphql", options)
	if err != nil {
		return nil, response, err
	}
	conn.SetReadLimit(4 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{t, conn}, response, nil
}

func (s *running) open(t testing.TB) *socket {
	t.Helper()
	opened, _, err := s.dial(t, &websocket.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	opened.send(`{"type":"connection_init","payload":{"any":1}}`)
	opened.expect(`{"type":"connection_ack"}`)
	return opened
}

func (s *socket) send(text string) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) subscribe(id, query string) {
	s.t.Helper()
	s.send(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":{"query":%q}}`, id, query))
}

func (s *socket) receive() string {
	s.t.Helper()
	_, data, err := s.conn.Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

func (s *socket) expect(says ...string) {
	s.t.Helper()
	got := s.receive()
	for _, part := range says {
		if !strings.Contains(got, part) {
			s.t.Fatalf("got %s, want %s", got, part)
		}
	}
}

func (s *socket) expectClose(code websocket.StatusCode) {
	s.t.Helper()
	_, data, err := s.conn.Read(s.t.Context())
	if websocket.CloseStatus(err) != code {
		s.t.Fatalf("got %s, %v; want to be closed with %d", data, err, code)
	}
}

func (s *running) metric(t testing.TB, name string) string {
	t.Helper()
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(mustRequest(t, "http://"+s.address+"/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func mustRequest(t testing.TB, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// until waits for what another goroutine is about to bring about; it is given as long as the test has.
func until(t testing.TB, is func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-t.Context().Done():
			t.Fatal("the test was ended")
		}
	}
}
