package resolve_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// An answer says since when and why it may be old, and nothing while the store has confirmed it a moment ago.
func TestFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMoving()
		var now graph.Freshness
		e := resolve.NewExecutor(resolve.Config{
			Snapshots: m, Past: m, Live: m, Log: zerolog.Nop(), Freshness: func() graph.Freshness { return now },
		})
		begin := time.Now()
		away := fmt.Errorf("%w:\n no\t route", graph.ErrUnavailable)
		for name, test := range map[string]struct {
			now  graph.Freshness
			want string
		}{
			"nobody asked yet":    {graph.Freshness{}, `{"revision":1}`},
			"just confirmed":      {graph.Freshness{Confirmed: begin}, `{"revision":1}`},
			"away for a moment":   {graph.Freshness{Confirmed: begin.Add(-5 * time.Second), Since: begin, Err: away}, `{"revision":1}`},
			"the clock went back": {graph.Freshness{Confirmed: begin.Add(time.Hour), Since: begin, Err: away}, `{"revision":1}`},
			"away": {
				graph.Freshness{Confirmed: begin.Add(-90 * time.Second), Since: begin, Err: away},
				`{"revision":1,"store":{"confirmed":"1999-12-31T23:58:30Z","ageSeconds":90,"reason":"the store is unavailable: no route"}}`,
			},
			"never there": {
				graph.Freshness{Since: begin, Err: away},
				`{"revision":1,"store":{"confirmed":null,"ageSeconds":null,"reason":"the store is unavailable: no route"}}`,
			},
			"behind": {
				graph.Freshness{Confirmed: begin.Add(-6 * time.Second)},
				`{"revision":1,"store":{"confirmed":"1999-12-31T23:59:54Z","ageSeconds":6,"reason":"what the store holds is not here yet"}}`,
			},
		} {
			now = test.now
			answer := subscribed(t.Context(), t, e, `{sources{totalCount}}`)()
			says(t, answer, `"extensions":`+test.want)
			if len(answer.Errors) > 0 {
				t.Errorf("%s: %v", name, answer.Errors)
			}
		}
	})
}

func TestNotYet(t *testing.T) {
	t.Parallel()
	if got := resolve.NotYet(nil); got != "the catalog is still being read" {
		t.Error(got)
	}
	away := graph.Freshness{Err: errors.New(strings.Repeat("ü", 1000))}
	got := resolve.NotYet(func() graph.Freshness { return away })
	if !strings.HasPrefix(got, "waiting for the store: üüü") || len(got) > 400 || !strings.HasSuffix(got, "ü…") {
		t.Error(got)
	}
}
