package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/sync/semaphore"

	"github.com/orrery-catalog/orrery/internal/tracing"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

const (
	maxBodyBytes = 256 << 10
	// costInFlight bounds what all operations together may be computing at one time, so that many large questions wait for
	// each other instead of filling the memory.
	costInFlight = 2_000_000
	// momentsInFlight is how many past states all operations together may be about at one time. Each is a whole graph in
	// memory, and it may take seconds to make one: who asks about the past waits in a line of its own, so that the present is
	// answered meanwhile.
	momentsInFlight = 4
	// mutationsInFlight is how many mutations may run or wait at one time. Each may take as long as a scan.
	mutationsInFlight = 16
)

// maxErrors is how many mistakes of one document are told.
const maxErrors = 20

// The media types of answers, as the GraphQL-over-HTTP draft names them.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
	mediaEvents  = "text/event-stream"
)

// graphQL speaks GraphQL over HTTP as the draft says: GET for queries, POST with a JSON body for everything. A request
// that is not well-formed, or whose document is refused, gets a status of 4xx; with the older media type the latter is 200.
// Subscriptions are answered by events, or over a WebSocket.
type graphQL struct {
	exec      *executor.Executor
	metrics   *metrics
	flight    *semaphore.Weighted
	moments   *semaphore.Weighted
	mutations *semaphore.Weighted
	unread    unread
	turnstile *turnstile
}

func newGraphQL(config Config, m *metrics) *graphQL {
	if config.Past != nil {
		config.Past = measuredPast{config.Past, m.past}
	}
	return &graphQL{
		exec: resolve.NewExecutor(resolve.Config{
			Snapshots: config.Snapshots, Past: config.Past, Live: config.Live, Freshness: config.Freshness, Health: config.Health,
			Log: config.Log, Limits: config.Limits,
		}),
		metrics:   m,
		flight:    semaphore.NewWeighted(costInFlight),
		moments:   semaphore.NewWeighted(momentsInFlight),
		mutations: semaphore.NewWeighted(mutationsInFlight),
		unread:    newUnread(),
		turnstile: &turnstile{limits: config.Streams.orDefaults(), byClient: make(map[string]int)},
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
	accepted := negotiate(r.Header.Values("Accept"))
	if accepted.media == "" && !accepted.events {
		g.refuse(w, mediaJSON, http.StatusNotAcceptable, "answers are "+mediaGraphQL+", "+mediaJSON+" or "+mediaEvents)
		return
	}
	params, status, err := readParams(w, r)
	if err != nil {
		g.refuse(w, cmp.Or(accepted.media, mediaJSON), status, err.Error())
		return
	}
	params.ReadTime.End = graphql.Now()
	g.answer(w, r, accepted, params)
}

func (g *graphQL) answer(w http.ResponseWriter, r *http.Request, accepted accepted, params *graphql.RawParams) {
	ctx := graphql.StartOperationTrace(r.Context())
	defer func() {
		if value := recover(); value != nil { // resolvers recover for themselves; this is for what surrounds them
			g.respond(w, accepted, http.StatusInternalServerError, g.panicked(ctx, value))
		}
	}()
	operation, refused := g.prepare(ctx, params)
	if refused != nil {
		status := http.StatusBadRequest
		if accepted.media == mediaJSON {
			status = http.StatusOK
		}
		g.respond(w, accepted, status, refused)
		return
	}
	kind := operation.Operation.Operation
	switch {
	case kind == ast.Subscription && !accepted.events:
		g.refuse(w, accepted.media, http.StatusNotAcceptable, "subscriptions are answered by events (send the header "+
			"Accept: "+mediaEvents+") or over a WebSocket of the protocol "+subprotocol)
	case kind == ast.Subscription:
		g.streamEvents(w, r.WithContext(ctx), operation)
	case kind == ast.Mutation && r.Method == http.MethodGet:
		w.Header().Set("Allow", http.MethodPost)
		g.refuse(w, cmp.Or(accepted.media, mediaJSON), http.StatusMethodNotAllowed, "GET changes nothing: use POST")
	case kind == ast.Mutation:
		g.mutate(ctx, w, accepted, operation)
	default:
		if response := g.execute(ctx, operation); response != nil { // or the client has gone
			g.respond(w, accepted, answerStatus(w, response), response)
		}
	}
}

// prepare makes an operation ready; otherwise it says why it is refused.
func (g *graphQL) prepare(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, *graphql.Response) {
	operation, refused := g.exec.CreateOperationContext(ctx, params)
	if refused == nil {
		return operation, nil
	}
	g.metrics.operations.WithLabelValues(kindUnknown, outcomeRefused).Inc()
	refused = refused[:min(len(refused), maxErrors)]
	return nil, g.exec.DispatchError(graphql.WithOperationContext(ctx, operation), refused)
}

func (g *graphQL) panicked(ctx context.Context, value any) *graphql.Response {
	var shown *gqlerror.Error
	errors.As(g.exec.PresentRecoveredError(ctx, value), &shown)
	return &graphql.Response{Errors: gqlerror.List{shown}}
}

// execute waits for its turn and computes the answer; nil when the client has gone.
func (g *graphQL) execute(ctx context.Context, operation *graphql.OperationContext) *graphql.Response {
	if moments := int64(resolve.Moments(operation)); moments > 0 { // none would stand in that line too
		if g.moments.Acquire(ctx, moments) != nil {
			return nil
		}
		defer g.moments.Release(moments)
	}
	cost := min(int64(resolve.Cost(operation)), costInFlight)
	if g.flight.Acquire(ctx, cost) != nil {
		return nil
	}
	defer g.flight.Release(cost)
	g.metrics.flight.Add(float64(cost))
	defer g.metrics.flight.Sub(float64(cost))
	return g.dispatch(ctx, operation)
}

func (g *graphQL) dispatch(ctx context.Context, operation *graphql.OperationContext) *graphql.Response {
	start := time.Now()
	ctx, span := tracing.Begin(ctx, "graphql "+string(operation.Operation.Operation),
		attribute.String("graphql.operation.name", operation.Operation.Name))
	responses, ctx := g.exec.DispatchOperation(ctx, operation)
	response := responses(ctx)
	span.End(ofAnswer(response))
	g.metrics.answered(operation, response == nil || len(response.Errors) > 0)
	g.metrics.took(operation, time.Since(start))
	return response
}

// ofAnswer is what went wrong, if anything did.
func ofAnswer(response *graphql.Response) error {
	if response == nil || len(response.Errors) == 0 {
		return nil
	}
	return response.Errors
}

// mutate runs a mutation to its end, whether the client waits for it or not.
func (g *graphQL) mutate(ctx context.Context, w http.ResponseWriter, accepted accepted, operation *graphql.OperationContext) {
	if !g.mutations.TryAcquire(1) {
		g.tooBusy(w, accepted.media, "too many scans were asked for at one time: try again when some have ended")
		return
	}
	defer g.mutations.Release(1)
	ctx, done := beyondClient(ctx)
	defer done()
	response := g.dispatch(ctx, operation)
	if response == nil {
		return // the server has stopped
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(mutationWriteTimeout)) // it may have taken long
	g.respond(w, accepted, answerStatus(w, response), response)
}

// answerStatus is the status of an answer.
func answerStatus(w http.ResponseWriter, response *graphql.Response) int {
	if response.Data == nil && hasCode(response.Errors, resolve.CodeUnavailable) {
		w.Header().Set("Retry-After", "1")
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// respond answers in a form that the client takes.
func (g *graphQL) respond(w http.ResponseWriter, accepted accepted, status int, response *graphql.Response) {
	release, ok := g.unread.hold(response)
	defer release()
	if !ok {
		w.Header().Set("Retry-After", "1")
		status, response = http.StatusServiceUnavailable, tooManyUnread()
	}
	if accepted.media == "" {
		g.answerByEvent(w, response)
		return
	}
	g.write(w, accepted.media, status, response)
}

// tooBusy says that something is too much now.
func (g *graphQL) tooBusy(w http.ResponseWriter, media, message string) {
	w.Header().Set("Retry-After", "1")
	g.write(w, cmp.Or(media, mediaJSON), http.StatusServiceUnavailable, failure(resolve.CodeUnavailable, message))
}

// refuse answers a request that is no GraphQL request.
func (g *graphQL) refuse(w http.ResponseWriter, media string, status int, message string) {
	g.write(w, media, status, failure(resolve.CodeBadInput, message))
}

func (g *graphQL) write(w http.ResponseWriter, media string, status int, response *graphql.Response) {
	g.metrics.count(response)
	body, err := encode(response)
	if err != nil { // cannot be: data was encoded before, the rest are texts and numbers
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
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
