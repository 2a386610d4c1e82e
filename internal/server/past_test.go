package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

// slowPast takes its time to make past states.
type slowPast struct {
	*living
	begun chan<- struct{}
	goOn  <-chan struct{}
}

func (p slowPast) At(context.Context, graph.AsOf) (*graph.Snapshot, error) {
	p.begun <- struct{}{}
	<-p.goOn
	return p.Snapshot(), nil
}

// Who asks about the past, which may take long and keeps a graph in memory for each moment, waits for others who do: the
// present is answered meanwhile, and few moments are kept at one time.
func TestPastDoesNotHoldUpThePresent(t *testing.T) {
	l := newLiving()
	const clients = 100 // with what may be in flight at one time, were they not to wait in a line of their own
	begun, goOn, done := make(chan struct{}, 3*clients), make(chan struct{}), make(chan *httptest.ResponseRecorder, clients)
	h := handler(server.Config{Snapshots: l, Past: slowPast{l, begun, goOn}})
	for i := range clients {
		moment := func(hour int) string {
			return fmt.Sprintf(`entity(ref:"web",at:"19%02d-01-01T%02d:00:00Z"){ref}`, i%60+10, hour)
		}
		r := request(t, "GET", get("{a:"+moment(1)+" b:"+moment(2)+" c:"+moment(3)+"}"), "")
		go func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			done <- w
		}()
	}
	<-begun
	present := request(t, "GET", get(`{entities(first:1000){nodes{ref annotations{key value} dependencies(first:10){nodes{stale}}}}}`), "")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if w := do(h, present.WithContext(ctx)); !strings.Contains(w.Body.String(), "component:default/web") {
		t.Errorf("the present answers %d %s", w.Code, w.Body)
	}
	if n := 1 + len(begun); n > 4 {
		t.Errorf("%d moments at one time, want at most 4", n)
	}
	close(goOn)
	for range clients {
		if w := <-done; w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
