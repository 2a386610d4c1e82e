package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	tries        = 5 // of one request
	fewTries     = 2 // of a question that may be too large, so that whoever asks it asks for less, and of what is a part of others
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = 15 * time.Second
)

// repeatable marks requests that change nothing, or nothing more when they are sent again, though their method does not say
// so.
func repeatable(ctx context.Context, tries uint) context.Context {
	return context.WithValue(ctx, repeatableKey{}, tries)
}

type repeatableKey struct{}

// patient sends again what failed for no reason that lies in the request: the network broke, or GitHub had a fault.
type patient struct {
	metrics *metrics
	next    http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t patient) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	most, ok := ctx.Value(repeatableKey{}).(uint)
	if !ok {
		most = tries
	}
	if !ok && request.Method != http.MethodGet && request.Method != http.MethodHead {
		return t.next.RoundTrip(request)
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.Multiplier, wait.MaxInterval = firstBackoff, 2, lastBackoff
	tried := uint(0)
	answer, err := backoff.Retry(ctx, func() (*http.Response, error) {
		tried++
		answer, err := t.next.RoundTrip(request)
		if err != nil {
			return nil, lasting(ctx, err)
		}
		fault, asked := faultOf(answer)
		if !fault || tried == most {
			return answer, nil
		}
		if asked > 0 {
			return answer, fmt.Errorf("%w: %w", errFault{answer.StatusCode}, &backoff.RetryAfterError{Duration: asked})
		}
		return answer, errFault{answer.StatusCode}
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(most), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, wait time.Duration) { t.metrics.retried(err, wait) }))
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// errFault is why an answer is not the last word.
type errFault struct{ status int }

// Error implements error.
func (e errFault) Error() string { return "status " + strconv.Itoa(e.status) }

// lasting marks errors that another try does not mend.
func lasting(ctx context.Context, err error) error {
	var budget *BudgetError
	var auth *AuthError
	var large *TooLargeError
	if ctx.Err() != nil || errors.As(err, &budget) || errors.As(err, &auth) || errors.As(err, &large) || certificate(err) {
		return backoff.Permanent(err)
	}
	return err
}

// faultOf tells whether the server failed, and for how long it asks to be left alone (0 = it does not say).
func faultOf(answer *http.Response) (bool, time.Duration) {
	switch answer.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false, 0
	}
	pause, ok := pauseOf(answer.Header.Get("Retry-After"), time.Now())
	if !ok {
		return true, 0
	}
	return pause <= longestWait, pause
}
