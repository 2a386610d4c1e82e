package resolve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// moving is a catalog in which every revision renames an owner.
type moving struct {
	holder
	mu      sync.Mutex
	changed chan struct{}
	broken  error // of the history
}

func newMoving() *moving {
	m := &moving{changed: make(chan struct{})}
	m.current.Store(graph.Build(graph.Input{Revision: 1}))
	return m
}

func (m *moving) move(revisions int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current.Store(graph.Build(graph.Input{Revision: m.current.Load().Revision() + graph.Revision(revisions)}))
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *moving) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *moving) At(context.Context, graph.AsOf) (*graph.Snapshot, error) {
	return nil, graph.ErrNoPast
}

func (m *moving) History(_ context.Context, q graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		m.mu.Lock()
		broken := m.broken
		m.mu.Unlock()
		if broken != nil {
			yield(graph.Recorded{}, broken)
			return
		}
		for r := q.Through; r > q.After; r-- {
			change := graph.FieldChange{Ref: "component:default/web", Field: "owner", New: fmt.Sprint(r)}
			if !yield(graph.Recorded{FieldChange: change, Revision: r, Time: time.Unix(int64(r), 0)}, nil) {
				return
			}
		}
	}
}

func (*moving) ScanSource(context.Context, string) (graph.ScanResult, error) {
	return graph.ScanResult{}, graph.ErrReadOnly
}

func (*moving) ApproveScan(context.Context, string, string) (graph.ScanResult, error) {
	return graph.ScanResult{}, graph.ErrReadOnly
}

func (*moving) Progress(context.Context) iter.Seq[graph.ScanProgress] {
	return func(func(graph.ScanProgress) bool) {}
}

func (m *moving) executor(past resolve.Past) *executor.Executor {
	return resolve.NewExecutor(resolve.Config{Snapshots: m, Past: past, Live: m, Log: zerolog.Nop()})
}

// subscribed gives the answers of a subscription one by one.
func subscribed(ctx context.Context, t *testing.T, e *executor.Executor, query string) func() *graphql.Response {
	t.Helper()
	ctx = graphql.StartOperationTrace(ctx)
	operation, refused := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if refused != nil {
		t.Fatal(refused)
	}
	responses, ctx := e.DispatchOperation(ctx, operation)
	return func() *graphql.Response { return responses(ctx) }
}

func says(t *testing.T, response *graphql.Response, text string) {
	t.Helper()
	if response == nil {
		t.Fatalf("the end, want %s", text)
	}
	got, err := json.Marshal(response)
	if err != nil || !strings.Contains(string(got), text) {
		t.Fatalf("got %s, %v; want %s", got, err, text)
	}
}

// One that falls behind what is kept is sent away, can go on where it was, and does not trouble another.
func TestSlowSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := newMoving()
		e := m.executor(m)
		slow := subscribed(ctx, t, e, `subscription{changes{revision}}`)
		quick := subscribed(ctx, t, e, `subscription{changes{revision}}`)
		synctest.Wait()
		for r := 2; r <= 1000; r++ {
			m.move(1)
			synctest.Wait()
			says(t, quick(), fmt.Sprintf(`{"changes":{"revision":%d}}`, r))
		}
		says(t, slow(), `{"changes":{"revision":2}}`) // was on its way
		says(t, slow(), "SLOW_CLIENT")
		if got := slow(); got != nil {
			t.Errorf("after the end comes %s", got.Data)
		}
		again := subscribed(ctx, t, e, `subscription{changes(after:2){revision}}`)
		for r := 3; r <= 1000; r++ {
			says(t, again(), fmt.Sprintf(`{"changes":{"revision":%d}}`, r))
		}
		m.move(3) // several revisions are seen at once
		for r := 1001; r <= 1003; r++ {
			says(t, again(), fmt.Sprintf(`{"changes":{"revision":%d}}`, r))
			says(t, quick(), fmt.Sprintf(`{"changes":{"revision":%d}}`, r))
		}
		cancel()
		synctest.Wait()
		if got := quick(); got != nil {
			t.Errorf("after the end comes %s", got.Data)
		}
	})
}

func (m *moving) breaks(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// While the store is away, subscriptions wait and miss nothing. When the history cannot be read for another reason, all are
// told so, and whoever comes then begins anew.
func TestBrokenHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := newMoving()
		e := m.executor(m)
		first := subscribed(ctx, t, e, `subscription{changes{revision}}`)
		second := subscribed(ctx, t, e, `subscription{changes{revision}}`)
		synctest.Wait()
		m.breaks(fmt.Errorf("away: %w", graph.ErrUnavailable))
		m.move(1)
		third := subscribed(ctx, t, e, `subscription{changes(after:1){revision}}`)
		<-time.After(time.Hour)
		m.breaks(nil)
		for _, told := range []func() *graphql.Response{first, second, third} {
			says(t, told(), `"revision":2`)
		}
		m.breaks(errors.New("nonsense"))
		m.move(1)
		says(t, first(), "INTERNAL")
		says(t, subscribed(ctx, t, e, `subscription{changes(after:1){revision}}`)(), "INTERNAL")
		m.breaks(nil)
		says(t, subscribed(ctx, t, e, `subscription{changes(after:2){revision}}`)(), `"revision":3`)
		says(t, second(), "INTERNAL")
	})
}

// A client that comes from another server of the same store may have seen what is not here yet. That another catalog stands
// here is only said when the store has confirmed it.
func TestAheadOfThisServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := newMoving()
		var confirmed atomic.Pointer[graph.Freshness]
		confirmed.Store(&graph.Freshness{Confirmed: time.Now()})
		e := resolve.NewExecutor(resolve.Config{
			Snapshots: m, Past: m, Live: m, Log: zerolog.Nop(), Freshness: func() graph.Freshness { return *confirmed.Load() },
		})
		ahead := subscribed(ctx, t, e, `subscription{changes(after:3){revision}}`)
		confirmed.Store(&graph.Freshness{Confirmed: time.Now(), Err: graph.ErrUnavailable})
		<-time.After(time.Hour) // cut off
		m.move(2)
		<-time.After(time.Second)
		m.move(1)
		says(t, ahead(), `"revision":4`)
		gone := subscribed(ctx, t, e, `subscription{changes(after:9){revision}}`)
		<-time.After(time.Minute)
		confirmed.Store(&graph.Freshness{Confirmed: time.Now()})
		says(t, gone(), "COMPACTED")
	})
}

// Without a past, a new revision is told and not what it changed.
func TestOnlyThePresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := newMoving()
		e := m.executor(nil)
		follow := subscribed(ctx, t, e, `subscription{changes(of:["component:default/web"]){revision truncated changes{ref}}}`)
		synctest.Wait()
		m.move(2)
		says(t, follow(), `{"revision":3,"truncated":true,"changes":[]}`)
		says(t, subscribed(ctx, t, e, `subscription{changes(after:1){revision}}`)(), "COMPACTED")
	})
}

func TestOneStreamAnOperation(t *testing.T) {
	for _, query := range []string{
		`subscription{a:changes{revision} b:changes{revision}}`,
		`subscription{...f} fragment f on Subscription{changes{revision} scanProgress{done}}`,
		`subscription{__typename}`,
	} {
		m := newMoving()
		ctx := graphql.StartOperationTrace(t.Context())
		e := m.executor(m)
		operation, refused := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
		if refused != nil {
			continue
		}
		responses, ctx := e.DispatchOperation(ctx, operation)
		says(t, responses(ctx), "BAD_INPUT")
	}
}
