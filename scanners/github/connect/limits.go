package connect

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
)

const (
	longestWait   = time.Minute      // what is waited out within a request
	firstPause    = time.Minute      // where GitHub asks for a pause and does not say how long: its documentation says at least this
	longestPause  = 15 * time.Minute // of those that double
	longestBelief = 2 * time.Hour    // what a header says is not believed beyond; GitHub's longest period is an hour
	refusals      = 4                // of one request by limits, before it is given up
	samePeriod    = 5 * time.Second  // ends of a period that differ by less are one: GitHub's servers do not agree to the second
	secondary     = "secondary"      // the resource of a BudgetError by how fast is asked, not how much
)

// limits are how much one account may ask. GitHub counts each account apart: a token, the App itself, each installation.
type limits struct {
	reserve float64
	now     func() time.Time
	metrics *metrics
	account string
	slots   chan struct{} // shared by the accounts of a connection

	mu      sync.Mutex
	budgets map[string]*budget // by resource
	pause   time.Time          // nothing is asked before; by the real clock
	pauses  int                // in a row, of which GitHub did not say how long they are
}

type budget struct {
	limit, remaining int
	reset            time.Time // zero = nothing is known
	asking           int       // requests under way, which remaining may not know of
	used             int
}

// spare is how many more requests may be begun.
func (b *budget) spare(reserve float64) int {
	return b.remaining - b.asking - int(math.Ceil(float64(b.limit)*reserve))
}

// enter waits until a request may be sent; leave is to be called when it was answered. It fails with a *BudgetError where
// that takes long.
func (l *limits) enter(ctx context.Context, resource string) (leave func(), err error) {
	for {
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if err := context.Cause(ctx); err != nil {
			<-l.slots
			return nil, err
		}
		wait, why := l.admit(resource)
		if wait <= 0 {
			return func() { l.left(resource) }, nil
		}
		<-l.slots
		if wait > longestWait {
			return nil, &BudgetError{Resource: why, Reset: l.now().Add(wait).Round(time.Second)}
		}
		// Not all who wait go on in the same moment.
		wait += rand.N(time.Second / 2)
		l.metrics.waited(why, wait)
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		if why == resource {
			l.renew(resource)
		}
	}
}

// admit counts a request as begun, or says how long to wait, and for which limit.
func (l *limits) admit(resource string) (wait time.Duration, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait, why = l.wait(resource); wait <= 0 {
		l.budget(resource).asking++
	}
	return wait, why
}

// wait says how long nothing may be asked, and for which limit; under the lock.
func (l *limits) wait(resource string) (time.Duration, string) {
	if wait := time.Until(l.pause); wait > 0 {
		return wait, secondary
	}
	b := l.budget(resource)
	if b.reset.IsZero() || b.spare(l.reserve) > 0 {
		return 0, resource
	}
	wait := b.reset.Sub(l.now())
	if wait <= 0 {
		b.reset = time.Time{}
	}
	return wait, resource
}

// renew forgets a period that was waited out, if no other has begun meanwhile.
func (l *limits) renew(resource string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.budget(resource); b.reset.Sub(l.now()) <= longestWait {
		b.reset = time.Time{}
	}
}

func (l *limits) left(resource string) {
	l.mu.Lock()
	l.budget(resource).asking--
	l.mu.Unlock()
	<-l.slots
}

// budget is that of a resource; under the lock.
func (l *limits) budget(resource string) *budget {
	b := l.budgets[resource]
	if b == nil {
		b = &budget{}
		l.budgets[resource] = b
	}
	return b
}

// note reads what an answer says of its limit.
func (l *limits) note(resource string, answer *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.budget(resource)
	if answer.StatusCode != http.StatusNotModified {
		b.used++
	}
	if answer.StatusCode < 400 {
		l.pauses = 0
	}
	if counted := answer.Header.Get("X-RateLimit-Resource"); counted != "" && counted != resource {
		return // a limit that we do not keep: a refusal by it pauses us all the same
	}
	limit, err1 := strconv.Atoi(answer.Header.Get("X-RateLimit-Limit"))
	remaining, err2 := strconv.Atoi(answer.Header.Get("X-RateLimit-Remaining"))
	epoch, err3 := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || limit <= 0 || remaining < 0 || epoch <= 0 {
		return
	}
	reset := time.Unix(epoch, 0)
	if far := l.now().Add(longestBelief); reset.After(far) {
		reset = far
	}
	switch apart := reset.Sub(b.reset); {
	case b.reset.IsZero() || apart >= samePeriod:
		b.limit, b.remaining, b.reset = limit, remaining, reset
	case apart > -samePeriod && limit != b.limit:
		b.limit, b.remaining = limit, remaining
	case apart > -samePeriod: // answers may overtake each other: the lowest is the latest
		b.remaining = min(b.remaining, remaining)
	default: // of a period that is over
		return
	}
	l.metrics.budget(l.account, resource, limit, b.remaining)
}

// refused reads an answer that may be a refusal by a limit, and keeps everybody from asking for as long as it says.
func (l *limits) refused(resource string, answer *http.Response) (bool, error) {
	if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusTooManyRequests {
		return false, nil
	}
	said, err := messageOf(answer)
	if err != nil {
		return false, err
	}
	speaks := limitWords(said.Message) || strings.HasSuffix(said.DocsURL, "-rate-limits")
	spent := answer.Header.Get("X-RateLimit-Remaining") == "0" && !secondWords(said.Message)
	// A refusal for another reason may also be the last request of a period, so that nothing remains.
	if answer.StatusCode == http.StatusForbidden && !speaks && answer.Header.Get("Retry-After") == "" && (!spent || said.Message != "") {
		return false, nil
	}
	l.refuse(resource, spent, answer.Header.Get("Retry-After"))
	return true, nil
}

// limitWords tells whether a message is about a limit, secondWords whether about how fast is asked.
func limitWords(message string) bool {
	return strings.Contains(strings.ToLower(message), "rate limit") || secondWords(message)
}

func secondWords(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "secondary rate limit") || strings.Contains(message, "abuse detection")
}

// refuse keeps everybody from asking: after a spent budget until its period ends, else for as long as GitHub says, and
// longer each time where it does not say.
func (l *limits) refuse(resource string, spent bool, retryAfter string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.budget(resource)
	if spent && b.reset.After(l.now()) {
		b.remaining = 0
		l.metrics.paused(l.account, resource, b.reset)
		return
	}
	pause, ok := pauseOf(retryAfter, l.now())
	if !ok {
		pause = min(firstPause<<min(l.pauses, 8), longestPause)
		l.pauses++
	}
	if until := time.Now().Add(pause); until.After(l.pause) {
		l.pause = until
		l.metrics.paused(l.account, secondary, until)
	}
}

// pauseOf reads a Retry-After: seconds, or a time.
func pauseOf(header string, now time.Time) (time.Duration, bool) {
	if header == "" {
		return 0, false
	}
	if seconds, err := strconv.Atoi(header); err == nil && seconds >= 0 {
		return time.Duration(min(max(seconds, 1), int(longestBelief/time.Second))) * time.Second, true
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), time.Second), longestBelief), true
	}
	return 0, false
}

// list appends the budgets that are known, named as of the account where it has a name.
func (l *limits) list(into []scanners.Budget, named bool) []scanners.Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	for resource, b := range l.budgets {
		if b.limit == 0 {
			continue
		}
		one := scanners.Budget{Name: resource, Limit: b.limit, Remaining: b.remaining, Reset: b.reset, Used: b.used}
		if b.reset.IsZero() || !b.reset.After(l.now()) {
			one.Remaining, one.Reset = b.limit, time.Time{}
		}
		if named {
			one.Name += " (" + l.account + ")"
		}
		into = append(into, one)
	}
	slices.SortFunc(into, func(a, b scanners.Budget) int { return strings.Compare(a.Name, b.Name) })
	return into
}

func (l *limits) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.budgets {
		b.used = 0
	}
}

// resourceOf says which limit counts a request, before GitHub says it.
func resourceOf(request *http.Request) string {
	path := request.URL.Path
	switch {
	case strings.HasSuffix(path, "/graphql"):
		return "graphql"
	case strings.Contains(path, "/search/code"):
		return "code_search"
	case strings.Contains(path, "/search/"):
		return "search"
	}
	return "core"
}

// limited holds requests to the limits of their account. What a limit refused was not done, so that any request may be sent
// again after it.
type limited struct {
	limits *limits
	next   http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t limited) RoundTrip(request *http.Request) (*http.Response, error) {
	resource := resourceOf(request)
	for try := 1; ; try++ {
		again, err := rewound(request)
		if err != nil {
			return nil, err
		}
		leave, err := t.limits.enter(request.Context(), resource)
		if err != nil {
			return nil, err
		}
		answer, refused, err := t.once(again, resource)
		leave()
		if err != nil {
			return nil, err
		}
		if !refused {
			// The client of go-github would keep these, and refuse by itself, by the clock of this machine.
			for _, name := range []string{"Limit", "Remaining", "Reset", "Used", "Resource"} {
				answer.Header.Del("X-RateLimit-" + name)
			}
			return answer, nil
		}
		if try == refusals {
			return nil, t.limits.givenUp(resource)
		}
	}
}

func (t limited) once(request *http.Request, resource string) (answer *http.Response, refused bool, err error) {
	answer, err = t.next.RoundTrip(request)
	if err != nil {
		return nil, false, err
	}
	t.limits.note(resource, answer)
	refused, err = t.limits.refused(resource, answer)
	return answer, refused, err
}

// givenUp says when a request that was refused again and again may be tried.
func (l *limits) givenUp(resource string) *BudgetError {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait, why := l.wait(resource)
	return &BudgetError{Resource: why, Reset: l.now().Add(max(wait, firstPause)).Round(time.Second)}
}

// rewound is a request with a body that nobody has read.
func rewound(request *http.Request) (*http.Request, error) {
	again := request.Clone(request.Context())
	if request.Body == nil || request.Body == http.NoBody {
		return again, nil
	}
	if request.GetBody == nil {
		return nil, errors.New("the body of the request can be sent only once")
	}
	body, err := request.GetBody()
	again.Body = body
	return again, err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
