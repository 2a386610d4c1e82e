package testenv_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// echo answers each line by itself, until the test ends.
func echo(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

// say sends a line and waits so long for it to come back.
func say(conn net.Conn, limit time.Duration) error {
	_ = conn.SetDeadline(time.Now().Add(limit))
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		return err
	}
	_, err := bufio.NewReader(conn).ReadString('\n')
	return err
}

func TestProxy(t *testing.T) {
	proxy := testenv.Proxy(t, echo(t))
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", proxy.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	old := dial()
	if err := say(old, time.Minute); err != nil {
		t.Fatal(err)
	}

	proxy.Hang()
	fresh := dial()
	for _, conn := range []net.Conn{old, fresh} {
		if err := say(conn, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection that hangs ends with %v", err)
		}
	}
	proxy.Mend()
	for _, conn := range []net.Conn{old, fresh} {
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "hello\n" {
			t.Errorf("what was held back comes as %q, %v", line, err)
		}
	}

	const delay = 30 * time.Millisecond
	proxy.Delay(delay)
	began := time.Now()
	if err := say(fresh, time.Minute); err != nil || time.Since(began) < 2*delay {
		t.Errorf("there and back takes %s, %v", time.Since(began), err)
	}
	proxy.Delay(0)

	proxy.Hang()
	_ = say(old, 10*time.Millisecond)
	proxy.Cut() // also what hangs
	for _, conn := range []net.Conn{old, fresh} {
		if err := say(conn, time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection that was cut ends with %v", err)
		}
	}
	if conn, err := net.Dial("tcp", proxy.Address()); err == nil {
		_ = conn.Close()
		t.Error("a proxy that is cut takes connections")
	}
	proxy.Mend()
	if err := say(dial(), time.Minute); err != nil {
		t.Errorf("a mended proxy: %v", err)
	}
}
