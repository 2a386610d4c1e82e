package polled

import (
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
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	maxTries      = 4
	maxRetryAfter = time.Minute // who wants a longer break is asked again by the schedule
	maxErrorBytes = 64 << 10    // of an answer that is an error
	maxToldRunes  = 300
)

var (
	// ErrTooLarge: the answer has more bytes than are read.
	ErrTooLarge = errors.New("the answer is too large")
	errSlow     = errors.New("the answer took too long")
)

// Address is where a program is asked, and as whom.
type Address struct {
	Program string // its name, for messages
	URL     string // what stands before the paths of its API
	// Token is sent as a bearer token, or Username and Password by basic authentication; "" = none.
	Token, Username, Password string
	CAFile                    string // PEM file of certificates that are trusted besides those of the system; "" = none

	MaxBytes  int64             // a larger answer, uncompressed, is not read; 0 = 64 MiB
	Timeout   time.Duration     // of one answer, its body included; 0 = 2 minutes
	Transport http.RoundTripper // carries the requests; nil = HTTP, through the proxy of the environment
}

// Client asks one program. It is safe for use from several goroutines.
type Client struct {
	address Address
	base    *url.URL
	http    *http.Client
}

// NewClient checks the address and reads the CAFile. It asks nothing.
func NewClient(address Address) (*Client, error) {
	base, err := baseURL(&address)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.ContainsAny(address.Token, " \t\r\n"):
		return nil, errors.New("the token holds white space: is it the token alone, without the word Bearer?")
	case address.Token != "" && address.Username != "":
		return nil, errors.New("both a token and a username are given: give one of them")
	}
	if address.MaxBytes <= 0 {
		address.MaxBytes = 64 << 20
	}
	if address.Timeout <= 0 {
		address.Timeout = 2 * time.Minute
	}
	if address.Transport == nil {
		if address.Transport, err = Transport(address.CAFile); err != nil {
			return nil, err
		}
	}
	c := &Client{address: address, base: base}
	// A redirect is not followed: it would lead to a login page, or carry the token elsewhere.
	c.http = &http.Client{Transport: carrier{c}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

func baseURL(address *Address) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSpace(address.URL))
	switch {
	case address.URL == "":
		return nil, fmt.Errorf("the url of %s is missing", address.Program)
	case err != nil, base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		// The address itself is not shown: it may hold a password.
		return nil, fmt.Errorf("the url is not one of %s: write it like http://127.0.0.1:9090", address.Program)
	case base.User != nil:
		return nil, errors.New("the url holds a user name or password: give them as settings of their own")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("the url has something behind ? or #: write what stands before the paths of the API alone")
	}
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), ""
	return base, nil
}

// Transport is the default one, which trusts the certificates in caFile, too.
func Transport(caFile string) (http.RoundTripper, error) {
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.MaxResponseHeaderBytes = 1 << 20
	if caFile == "" {
		return own, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", caFile)
	}
	own.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return own, nil
}

// Base is the address to ask at.
func (c *Client) Base() string { return c.base.String() }

// HTTP is a client for libraries that ask by themselves, within Try: its requests are authorised, its answers bounded, and
// those that are a failure of the program, or a refusal, are errors that Try understands.
func (c *Client) HTTP() *http.Client { return c.http }

// carrier carries the requests of a Client.
type carrier struct{ *Client }

// RoundTrip sends one request, authorised, and bounds the answer.
func (c carrier) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", "orrery")
	switch {
	case c.address.Token != "":
		request.Header.Set("Authorization", "Bearer "+c.address.Token)
	case c.address.Username != "":
		request.SetBasicAuth(c.address.Username, c.address.Password)
	}
	response, err := c.address.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch code := response.StatusCode; {
	case code < 300, code == http.StatusBadRequest, code == http.StatusUnprocessableEntity, code == http.StatusMethodNotAllowed:
		response.Body = &bounded{ReadCloser: response.Body, left: c.address.MaxBytes, most: c.address.MaxBytes}
		return response, nil
	default:
		defer func() { _ = response.Body.Close() }() // it was only read
		return nil, c.refused(response)
	}
}

// bounded is a body that must end in time.
type bounded struct {
	io.ReadCloser
	left, most int64
}

func (b *bounded) Read(into []byte) (int, error) {
	if int64(len(into)) > b.left+1 {
		into = into[:b.left+1]
	}
	n, err := b.ReadCloser.Read(into)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, b.most)
	}
	return n, err
}

// Try asks by the function, and again after a pause where the failure may pass by itself. Errors are for the person who
// configured the address.
func (c *Client) Try(ctx context.Context, ask func(ctx context.Context) error) error {
	wait := backoff.NewExponentialBackOff() // with jitter
	wait.MaxInterval = 10 * time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		once, cancel := context.WithTimeoutCause(ctx, c.address.Timeout, errSlow)
		defer cancel()
		err := ask(once)
		if err == nil {
			return struct{}{}, nil
		}
		return struct{}{}, c.judge(once, err)
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) { // of the last try
		return permanent.Err
	}
	return err
}

// JSON decodes the answer to a GET of the path.
func (c *Client) JSON(ctx context.Context, path string, query url.Values, into any) error {
	return c.Try(ctx, func(ctx context.Context) error {
		address := c.base.JoinPath(path)
		address.RawQuery = query.Encode()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
		if err != nil {
			return backoff.Permanent(err)
		}
		request.Header.Set("Accept", "application/json")
		response, err := c.http.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }() // it was only read
		if response.StatusCode >= 300 {
			return c.refused(response)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		err = json.Unmarshal(body, into)
		var syntax *json.SyntaxError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &syntax) && syntax.Offset >= int64(len(body)) && len(body) > 0:
			return fmt.Errorf("the answer of %s ended in its middle", c.Base())
		default:
			return backoff.Permanent(fmt.Errorf("%s does not answer as %s does: %w: the url must be what stands before /api, and no "+
				"login page may stand before it", c.Base(), c.address.Program, err))
		}
	})
}

// judge says what an error means, and whether another try is worth it.
func (c *Client) judge(ctx context.Context, err error) error {
	var (
		failed   *url.Error
		told     *refusal
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
	)
	plain := err
	if errors.As(err, &failed) { // its address is long and told elsewhere
		plain = failed.Err
	}
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		return backoff.Permanent(fmt.Errorf("%s: %w: over %v", c.Base(), errSlow, c.address.Timeout))
	case ctx.Err() != nil:
		return backoff.Permanent(context.Cause(ctx))
	case errors.As(err, &told):
		return told.err
	case errors.As(err, new(*backoff.PermanentError)):
		return err
	case errors.Is(err, ErrTooLarge):
		return backoff.Permanent(fmt.Errorf("%s: %w", c.Base(), err))
	case errors.As(err, &unknown):
		return backoff.Permanent(fmt.Errorf("the certificate of %s is signed by nobody who is trusted here: "+
			"name the certificate of its authority in caFile", c.base.Host))
	case errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &record):
		return backoff.Permanent(fmt.Errorf("no safe connection to %s: %w", c.base.Host, plain))
	case failed != nil:
		return fmt.Errorf("%s cannot be reached: %w", c.Base(), plain)
	}
	return err
}

// refusal is an answer that is an error, on its way through a library.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// refused judges an answer that is an error.
func (c *Client) refused(response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBytes)) // it only explains
	told := ""
	if message := Message(body); message != "" {
		told = ": " + message
	}
	status := fmt.Sprintf("%s answers %s%s", c.Base(), response.Status, told)
	var err error
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized && c.address.Token == "" && c.address.Username == "":
		err = backoff.Permanent(fmt.Errorf("%s wants to know who asks (401)%s: give a token, or a username and password where it "+
			"takes those", c.Base(), told))
	case code == http.StatusUnauthorized:
		err = backoff.Permanent(fmt.Errorf("%s does not accept the token or password (401)%s: it may have been changed or have run out",
			c.Base(), told))
	case code == http.StatusForbidden:
		err = backoff.Permanent(fmt.Errorf("%s does not let this token or user ask (403)%s: allow it to read", c.Base(), told))
	case code == http.StatusNotFound:
		err = backoff.Permanent(fmt.Errorf("%s: is that the address of %s? Write what stands before /api as url", status, c.address.Program))
	case code >= 300 && code < 400:
		err = backoff.Permanent(fmt.Errorf("%s: it sends the reader on, perhaps to a login page: write the address of %s itself as url",
			status, c.address.Program))
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable,
		code == http.StatusInternalServerError, code == http.StatusBadGateway, code == http.StatusGatewayTimeout:
		err = again(errors.New(status), response.Header.Get("Retry-After"))
	default:
		err = backoff.Permanent(errors.New(status))
	}
	return &refusal{err}
}

// again is an error that may pass by itself, after the pause that was asked for.
func again(failed error, header string) error {
	wait, ok := retryAfter(header, time.Now())
	switch {
	case !ok:
		return failed
	case wait > maxRetryAfter:
		return backoff.Permanent(fmt.Errorf("%w: it asks for a break of %v", failed, wait.Round(time.Second)))
	}
	wait += rand.N(wait/10 + time.Second) // those who were told the same do not come back at once
	return &pause{error: failed, after: &backoff.RetryAfterError{Duration: wait}}
}

type pause struct {
	error
	after *backoff.RetryAfterError
}

func (p *pause) Unwrap() []error { return []error{p.error, p.after} }

// retryAfter reads the header: seconds or a date.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}

// Message is what an answer says about an error, in one short line: of a JSON object what stands under error, message or
// errors, of plain text its beginning, "" of a web page.
func Message(body []byte) string {
	var answer struct {
		Error, Message any
		Errors         []struct{ Msg, Message string }
	}
	text := strings.TrimSpace(string(body))
	if json.Unmarshal(body, &answer) == nil {
		text = ""
		for _, said := range []any{answer.Error, answer.Message} {
			if s, ok := said.(string); ok && text == "" {
				text = s
			}
		}
		for _, e := range answer.Errors {
			text = strings.TrimSpace(text + " " + e.Msg + e.Message)
		}
	} else if strings.HasPrefix(text, "<") {
		return ""
	}
	return Line(text)
}

// Line makes one short line of a text that somebody else wrote.
func Line(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "�")
	if runes := []rune(text); len(runes) > maxToldRunes {
		return string(runes[:maxToldRunes]) + "…"
	}
	return text
}
