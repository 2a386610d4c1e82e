package testenv

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// TCPProxy stands between clients and a server, and breaks what goes through. Its methods may be called at any time.
type TCPProxy struct {
	t               testing.TB
	address, target string
	running         sync.WaitGroup

	mu       sync.Mutex
	ended    bool
	listener net.Listener         // nil while cut
	breaks   map[*net.Conn]func() // of the connections there are
	delay    time.Duration
	moving   chan struct{} // closed unless it hangs
}

// Proxy listens on a loopback port of its own until the test ends, and passes everything on to the address, host:port.
// Ask for no routing (bolt://) through it, or the driver may go around it, to the address that the server tells.
func Proxy(t testing.TB, address string) *TCPProxy {
	t.Helper()
	port, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := &TCPProxy{t: t, address: loopback(port), target: address, breaks: map[*net.Conn]func(){}, moving: make(chan struct{})}
	close(p.moving)
	t.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		p.Cut()
		p.running.Wait()
	})
	p.Mend()
	return p
}

// Address is where it listens, host:port; the same at all times.
func (p *TCPProxy) Address() string { return p.address }

// Cut breaks all connections and refuses new ones.
func (p *TCPProxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for _, end := range p.breaks {
		end()
	}
}

// Hang keeps all connections and takes new ones, but lets nothing through in either direction.
func (p *TCPProxy) Hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.moving:
		p.moving = make(chan struct{})
	default:
	}
}

// Delay makes everything wait so long, in each direction; 0 = no longer. At most one piece of 32 KiB of a connection and
// direction is under way at a time, so a delay makes the connection slow too.
func (p *TCPProxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Mend ends Cut, Hang and Delay. What was held back by Hang goes on.
func (p *TCPProxy) Mend() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.delay = 0
	select {
	case <-p.moving:
	default:
		close(p.moving)
	}
	if p.listener != nil {
		return
	}
	listener, err := listen(context.WithoutCancel(p.t.Context()), p.address)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.listener = listener
	p.running.Go(func() { p.accept(listener) })
}

func (p *TCPProxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // it was closed
		}
		p.running.Go(func() { p.connect(listener, client) })
	}
}

// connect serves one client to its end.
func (p *TCPProxy) connect(listener net.Listener, client net.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.mu.Lock()
	if p.listener != listener { // it was cut while the client was accepted
		p.mu.Unlock()
		_ = client.Close()
		return
	}
	p.breaks[&client] = func() {
		cancel()
		_ = client.Close()
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.breaks[&client]()
		delete(p.breaks, &client)
	}()

	if !p.pass(ctx) {
		return
	}
	server, err := new(net.Dialer).DialContext(ctx, "tcp", p.target)
	if err != nil {
		return // the client finds its connection closed
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	defer func() { _ = server.Close() }()
	var back sync.WaitGroup
	back.Go(func() {
		p.pump(ctx, client, server)
		cancel()
		_ = client.Close()
	})
	p.pump(ctx, server, client)
	cancel()
	_ = client.Close()
	back.Wait()
}

// pump copies until one side ends, which then ends the other, or until the connection is cut.
func (p *TCPProxy) pump(ctx context.Context, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !p.pass(ctx) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits until something may go through; false if the connection was cut.
func (p *TCPProxy) pass(ctx context.Context) bool {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if delay > 0 && !pause(ctx, delay) {
		return false
	}
	p.mu.Lock()
	moving := p.moving
	p.mu.Unlock()
	select {
	case <-moving:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
