package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/orrery-catalog/orrery/internal/config"
)

// client asks a server by GraphQL over HTTP. A local catalog is asked the same way, through the same handler without a
// network, so that the answers are the same.
type client struct {
	http  *http.Client
	base  *url.URL
	name  string     // for messages: "the server at http://..."
	token string     // "" = none
	at    *time.Time // to ask as of; nil = now
	old   *notice    // that answers may be old
}

const (
	pageSize = 1000 // the most that a server gives
	// maxAnswerBytes bounds one answer of a server that may not be ours.
	maxAnswerBytes = 256 << 20
	// answerTimeout bounds the wait for the beginning of an answer; a long one may then take its time.
	answerTimeout = 60 * time.Second
)

// remote asks the server at the address.
func remote(address, token string) (*client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, usagef("--server %s is no address of a server: write for example http://%s", address, config.DefaultListen)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, usagef("--server takes scheme, host, port and path only: give a token by ORRERY_TOKEN")
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: answerTimeout, TLSHandshakeTimeout: answerTimeout,
		DialContext: (&net.Dialer{Timeout: answerTimeout}).DialContext, ForceAttemptHTTP2: true,
	}
	return &client{http: &http.Client{Transport: transport, CheckRedirect: sameHost}, base: base, name: "the server at " + address, token: token, old: &notice{}}, nil
}

// sameHost keeps the token and the question from being sent elsewhere.
func sameHost(request *http.Request, via []*http.Request) error {
	if request.URL.Host != via[0].URL.Host || len(via) > 5 {
		return fmt.Errorf("the server sends on to %s: name that by --server if you trust it", request.URL.Host)
	}
	return nil
}

// local asks a handler of this process.
func local(handler http.Handler) *client {
	base := &url.URL{Scheme: "http", Host: config.DefaultListen}
	return &client{http: &http.Client{Transport: inProcess{handler}}, base: base, name: "the catalog", old: &notice{}}
}

// do sends one request below the base address. The caller closes the body.
func (c *client) do(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Response, error) {
	address := c.base.JoinPath(path)
	address.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/graphql-response+json, application/json, application/x-ndjson")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return response, nil
}

func (c *client) unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no server answers at %s: start one with `orrery serve`, or name another by --server URL, a folder"+
			" of catalog files by --catalog DIR, or a configuration by --config FILE", c.base)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("%s cannot be asked: %w", c.name, err)
}

// graphqlError is one error of an answer.
type graphqlError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code       string   `json:"code"`
		Candidates []string `json:"candidates"`
	} `json:"extensions"`
}

// ask sends one operation and fills answer, adding to its connections. It returns the revision that was answered on.
func (c *client) ask(ctx context.Context, query string, variables map[string]any, answer any) (revision int64, err error) {
	if c.at != nil {
		if query, err = asOf(query, *c.at); err != nil {
			return 0, err
		}
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return 0, err
	}
	response, err := c.do(ctx, http.MethodPost, "graphql", nil, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return 0, c.unreachable(ctx, err)
	}
	var envelope struct {
		Data       json.RawMessage `json:"data"`
		Errors     []graphqlError  `json:"errors"`
		Extensions struct {
			Revision *int64          `json:"revision"`
			Store    json.RawMessage `json:"store"`
		} `json:"extensions"`
	}
	if err := json.Unmarshal(content, &envelope); err != nil || envelope.Data == nil && len(envelope.Errors) == 0 {
		return 0, c.notOurs(response)
	}
	if len(envelope.Errors) > 0 {
		return 0, &refusal{told(envelope.Errors[0]), envelope.Errors[0].Extensions.Code}
	}
	if envelope.Extensions.Revision == nil {
		return 0, c.notOurs(response)
	}
	c.old.ofAnswer(envelope.Extensions.Store, *envelope.Extensions.Revision)
	var was struct {
		AsOf *struct{ Revision int64 }
	}
	if err := errors.Join(json.Unmarshal(envelope.Data, answer), json.Unmarshal(envelope.Data, &was)); err != nil {
		return 0, fmt.Errorf("%s gives answers that this version does not understand: %w", c.name, err)
	}
	if c.at != nil && was.AsOf != nil {
		return was.AsOf.Revision, nil
	}
	return *envelope.Extensions.Revision, nil
}

func (c *client) notOurs(response *http.Response) error {
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s refuses to answer (%s): set ORRERY_TOKEN to a token it takes", c.name, response.Status)
	case http.StatusServiceUnavailable:
		return fmt.Errorf("%s is not ready yet: try again in a moment", c.name)
	}
	return fmt.Errorf("what answers at %s is no Orrery server (%s): check --server", c.base, response.Status)
}

// refusal is an error of an answer, with its code.
type refusal struct {
	error
	code string
}

// Unwrap is what a person is told.
func (r *refusal) Unwrap() error { return r.error }

// told is what a person is told about an error of an answer.
func told(e graphqlError) error {
	message := e.Message
	var missing []string
	for _, candidate := range e.Extensions.Candidates {
		if !strings.Contains(message, candidate) {
			missing = append(missing, candidate)
		}
	}
	if len(missing) > 0 {
		question := "did you mean "
		if e.Extensions.Code == "BAD_INPUT" {
			question = "name one of "
		}
		message += ": " + question + strings.Join(e.Extensions.Candidates, ", ")
		if e.Extensions.Code == "NOT_FOUND" {
			message += "?"
		}
	}
	switch {
	case e.Extensions.Code == "BAD_INPUT":
		return &usageError{message}
	case e.Extensions.Code == "NOT_FOUND" && len(e.Extensions.Candidates) == 0 && strings.HasSuffix(message, " is not in the catalog"):
		message += ": `orrery list` shows what is"
	}
	return errors.New(message)
}

// errMoved says that the catalog changed between two pages of one answer.
var errMoved = errors.New("the catalog keeps changing while it is read: try again")

// pinned asks several operations that must be answered on one revision.
type pinned struct {
	*client
	revision int64 // -1 = none yet
}

func (p *pinned) ask(ctx context.Context, query string, variables map[string]any, answer any) error {
	revision, err := p.client.ask(ctx, query, variables, answer)
	switch {
	case err != nil:
		return err
	case p.revision >= 0 && p.revision != revision:
		return errMoved
	}
	p.revision = revision
	return nil
}

// consistently calls do until all that it asked was answered on one revision.
func (c *client) consistently(do func(*pinned) error) error {
	var err error
	for range 5 {
		if err = do(&pinned{client: c, revision: -1}); !errors.Is(err, errMoved) {
			return err
		}
	}
	return err
}

// list is a connection under way.
type list interface {
	// more says whether there are pages left, and the cursor that they come after (nil for the first).
	more() (cursor *string, ok bool)
}

// connection gathers the pages of a Relay connection: decoding a page adds to it.
type connection[T any] struct {
	Nodes []T
	page  *pageInfo // of the last page; nil = none yet
}

type pageInfo struct {
	HasNextPage bool    `json:"hasNextPage"`
	EndCursor   *string `json:"endCursor"`
}

// UnmarshalJSON adds a page.
func (c *connection[T]) UnmarshalJSON(data []byte) error {
	var page struct {
		Nodes    []T      `json:"nodes"`
		PageInfo pageInfo `json:"pageInfo"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return err
	}
	if page.PageInfo.HasNextPage && page.PageInfo.EndCursor == nil {
		return errors.New("a page has no end")
	}
	c.Nodes = append(c.Nodes, page.Nodes...)
	c.page = &page.PageInfo
	return nil
}

func (c *connection[T]) more() (*string, bool) {
	if c == nil || c.page == nil {
		return nil, true
	}
	return c.page.EndCursor, c.page.HasNextPage
}

// page writes the selection of a connection: `%s` in field stands for the arguments of the page. Its variables are
// declared by [pageVariables].
func page(field, name, nodes string) string {
	arguments := fmt.Sprintf("first: $first, after: $%sAfter", name)
	return fmt.Sprintf("%s @include(if: $%sMore) { nodes { %s } pageInfo { hasNextPage endCursor } }",
		fmt.Sprintf(field, arguments), name, nodes)
}

// pageVariables declares the variables of the connections of an operation.
func pageVariables(names ...string) string {
	declared := "$first: Int!"
	for _, name := range names {
		declared += fmt.Sprintf(", $%sAfter: String, $%sMore: Boolean!", name, name)
	}
	return declared
}

// askAll asks one operation, page by page, until all its connections are complete. lists finds them in an answer, by the
// names that their variables have.
func askAll[A any](
	ctx context.Context, p *pinned, query string, variables map[string]any, lists func(*A) map[string]list,
) (*A, error) {
	answer := new(A)
	all := map[string]any{"first": pageSize}
	for name, value := range variables {
		all[name] = value
	}
	for {
		left := false
		for name, list := range lists(answer) {
			cursor, more := list.more()
			if before, again := all[name+"After"].(*string); again && more && before != nil && cursor != nil && *before == *cursor {
				return nil, fmt.Errorf("%s repeats a page", p.name)
			}
			all[name+"After"], all[name+"More"] = cursor, more
			left = left || more
		}
		if !left {
			return answer, nil
		}
		if err := p.ask(ctx, query, all, answer); err != nil {
			return nil, err
		}
	}
}

// inProcess answers requests by a handler, without a network.
type inProcess struct{ handler http.Handler }

// RoundTrip runs the handler to its end.
func (t inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Host = request.URL.Host
	request.RequestURI = request.URL.RequestURI()
	request.RemoteAddr = "127.0.0.1:0"
	if request.Body == nil {
		request.Body = http.NoBody
	}
	answer := &kept{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(answer, request)
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", answer.status, http.StatusText(answer.status)),
		StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header, Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: request,
	}, nil
}

// kept is a response held in memory.
type kept struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) {
	if !k.wrote {
		k.status, k.wrote = status, true
	}
}

func (k *kept) Write(p []byte) (int, error) {
	k.WriteHeader(k.status)
	return k.body.Write(p)
}

// Flush does nothing: the whole answer is handed over at its end.
func (k *kept) Flush() {}

// clone copies a list so that an absent one is an empty one: JSON lists are never null.
func clone[T any](list []T) []T { return append(make([]T, 0, len(list)), slices.Clip(list)...) }
