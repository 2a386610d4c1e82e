package backstage

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	maxTries      = 6
	maxRetryAfter = 5 * time.Minute // a backend that wants a longer break is not waited for
	maxErrorBytes = 64 << 10        // of an answer that is an error
)

var (
	// errTooLarge: the answer has more bytes than are read.
	errTooLarge = errors.New("the answer is too large")
	// errSlow: the answer took longer than a request may.
	errSlow = errors.New("the answer took too long")
	// errNoRoute: the backend does not know the address.
	errNoRoute = errors.New("not found")
	// errSentOn: the backend sends the reader on to where the token may not go.
	errSentOn = errors.New("it sends the reader on")
)

// client asks the catalog's API.
type client struct {
	base     *url.URL
	token    string
	maxBytes int64
	timeout  time.Duration
	http     *http.Client
}

// get decodes the answer to one question. What may pass by itself is tried again; errors that the caller can do something
// about are errTooLarge, errSlow and errNoRoute.
func (c *client) get(ctx context.Context, path string, query url.Values, into any) error {
	wait := backoff.NewExponentialBackOff() // with jitter
	wait.MaxInterval = 30 * time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, c.try(ctx, path, query, into)
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// A permanent error of the last try has not been unwrapped.
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		return permanent.Err
	}
	return err
}

// try asks once. An error that is not permanent is worth another try.
func (c *client) try(ctx context.Context, path string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errSlow)
	defer cancel()
	address := c.base.JoinPath(path)
	address.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return backoff.Permanent(err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "orrery")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.notReached(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return c.refused(response)
	}
	body, err := readUpTo(response.Body, c.maxBytes)
	switch {
	case errors.Is(err, errTooLarge):
		return backoff.Permanent(err)
	case err != nil:
		return c.notReached(ctx, err)
	case isHTML(response, body):
		return backoff.Permanent(fmt.Errorf("%s answers a web page instead of the catalog: the url must be that of the backend "+
			"(backend.baseUrl of Backstage), and no login page may stand before it", c.base))
	}
	switch err := json.Unmarshal(body, into); {
	case err == nil:
		return nil
	case isTruncated(err):
		return fmt.Errorf("the answer of %s ended in its middle", c.base)
	default:
		return backoff.Permanent(fmt.Errorf("%s does not answer as the catalog of Backstage does: %w", c.base, err))
	}
}

// redirect follows a backend that sends the reader on, but not out of an encrypted connection: the token goes along.
func redirect(request *http.Request, via []*http.Request) error {
	switch {
	case via[0].URL.Scheme == "https" && request.URL.Scheme != "https":
		return fmt.Errorf("%w, to an address that is not encrypted", errSentOn)
	case len(via) >= 5:
		return fmt.Errorf("%w, again and again", errSentOn)
	}
	return nil
}

// readUpTo reads all of a body that has at most limit bytes.
func readUpTo(body io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w: it has more than %d bytes", errTooLarge, limit)
	}
	return data, err
}

func isHTML(response *http.Response, body []byte) bool {
	return strings.Contains(response.Header.Get("Content-Type"), "html") ||
		bytes.HasPrefix(bytes.TrimLeft(body, "\xef\xbb\xbf \t\r\n"), []byte("<"))
}

func isTruncated(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input"
}

// notReached judges an error of the network.
func (c *client) notReached(ctx context.Context, err error) error {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
	)
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		return backoff.Permanent(fmt.Errorf("%s: %w: over %v", c.base, errSlow, c.timeout))
	case ctx.Err() != nil:
		return backoff.Permanent(context.Cause(ctx))
	case errors.Is(err, errSentOn):
		return backoff.Permanent(fmt.Errorf("%s is not the address of the catalog: %w", c.base, withoutURL(err)))
	case errors.As(err, &unknown):
		return backoff.Permanent(fmt.Errorf("the certificate of %s is signed by nobody who is trusted here: "+
			"name the certificate of its authority in caFile", c.base.Host))
	case errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &record):
		return backoff.Permanent(fmt.Errorf("no safe connection to %s: %w", c.base.Host, withoutURL(err)))
	}
	return fmt.Errorf("%s cannot be reached: %w", c.base, withoutURL(err))
}

// withoutURL takes the request's address, long and told elsewhere, out of an error.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// refused judges an answer that is an error.
func (c *client) refused(response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBytes)) // it only explains
	told := ""
	if message := messageOf(body); message != "" {
		told = ": " + message
	}
	switch code := response.StatusCode; code {
	case http.StatusUnauthorized:
		if c.token == "" {
			return backoff.Permanent(fmt.Errorf("%s wants a token (401)%s: configure a static token for external access in Backstage "+
				"(backend.auth.externalAccess) and give it as token", c.base, told))
		}
		return backoff.Permanent(fmt.Errorf("%s does not accept the token (401)%s: compare it with backend.auth.externalAccess of "+
			"Backstage; it may have been changed or have run out", c.base, told))
	case http.StatusForbidden:
		return backoff.Permanent(fmt.Errorf("the token may not read the catalog of %s (403)%s: allow it to, by accessRestrictions "+
			"of backend.auth.externalAccess or by the permission catalog.entity.read", c.base, told))
	case http.StatusNotFound:
		return backoff.Permanent(fmt.Errorf("%s: %w (404)%s", response.Request.URL.Path, errNoRoute, told))
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		failed := fmt.Errorf("%s answers %s%s", c.base, response.Status, told)
		wait, ok := retryAfter(response.Header.Get("Retry-After"), time.Now())
		switch {
		case !ok:
			return failed
		case wait > maxRetryAfter:
			return backoff.Permanent(fmt.Errorf("%w: it asks for a break of %v; scan again then", failed, wait.Round(time.Second)))
		}
		// Those who were told the same do not come back at once.
		wait += rand.N(wait/10 + time.Second)
		return &pause{error: failed, after: &backoff.RetryAfterError{Duration: wait}}
	default:
		return backoff.Permanent(fmt.Errorf("%s answers %s%s", c.base, response.Status, told))
	}
}

// pause is an error after which the backend told how long to wait.
type pause struct {
	error
	after *backoff.RetryAfterError
}

func (p *pause) Unwrap() []error { return []error{p.error, p.after} }

// retryAfter reads the header: seconds or a date.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	if header == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}

// messageOf is what Backstage says about an error, in one short line; "" where somebody else answers.
func messageOf(body []byte) string {
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return oneLine(answer.Error.Message, 300)
}

// oneLine joins the lines of a text and cuts it to the given number of runes.
func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
