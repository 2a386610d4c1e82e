package resolve

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/rs/zerolog"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The codes in extensions.code of an error. Every error has one.
const (
	CodeNotFound    = "NOT_FOUND"   // an entity is not in the catalog; extensions.candidates lists what may be meant
	CodeBadInput    = "BAD_INPUT"   // the question must be put otherwise; with candidates where a name fits several entities
	CodeTooComplex  = "TOO_COMPLEX" // the question asks for too much at once
	CodeUnavailable = "UNAVAILABLE" // there is no answer now; trying again later may help
	CodeConflict    = "CONFLICT"    // what was decided on has changed since: look again
	CodeReadOnly    = "READ_ONLY"   // this server only shows what others write
	CodeScanFailed  = "SCAN_FAILED" // the source could not be read; the last good data stands
	CodeCompacted   = "COMPACTED"   // what is asked for is too long ago, or of another catalog: begin anew
	CodeSlowClient  = "SLOW_CLIENT" // a subscriber reads too slowly; it may go on where it stopped
	CodeInternal    = "INTERNAL"    // a fault of ours, told in the log
)

// inputError is a mistake in an argument, worded for the person who made it.
type inputError struct{ message string }

func (e *inputError) Error() string { return e.message }

func badInput(format string, args ...any) error {
	return &inputError{fmt.Sprintf(format, args...)}
}

// scanError is why the scan of a source changed nothing.
type scanError struct {
	source string
	err    error
}

func (e *scanError) Error() string { return "scan " + e.source + ": " + e.err.Error() }

func (e *scanError) Unwrap() error { return e.err }

// panicError stands for a panic that is in the log already.
type panicError struct{}

func (panicError) Error() string { return "a panic" }

func unavailable(message string) gqlerror.List {
	err := gqlerror.Errorf("%s", message)
	errcode.Set(err, CodeUnavailable)
	return gqlerror.List{err}
}

func tooComplex(format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	errcode.Set(err, CodeTooComplex)
	return err
}

// presenter turns every error of an operation into what the asker sees.
type presenter struct{ log zerolog.Logger }

func (p presenter) recovered(ctx context.Context, value any) error {
	p.log.Error().Str("panic", fmt.Sprint(value)).Bytes("stack", debug.Stack()).Str("operation", operationName(ctx)).
		Msg("a query panicked")
	return panicError{}
}

func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	var (
		notFound  *graph.NotFoundError
		ambiguous *graph.AmbiguousError
		input     *inputError
		scan      *scanError
		noTime    *time.ParseError
	)
	switch {
	case errors.As(err, &notFound):
		show(shown, CodeNotFound, sentence(notFound.Error(), notFound.Candidates, "did you mean"), notFound.Candidates)
	case errors.As(err, &ambiguous):
		show(shown, CodeBadInput, sentence(ambiguous.Error(), ambiguous.Candidates, "write one of"), ambiguous.Candidates)
	case errors.As(err, &input):
		show(shown, CodeBadInput, input.message, nil)
	case errors.Is(err, catalog.ErrRef):
		show(shown, CodeBadInput, shown.Message, nil)
	case errors.Is(err, graph.ErrUnknownSource):
		show(shown, CodeNotFound, shown.Message, nil)
	case errors.Is(err, graph.ErrNothingHeld):
		show(shown, CodeBadInput, graph.ErrNothingHeld.Error(), nil)
	case errors.Is(err, graph.ErrHeldMoved):
		show(shown, CodeConflict, graph.ErrHeldMoved.Error()+": look at it again, and approve it by its new digest", nil)
	case errors.Is(err, graph.ErrReadOnly):
		show(shown, CodeReadOnly, "this server only shows the catalog: ask the one that scans", nil)
	case errors.Is(err, errSlowClient):
		show(shown, CodeSlowClient, errSlowClient.Error(), nil)
	case errors.Is(err, graph.ErrCompacted):
		show(shown, CodeCompacted, shown.Message, nil)
	case errors.As(err, &noTime), strings.HasSuffix(err.Error(), notEvenText):
		show(shown, CodeBadInput, "a time must be written as RFC 3339 says, for example 2026-01-31T12:00:00Z", nil)
	case errors.Is(err, graph.ErrNoRevision):
		show(shown, CodeNotFound, shown.Message, nil)
	case errors.Is(err, graph.ErrNoPast):
		show(shown, CodeBadInput, shown.Message, nil)
	case errors.Is(err, graph.ErrUnavailable), errors.Is(err, graph.ErrClosed):
		show(shown, CodeUnavailable, "the store does not answer: try again in a moment", nil)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		show(shown, CodeUnavailable, "the query ended before it was answered", nil)
	case errors.As(err, &scan):
		show(shown, CodeScanFailed, oneLine("the last good data of "+scan.source+" stands: "+scan.err.Error()), nil)
	case codeOf(shown) == errcode.ParseFailed && strings.HasPrefix(shown.Message, "exceeded token limit"):
		show(shown, CodeTooComplex, "the query is too long: it "+shown.Message, nil)
	case codeOf(shown) == errcode.ParseFailed, codeOf(shown) == errcode.ValidationFailed:
		show(shown, CodeBadInput, shown.Message, nil)
	case codeOf(shown) == CodeTooComplex, codeOf(shown) == CodeUnavailable:
	default:
		if !errors.Is(err, panicError{}) {
			p.log.Error().Err(err).Str("operation", operationName(ctx)).Msg("a query could not be answered")
		}
		show(shown, CodeInternal, "this could not be answered because of a fault in Orrery; its log says more", nil)
	}
	return shown
}

func show(shown *gqlerror.Error, code, message string, candidates []catalog.Ref) {
	shown.Message = message
	shown.Extensions = map[string]any{"code": code}
	if candidates != nil {
		shown.Extensions["candidates"] = candidates
	}
}

// notEvenText is what gqlgen says of a time that is no text: it has no type of its own for that.
const notEvenText = "time should be RFC3339Nano formatted string"

// oneLine keeps what a scanner says fit for a list.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func sentence(what string, candidates []catalog.Ref, offer string) string {
	if len(candidates) == 0 {
		return what
	}
	names := make([]string, len(candidates))
	for i, candidate := range candidates {
		names[i] = string(candidate)
	}
	return what + ": " + offer + " " + strings.Join(names, ", ")
}

func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}

func operationName(ctx context.Context) string {
	if !graphql.HasOperationContext(ctx) {
		return ""
	}
	return graphql.GetOperationContext(ctx).OperationName
}
