package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/server"
)

// shapes are 20 ways to ask for an entity with its owner, on-call and dependencies, as different clients do.
func shapes() []string {
	var made []string
	for _, own := range []string{"ref", "ref kind namespace name", "ref title description tier lifecycle", "ref tags links{url title} labels{key value}"} {
		for _, rest := range []string{
			"owner{ref} onCall{kind target} dependencies(first:100){nodes{to{ref}}}",
			"owner{ref title} onCall{kind target} runbooks dependencies(first:100){totalCount nodes{to{ref kind} strength}}",
			"owner{ref profile{displayName email}} onCall{kind target} dependencies(first:100){nodes{to{ref} strength anyOf stale}}",
			"owner{ref onCall{target}} onCall{kind target} system{ref} dependencies(first:100){edges{cursor} nodes{to{ref owner{ref}}} pageInfo{hasNextPage}}",
			"owner{ref} onCall{kind target} source{location line} dependencies(first:100){nodes{to{ref} evidence{kind location line}}}",
		} {
			made = append(made, fmt.Sprintf("query Lookup($ref: String!) { entity(ref: $ref) { %s %s } }", own, rest))
		}
	}
	return made
}

type lookup struct {
	Data struct {
		Entity struct {
			Ref    string
			Owner  *struct{ Ref string }
			OnCall []struct{ Kind, Target string }
			// Dependencies are direct ones.
			Dependencies struct {
				Nodes []struct{ To struct{ Ref string } }
			}
		}
	}
	Errors []any
}

// check compares an answer with the snapshot.
func (l *lookup) check(t testing.TB, s *graph.Snapshot, ref catalog.Ref) {
	t.Helper()
	got := l.Data.Entity
	ownership, err := s.Ownership(ref)
	if err != nil {
		t.Fatal(err)
	}
	deps, err := s.Deps(ref, graph.DepsOptions{Depth: 1})
	if err != nil {
		t.Fatal(err)
	}
	wantOwner, gotOwner := "", ""
	if ownership.Owner != nil {
		wantOwner = string(ownership.Owner.Ref)
	}
	if got.Owner != nil {
		gotOwner = got.Owner.Ref
	}
	if len(l.Errors) > 0 || got.Ref != string(ref) || gotOwner != wantOwner {
		t.Fatalf("%s of %s: got %s of %s, %v", ref, wantOwner, got.Ref, gotOwner, l.Errors)
	}
	var wantOnCall, gotOnCall, wantDeps, gotDeps []string
	for _, contact := range ownership.OnCall {
		wantOnCall = append(wantOnCall, contact.Kind+" "+contact.Target)
	}
	for _, contact := range got.OnCall {
		gotOnCall = append(gotOnCall, contact.Kind+" "+contact.Target)
	}
	for _, need := range deps.Edges[:min(100, len(deps.Edges))] {
		wantDeps = append(wantDeps, string(need.To))
	}
	for _, node := range got.Dependencies.Nodes {
		gotDeps = append(gotDeps, node.To.Ref)
	}
	if diff := cmp.Diff([][]string{wantOnCall, wantDeps}, [][]string{gotOnCall, gotDeps}); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", ref, diff)
	}
}

func company(services int) (*graph.Snapshot, []catalog.Ref) {
	made := graphtest.Company{Services: services, Seed: 1}
	snapshot := graph.Build(graph.Input{Revision: 1, Model: catalog.Merge(made.Documents(), catalog.MergeOptions{})})
	refs := make([]catalog.Ref, services)
	for i := range refs {
		refs[i] = made.ServiceRef(i)
	}
	return snapshot, refs
}

func lookupBody(shape string, ref catalog.Ref) []byte {
	body, err := json.Marshal(map[string]any{"query": shape, "variables": map[string]any{"ref": ref}})
	if err != nil {
		panic(err) // texts
	}
	return body
}

func TestLookups(t *testing.T) {
	held := &holder{}
	snapshot, refs := company(200)
	held.current.Store(snapshot)
	h := handler(server.Config{Snapshots: held})
	for _, shape := range shapes() {
		for _, ref := range refs {
			w := do(h, request(t, "POST", "/graphql", string(lookupBody(shape, ref)), "Content-Type", plain))
			var got lookup
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			got.check(t, snapshot, ref)
		}
	}
}

// BenchmarkLookups asks over HTTP on loopback, random Refs in 20 shapes. Client and server share the machine and the
// figures: lookups/s/core is by all the processor time that both take, p99-ms the latency that clients see.
func BenchmarkLookups(b *testing.B) {
	for _, services := range []int{1_000, 10_000, 100_000} {
		if services > 10_000 && testing.Short() {
			continue
		}
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) { benchmarkLookups(b, services) })
	}
}

func benchmarkLookups(b *testing.B, services int) {
	held := &holder{}
	snapshot, refs := company(services)
	held.current.Store(snapshot)
	listening := httptest.NewServer(handler(server.Config{Snapshots: held}))
	defer listening.Close()
	asked := shapes()

	var (
		mu   sync.Mutex
		took []time.Duration
		seed uint64
	)
	before := processorTime()
	b.ResetTimer()
	b.RunParallel(func(loop *testing.PB) {
		mu.Lock()
		seed++
		random := rand.New(rand.NewPCG(seed, 1))
		mu.Unlock()
		conn, err := net.Dial("tcp", listening.Listener.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		var mine []time.Duration
		for n := 0; loop.Next(); n++ {
			ref := refs[random.IntN(len(refs))]
			body := lookupBody(asked[random.IntN(len(asked))], ref)
			start := time.Now()
			answer, err := roundTrip(conn, reader, body)
			mine = append(mine, time.Since(start))
			if err != nil || !bytes.Contains(answer, []byte(`"ref":"`+string(ref)+`"`)) || bytes.Contains(answer, []byte(`"errors"`)) {
				b.Errorf("%s: %v in %s", ref, err, answer)
				return
			}
			if n%64 == 0 { // checking costs as much as asking
				var got lookup
				if err := json.Unmarshal(answer, &got); err != nil {
					b.Error(err)
					return
				}
				got.check(b, snapshot, ref)
			}
		}
		mu.Lock()
		took = append(took, mine...)
		mu.Unlock()
	})
	b.StopTimer()
	slices.Sort(took)
	if len(took) > 0 {
		b.ReportMetric(float64(b.N)/(processorTime()-before).Seconds(), "lookups/s/core")
		b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
	}
}

// roundTrip is a client that costs little.
func roundTrip(conn net.Conn, reader *bufio.Reader, body []byte) ([]byte, error) {
	if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
