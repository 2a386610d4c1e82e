package sqlitestore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The proof that a store survives kill -9: a child process (this test binary again) commits scans, one after another, and
// is killed at a random moment; the store that is left must be exactly one whole committed revision. The content of a
// revision follows from its number alone.
//
// Whether a kill fell between a commit's first write and its end is not the child's word: the kernel counts the bytes a
// process has given to write calls (wchar in /proc/PID/io). The child reports that number as it begins a commit, and from
// then on until it reports the end it writes to nothing but the store (and a few bytes that wake threads of the Go
// runtime). A kill counts only if the number had grown by a page of the store when the signal was sent, and the commit
// turns out not to have taken place.

const (
	killDocuments = 400 // that exist; a scan changes about half of them
	killEnv       = "ORRERY_TEST_KILL_STORE"
	killCacheEnv  = "ORRERY_TEST_KILL_CACHE"
	killPage      = 4096 // bytes that SQLite writes at least
)

// killScan is the change that makes a revision: deterministic, of all kinds.
func killScan(revision graph.Revision) graph.Change {
	random := rand.New(rand.NewPCG(uint64(revision), 1))
	change := graph.Change{Base: revision - 1, Time: time.Unix(int64(revision), 0).UTC()}
	for number := range killDocuments {
		id := catalog.DocumentID{Source: "repos", Scope: fmt.Sprint("scope ", number%10), Key: fmt.Sprint("component:default/", number)}
		switch random.IntN(6) {
		case 0:
			change.Remove = append(change.Remove, id)
		case 1, 2:
			change.Put = append(change.Put, &catalog.Document{
				ID: id, Ordinal: int(revision), Location: strings.Repeat(fmt.Sprint("revision ", revision, " "), random.IntN(120)),
			})
		}
	}
	change.States = []graph.State{{Source: "repos", Name: "etags", Data: fmt.Appendf(nil, "revision %d", revision)}}
	change.Recorded = []graph.FieldChange{{Ref: "component:default/0", Field: "revision", New: fmt.Sprint(revision)}}
	return change
}

// killChild commits for ever. It tells "begin REVISION WRITTEN" before and "end REVISION" after each commit.
func killChild(path string) error {
	config := Config{Path: path, pragmas: []string{"cache_size = " + os.Getenv(killCacheEnv), "wal_autocheckpoint = 100"}}
	store, err := Open(context.Background(), config)
	if err != nil {
		return err
	}
	revision, records := store.Load(context.Background(), graph.AsOf{})
	for _, err := range records {
		if err != nil {
			return err
		}
	}
	for {
		revision++
		change := killScan(revision)
		if err := killReport("begin", revision); err != nil {
			return err
		}
		if _, err := store.Apply(context.Background(), change); err != nil {
			return err
		}
		if err := killReport("end", revision); err != nil {
			return err
		}
	}
}

// killReport writes a line with the bytes that the process will have written once the line is.
func killReport(word string, revision graph.Revision) error {
	written, _ := bytesWritten(os.Getpid()) // 0 where the kernel does not tell
	line := fmt.Sprintf("%s %d ", word, revision)
	written += int64(len(line)) + 20 + 1
	_, err := os.Stdout.WriteString(line + fmt.Sprintf("%020d\n", written))
	return err
}

// bytesWritten is what the kernel says the process has given to write calls.
func bytesWritten(pid int) (int64, error) {
	counters, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "io"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(counters)) {
		if number, ok := strings.CutPrefix(line, "wchar: "); ok {
			return strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		}
	}
	return 0, errors.New("the kernel does not tell what a process writes")
}

// child is a process that commits until it is killed.
type child struct {
	*exec.Cmd
	lines   *bufio.Reader
	trouble bytes.Buffer
}

func startChild(t *testing.T, path, cache string) *child {
	t.Helper()
	return startChildAs(t, killEnv+"="+path, killCacheEnv+"="+cache)
}

func startChildAs(t *testing.T, environment ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), environment...)
	c.Stderr = &c.trouble
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewReader(out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line waits for the next report.
func (c *child) line(t *testing.T) string {
	t.Helper()
	line, err := c.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the child went away by itself: %v\n%s", err, &c.trouble)
	}
	return line
}

// kill kills it and waits until it is gone.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c.lines); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // an error by design
}

// killed is what is known of a child that was killed.
type killed struct {
	begun, ended graph.Revision // the newest it reported
	writing      bool           // it was seen to have written to the store since it began that one
}

// runAndKill starts a child and kills it: in odd rounds a random time after a random one of its commits was seen to write,
// in even rounds at any moment.
func runAndKill(t *testing.T, path string, round int, random *rand.Rand) killed {
	t.Helper()
	cache := "-32768"
	if round%4 < 2 {
		cache = "10" // pages: the transaction is written out long before its end
	}
	child := startChild(t, path, cache)
	var k killed
	read := func(line string) (word string, written int64) {
		var revision graph.Revision
		if _, err := fmt.Sscan(line, &word, &revision, &written); err != nil {
			t.Fatalf("the child says %q: %v %s", line, err, &child.trouble)
		}
		if word == "begin" {
			k.begun = revision
		} else {
			k.ended = revision
		}
		return word, written
	}
	var written int64
	for begins := 1 + random.IntN(4); begins > 0; {
		word, now := read(child.line(t))
		if written = now; word == "begin" {
			begins--
		}
	}
	wrote := func() bool {
		now, err := bytesWritten(child.Process.Pid)
		return err == nil && now >= written+killPage
	}
	if round%2 == 1 {
		for end := time.Now().Add(5 * time.Second); !wrote() && time.Now().Before(end); {
			runtime.Gosched()
		}
		spin(time.Duration(random.ExpFloat64() * float64(2*time.Millisecond)))
	} else {
		spin(time.Duration(random.Int64N(int64(12 * time.Millisecond))))
	}
	seen := wrote()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// What it had said before it died is still in the pipe. Any of it means that what was seen belongs to a later commit,
	// or to the report.
	rest, err := io.ReadAll(child.lines)
	if err != nil {
		t.Fatal(err)
	}
	k.writing = seen && len(rest) == 0
	for line := range strings.Lines(string(rest)) {
		if strings.HasSuffix(line, "\n") {
			read(line)
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v\n%s", err, &child.trouble)
	}
	return k
}

// spin waits precisely, for times at which a timer is too coarse.
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		runtime.Gosched()
	}
}

func TestKillNine(t *testing.T) {
	rounds, atLeast := 500, 200
	if testing.Short() {
		rounds, atLeast = 25, 5
	}
	_, err := bytesWritten(os.Getpid())
	kernelTells := err == nil
	path := filepath.Join(t.TempDir(), "orrery.db")
	random := rand.New(rand.NewPCG(9, 9))
	var (
		head                        graph.Revision
		want                        = make(map[string]string)
		inside, unreported, between int
	)
	for round := range rounds {
		k := runAndKill(t, path, round, random)
		before := head
		head = checkKilled(t, path, round, k, head, want)
		switch {
		case head > max(k.ended, before): // it was whole when the child died, but the child had not said so
			unreported++
		case k.begun > head && k.writing: // it did not take place, and part of it had been written
			inside++
		default:
			between++
		}
		if head < before {
			t.Fatalf("round %d: the store went back from revision %d to %d", round, before, head)
		}
	}
	t.Logf("%d rounds of kill -9, %d revisions: %d killed between a commit's first write and its end, %d with the commit whole "+
		"and not yet reported, %d before a commit's first write or where it could not be seen", rounds, head, inside, unreported, between)
	if !kernelTells {
		t.Skip("how many kills fell inside a commit is not asserted: the kernel does not tell what a process writes")
	}
	if inside < atLeast {
		t.Errorf("only %d kills fell between a commit's first write and its end, want %d", inside, atLeast)
	}
}

// TestKillNineWhileTheFileIsMade kills children that make the file: the next one must find a whole store or none.
func TestKillNineWhileTheFileIsMade(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	dir, made := t.TempDir(), 0
	for round := range rounds {
		path := filepath.Join(dir, fmt.Sprint(round, ".db"))
		child := startChild(t, path, "-1000")
		building := filepath.Join(dir, fmt.Sprint(".", round, ".db.new"))
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); runtime.Gosched() {
			if _, err := os.Stat(building); err == nil {
				break
			}
			if _, err := os.Stat(path); err == nil {
				break
			}
		}
		spin(time.Duration(round%8) * time.Millisecond / 2)
		child.kill(t)
		if _, err := os.Stat(path); err == nil {
			made++
		}
		store, err := Open(t.Context(), Config{Path: path})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		revision, _ := killContent(t, store)
		if _, err := store.Apply(t.Context(), killScan(revision+1)); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d of %d children had made the file when they were killed", made, rounds)
}

// checkKilled opens what a killed child left and requires one whole revision. want is the content at revision head, and is
// moved on to that which is found.
func checkKilled(t *testing.T, path string, round int, k killed, head graph.Revision, want map[string]string) graph.Revision {
	t.Helper()
	// In some rounds a reader is the first to meet what the dead writer left.
	readOnly := round%3 == 0
	store, err := Open(t.Context(), Config{Path: path, ReadOnly: readOnly})
	if err != nil {
		t.Fatalf("round %d: open after the kill: %v", round, err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}()
	found, got := killContent(t, store)
	if found < max(k.ended, head) || found > max(k.begun, head) {
		t.Fatalf("round %d: the store is at revision %d; the child had reported the end of %d and the beginning of %d",
			round, found, k.ended, k.begun)
	}
	for head < found {
		head++
		change := killScan(head)
		for _, document := range change.Put {
			want[document.ID.Key] = fmt.Sprint(document.Ordinal, document.Location)
		}
		for _, id := range change.Remove {
			delete(want, id.Key)
		}
		want["state"] = string(change.States[0].Data)
	}
	if !maps.Equal(want, got) {
		t.Fatalf("round %d: the content is not that of revision %d", round, found)
	}
	n := graph.Revision(0)
	for recorded, err := range store.History(t.Context(), graph.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if recorded.New != fmt.Sprint(found-n) || recorded.Revision != found-n {
			t.Fatalf("round %d: the history at revision %d has %+v after %d others", round, found, recorded, n)
		}
		n++
	}
	if n != found {
		t.Fatalf("round %d: the history has %d revisions of %d", round, n, found)
	}
	if round%20 == 0 {
		var verdict string
		if err := store.read.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Fatalf("round %d: integrity: %s, %v", round, verdict, err)
		}
	}
	return found
}

func killContent(t *testing.T, store *Store) (graph.Revision, map[string]string) {
	t.Helper()
	got := make(map[string]string)
	revision, records := store.Load(t.Context(), graph.AsOf{})
	for record, err := range records {
		switch {
		case err != nil:
			t.Fatal(err)
		case record.State != nil:
			got["state"] = string(record.State.Data)
		default:
			got[record.Document.ID.Key] = fmt.Sprint(record.Document.Ordinal, record.Document.Location)
		}
	}
	return revision, got
}
