package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	longestBody    = 32 << 20 // GitHub cuts trees at 7 MB, and no catalog file is near this
	longestAttempt = time.Minute
)

// TooLargeError says that an answer is larger than anything that is expected here.
type TooLargeError struct{ Limit int64 }

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("GitHub's answer is larger than %d bytes", e.Limit)
}

// whole reads each answer to its end, within a time and a size, so that a body that breaks off is a request that failed, to
// be sent again, and whoever reads it has it in memory.
type whole struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t whole) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(request.Context(), longestAttempt, errAttempt)
	defer cancel()
	answer, err := t.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, attempted(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.ContentLength > longestBody {
		return nil, &TooLargeError{longestBody}
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, longestBody+1))
	if err != nil {
		return nil, attempted(ctx, err)
	}
	if len(body) > longestBody {
		return nil, &TooLargeError{longestBody}
	}
	setBody(answer, body)
	answer.Request = request
	return answer, nil
}

// errAttempt says that GitHub did not answer in time.
var errAttempt = &timeoutError{}

type timeoutError struct{}

// Error implements error.
func (*timeoutError) Error() string { return "no answer from GitHub within " + longestAttempt.String() }

// Timeout makes it a timeout to [net.Error].
func (*timeoutError) Timeout() bool { return true }

// Temporary makes it a [net.Error].
func (*timeoutError) Temporary() bool { return true }

func attempted(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errAttempt) {
		return errAttempt
	}
	return err
}

func setBody(answer *http.Response, body []byte) {
	answer.Body = io.NopCloser(bytes.NewReader(body))
	answer.ContentLength = int64(len(body))
	answer.TransferEncoding = nil
}

// message is how GitHub says what is wrong.
type message struct {
	Message string `json:"message"`
	DocsURL string `json:"documentation_url"`
}

// messageOf reads what is said, and leaves the body to be read again. What is no JSON says nothing.
func messageOf(answer *http.Response) (message, error) {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return message{}, err
	}
	setBody(answer, body)
	var said message
	_ = json.Unmarshal(body, &said) // what is no JSON says nothing
	return said, nil
}
