package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/internal/demo"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	beProgram()
	goleak.VerifyTestMain(m)
}

// outcome is what one run of the program left behind.
type outcome struct {
	status         int
	stdout, stderr string
}

// orrery runs the program, in a process environment of its own.
func orrery(t *testing.T, args ...string) outcome {
	t.Helper()
	return orreryWith(t, nil, args...)
}

func orreryWith(t *testing.T, env map[string]string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, lookup(env), strings.NewReader(""), &stdout, &stderr)
	return outcome{status, stdout.String(), stderr.String()}
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

// must is the output of a run that is to succeed without a word on stderr.
func must(t *testing.T, args ...string) string {
	t.Helper()
	got := orrery(t, args...)
	// A database that shares the machine with all other tests may be slow; that is told, and no failure.
	if got.status != statusDone || slowStore.ReplaceAllString(got.stderr, "") != "" {
		t.Fatalf("orrery %s: status %d, stderr %s", strings.Join(args, " "), got.status, got.stderr)
	}
	return got.stdout
}

// slowStore are the lines that tell of a store that did not answer in time, and was back.
var slowStore = regexp.MustCompile(`(?m)^\{"level":"(warn|info)",[^\n]*"message":"the store is (away|back)[^\n]*\n|` +
	`(?m)^orrery: the server has not reached its store for [^\n]*\n`)

// golden compares with a file below testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (go test ./cmd/orrery -update writes it anew):\n%s", file, diff)
	}
}

// write makes a file, with its folders, and returns its path.
func write(t *testing.T, content string, elements ...string) string {
	t.Helper()
	file := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// demoFolder is the demo company as files on disk.
func demoFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "company")
	if err := os.CopyFS(dir, demo.Files()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// configured writes a configuration with one source, and returns its file.
func configured(t *testing.T, folder string) string {
	t.Helper()
	dir := t.TempDir()
	return write(t, "listen: 127.0.0.1:0\ngraph: {path: orrery.db}\nsources:\n  - {id: files, kind: files, paths: ["+folder+"]}\n",
		dir, "orrery.yaml")
}

// served is a running `orrery serve`.
type served struct {
	url    string
	stop   func() outcome // ends it as a signal would; may be called again
	logged *watched
}

// serve starts `orrery serve` with the arguments and waits until everything was scanned.
func serve(t *testing.T, args ...string) served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var stdout bytes.Buffer
	stderr := newWatched()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append([]string{"serve"}, args...), lookup(nil), strings.NewReader(""), &stdout, stderr)
	}()
	stop := sync.OnceValue(func() outcome {
		cancel()
		select {
		case status := <-done:
			return outcome{status, stdout.String(), stderr.String()}
		case <-time.After(time.Minute):
			t.Error("the server does not stop")
			return outcome{}
		}
	})
	t.Cleanup(func() { stop() })
	url := stderr.wait(t, done, regexp.MustCompile(`"url":"([^"]+)"`))
	stderr.wait(t, done, regexp.MustCompile(`"message":"(scanned)"|"message":"(scan failed)`))
	return served{url: url, stop: stop, logged: stderr}
}

// watched is a writer whose lines can be waited for.
type watched struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed and replaced by each write
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

var _ io.Writer = (*watched)(nil)

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// wait gives the first group of the expression once it matches. A program that ends before fails the test.
func (w *watched) wait(t *testing.T, done chan int, expression *regexp.Regexp) string {
	t.Helper()
	for {
		w.mu.Lock()
		changed, text := w.changed, w.text.String()
		w.mu.Unlock()
		if found := expression.FindStringSubmatch(text); found != nil {
			return found[1]
		}
		select {
		case <-changed:
		case status := <-done:
			done <- status
			t.Fatalf("the program ended with status %d: %s", status, text)
		case <-time.After(time.Minute):
			t.Fatalf("%s was not written: %s", expression, text)
		}
	}
}
