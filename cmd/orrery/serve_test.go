package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestServeDemo(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	server := serve(t, "--demo", "--listen", "127.0.0.1:0")
	if got := must(t, "owner", "payments", "--server", server.url); !strings.Contains(got, "Payments team") {
		t.Errorf("%s", got)
	}
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/": 200, "/nothing": 404} {
		response, err := http.Get(server.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, response.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if got := server.stop(); got.status != 0 {
		t.Errorf("a stopped server ends with %d: %s", got.status, got.stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the demo left %v behind, %v", left, err)
	}
}

// TestOneWriter holds that a store has one writer, whom others are told, and any number of readers beside it.
func TestOneWriter(t *testing.T) {
	t.Parallel()
	file := configured(t, shopFolder(t))
	server := serve(t, "--config", file)
	address := strings.TrimPrefix(server.url, "http://") // as with a configured one
	for _, second := range [][]string{{"serve", "--config", file, "--listen", address}, {"scan", "--config", file}} {
		got := orrery(t, second...)
		if got.status != statusFailed || !strings.Contains(got.stderr, "orrery serve (process ") {
			t.Errorf("%v ends with %d and does not tell who holds the store: %s", second, got.status, got.stderr)
		}
	}
	if got := must(t, "owner", "checkout", "--config", file); !strings.Contains(got, "Payments team") {
		t.Errorf("a reader beside the server sees %s", got)
	}
	if got := server.stop(); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	if got := orrery(t, "scan", "--config", file); got.status != 0 {
		t.Errorf("the store is not given back: %+v", got)
	}
}

func shopFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("testdata", "shop"))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestRestartKeepsTheCatalog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "files")
	if err := os.CopyFS(folder, os.DirFS(shopFolder(t))); err != nil {
		t.Fatal(err)
	}
	file := configured(t, folder)
	if got := orrery(t, "scan", "--config", file); got.status != 0 || !strings.Contains(got.stdout, "files   OK ") {
		t.Fatalf("%+v", got)
	}
	before := must(t, "list", "--config", file, "--format", "json")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	got := orrery(t, "scan", "--config", file)
	if got.status != statusFailed || !strings.Contains(got.stderr, "source files: ") || !strings.Contains(got.stdout, "FAILED") {
		t.Errorf("a scan of a folder that is gone: %+v", got)
	}
	server := serve(t, "--config", file) // which logs that its scan fails
	if after := must(t, "list", "--server", server.url, "--format", "json"); after != before {
		t.Errorf("the last good data does not stand: %s", after)
	}
	if got := must(t, "sources", "--server", server.url); !strings.Contains(got, "FAILED") {
		t.Errorf("the failure is not shown: %s", got)
	}
}

func TestScanInto(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := orrery(t, "scan", "--into", filepath.Join(dir, "x.db"), shopFolder(t))
	if got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, "16 entities (2 more are only referred to), 1 problem") {
		t.Fatalf("%+v", got)
	}
	file := write(t, "graph: {path: x.db}\n", dir, "orrery.yaml")
	if got := must(t, "owner", "checkout", "--config", file); !strings.Contains(got, "Payments team") {
		t.Errorf("%s", got)
	}
}

func TestListenTaken(t *testing.T) {
	t.Parallel()
	server := serve(t, "--demo", "--listen", "127.0.0.1:0")
	got := orrery(t, "serve", "--demo", "--listen", strings.TrimPrefix(server.url, "http://"))
	if got.status != statusFailed || !strings.Contains(got.stderr, "choose another address by --listen") {
		t.Errorf("%+v", got)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out watched
	out.changed = make(chan struct{})
	for _, args := range [][]string{
		{"list", "--catalog", "testdata/shop"},
		{"validate", "testdata/shop"},
		{"list", "--server", "http://127.0.0.1:9"},
		{"scan", "--into", filepath.Join(t.TempDir(), "x.db"), "testdata/shop"},
	} {
		if got := run(ctx, args, lookup(nil), strings.NewReader(""), io.Discard, &out); got != statusFailed {
			t.Errorf("%v ends with %d when interrupted", args, got)
		}
	}
	if got := strings.TrimSpace(out.String()); strings.Count(got, "orrery: interrupted") != 4 || strings.Count(got, "\n") != 3 {
		t.Errorf("stderr is %s", got)
	}
}

func TestWithSignals(t *testing.T) {
	if got := withSignals(func(ctx context.Context) int {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		return 7
	}); got != 7 {
		t.Errorf("status %d", got)
	}
}
