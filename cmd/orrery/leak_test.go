package main

import (
	"io"
	"net/http"
	"os"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// TestServeLeavesNothingRunning starts and stops the server many times in one process: goroutines and open files must not
// grow.
func TestServeLeavesNothingRunning(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	file := configured(t, shopFolder(t))
	running := goleak.IgnoreCurrent()
	var goroutines, files int
	for round := range rounds {
		server := serve(t, "--config", file)
		response, err := http.Get(server.url + "/v1/export?digest")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		if got := server.stop(); got.status != 0 {
			t.Fatalf("round %d: %+v", round, got)
		}
		if round == 0 {
			goleak.VerifyNone(t, running)
			goroutines, files = runtime.NumGoroutine(), openFiles()
		}
	}
	goleak.VerifyNone(t, running)
	t.Logf("goroutines: %d after the first round, %d at the end; open files: %d and %d", goroutines, runtime.NumGoroutine(), files, openFiles())
	if now := openFiles(); now > files+2 {
		t.Errorf("open files grew from %d to %d", files, now)
	}
}

// openFiles is how many files the process has open; 0 where the system does not tell.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
