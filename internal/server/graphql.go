package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/sync/semaphore"

	"github.com/orrery-catalog/orrery/schema/resolve"
)

const (
	maxBodyBytes = 256 << 10
	// costInFlight bounds what all operations together may be computing at one time, so that many large questions wait for
	// each other instead of filling the memory.
	costInFlight = 2_000_000
	// maxUnread bounds the bytes of answers that their clients are slow to take; smallAnswer is the size up to which an
	// answer is not counted, so that lookups go on meanwhile.
	maxUnread   = 128 << 20
	smallAnswer = 64 << 10
)

// maxErrors is how many mistakes of one document are told.
const maxErrors = 20

// The media types of answers, as the GraphQL-over-HTTP draft names them.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
)

// graphQL speaks GraphQL over HTTP as the draft says: GET for queries, POST with a JSON body for everything. A request
// that is not well-formed, or whose document is refused, gets a status of 4xx; with the older media type the latter is 200.
type graphQL struct {
	exec    *executor.Executor
	metrics *metrics
	flight  *semaphore.Weighted
	unread  *semaphore.Weighted
}

func newGraphQL(config Config, m *metrics) *graphQL {
	return &graphQL{
		exec: resolve.NewExecutor(resolve.Config{
			Snapshots: config.Snapshots, Past: config.Past, Live: config.Live, Log: config.Log, Limits: config.Limits,
		}),
		metrics: m,
		flight:  semaphore.NewWeighted(costInFlight),
		unread:  semaphore.NewWeighted(maxUnread),
	}
}

func (g *graphQL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		g.refuse(w, mediaJSON, http.StatusMethodNotAllowed, "use GET or POST")
		return
	}
	if r.Method == http.MethodGet && r.URL.RawQuery == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/graphiql", http.StatusSeeOther) // somebody opened the address in a browser
		return
	}
	media, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		g.refuse(w, mediaJSON, http.StatusNotAcceptable, "answers are "+mediaGraphQL+" or "+mediaJSON)
		return
	}
	params, status, err := readParams(w, r)
	if err != nil {
		g.refuse(w, media, status, err.Error())
		return
	}
	params.ReadTime.End = graphql.Now()
	g.answer(w, r, media, params)
}

func (g *graphQL) answer(w http.ResponseWriter, r *http.Request, media string, params *graphql.RawParams) {
	ctx := graphql.StartOperationTrace(r.Context())
	defer func() {
		if value := recover(); value != nil { // resolvers recover for themselves; this is for what surrounds them
			var shown *gqlerror.Error
			errors.As(g.exec.PresentRecoveredError(ctx, value), &shown)
			g.write(w, media, http.StatusInternalServerError, &graphql.Response{Errors: gqlerror.List{shown}})
		}
	}()
	operation, refused := g.exec.CreateOperationContext(ctx, params)
	if refused != nil {
		status := http.StatusBadRequest
		if media == mediaJSON {
			status = http.StatusOK
		}
		refused = refused[:min(len(refused), maxErrors)]
		g.write(w, media, status, g.exec.DispatchError(graphql.WithOperationContext(ctx, operation), refused))
		return
	}
	if r.Method == http.MethodGet && operation.Operation.Operation != ast.Query {
		w.Header().Set("Allow", http.MethodPost)
		g.refuse(w, media, http.StatusMethodNotAllowed, "GET only answers queries: use POST")
		return
	}
	response := g.execute(ctx, operation)
	if response == nil {
		return // the client has gone
	}
	status := http.StatusOK
	if response.Data == nil && hasCode(response.Errors, resolve.CodeUnavailable) {
		w.Header().Set("Retry-After", "1")
		status = http.StatusServiceUnavailable
	}
	g.write(w, media, status, response)
}

// execute waits for its turn and computes the answer; nil when the client has gone.
func (g *graphQL) execute(ctx context.Context, operation *graphql.OperationContext) *graphql.Response {
	cost := min(int64(resolve.Cost(operation)), costInFlight)
	if g.flight.Acquire(ctx, cost) != nil {
		return nil
	}
	defer g.flight.Release(cost)
	start := time.Now()
	responses, ctx := g.exec.DispatchOperation(ctx, operation)
	response := responses(ctx)
	g.metrics.operations.Observe(time.Since(start).Seconds())
	g.metrics.costs.Observe(float64(cost))
	return response
}

// refuse answers a request that is no GraphQL request.
func (g *graphQL) refuse(w http.ResponseWriter, media string, status int, message string) {
	err := &gqlerror.Error{Message: message, Extensions: map[string]any{"code": resolve.CodeBadInput}}
	g.write(w, media, status, &graphql.Response{Errors: gqlerror.List{err}})
}

func (g *graphQL) write(w http.ResponseWriter, media string, status int, response *graphql.Response) {
	for _, err := range response.Errors {
		code, _ := err.Extensions["code"].(string)
		g.metrics.failures.WithLabelValues(code).Inc()
	}
	body, err := encode(response)
	if err != nil { // cannot be: data was encoded before, the rest are texts and numbers
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	if size := int64(len(body)); size > smallAnswer {
		if !g.unread.TryAcquire(min(size, maxUnread)) {
			w.Header().Set("Retry-After", "1")
			g.write(w, media, http.StatusServiceUnavailable, &graphql.Response{Errors: gqlerror.List{{
				Message:    "too many answers wait for clients that do not read them: try again",
				Extensions: map[string]any{"code": resolve.CodeUnavailable},
			}}})
			return
		}
		defer g.unread.Release(min(size, maxUnread))
	}
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// encode writes the data as it is, which json.Marshal would scan once more.
func encode(response *graphql.Response) ([]byte, error) {
	var body bytes.Buffer
	body.WriteByte('{')
	if len(response.Errors) > 0 {
		text, err := json.Marshal(response.Errors)
		if err != nil {
			return nil, err
		}
		body.WriteString(`"errors":`)
		body.Write(text)
	}
	if response.Data != nil {
		if body.Len() > 1 {
			body.WriteByte(',')
		}
		body.WriteString(`"data":`)
		body.Write(response.Data)
	}
	if len(response.Extensions) > 0 {
		text, err := json.Marshal(response.Extensions)
		if err != nil {
			return nil, err
		}
		if body.Len() > 1 {
			body.WriteByte(',')
		}
		body.WriteString(`"extensions":`)
		body.Write(text)
	}
	body.WriteString("}\n")
	if !utf8.Valid(body.Bytes()) { // a file name that is no UTF-8
		return bytes.ToValidUTF8(body.Bytes(), []byte("\uFFFD")), nil
	}
	return body.Bytes(), nil
}

func hasCode(errs gqlerror.List, code string) bool {
	for _, err := range errs {
		if err.Extensions["code"] == code {
			return true
		}
	}
	return false
}

// readParams reads the parameters of a request; the status says what is wrong with it.
func readParams(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, int, error) {
	params := &graphql.RawParams{Headers: r.Header}
	params.ReadTime.Start = graphql.Now()
	var err error
	if r.Method == http.MethodGet {
		err = readQuery(r, params)
	} else {
		media, options, mediaErr := mime.ParseMediaType(r.Header.Get("Content-Type"))
		charset, stated := options["charset"]
		if mediaErr != nil || media != mediaJSON || stated && !strings.EqualFold(charset, "utf-8") {
			return nil, http.StatusUnsupportedMediaType, errors.New("the Content-Type must be " + mediaJSON)
		}
		err = readBody(http.MaxBytesReader(w, r.Body, maxBodyBytes), params)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, errors.New("the body is larger than 256 KiB")
	case err != nil:
		return nil, http.StatusBadRequest, err
	case params.Query == "":
		return nil, http.StatusBadRequest, errors.New("there is no query")
	}
	return params, 0, nil
}

func readQuery(r *http.Request, params *graphql.RawParams) error {
	query := r.URL.Query()
	params.Query, params.OperationName = query.Get("query"), query.Get("operationName")
	if !utf8.ValidString(params.Query) {
		return errors.New("the query is not UTF-8")
	}
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if text := query.Get(name); text != "" {
			if err := decode(strings.NewReader(text), into); err != nil {
				return errors.New(name + " is not a JSON object")
			}
		}
	}
	return nil
}

func readBody(body io.Reader, params *graphql.RawParams) error {
	var sent struct {
		Query         *string        `json:"query"`
		OperationName *string        `json:"operationName"`
		Variables     map[string]any `json:"variables"`
		Extensions    map[string]any `json:"extensions"`
	}
	if err := decode(body, &sent); err != nil {
		var (
			mistyped *json.UnmarshalTypeError
			tooLarge *http.MaxBytesError
		)
		switch {
		case errors.As(err, &tooLarge):
			return err
		case errors.As(err, &mistyped) && mistyped.Field != "":
			return errors.New(mistyped.Field + " must not be a JSON " + mistyped.Value)
		}
		return errors.New("the body is not a JSON object with a query")
	}
	if sent.Query != nil {
		params.Query = *sent.Query
	}
	if sent.OperationName != nil {
		params.OperationName = *sent.OperationName
	}
	params.Variables, params.Extensions = sent.Variables, sent.Extensions
	return nil
}

// decode reads exactly one JSON value.
func decode(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("there is something behind the JSON value")
		}
		return err
	}
	return nil
}
