package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph/graphtest/oracle"
)

var soakFor = flag.Duration("soak", 8*time.Second, "how long TestSoak runs")

const (
	soakFiles   = 60 // of each of the two sources
	soakReaders = 3
	soakStates  = 2000 // newest states of the files that are kept, to judge answers by
)

// TestSoak runs the real server while its files change at random, and asks it all the time. Every change is scanned by a
// mutation, so that the files of each revision are known and each sampled answer can be computed anew by the oracle from
// the text of the files of its own revision. Files break and heal, whole parts of a folder vanish (and are approved, or
// come back), some subscribers read everything and others nothing.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	dir := t.TempDir()
	w := &soakWorld{
		T: t, dir: dir, random: rand.New(rand.NewPCG(7, 11)), disk: map[string]string{}, shown: map[string]string{},
		states: map[int][]string{}, ends: time.Now().Add(*soakFor), answers: make(chan soakAnswer, 64),
	}
	for source := range 2 {
		for i := range soakFiles {
			name := soakName(source, i)
			w.put(name, w.describe(source, i))
		}
	}
	w.start(write(t, "listen: 127.0.0.1:0\ngraph: {path: orrery.db}\nsources:\n"+
		"  - {id: s0, kind: files, paths: [s0]}\n  - {id: s1, kind: files, paths: [s1]}\n", dir, "orrery.yaml"))
	w.scan("s0")
	first := w.scan("s1")

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	seen := &soakSubscriber{world: w}
	running.Go(func() { seen.read(ctx, first) })
	for range 4 {
		running.Go(func() { w.stall(ctx) })
	}
	for i := range soakReaders {
		running.Go(func() { w.ask(ctx, rand.New(rand.NewPCG(uint64(i), 1))) })
	}
	var checked atomic.Int64
	running.Go(func() { w.check(ctx, &checked) })
	var sizes []soakSize
	running.Go(func() { sizes = w.measure(ctx) })

	changes := 0
	for time.Now().Before(w.ends) && !t.Failed() {
		w.step()
		changes++
	}
	last := w.newest()
	seen.waitFor(t, last)
	stop()
	running.Wait()
	w.compareAll()
	w.compareHistory(first, seen)
	w.stop()
	http.DefaultClient.CloseIdleConnections()
	t.Logf("%d changes, %d answers recomputed, %d revisions heard of", changes, checked.Load(), len(seen.revisions))
	if checked.Load() == 0 || len(seen.revisions) == 0 {
		t.Error("nothing was checked")
	}
	judgeSizes(t, sizes)
}

// soakWorld is the server with the files that it reads. Only the goroutine of the test changes files.
type soakWorld struct {
	*testing.T
	dir     string
	random  *rand.Rand
	url     string
	stop    func()
	ends    time.Time
	answers chan soakAnswer

	disk  map[string]string // what the files hold
	shown map[string]string // what the catalog must be made of: the last good content, and what waits for approval

	mu     sync.Mutex
	states map[int][]string // texts by revision, in the order of their locations
	order  []int
}

func soakName(source, i int) string { return fmt.Sprintf("s%d/e%02d.yaml", source, i) }

// describe writes one valid entity with random relations.
func (w *soakWorld) describe(source, i int) string {
	r := w.random
	ref := func() string {
		kinds := []string{"component", "component", "component", "resource", "api"}
		return fmt.Sprintf("%s:e%d-%02d", kinds[r.IntN(len(kinds))], r.IntN(2), r.IntN(soakFiles))
	}
	kind := []string{"Component", "Component", "Component", "Resource", "API"}[i%5]
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata: {name: e%d-%02d, description: %q}\nspec:\n"+
		"  type: service\n  lifecycle: production\n  owner: team-%d\n", kind, source, i, fmt.Sprint("version ", r.IntN(1000)), r.IntN(5))
	switch kind {
	case "API":
		b.WriteString("  definition: text\n")
		return b.String()
	case "Component":
		fmt.Fprintf(&b, "  providesApis: [e%d-%02d]\n  consumesApis: [e%d-%02d]\n",
			r.IntN(2), r.IntN(soakFiles/5)*5+4, r.IntN(2), r.IntN(soakFiles/5)*5+4)
	}
	fmt.Fprintf(&b, "  dependsOn: [%s]\n", ref())
	if kind == "Component" && r.IntN(2) == 0 {
		fmt.Fprintf(&b, "  dependencies:\n    - {ref: component:e%d-%02d, strength: %s}\n    - {ref: resource:topic-%d, role: %s}\n",
			r.IntN(2), r.IntN(soakFiles/5)*5, []string{"soft", "async", "hard"}[r.IntN(3)], r.IntN(4), []string{"publish", "consume"}[r.IntN(2)])
	}
	return b.String()
}

func (w *soakWorld) put(name, text string) {
	write(w.T, text, w.dir, name)
	w.disk[name], w.shown[name] = text, text
}

func (w *soakWorld) remove(name string) {
	if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
		w.Fatal(err)
	}
	delete(w.disk, name)
}

// step changes some files and scans.
func (w *soakWorld) step() {
	source := w.random.IntN(2)
	name := soakName(source, w.random.IntN(soakFiles))
	id := fmt.Sprint("s", source)
	switch w.random.IntN(20) {
	case 0: // breaks, and keeps its last good content
		if _, there := w.disk[name]; there {
			write(w.T, "apiVersion: backstage.io/v1alpha1\nkind: [unclosed", w.dir, name)
			w.scan(id)
			w.put(name, w.shown[name])
		}
	case 1, 2:
		if _, there := w.disk[name]; there {
			w.remove(name)
			delete(w.shown, name)
		}
	case 3:
		w.vanish(source)
		return
	default:
		for range 1 + w.random.IntN(3) {
			i := w.random.IntN(soakFiles)
			w.put(soakName(source, i), w.describe(source, i))
		}
	}
	w.scan(id)
}

// vanish takes more away than the brake lets pass, and then either brings it back or has it approved.
func (w *soakWorld) vanish(source int) {
	id := fmt.Sprint("s", source)
	for i := range soakFiles { // everything is there first
		if name := soakName(source, i); w.disk[name] == "" {
			w.put(name, w.describe(source, i))
		}
	}
	w.scan(id)
	gone := slices.Collect(maps.Keys(w.disk))
	gone = slices.DeleteFunc(gone, func(name string) bool { return !strings.HasPrefix(name, id) })
	slices.Sort(gone)
	gone = gone[:25+w.random.IntN(len(gone)-25)]
	for _, name := range gone {
		w.remove(name)
	}
	w.scan(id)
	digest := w.held(id, len(gone))
	if w.random.IntN(2) == 0 {
		for _, name := range gone {
			w.put(name, w.shown[name])
		}
		w.scan(id)
		return
	}
	stale := "0000"
	if err := w.approve(id, stale); err == nil {
		w.Error("a digest that was never shown is approved")
	}
	for _, name := range gone {
		delete(w.shown, name)
	}
	if err := w.approve(id, digest); err != nil {
		w.Errorf("the digest that was shown is refused: %v", err)
	}
}

type soakScan struct {
	Revision int
	Source   struct {
		State, Error string
		Held         *struct {
			Digest   string
			Entities int
		}
	}
}

func (w *soakWorld) scan(id string) int {
	var got struct{ ScanSource soakScan }
	if _, err := w.query(w.Context(), `mutation($id: String!) { scanSource(id: $id) { revision source { state error } } }`,
		map[string]any{"id": id}, &got); err != nil {
		w.Fatalf("scan of %s: %v", id, err)
	}
	w.remember(got.ScanSource.Revision)
	return got.ScanSource.Revision
}

func (w *soakWorld) approve(id, digest string) error {
	var got struct{ ApproveScan soakScan }
	_, err := w.query(w.Context(), `mutation($id: String!, $digest: String!) { approveScan(id: $id, digest: $digest) { revision } }`,
		map[string]any{"id": id, "digest": digest}, &got)
	if err == nil {
		w.remember(got.ApproveScan.Revision)
	}
	return err
}

func (w *soakWorld) held(id string, want int) string {
	var got struct {
		Sources struct {
			Nodes []struct {
				ID, State string
				Held      *struct {
					Digest   string
					Entities int
				}
			}
		}
	}
	if _, err := w.query(w.Context(), `{ sources { nodes { id state held { digest entities } } } }`, nil, &got); err != nil {
		w.Fatal(err)
	}
	for _, source := range got.Sources.Nodes {
		if source.ID == id && source.State == "HELD" && source.Held != nil && source.Held.Entities == want {
			return source.Held.Digest
		}
	}
	w.Fatalf("%d files of %s vanished, and the sources are %+v", want, id, got)
	return ""
}

// remember keeps what the files of a revision say.
func (w *soakWorld) remember(revision int) {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(w.shown)) {
		texts = append(texts, w.shown[name])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states[revision] = texts
	if w.order = append(w.order, revision); len(w.order) > soakStates {
		delete(w.states, w.order[0])
		w.order = w.order[1:]
	}
}

func (w *soakWorld) newest() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.order[len(w.order)-1]
}

func (w *soakWorld) state(revision int) ([]string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	texts, ok := w.states[revision]
	return texts, ok
}

// soakAnswer is a blast radius as the server told it.
type soakAnswer struct {
	revision int
	ref      string
	missing  bool
	hits     []oracle.Hit
}

// ask asks all kinds of questions, and hands the blast radii over to be checked.
func (w *soakWorld) ask(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		ref := fmt.Sprintf("component:default/e%d-%02d", r.IntN(2), r.IntN(soakFiles/5)*5+r.IntN(3))
		var err error
		switch r.IntN(5) {
		case 0:
			_, err = w.query(ctx, `query($text: String!) { search(text: $text, first: 10) { totalCount nodes { entity { ref owner { ref } } } } }`,
				map[string]any{"text": fmt.Sprintf("e%d-%d", r.IntN(2), r.IntN(10))}, nil)
		case 1:
			_, err = w.query(ctx, `{ changes(first: 20) { nodes { ref field old new source } } sources { nodes { id state nextScan } } }`, nil, nil)
		case 2:
			_, err = w.query(ctx, `query($at: Time!) { entities(first: 5, at: $at) { totalCount } }`,
				map[string]any{"at": time.Now().Add(-time.Duration(r.IntN(3000)) * time.Millisecond).UTC().Format(time.RFC3339Nano)}, nil)
			if err != nil && strings.Contains(err.Error(), "NOT_FOUND") {
				err = nil // before the beginning
			}
		default:
			w.askBlast(ctx, ref)
		}
		if err != nil && ctx.Err() == nil {
			w.Errorf("%v", err)
			return
		}
	}
}

func (w *soakWorld) askBlast(ctx context.Context, ref string) {
	var got struct {
		BlastRadius *struct {
			Impacted struct {
				Nodes []struct {
					Entity   struct{ Ref string }
					Impact   string
					Distance int
				}
			}
		}
	}
	revision, err := w.query(ctx, `query($of: [String!]!) { blastRadius(of: $of) { impacted(first: 1000) { nodes { entity { ref } impact distance } } } }`,
		map[string]any{"of": []string{ref}}, &got)
	answer := soakAnswer{revision: revision, ref: ref}
	switch {
	case err != nil && strings.Contains(err.Error(), "NOT_FOUND"):
		answer.missing = true
	case err != nil:
		if ctx.Err() == nil {
			w.Errorf("blast radius of %s: %v", ref, err)
		}
		return
	default:
		for _, n := range got.BlastRadius.Impacted.Nodes {
			answer.hits = append(answer.hits, oracle.Hit{Ref: n.Entity.Ref, Impact: n.Impact, Distance: n.Distance})
		}
	}
	select {
	case w.answers <- answer:
	default: // the oracle is slow; the next one then
	}
}

// check computes sampled answers anew.
func (w *soakWorld) check(ctx context.Context, checked *atomic.Int64) {
	for {
		var answer soakAnswer
		select {
		case answer = <-w.answers:
		case <-ctx.Done():
			return
		}
		texts, ok := w.state(answer.revision)
		for wait := 0; !ok && wait < 50 && ctx.Err() == nil; wait++ { // the mutation that made it has not returned yet
			pause(ctx, 20*time.Millisecond)
			texts, ok = w.state(answer.revision)
		}
		if !ok {
			continue // the first scan of one source, before the other was there
		}
		truth, err := oracle.Read(texts...)
		if err != nil {
			w.Error(err)
			return
		}
		if diff := soakDifference(truth, answer); diff != "" {
			w.Errorf("revision %d: blast radius of %s (-oracle +server):\n%s", answer.revision, answer.ref, diff)
			return
		}
		checked.Add(1)
	}
}

// compareAll asks for every blast radius once nothing changes any more.
func (w *soakWorld) compareAll() {
	for len(w.answers) > 0 {
		<-w.answers
	}
	texts, _ := w.state(w.newest())
	truth, err := oracle.Read(texts...)
	if err != nil {
		w.Fatal(err)
	}
	for _, ref := range slices.Sorted(maps.Keys(truth.Entities)) {
		w.askBlast(w.Context(), ref)
		answer := <-w.answers
		if diff := soakDifference(truth, answer); diff != "" {
			w.Errorf("in the end (revision %d): blast radius of %s (-oracle +server):\n%s", answer.revision, ref, diff)
			return
		}
	}
}

// soakDifference is what differs between an answer and that of the oracle; "" = nothing.
func soakDifference(truth *oracle.Catalog, answer soakAnswer) string {
	if answer.missing {
		if truth.Entities[answer.ref] {
			return "it is there and was not found"
		}
		return ""
	}
	want := truth.Blast(oracle.Question{Failed: []string{answer.ref}}).Impacted
	for i := range want {
		want[i].Path = nil
	}
	if len(want)+len(answer.hits) == 0 {
		return ""
	}
	return cmp.Diff(want, answer.hits)
}

// query posts an operation, and returns the revision that it was answered on.
func (w *soakWorld) query(ctx context.Context, query string, variables map[string]any, data any) (int, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var got struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
		Extensions struct{ Revision int }
	}
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		return 0, err
	}
	if len(got.Errors) > 0 {
		return got.Extensions.Revision, fmt.Errorf("%s: %s", got.Errors[0].Extensions.Code, got.Errors[0].Message)
	}
	if data == nil {
		return got.Extensions.Revision, nil
	}
	return got.Extensions.Revision, json.Unmarshal(got.Data, data)
}

// start runs the server as a process of its own.
func (w *soakWorld) start(config string) {
	cmd := exec.Command(os.Args[0], "serve", "--config", config)
	cmd.Env = append(os.Environ(), runEnv+"=1")
	log := newWatched()
	cmd.Stdout, cmd.Stderr = io.Discard, log
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	done := make(chan int, 1)
	go func() {
		_ = cmd.Wait()
		done <- cmd.ProcessState.ExitCode()
	}()
	w.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may be gone by now
		<-done
	})
	w.Cleanup(w.stop)
	w.url = log.wait(w.T, done, regexp.MustCompile(`"url":"([^"]+)"`))
	log.wait(w.T, done, regexp.MustCompile(`"source":"(s1)".*"message":"scanned"`))
}

// subscribe opens a stream of changes behind a revision.
func (w *soakWorld) subscribe(ctx context.Context, after int) (*http.Response, error) {
	query := "subscription { changes(after: " + strconv.Itoa(after) + ") { revision truncated changes { ref field old new } } }"
	body, err := json.Marshal(map[string]any{"query": query})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	return http.DefaultClient.Do(request)
}

// stall subscribes and never reads, again whenever it is sent away.
func (w *soakWorld) stall(ctx context.Context) {
	for ctx.Err() == nil {
		response, err := w.subscribe(ctx, 1)
		if err != nil {
			continue
		}
		pause(ctx, time.Minute)
		response.Body.Close()
	}
}

// soakSubscriber hears of every revision.
type soakSubscriber struct {
	world     *soakWorld
	mu        sync.Mutex
	revisions []int
	changes   map[int]string
}

func (s *soakSubscriber) read(ctx context.Context, after int) {
	s.changes = map[int]string{}
	response, err := s.world.subscribe(ctx, after)
	if err != nil {
		s.world.Error(err)
		return
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			data, ok = strings.CutPrefix(lines.Text(), "data:")
		}
		if !ok || strings.TrimSpace(data) == "" {
			continue
		}
		var event struct {
			Errors []struct{ Message string }
			Data   struct {
				Changes struct {
					Revision int
					Changes  []json.RawMessage
				}
			}
		}
		if err := json.Unmarshal([]byte(data), &event); err != nil || len(event.Errors) > 0 {
			s.world.Errorf("the subscription said %s: %v", data, err)
			return
		}
		s.mu.Lock()
		revision := event.Data.Changes.Revision
		if n := len(s.revisions); n > 0 && s.revisions[n-1] >= revision {
			s.world.Errorf("revision %d was told behind %d", revision, s.revisions[n-1])
		}
		s.revisions = append(s.revisions, revision)
		s.changes[revision] = fmt.Sprint(len(event.Data.Changes.Changes))
		s.mu.Unlock()
	}
	if err := lines.Err(); err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
		s.world.Errorf("the subscription broke off: %v", err)
	}
}

// waitFor waits until no newer revision with changes can be missing.
func (s *soakSubscriber) waitFor(t *testing.T, revision int) {
	for range 500 {
		s.mu.Lock()
		n := len(s.revisions)
		reached := n > 0 && s.revisions[n-1] >= revision
		s.mu.Unlock()
		if reached {
			return
		}
		pause(t.Context(), 10*time.Millisecond) // the newest revisions may have changed nothing that is told
	}
	t.Logf("revision %d was not told; it may have changed nothing", revision)
}

// compareHistory holds that the subscriber heard of exactly the revisions, and numbers of changes, that the history has.
func (w *soakWorld) compareHistory(after int, seen *soakSubscriber) {
	counts, cursor := map[int]int{}, ""
	for {
		var got struct {
			Changes struct {
				Nodes    []struct{ Revision int }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		variables := map[string]any{}
		if cursor != "" {
			variables["after"] = cursor
		}
		if _, err := w.query(w.Context(), `query($after: String) { changes(first: 1000, after: $after) { nodes { revision } pageInfo { hasNextPage endCursor } } }`,
			variables, &got); err != nil {
			w.Error(err)
			return
		}
		for _, change := range got.Changes.Nodes {
			if change.Revision > after {
				counts[change.Revision]++
			}
		}
		if !got.Changes.PageInfo.HasNextPage {
			break
		}
		cursor = got.Changes.PageInfo.EndCursor
	}
	heard := map[int]int{}
	for revision, count := range seen.changes {
		heard[revision], _ = strconv.Atoi(count)
	}
	if diff := cmp.Diff(counts, heard); diff != "" {
		w.Errorf("the subscriber and the history differ (-history +subscriber):\n%s", diff)
	}
}

// soakSize is how much of the machine the server holds.
type soakSize struct{ resident, heap, goroutines float64 }

func (w *soakWorld) measure(ctx context.Context) []soakSize {
	var sizes []soakSize
	every := max(*soakFor/100, 50*time.Millisecond)
	for ctx.Err() == nil {
		response, err := http.Get(w.url + "/metrics")
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		value := func(name string) float64 {
			found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
			if found == nil {
				w.Errorf("there is no metric %s", name)
				return 0
			}
			v, _ := strconv.ParseFloat(string(found[1]), 64)
			return v
		}
		sizes = append(sizes, soakSize{value("process_resident_memory_bytes"), value("go_memstats_heap_inuse_bytes"), value("go_goroutines")})
		pause(ctx, every)
	}
	return sizes
}

// judgeSizes compares the second with the last quarter, where the run was long enough for both to settle.
func judgeSizes(t *testing.T, sizes []soakSize) {
	quarter := len(sizes) / 4
	if quarter == 0 {
		t.Fatal("nothing was measured")
	}
	sorted := func(part []soakSize, of func(soakSize) float64) []float64 {
		var values []float64
		for _, size := range part {
			values = append(values, of(size))
		}
		slices.Sort(values)
		return values
	}
	for name, of := range map[string]func(soakSize) float64{
		"resident bytes": func(s soakSize) float64 { return s.resident },
		"heap bytes":     func(s soakSize) float64 { return s.heap },
		"goroutines":     func(s soakSize) float64 { return s.goroutines },
	} {
		early, late := sorted(sizes[quarter:2*quarter], of), sorted(sizes[len(sizes)-quarter:], of)
		at := len(early) / 2
		if name == "goroutines" {
			at = len(early) / 10 // a question under way has dozens for a moment; those that leak never end
		}
		judgeSize(t, name, early[at], late[min(at, len(late)-1)])
	}
}

func judgeSize(t *testing.T, name string, early, late float64) {
	t.Logf("%s: %.0f in the second quarter, %.0f in the last (%+.0f %%)", name, early, late, 100*(late/early-1))
	if *soakFor >= 5*time.Minute && late > 1.25*early {
		t.Errorf("%s grow from %.0f to %.0f", name, early, late)
	}
}
