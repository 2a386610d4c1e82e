package server_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

// stuck is a client that takes nothing of an answer until it is let go.
type stuck struct {
	http.ResponseWriter
	goOn  <-chan struct{}
	tell  chan<- int // what the answer's status is, once it begins
	begun bool
}

func (s *stuck) WriteHeader(status int) {
	s.begun = true
	s.tell <- status
	s.ResponseWriter.WriteHeader(status)
}

func (s *stuck) Write(p []byte) (int, error) {
	if !s.begun {
		s.WriteHeader(http.StatusOK)
	}
	<-s.goOn
	return s.ResponseWriter.Write(p)
}

// wordy has one entity, whose description is 4 MiB long.
func wordy() *graph.Snapshot {
	model := &catalog.Model{}
	model.Entities = append(model.Entities, &catalog.Entity{Descriptor: catalog.Descriptor{
		Ref: catalog.NewRef("component", "", "web"), Kind: "Component", Namespace: "default", Name: "web",
		Description: strings.Repeat("x", 4<<20),
	}})
	return graph.Build(graph.Input{Revision: 1, Model: model})
}

// TestSlowReaders holds that clients that take no answers cannot fill the memory, and that lookups go on meanwhile.
func TestSlowReaders(t *testing.T) {
	held := &holder{}
	held.current.Store(wordy())
	h := handler(server.Config{Snapshots: held})
	const large = `{"query":"{entity(ref:\"web\"){description}}"}`
	const clients = 40 // 160 MiB of answers

	goOn, statuses, done := make(chan struct{}), make(chan int, clients), make(chan struct{}, clients)
	for range clients {
		r := request(t, "POST", "/graphql", large, "Content-Type", plain)
		go func() {
			h.ServeHTTP(&stuck{ResponseWriter: httptest.NewRecorder(), goOn: goOn, tell: statuses}, r)
			done <- struct{}{}
		}()
	}
	got := map[int]int{}
	for range clients {
		got[<-statuses]++
	}
	if got[http.StatusOK] < 25 || got[http.StatusOK] > 32 || got[http.StatusServiceUnavailable] != clients-got[http.StatusOK] {
		t.Errorf("answers by status: %v, want at most 128 MiB under way and 503 for the rest", got)
	}
	if w := do(h, request(t, "POST", "/graphql", `{"query":"{entity(ref:\"web\"){ref}}"}`, "Content-Type", plain)); w.Code != http.StatusOK {
		t.Errorf("a lookup meanwhile answers %d", w.Code)
	}
	close(goOn)
	for range clients {
		<-done
	}
	if w := do(h, request(t, "POST", "/graphql", large, "Content-Type", plain)); w.Code != http.StatusOK || w.Body.Len() < 4<<20 {
		t.Errorf("afterwards a large answer is %d with %d bytes", w.Code, w.Body.Len())
	}
}

// The same holds for queries that are answered by an event.
func TestSlowReadersOfEvents(t *testing.T) {
	held := &holder{}
	held.current.Store(wordy())
	h := handler(server.Config{Snapshots: held})
	const clients = 40 // 160 MiB of answers
	goOn, statuses, answers := make(chan struct{}), make(chan int, clients), make(chan string, clients)
	for range clients {
		r := request(t, "GET", get(`{entity(ref:"web"){description}}`), "", "Accept", "text/event-stream")
		go func() {
			recorder := httptest.NewRecorder()
			h.ServeHTTP(&stuck{ResponseWriter: recorder, goOn: goOn, tell: statuses}, r)
			answers <- recorder.Body.String()
		}()
	}
	for range clients {
		<-statuses
	}
	close(goOn)
	whole := 0
	for range clients {
		switch answer := <-answers; {
		case len(answer) > 4<<20:
			whole++
		case !strings.Contains(answer, "UNAVAILABLE"):
			t.Errorf("the answer is %s", answer)
		}
	}
	if whole < 25 || whole > 32 {
		t.Errorf("%d answers are whole, want at most 128 MiB under way", whole)
	}
}

// And for queries over a WebSocket.
func TestSlowReadersOfSockets(t *testing.T) {
	l := newLiving()
	l.current.Store(wordy())
	const operations = 40 // 160 MiB of answers
	s := run(t, l, server.Config{Streams: server.Streams{Operations: operations, WriteTimeout: time.Minute}})
	opened := s.open(t)
	opened.conn.SetReadLimit(8 << 20)
	for i := range operations {
		opened.subscribe(strconv.Itoa(i), `{entity(ref:"web"){description}}`)
	}
	until(t, func() bool {
		return s.metric(t, `orrery_graphql_operations_total{outcome="ok",type="query"}`) == strconv.Itoa(operations)
	})
	whole, refused := 0, 0
	for whole+refused < operations {
		switch answer := opened.receive(); {
		case strings.Contains(answer, `"type":"next"`):
			whole++
		case strings.Contains(answer, "UNAVAILABLE"):
			refused++
		case !strings.Contains(answer, `"type":"complete"`):
			t.Fatalf("got %.200s", answer)
		}
	}
	if whole < 25 || refused == 0 {
		t.Errorf("%d answers are whole and %d were refused, want at most 128 MiB under way", whole, refused)
	}
}
