package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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

// TestSlowReaders holds that clients that take no answers cannot fill the memory, and that lookups go on meanwhile.
func TestSlowReaders(t *testing.T) {
	model := &catalog.Model{}
	ref := catalog.NewRef("component", "", "web")
	model.Entities = append(model.Entities, &catalog.Entity{Descriptor: catalog.Descriptor{
		Ref: ref, Kind: "Component", Namespace: "default", Name: "web", Description: strings.Repeat("x", 4<<20),
	}})
	held := &holder{}
	held.current.Store(graph.Build(graph.Input{Revision: 1, Model: model}))
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
