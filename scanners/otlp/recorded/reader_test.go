package recorded_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
)

// half is one side of a call from shop to cart, in Jaeger's form; server says which.
func half(trace string, server bool) string {
	span := `{"traceID":"` + trace + `","spanID":"a1","operationName":"get","startTime":1542666452979000,"duration":10,"processID":"p1",
		"tags":[{"key":"span.kind","value":"client"},{"key":"peer.service","value":"elsewhere"}]}`
	if server {
		span = `{"traceID":"` + trace + `","spanID":"a2","operationName":"get","startTime":1542666452979000,"duration":10,"processID":"p2",
			"references":[{"refType":"CHILD_OF","traceID":"` + trace + `","spanID":"a1"}],"tags":[{"key":"span.kind","value":"server"}]}`
	}
	return `{"data":[{"traceID":"` + trace + `","spans":[` + span + `],"processes":{"p1":{"serviceName":"shop"},"p2":{"serviceName":"cart"}}}]}`
}

// tree is a folder of files that are read again and again.
type tree struct {
	t      *testing.T
	dir    string
	reader *recorded.Reader
	held   *ledger
	state  []byte
	clock  time.Time
}

func newTree(t *testing.T, files map[string]string) *tree {
	t.Helper()
	tree := &tree{t: t, dir: t.TempDir(), held: newLedger(), clock: time.Unix(1_600_000_000, 0)}
	reader, err := recorded.New(recorded.Config{Roots: []folder.Root{{Path: tree.dir, Display: "traces"}}})
	if err != nil {
		t.Fatal(err)
	}
	tree.reader = reader
	for name, content := range files {
		tree.write(name, content)
	}
	return tree
}

func (r *tree) write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.clock = r.clock.Add(time.Second) // file systems may be too coarse to see that it changed
	if err := os.Chtimes(path, r.clock, r.clock); err != nil {
		r.t.Fatal(err)
	}
}

// read reads, and says how many rows were replaced.
func (r *tree) read() int {
	r.t.Helper()
	before := r.held.replaced
	state, err := r.reader.ReadTraffic(r.t.Context(), r.state, r.held)
	if err != nil {
		r.t.Fatal(err)
	}
	r.state = state
	r.held.end()
	return r.held.replaced - before
}

// calls are the edges of each writer.
func (r *tree) calls() map[string][]string {
	calls := make(map[string][]string)
	for writer, hours := range r.held.rows {
		total := new(traffic.Counts)
		for _, counts := range hours {
			total.Merge(counts)
		}
		if lines := otlptest.Lines(total); len(lines) > 0 {
			calls[writer] = lines
		}
	}
	return calls
}

func (r *tree) want(want map[string][]string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.calls()); diff != "" {
		r.t.Errorf("-want +got\n%s", diff)
	}
}

const (
	long1 = "11111111111111111111111111111111"
	long2 = "22222222222222222222222222222222"
)

func TestACallIsOfTheFileOfTheCalled(t *testing.T) {
	tree := newTree(t, map[string]string{"b/client.json": half(long1, false), "a/server.json": half(long1, true)})
	tree.read()
	tree.want(map[string][]string{
		"traces/a/server.json": {"shop > cart http calls=1 errors=0 async=false null"}, "traces/b/client.json": {"entry shop"},
	})
	if diff := cmp.Diff(map[string]int{"traces/a/server.json": 1, "traces/b/client.json": 1}, tree.held.stands); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsUnchangedIsNotRead(t *testing.T) {
	tree := newTree(t, map[string]string{"client.json": half(long1, false)})
	if tree.read() == 0 {
		t.Error("nothing was counted")
	}
	if n := tree.read(); n != 0 {
		t.Errorf("%d rows were counted again", n)
	}
	if tree.held.stands["traces/client.json"] != 2 {
		t.Error("the file does not stand")
	}
	tree.write("server.json", half(long1, true))
	tree.read()
	tree.want(map[string][]string{
		"traces/server.json": {"shop > cart http calls=1 errors=0 async=false null"}, "traces/client.json": {"entry shop"},
	})
	tree.write("client.json", half(long2, false))
	tree.read()
	tree.want(map[string][]string{
		"traces/server.json": {"lost missing_parent 1"},
		"traces/client.json": {"entry shop", "shop > elsewhere http calls=1 errors=0 async=false null"},
	})
}

func TestFilesThatGo(t *testing.T) {
	edge := []string{"entry shop", "shop > elsewhere http calls=1 errors=0 async=false null"}
	tree := newTree(t, map[string]string{"a.json": half(long1, false), "b.json": half(long2, false)})
	tree.read()
	if err := os.Rename(filepath.Join(tree.dir, "a.json"), filepath.Join(tree.dir, "c.json")); err != nil {
		t.Fatal(err)
	}
	tree.read()
	tree.want(map[string][]string{"traces/b.json": edge, "traces/c.json": edge})
	if err := os.Remove(filepath.Join(tree.dir, "b.json")); err != nil {
		t.Fatal(err)
	}
	tree.read()
	tree.want(map[string][]string{"traces/b.json": edge, "traces/c.json": edge}) // what it counted stays
	if tree.held.stands["traces/b.json"] != 2 || tree.held.stands["traces/c.json"] != 2 {
		t.Errorf("stand %v", tree.held.stands)
	}
	tree.write("d.json", half(long2, false)) // it comes back under another name, packed or not
	tree.read()
	tree.want(map[string][]string{"traces/c.json": edge, "traces/d.json": edge})
	if err := os.Remove(filepath.Join(tree.dir, "d.json")); err != nil {
		t.Fatal(err)
	}
	tree.write("d.json.gz", string(zipped(t, []byte(half(long2, false)))))
	tree.read()
	tree.want(map[string][]string{"traces/c.json": edge, "traces/d.json.gz": edge})
}

func TestFilesOfAnyName(t *testing.T) {
	edge := []string{"entry shop", "shop > elsewhere http calls=1 errors=0 async=false null"}
	tree := newTree(t, map[string]string{
		"a/traces-2026-11-21T10-00-00.000.json": half(long1, false), "a/noname": half(long2, false), ".gitignore": "*\n",
		".traces.json.part": half(long1, true), ".git/x": half(long1, true),
	})
	tree.read()
	tree.want(map[string][]string{"traces/a/traces-2026-11-21T10-00-00.000.json": edge, "traces/a/noname": edge})
	if problems := tree.held.problems(); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestHoursThatAFileHasNoMoreAreEmptied(t *testing.T) {
	tree := newTree(t, map[string]string{"a.json": half(long1, false)})
	tree.read()
	before := tree.held.Hours("traces/a.json")
	tree.write("a.json", strings.Replace(half(long1, false), "1542666452979000", "1642666452979000", 1))
	tree.read()
	if after := tree.held.Hours("traces/a.json"); len(before) != 1 || len(after) != 1 || after[0] != traffic.Hour(1642666452/3600) {
		t.Errorf("hours %v, then %v", before, after)
	}
}

func TestProblemsAreToldUntilTheyAreMended(t *testing.T) {
	tree := newTree(t, map[string]string{
		"good.json": half(long1, false), "bad.json": "{\n\"resourceSpans\":[x", "other.json": `{"a":1}`, "empty.json": "",
	})
	tree.read()
	want := []string{
		"traces/bad.json:2: error: this document is malformed: invalid character 'x' at start of value (write it again, or take it out) [malformed-traces]",
		"traces/other.json: warning: this file has no traces in a format that is known (leave it out by exclude) [no-traces]",
	}
	told := func() []string {
		lines := []string{}
		for _, problem := range tree.held.problems() {
			lines = append(lines, problem.String())
		}
		return lines
	}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if n := tree.held.total().Lost[traffic.LostRejectedRequest]; n != 1 {
		t.Errorf("%d requests were rejected", n)
	}
	tree.read() // nothing has changed
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	tree.write("bad.json", half(long2, false))
	tree.read()
	if diff := cmp.Diff(want[1:], told()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if n := tree.held.total().Lost[traffic.LostRejectedRequest]; n != 0 {
		t.Errorf("%d requests are rejected still", n)
	}
}

// failing is a file system in which some files cannot be read.
type failing struct {
	fstest.MapFS
	files map[string]bool
}

func (f failing) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	if f.files[name] {
		return &broken{file}, err
	}
	return file, err
}

type broken struct{ fs.File }

func (*broken) Read([]byte) (int, error) { return 0, syscall.EIO }

func TestAFileThatCannotBeReadKeepsItsCounts(t *testing.T) {
	system := failing{fstest.MapFS{"a.json": {Data: []byte(half(long1, false))}}, map[string]bool{}}
	reader, err := recorded.New(recorded.Config{Roots: []folder.Root{{FS: system, Display: "traces"}}})
	if err != nil {
		t.Fatal(err)
	}
	held := newLedger()
	state, err := reader.ReadTraffic(t.Context(), nil, held)
	if err != nil {
		t.Fatal(err)
	}
	before := otlptest.Lines(held.total())
	system.files["a.json"] = true
	system.MapFS["b.json"] = &fstest.MapFile{Data: []byte("{}")}
	system.MapFS["c.json"], system.files["c.json"] = system.MapFS["b.json"], true
	held.end()
	if _, err := reader.ReadTraffic(t.Context(), state, held); err != nil {
		t.Fatal(err)
	}
	held.end()
	after := otlptest.Lines(held.total())
	if diff := cmp.Diff(slices.Insert(before, 1, "lost unreadable 1"), after); diff != "" { // c.json had none before
		t.Errorf("-before +after\n%s", diff)
	}
	if told := held.scopes["files/traces/a.json"]; told.State != scanners.Unreadable || !strings.Contains(told.Error, "input/output error") {
		t.Errorf("told is %+v", told)
	}
}

func TestALinkThatLeadsOutIsTold(t *testing.T) {
	tree := newTree(t, map[string]string{"a.json": half(long1, false)})
	if err := os.Symlink(filepath.Join(t.TempDir(), "..", "..", ".."), filepath.Join(tree.dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(tree.dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	tree.read()
	if told := tree.held.problems(); len(told) != 1 || told[0].Location != "traces/out" || told[0].Code != "refused-link" {
		t.Errorf("told is %v", told)
	}
}

func TestAFolderThatCannotBeReadIsAnError(t *testing.T) {
	tree := newTree(t, map[string]string{"a.json": half(long1, false)})
	tree.read()
	if err := os.RemoveAll(tree.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.reader.ReadTraffic(t.Context(), tree.state, tree.held); err == nil || !strings.Contains(err.Error(), "traces") {
		t.Errorf("the error is %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, config := range []recorded.Config{
		{},
		{Roots: []folder.Root{{}}},
		{Roots: []folder.Root{{Path: "."}}, Include: []string{"["}},
		{Roots: []folder.Root{{Path: "."}}, Exclude: []string{"{"}},
	} {
		if _, err := recorded.New(config); err == nil {
			t.Errorf("%v is taken", config)
		}
	}
}

func TestAStateThatIsNoneIsForgotten(t *testing.T) {
	tree := newTree(t, map[string]string{"a.json": half(long1, false)})
	tree.read()
	tree.state = []byte("nonsense")
	if tree.read() == 0 {
		t.Error("nothing was read again")
	}
}

func TestReadingStops(t *testing.T) {
	tree := newTree(t, map[string]string{"a.json": half(long1, false)})
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := tree.reader.ReadTraffic(ctx, nil, tree.held); !errors.Is(err, stop) {
		t.Errorf("the error is %v", err)
	}
}

func TestTheErrorOfTheSinkIsReturned(t *testing.T) {
	tree := newTree(t, map[string]string{"a.json": half(long1, false)})
	tree.held.refuse = errors.New("full")
	if _, err := tree.reader.ReadTraffic(t.Context(), nil, tree.held); !errors.Is(err, tree.held.refuse) {
		t.Errorf("the error is %v", err)
	}
}

func TestWatch(t *testing.T) {
	tree := newTree(t, map[string]string{"a.json": half(long1, false)})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	heard := make(chan struct{}, 10)
	ended := make(chan error, 1)
	go func() { ended <- tree.reader.Watch(ctx, func() { heard <- struct{}{} }) }()
	wait := func(what string) {
		t.Helper()
		select {
		case <-heard:
		case err := <-ended:
			t.Fatalf("%s: watching ended: %v", what, err)
		}
	}
	wait("at first")
	tree.write("spans.pb.zst", "x") // of any name
	wait("a new file")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
