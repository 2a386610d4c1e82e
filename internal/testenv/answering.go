package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// found ends the test where a part is missing or broken.
func found(t testing.TB, part string, err error) {
	t.Helper()
	if missing := (*MissingError)(nil); errors.As(err, &missing) {
		Missing(t, part, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unusedAddress is a host:port of this machine that nobody listens on.
func unusedAddress(ctx context.Context, t testing.TB) string {
	t.Helper()
	number, err := freePort(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return loopback(number)
}

func host(address string) string { name, _, _ := net.SplitHostPort(address); return name }
func port(address string) string { _, number, _ := net.SplitHostPort(address); return number }

// startAnswering starts a server that ends with the test, and waits until it answers a GET of the URL with 200.
func startAnswering(ctx context.Context, t testing.TB, url, program string, arguments ...string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "console.log")
	server, err := startProcess(log, "", program, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.kill)
	for !answers(ctx, url) {
		why := ""
		if !server.running() {
			why = "it ended"
		}
		select {
		case <-ctx.Done():
			why = fmt.Sprint(context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
		if why != "" {
			words, _ := os.ReadFile(log)
			t.Fatalf("%s does not answer: %s: %s", filepath.Base(program), why, lastLines(string(words), 10))
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close() // only its status counts
	return response.StatusCode == http.StatusOK
}
