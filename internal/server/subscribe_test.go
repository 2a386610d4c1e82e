package server_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

const allChanges = `subscription{changes{revision truncated changes{ref field old new source}}}`

func TestChangesByEvents(t *testing.T) {
	l := newLiving()
	s := run(t, l, server.Config{})
	e := s.subscribe(t, `subscription s{changes{revision time truncated changes{ref field new source entity{name}}}}`)
	l.commit("component:default/web", "component:default/gone")
	got := e.expect("next", `"changes":[{"ref":"component:default/web","field":"owner","new":"2","source":"repos"`)
	if want := `"revision":2,"time":"1970-01-01T00:00:02Z","truncated":false`; !strings.Contains(got.data, want) {
		t.Errorf("got %s, want %s", got.data, want)
	}
	if want := `"extensions":{"revision":2}`; !strings.Contains(got.data, want) {
		t.Errorf("got %s, want %s", got.data, want)
	}
	l.commit() // changes nothing that is recorded
	l.commit("component:default/web")
	e.expect("next", `"revision":4`)
	s.stop()
	e.expect("complete", "")
	e.end()
}

func TestResume(t *testing.T) {
	l := newLiving()
	for range 100 {
		l.commit("component:default/web")
	}
	s := run(t, l, server.Config{})
	e := s.subscribe(t, `subscription{changes(after:20){revision changes{ref}}}`)
	for want := graph.Revision(21); want <= 110; want++ {
		if want > 101 {
			l.commit("component:default/web")
		}
		if got := e.expect("next", "").revision(t); got != want {
			t.Fatalf("revision %d comes where %d should", got, want)
		}
	}
	l.mu.Lock()
	l.floor = 50
	l.mu.Unlock()
	for after, code := range map[string]string{"20": "COMPACTED", "111": "COMPACTED", "-1": "BAD_INPUT"} {
		old := s.subscribe(t, `subscription{changes(after:`+after+`){revision}}`)
		old.expect("next", code)
		old.expect("complete", "")
		old.end()
	}
	e = s.subscribe(t, `subscription{changes(after:50){revision}}`)
	if got := e.expect("next", "").revision(t); got != 51 {
		t.Errorf("begins with %d", got)
	}
}

func TestChangesOfSome(t *testing.T) {
	l := newLiving()
	s := run(t, l, server.Config{})
	e := s.subscribe(t, `subscription{changes(of:["WEB","component:other/gone"]){revision truncated changes{ref}}}`)
	many := make([]catalog.Ref, 1500)
	for i := range many {
		many[i] = catalog.NewRef("component", "", strings.Repeat("x", i%60+1))
	}
	l.commit(many...)
	l.commit(append(many, "component:default/web")...)
	l.commit("component:default/web", "api:default/web", "component:other/gone")
	if got := e.expect("next", `"revision":3,"truncated":false,"changes":[{"ref":"component:default/web"}]`); got.revision(t) != 3 {
		t.Error(got.data)
	}
	e.expect("next", `"revision":4,"truncated":false,"changes":[{"ref":"component:default/web"},{"ref":"component:other/gone"}]`)
	for of, code := range map[string]string{`["nobody"]`: "NOT_FOUND", `[]`: "BAD_INPUT", `[""]`: "BAD_INPUT"} {
		refused := s.subscribe(t, `subscription{changes(of:`+of+`){revision}}`)
		refused.expect("next", code)
		refused.expect("complete", "")
	}
	all := s.subscribe(t, `subscription{changes(after:1){revision truncated changes{ref}}}`)
	if got := all.expect("next", `"truncated":true`); strings.Count(got.data, `"ref"`) != 1000 {
		t.Errorf("%d changes are shown", strings.Count(got.data, `"ref"`))
	}
}

func TestScanProgress(t *testing.T) {
	l := newLiving()
	s := run(t, l, server.Config{})
	e := s.subscribe(t, `subscription{scanProgress(id:"repos"){source scopes documents done error}}`)
	until(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.scans) > 0
	})
	l.progress(graph.ScanProgress{Source: "other", Scopes: 9})
	l.progress(graph.ScanProgress{Source: "repos", Scopes: 3, Documents: 4})
	l.progress(graph.ScanProgress{Source: "repos", Scopes: 5, Documents: 7, Done: true, Error: "no"})
	e.expect("next", `{"source":"repos","scopes":3,"documents":4,"done":false,"error":null}`)
	e.expect("next", `{"source":"repos","scopes":5,"documents":7,"done":true,"error":"no"}`)
	e = s.subscribe(t, `subscription{scanProgress(id:"unknown"){done}}`)
	e.expect("next", "NOT_FOUND")
}

func TestSocket(t *testing.T) {
	l := newLiving()
	s := run(t, l, server.Config{})
	c := s.open(t)
	c.send(`{"type":"ping","payload":{"a":1}}`)
	c.expect(`"pong"`, `{"a":1}`)
	c.subscribe("q", `{entity(ref:"web"){ref}}`)
	c.expect(`{"id":"q","type":"next","payload":{"data":{"entity":{"ref":"component:default/web"}},"extensions":{"revision":1}}}`)
	c.expect(`{"id":"q","type":"complete"}`)
	c.subscribe("bad", `{nonsense}`)
	c.expect(`"id":"bad","type":"error"`, `"BAD_INPUT"`)
	c.subscribe("m", `mutation{scanSource(id:"repos"){revision}}`)
	c.expect(`"id":"m","type":"error"`, "POST only")
	c.send(`{"id":"none","type":"subscribe","payload":{"query":""}}`)
	c.expect(`"id":"none","type":"error"`, "no query")
	c.subscribe("c", `subscription{changes(after:1){revision}}`)
	c.subscribe("d", `subscription{changes(after:1){revision}}`)
	l.commit("component:default/web")
	c.expect(`"type":"next"`, `{"revision":2}`)
	c.expect(`"type":"next"`, `{"revision":2}`)
	c.send(`{"id":"c","type":"complete"}`)
	c.send(`{"id":"unknown","type":"complete"}`)
	c.subscribe("c", `subscription{changes(after:2){revision}}`) // the id is free again
	c.send(`{"type":"ping"}`)
	c.expect(`"pong"`) // all of this has arrived
	l.commit("component:default/web")
	c.expect(`"type":"next"`, `{"revision":3}`)
	c.expect(`"type":"next"`, `{"revision":3}`)
	go s.stop()
	c.expect(`"type":"complete"`)
	c.expect(`"type":"complete"`)
	c.expectClose(websocket.StatusGoingAway)
}

func TestSocketMisuse(t *testing.T) {
	subscribe := `{"id":"a","type":"subscribe","payload":{"query":"subscription{changes{revision}}"}}`
	tests := map[string]struct {
		sends []string
		code  websocket.StatusCode
	}{
		"not begun":          {[]string{subscribe}, 4401},
		"begun twice":        {[]string{`{"type":"connection_init"}`, `{"type":"connection_init"}`}, 4429},
		"no JSON":            {[]string{`{`}, 4400},
		"another type":       {[]string{`{"type":"start"}`}, 4400},
		"no id":              {[]string{`{"type":"connection_init"}`, `{"type":"subscribe","payload":{"query":"{x}"}}`}, 4400},
		"the same id":        {[]string{`{"type":"connection_init"}`, subscribe, subscribe}, 4409},
		"too large":          {[]string{`{"type":"ping","payload":"` + strings.Repeat("x", 256<<10) + `"}`}, websocket.StatusMessageTooBig},
		"never begins":       {nil, 4408},
		"pings do not begin": {[]string{`{"type":"ping"}`}, 4408},
	}
	s := run(t, newLiving(), server.Config{Streams: server.Streams{InitTimeout: 300 * time.Millisecond}})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _, err := s.dial(t, &websocket.DialOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range test.sends {
				c.send(text)
			}
			for {
				_, _, err := c.conn.Read(t.Context())
				if err == nil {
					continue // an acknowledgement
				}
				if got := websocket.CloseStatus(err); got != test.code {
					t.Errorf("closed with %d (%v), want %d", got, err, test.code)
				}
				return
			}
		})
	}
}

func TestSocketIsForOwnPages(t *testing.T) {
	s := run(t, newLiving(), server.Config{})
	for origin, status := range map[string]int{
		"":                        http.StatusSwitchingProtocols,
		"http://" + s.address:     http.StatusSwitchingProtocols,
		"https://evil.example":    http.StatusForbidden,
		"null":                    http.StatusForbidden,
		"http://localhost:1":      http.StatusForbidden,
		"http://" + s.address[1:]: http.StatusForbidden,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		_, response, err := s.dial(t, &websocket.DialOptions{HTTPHeader: header})
		if response == nil || response.StatusCode != status {
			t.Errorf("origin %q: %v, %v; want %d", origin, response, err, status)
		}
	}
	if _, response, _ := s.dial(t, &websocket.DialOptions{Host: "evil.example"}); response.StatusCode != http.StatusForbidden {
		t.Errorf("by a foreign name: %s", response.Status)
	}
	c, _, err := s.dial(t, &websocket.DialOptions{Subprotocols: []string{"graphql-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	c.expectClose(4406)
}

func TestTooManyStreams(t *testing.T) {
	l := newLiving()
	s := run(t, l, server.Config{Streams: server.Streams{PerClient: 2, Operations: 2}})
	c := s.open(t)
	for _, id := range []string{"a", "b", "c"} {
		c.subscribe(id, allChanges)
	}
	c.expect(`"id":"c","type":"error"`, "UNAVAILABLE")
	s.subscribe(t, allChanges)
	if response := s.get(t, allChanges); response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %s", response.Status)
	}
	if _, response, err := s.dial(t, &websocket.DialOptions{}); err == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one too many: %v", response)
	}
	if got := s.metric(t, "orrery_streams_refused_total"); got != "2" {
		t.Errorf("%s were refused", got)
	}
	if got := s.metric(t, `orrery_graphql_subscriptions{transport="websocket"}`); got != "2" {
		t.Errorf("%s subscriptions are open", got)
	}
	_ = c.conn.CloseNow()
	for {
		response := s.get(t, `{sources{totalCount}}`)
		opened := s.get(t, allChanges)
		_, _ = response.Body.Close(), opened.Body.Close()
		if opened.StatusCode == http.StatusOK {
			break // there is room again
		}
	}
}

func TestKeepAlive(t *testing.T) {
	s := run(t, newLiving(), server.Config{Streams: server.Streams{KeepAlive: 20 * time.Millisecond}})
	e := s.subscribe(t, allChanges)
	for comments := 0; comments < 4; {
		if !e.lines.Scan() {
			t.Fatal("the stream ended")
		}
		if e.lines.Text() == ":" {
			comments++
		}
	}
	pings := make(chan struct{}, 100)
	c, _, err := s.dial(t, &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
		pings <- struct{}{}
		return true
	}})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _, _ = c.conn.Read(context.Background()) }()
	<-pings
	<-pings
	_ = c.conn.CloseNow()
}

// A client that does not answer is gone.
func TestDeadSocket(t *testing.T) {
	s := run(t, newLiving(), server.Config{Streams: server.Streams{KeepAlive: 20 * time.Millisecond, WriteTimeout: 50 * time.Millisecond}})
	c := s.open(t)
	c.subscribe("a", allChanges)
	ended := `orrery_graphql_subscriptions_ended_total{reason="slow_client",transport="websocket"}`
	until(t, func() bool { return s.metric(t, ended) == "1" }) // nobody reads, so that nobody answers pings
}

// What is no subscription is answered once, and what is one needs a client that takes it.
func TestEventsOnRequest(t *testing.T) {
	h := handler(server.Config{})
	body := `{"query":"{entity(ref:\"web\"){ref}}"}`
	w := do(h, request(t, "POST", "/graphql", body, "Content-Type", plain, "Accept", "text/event-stream"))
	want := ":\n\nevent: next\ndata: {\"data\":{\"entity\":{\"ref\":\"component:default/web\"}},\"extensions\":{\"revision\":7}}\n\nevent: complete\ndata:\n\n"
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = do(h, request(t, "POST", "/graphql", body, "Content-Type", plain, "Accept", "text/event-stream, application/json"))
	if !bytes.HasPrefix(w.Body.Bytes(), []byte(`{"data"`)) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = do(h, request(t, "GET", get(allChanges), "", "Accept", plain))
	if w.Code != http.StatusNotAcceptable || !strings.Contains(w.Body.String(), "text/event-stream") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// Nothing changes here, so that there is no more to tell.
	w = do(h, request(t, "GET", get(allChanges), "", "Accept", plain+",text/event-stream;q=0.2"))
	if w.Body.String() != ":\n\nevent: complete\ndata:\n\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = do(h, request(t, "GET", get(`{nonsense}`), "", "Accept", "text/event-stream"))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "BAD_INPUT") || !strings.HasSuffix(w.Body.String(), "event: complete\ndata:\n\n") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
