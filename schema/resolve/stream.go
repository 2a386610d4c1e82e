package resolve

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// eventsInFlight bounds the cost of the answers that subscriptions compute at one time: a revision is told to all
// subscribers at once.
const eventsInFlight = 500_000

// stream is one subscription. Its resolver waits until the client has taken all there was, gives an event, and waits for
// the answer to be made: what is bounded is not held for a client that reads slowly.
type stream struct {
	wanted, answered chan struct{}
	err              error // why it ended, told as the last answer; set before the events end
	ended            bool
}

type streamKey struct{}

// openStream makes the stream of a subscription.
func openStream(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	if operation.Operation.Operation != ast.Subscription {
		return next(ctx)
	}
	fields := graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Subscription"})
	if len(fields) != 1 || strings.HasPrefix(fields[0].Name, "__") {
		err := gqlerror.Errorf("a subscription has exactly one field: subscribe to others by operations of their own")
		errcode.Set(err, CodeBadInput)
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{err}})
	}
	return next(context.WithValue(ctx, streamKey{}, &stream{wanted: make(chan struct{}, 1), answered: make(chan struct{}, 1)}))
}

// startStream runs a function that sends events until it has no more, or send says that nobody wants them. The weight of
// an event is the number of its changes.
func startStream[T any](ctx context.Context, r *root, run func(send func(event T, weight int) bool) error) <-chan T {
	s := ctx.Value(streamKey{}).(*stream)
	cost := Cost(graphql.GetOperationContext(ctx))
	events := make(chan T)
	send := func(event T, weight int) bool {
		select {
		case <-s.wanted:
		case <-ctx.Done():
			return false
		}
		price := min(max(int64(cost)*int64(weight)/maxChanges, 1), eventsInFlight)
		if r.eventCosts.Acquire(ctx, price) != nil {
			return false
		}
		defer r.eventCosts.Release(price)
		select {
		case events <- event:
		case <-ctx.Done():
			return false
		}
		select {
		case <-s.answered:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(events)
		defer func() {
			if value := recover(); value != nil {
				r.log.Error().Str("panic", fmt.Sprint(value)).Bytes("stack", debug.Stack()).Msg("a subscription panicked")
				s.err = panicError{}
			}
		}()
		s.err = run(send)
	}()
	return events
}

// answerEvent tells the resolver that an event was answered, and tells why the stream ended where that was no usual end.
func (p presenter) answerEvent(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	s, ok := ctx.Value(streamKey{}).(*stream)
	if !ok {
		return next(ctx)
	}
	signal(s.wanted)
	response := next(ctx)
	switch {
	case response != nil && len(response.Data) > maxAnswerBytes:
		return tooLongAnswer()
	case response != nil:
		signal(s.answered)
	case ctx.Err() == nil && s.err != nil && !s.ended:
		s.ended = true
		return &graphql.Response{Errors: gqlerror.List{p.present(ctx, s.err)}}
	}
	return response
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
