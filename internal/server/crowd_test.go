package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

// tight is a listener whose connections keep little for clients that do not read.
type tight struct{ net.Listener }

func (l tight) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(8 << 10)
	}
	return conn, err
}

func dialTight(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		err = conn.(*net.TCPConn).SetReadBuffer(8 << 10)
	}
	return conn, err
}

// follower is a subscriber of a crowd. read gives the next message, and io.EOF at the end.
type follower struct {
	read  func() ([]byte, error)
	close func()
}

func followByEvents(ctx context.Context, address string) (*follower, error) {
	conn, err := dialTight(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET /graphql?query=%s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n",
		url.QueryEscape(allChanges), address); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", response.Status)
	}
	lines := bufio.NewReader(response.Body)
	return &follower{
		close: func() { _ = conn.Close() },
		read: func() ([]byte, error) {
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return nil, err
				}
				if line == "event: complete\n" {
					return nil, io.EOF
				}
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					return []byte(data), nil
				}
			}
		},
	}, nil
}

func followBySocket(ctx context.Context, address string) (*follower, error) {
	conn, _, err := websocket.Dial(ctx, "ws://"+address+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"},
		HTTPClient:   &http.Client{Transport: &http.Transport{DialContext: dialTight, DisableKeepAlives: true}},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	for _, text := range []string{
		`{"type":"connection_init"}`, fmt.Sprintf(`{"type":"subscribe","id":"x","payload":{"query":%q}}`, allChanges), `{"type":"ping"}`,
	} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return nil, err
		}
	}
	read := func() ([]byte, error) {
		_, data, err := conn.Read(ctx)
		if err == nil && strings.Contains(string(data), `"type":"complete"`) {
			err = io.EOF
		}
		return data, err
	}
	for range 2 { // connection_ack, pong
		if _, err := read(); err != nil {
			return nil, err
		}
	}
	return &follower{read: read, close: func() { _ = conn.CloseNow() }}, nil
}

// revisionOf finds the revision of an event; a crowd has no time for more.
func revisionOf(message []byte) graph.Revision {
	_, behind, _ := bytes.Cut(message, []byte(`"changes":{"revision":`))
	digits, _, _ := bytes.Cut(behind, []byte(","))
	revision, _ := strconv.ParseUint(string(digits), 10, 64)
	return graph.Revision(revision)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// 1,000 subscribe and half of them stop reading: the others get every revision in order and at once, what the silent ones
// hold is bounded and given back when they are cut off, and nothing is left when all are gone.
func TestCrowd(t *testing.T) {
	crowd, rounds := 1000, 20
	if testing.Short() {
		crowd = 200
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLiving()
	s := runOn(t, tight{listener}, l, server.Config{})
	goroutines, empty := runtime.NumGoroutine(), heap()
	followers := openCrowd(t, s, crowd)

	told := make(chan error, crowd)
	var reading sync.WaitGroup
	for i := 0; i < crowd; i += 2 {
		reading.Go(func() {
			for want := graph.Revision(2); ; want++ {
				message, err := followers[i].read()
				if errors.Is(err, io.EOF) && want > graph.Revision(rounds+1) {
					return
				}
				if got := revisionOf(message); err != nil || got != want {
					told <- fmt.Errorf("subscriber %d got revision %d, not %d: %w", i, got, want, err)
					return
				}
				told <- nil
			}
		})
	}
	long := catalog.Ref("component:default/" + strings.Repeat("x", 4<<10)) // few of them fill what the system keeps
	before := l.readCount()
	for range rounds {
		l.commit(long, long)
		for range crowd / 2 {
			if err := <-told; err != nil {
				t.Fatal(err)
			}
		}
	}
	full := heap()
	if reads := l.readCount() - before; reads != rounds {
		t.Errorf("the history was read %d times for %d revisions", reads, rounds)
	}
	slow := func(transport string) string {
		return s.metric(t, `orrery_graphql_subscriptions_ended_total{reason="slow_client",transport="`+transport+`"}`)
	}
	until(t, func() bool { return slow("sse") == fmt.Sprint(crowd/4) && slow("websocket") == fmt.Sprint(crowd/4) })
	cut := heap()
	s.stop()
	reading.Wait()
	for _, f := range followers {
		f.close()
	}
	until(t, func() bool { return runtime.NumGoroutine() <= goroutines })
	left := heap()
	t.Logf("heap of server and clients: %d KiB at first, %d with all, %d without the silent half, %d in the end",
		empty>>10, full>>10, cut>>10, left>>10)
	if full-empty > int64(crowd)*160<<10 {
		t.Errorf("%d subscribers take %d MiB", crowd, (full-empty)>>20)
	}
	if left-empty > 16<<20 {
		t.Errorf("%d MiB are left when all are gone", (left-empty)>>20)
	}
}

// openCrowd opens subscriptions to all changes, half by events and half by WebSockets.
func openCrowd(t *testing.T, s *running, crowd int) []*follower {
	t.Helper()
	followers := make([]*follower, crowd)
	failed := make(chan error, crowd)
	for worker := range 8 {
		go func() {
			for i := worker; i < crowd; i += 8 {
				follow := followByEvents
				if i%4 >= 2 {
					follow = followBySocket
				}
				var err error
				followers[i], err = follow(t.Context(), s.address)
				failed <- err
			}
		}()
	}
	for range crowd {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	until(t, func() bool { // the last were accepted, and are about to begin
		return s.metric(t, `orrery_graphql_subscriptions{transport="websocket"}`) == fmt.Sprint(crowd/2)
	})
	return followers
}
