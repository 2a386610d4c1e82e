package webhook_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

// TestSlowBodies holds that those who send slowly keep nobody out.
func TestSlowBodies(t *testing.T) {
	s := newSource()
	server := httptest.NewServer(handler(t, webhook.Config{Targets: []webhook.Target{s.target()}}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	for range 200 {
		connection, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		_, err = fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n"+
			"X-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\nX-Hub-Signature-256: sha256=%064d\r\n\r\n{", 0)
		if err != nil {
			t.Fatal(err)
		}
	}
	r := delivery("2", "push", pushed)
	sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, r.Body)
	if err != nil {
		t.Fatal(err)
	}
	sent.Header = r.Header
	response, err := http.DefaultClient.Do(sent)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 202 {
		t.Errorf("status %d beside slow ones", response.StatusCode)
	}
}

// piped is a listener with one connection, in memory.
type piped struct {
	connections chan net.Conn
	closed      chan struct{}
	close       func()
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error {
	p.close()
	return nil
}

func (p *piped) Addr() net.Addr { return &net.UnixAddr{Name: "piped", Net: "pipe"} }

// TestBodyThatDoesNotCome holds that nobody waits for a body without end.
func TestBodyThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		closed := make(chan struct{})
		listener := &piped{make(chan net.Conn, 1), closed, sync.OnceFunc(func() { close(closed) })}
		listener.connections <- there
		server := &http.Server{Handler: handler(t, webhook.Config{Targets: []webhook.Target{newSource().target()}}), ReadHeaderTimeout: time.Minute}
		go server.Serve(listener)
		defer server.Close()
		began := time.Now()
		_, err := fmt.Fprintf(here, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n"+
			"X-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\nX-Hub-Signature-256: sha256=%064d\r\n\r\n{", 0)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(here), nil)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); response.StatusCode != 400 || took > 11*time.Second {
			t.Errorf("status %d after %s", response.StatusCode, took)
		}
		here.Close()
		<-time.After(time.Second) // in which the server lets go of the connection
	})
}
