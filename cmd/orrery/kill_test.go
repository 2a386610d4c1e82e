package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// runEnv makes this test binary be the program: see [TestMain].
const runEnv = "ORRERY_TEST_RUN_PROGRAM"

const (
	killFiles    = 60 // of the folder that is scanned
	killEntities = 5  // in each file
)

// writeGeneration rewrites the folder: every entity is of the generation, every eighth file comes or goes, which is no reason
// to hold removals back, and each entity
// needs another one.
func writeGeneration(t *testing.T, folder string, generation int) {
	t.Helper()
	for file := range killFiles {
		name := filepath.Join(folder, fmt.Sprintf("%d.yaml", file))
		if (file+generation)%8 == 0 {
			if err := os.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var text strings.Builder
		for entity := range killEntities {
			fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: c%d-%d, description: %q}\n"+
				"spec: {type: service, lifecycle: g%d, owner: g%d, dependsOn: [component:c%d-%d]}\n",
				file, entity, strings.Repeat(fmt.Sprint("generation ", generation, " "), 300), generation, generation,
				(file+generation)%killFiles, (entity+generation)%killEntities)
		}
		write(t, text.String(), name)
	}
}

// exported is what the store of a configuration says of entities and relations, without revisions and times.
func exported(t *testing.T, file string) (generations map[string]bool, sum string) {
	t.Helper()
	var all struct {
		Entities []struct {
			Ref, Description, Lifecycle string
			Stale                       bool
		}
		Edges []struct{ From, To, Type string }
	}
	if err := json.Unmarshal([]byte(must(t, "export", "--config", file)), &all); err != nil {
		t.Fatal(err)
	}
	generations = map[string]bool{}
	for _, entity := range all.Entities {
		if entity.Lifecycle != "" {
			generations[entity.Lifecycle] = true
		}
	}
	return generations, fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, all)))
}

// TestKilledScan kills the real program with SIGKILL while it scans a folder that has changed as a whole, and holds that
// the store is then exactly what it was before or what the whole scan makes it.
func TestKilledScan(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 8
	}
	dir := t.TempDir()
	folder := filepath.Join(dir, "files")
	file := write(t, "graph: {path: orrery.db}\nsources:\n  - {id: files, kind: files, paths: [files]}\n", dir, "orrery.yaml")
	reference := write(t, "graph: {path: reference.db}\nsources:\n  - {id: files, kind: files, paths: [files]}\n", dir, "reference.yaml")
	database := filepath.Join(dir, "orrery.db")

	writeGeneration(t, folder, 0)
	must(t, "scan", "--config", file)
	_, before := exported(t, file)
	started := time.Now()
	runProgram(t, nil, "scan", "--config", file)
	usual := time.Since(started)

	random := rand.New(rand.NewPCG(3, 9))
	var early, within, after, ended int
	for round := 1; round <= rounds; round++ {
		writeGeneration(t, folder, round)
		must(t, "scan", "--config", reference)
		generations, want := exported(t, reference)
		if len(generations) != 1 || !generations[fmt.Sprint("g", round)] || want == before {
			t.Fatalf("round %d: a whole scan gives the generations %v", round, generations)
		}

		// Half of the kills wait for the first write of the commit, which changes the log beside the database.
		log := stateOf(database + "-wal")
		wrote := func() bool {
			now := stateOf(database + "-wal")
			return now != log && now.size > 0
		}
		finished := runProgram(t, func(ctx context.Context) {
			if round%2 == 0 {
				pause(ctx, time.Duration(random.Int64N(int64(usual)+1)))
				return
			}
			for !wrote() && ctx.Err() == nil {
				runtime.Gosched() // a timer would be too coarse
			}
			for end := time.Now().Add(time.Duration(random.Int64N(int64(time.Millisecond)))); time.Now().Before(end); {
				runtime.Gosched()
			}
		}, "scan", "--config", file)
		writing := wrote()

		generations, now := exported(t, file)
		switch {
		case len(generations) != 1 || now != before && now != want:
			t.Fatalf("round %d: the store is neither as before nor as after the scan: it holds %v", round, generations)
		case finished && now != want:
			t.Fatalf("round %d: the scan ended well and is not in the store", round)
		case finished:
			ended++
		case now == want:
			after++
		case writing:
			within++
		default:
			early++
		}
		before = now
	}
	t.Logf("%d scans killed: %d before the commit, %d within it, %d after it; %d ended first", rounds-ended, early, within, after, ended)
	if rounds-ended < rounds/4 || within+after == 0 {
		t.Error("too few of the kills hit the scans")
	}
}

// fileState tells whether a file was written.
type fileState struct {
	size    int64
	written time.Time
}

func stateOf(file string) fileState {
	info, err := os.Stat(file)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime()}
}

// pause waits so long, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// runProgram runs the program as a process of its own and kills it when wait returns, at once; nil = never. It says whether the
// program ended by itself, which must be well.
func runProgram(t *testing.T, wait func(context.Context), args ...string) (finished bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), runEnv+"=1")
	var trouble strings.Builder
	cmd.Stdout, cmd.Stderr = io.Discard, &trouble
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, ended := context.WithCancel(context.Background())
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		if wait == nil {
			return
		}
		if wait(ctx); ctx.Err() == nil {
			_ = cmd.Process.Kill() // it may be gone by now
		}
	}()
	err := cmd.Wait()
	ended()
	<-killed
	if err != nil && cmd.ProcessState.Exited() {
		t.Fatalf("orrery %s: %v: %s", strings.Join(args, " "), err, &trouble)
	}
	return err == nil
}

// untilInput as the value of runEnv ends the program with its standard input, so that it cannot outlive the tests.
const untilInput = "until the input ends"

// beProgram runs the program in place of the tests where the environment asks for it.
func beProgram() {
	switch os.Getenv(runEnv) {
	case "":
		return
	case untilInput:
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(statusFailed)
		}()
	}
	os.Exit(withSignals(func(ctx context.Context) int {
		return run(ctx, os.Args[1:], os.LookupEnv, strings.NewReader(""), os.Stdout, os.Stderr)
	}))
}
