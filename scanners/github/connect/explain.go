package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/google/go-github/v60/github"
)

// Explain gives an error of a call the words of a person: without addresses of requests and without words that only the
// machine understands, and with what can be done. Whatever was wrapped around it stays, and it stays what it is for errors.Is
// and errors.As. Others, and nil, are returned as they are.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if plain := reword(text, err); plain != text {
		return &explained{text: plain, err: err}
	}
	return err
}

type explained struct {
	text string
	err  error
}

// Error implements error.
func (e *explained) Error() string { return e.text }

// Unwrap is the error that is explained.
func (e *explained) Unwrap() error { return e.err }

// reword replaces what layers of the error say in its text, from the outer ones to the inner ones.
func reword(text string, err error) string {
	switch e := err.(type) { //nolint:errorlint // each layer is looked at by itself
	case *explained:
		return text
	case *url.Error:
		text = strings.Replace(text, e.Error(), unreached(e), 1)
	case *github.ErrorResponse:
		if e.Response == nil || e.Response.Request == nil {
			return text
		}
		return strings.Replace(text, e.Error(), answered(e), 1)
	}
	switch e := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return reword(text, inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			text = reword(text, inner)
		}
	}
	return text
}

// answered is an answer that is no good one.
func answered(e *github.ErrorResponse) string {
	status := e.Response.StatusCode
	named := fmt.Sprintf("%d %s", status, http.StatusText(status))
	said := message{Message: e.Message}.orNothing()
	for _, one := range e.Errors {
		said += fmt.Sprintf("; %s", message{Message: strings.Join([]string{one.Field, one.Code, one.Message}, " ")}.short())
	}
	if said = strings.TrimPrefix(said, "; "); said != "" && !strings.EqualFold(said, http.StatusText(status)) {
		named += ": " + said
	}
	switch {
	case status >= http.StatusInternalServerError:
		return "GitHub fails now (" + named + "), which usually passes by itself"
	case status == http.StatusForbidden:
		if wanted := Missing(e); wanted != "" {
			return "GitHub refuses it (" + named + "): give it the permission " + wanted
		}
		return "GitHub refuses it (" + named + ")"
	}
	return "GitHub answers " + named
}

// unreached is a request that got no answer, or none that could be used.
func unreached(e *url.Error) string {
	host := "GitHub"
	if at, err := url.Parse(e.URL); err == nil && at.Host != "" {
		host = at.Host
	}
	var (
		inner  *url.Error
		said   *github.ErrorResponse
		name   *net.DNSError
		broken *net.OpError
		number syscall.Errno
	)
	if errors.As(e.Err, &inner) || errors.As(e.Err, &said) || errors.Is(e.Err, context.Canceled) {
		return e.Err.Error()
	}
	why := e.Err.Error()
	if errors.As(e.Err, &number) {
		why = number.Error()
	}
	switch {
	case errors.As(e.Err, &name):
		return fmt.Sprintf("the name %s is not known (%s): check the address, and that this machine can look up names", name.Name, name.Err)
	case certificate(e.Err):
		return fmt.Sprintf("the certificate of %s is not accepted (%v): where it is of an authority of your own, name that in caFile", host, e.Err)
	case errors.Is(e.Err, http.ErrSchemeMismatch):
		return host + " answers without TLS: write http:// in its address, or correct the port"
	case errors.As(e.Err, &broken) && broken.Op == "proxyconnect":
		return fmt.Sprintf("the proxy cannot be reached (%s): check HTTPS_PROXY and HTTP_PROXY", why)
	case errors.As(e.Err, &broken) && broken.Op == "dial":
		return fmt.Sprintf("%s cannot be reached (%s): check the address and the network", host, why)
	case e.Timeout() && errors.As(e.Err, &broken):
		return host + " did not answer in time"
	case broken != nil, errors.Is(e.Err, io.EOF), errors.Is(e.Err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("the connection to %s broke (%s)", host, why)
	}
	return why
}
