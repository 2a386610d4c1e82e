package connect_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// many asks from many goroutines, and counts how it ended: well, for lack of budget, otherwise.
func many(t *testing.T, c *connect.Connection, n int) (good, spent, other int) {
	t.Helper()
	var a, b, d atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			switch err := get(t, c); {
			case err == nil:
				a.Add(1)
			case budgetError(err) != nil:
				b.Add(1)
			default:
				d.Add(1)
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return int(a.Load()), int(b.Load()), int(d.Load())
}

// server counts as GitHub does: so many requests in a period, the rest is refused.
type server struct {
	mu      sync.Mutex
	limit   int
	used    int
	reset   time.Time
	refused int
}

func (s *server) reply(*http.Request) answer {
	<-time.After(time.Duration(10+rand.IntN(90)) * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(s.reset) {
		s.used, s.reset = 0, time.Now().Add(time.Hour)
	}
	status, body := 200, `{"id":1}`
	if s.used >= s.limit {
		s.refused++
		status, body = 403, saysPrimary
	} else {
		s.used++
	}
	return answer{status, limits("core", s.limit, s.limit-s.used, time.Until(s.reset)), body, nil}
}

// TestReserve sees that a share of the limit is left to others, by any number of goroutines, and that it goes on when the
// period is over.
func TestReserve(t *testing.T) {
	for _, reserve := range []float64{0, 0.1, 0.5, 0.9} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{limit: 200}
			f := &fake{reply: s.reply}
			c := dial(t, f, func(config *connect.Config) { config.Reserve = reserve })
			if err := get(t, c); err != nil {
				t.Fatal(err) // the first answer tells the limit
			}
			good, spent, _ := many(t, c, 300)
			if want := 200 - int(200*reserve) - 1; good != want || spent != 300-want {
				t.Errorf("reserve %g: %d answers and %d without budget, want %d answers", reserve, good, spent, want)
			}
			if s.refused > 0 {
				t.Errorf("reserve %g: GitHub refused %d requests", reserve, s.refused)
			}
			if f.top > 10 {
				t.Errorf("%d requests at once", f.top)
			}
			err := budgetError(get(t, c))
			if err == nil || !err.Reset.Equal(s.reset.Truncate(time.Second)) {
				t.Fatalf("says %v, the period ends at %s", err, s.reset)
			}
			want := []scanners.Budget{{Name: "core", Limit: 200, Remaining: 200 - s.used, Reset: s.reset.Truncate(time.Second), Used: s.used}}
			if diff := cmp.Diff(want, c.Budgets()); diff != "" {
				t.Error(diff)
			}
			c.Begin()
			<-time.After(time.Until(err.Reset) + time.Second)
			if err := get(t, c); err != nil {
				t.Error(err)
			}
			if now := c.Budgets()[0]; now.Used != 1 || now.Remaining != 199 {
				t.Errorf("in the next period: %+v", now)
			}
		})
	}
}

// TestOneRefusalStopsAll sees that after a refusal nothing more is sent until the pause is over.
func TestOneRefusalStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []time.Duration
		begun := time.Now()
		n := 0
		f := &fake{}
		f.reply = func(*http.Request) answer {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, time.Since(begun))
			if n++; n == 20 {
				return answer{403, map[string]string{"Retry-After": "45"}, saysSecondary, nil}
			}
			mu.Unlock()
			<-time.After(100 * time.Millisecond)
			mu.Lock()
			return answer{status: 200, body: `{}`}
		}
		good, _, _ := many(t, dial(t, f), 200)
		if good != 200 {
			t.Errorf("%d of 200 were answered", good)
		}
		if len(sent) != 201 {
			t.Errorf("%d requests, want 200 and one that was refused", len(sent))
		}
		refused := sent[19]
		for _, at := range sent[20:] {
			if at > refused && at < refused+45*time.Second {
				t.Errorf("sent %s after the refusal", at-refused)
			}
		}
		if f.top > 10 {
			t.Errorf("%d requests at once", f.top)
		}
	})
}

// TestLimitsApart sees that one limit that is used up does not stop what another counts, and that a limit which nobody
// told of is none.
func TestLimitsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{reply: func(r *http.Request) answer {
			if r.URL.Path == "/graphql" {
				return answer{200, limits("graphql", 5000, 0, 30*time.Minute), `{"data":{"viewer":{"login":"a"}}}`, nil}
			}
			return answer{status: 200, body: `{}`}
		}}
		c := dial(t, f)
		var into map[string]any
		if err := c.GraphQL(t.Context(), "acme", "{viewer{login}}", nil, &into); err != nil {
			t.Fatal(err)
		}
		if err := budgetError(c.GraphQL(t.Context(), "acme", "{viewer{login}}", nil, &into)); err == nil || err.Resource != "graphql" {
			t.Errorf("GraphQL without budget: %v", err)
		}
		if err := get(t, c); err != nil {
			t.Errorf("REST: %v", err)
		}
		if got := c.Budgets(); len(got) != 1 || got[0].Name != "graphql" {
			t.Errorf("budgets %+v", got)
		}
	})
}

// TestHeadersOutOfOrder sees that an answer that was overtaken does not give back what was used.
func TestHeadersOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{reply: inTurn(
			answer{200, limits("core", 100, 50, time.Hour), `{}`, nil},
			answer{200, limits("core", 100, 52, time.Hour+time.Second), `{}`, nil},
			answer{200, limits("core", 100, 51, time.Hour-time.Second), `{}`, nil},
			answer{200, limits("core", 100, 99, -time.Minute), `{}`, nil}, // of a period before
			answer{200, limits("search", 30, 3, time.Minute), `{}`, nil},  // of another limit
			answer{200, map[string]string{"X-RateLimit-Limit": "x", "X-RateLimit-Remaining": "-7", "X-RateLimit-Reset": "1e9"}, `{}`, nil},
		)}
		c := dial(t, f)
		for range 6 {
			if err := get(t, c); err != nil {
				t.Fatal(err)
			}
			if got := c.Budgets()[0]; got.Remaining != 50 {
				t.Errorf("remaining %d, want 50", got.Remaining)
			}
		}
	})
}
