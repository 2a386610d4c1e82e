package resolve

import (
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxAnswerBytes bounds the data of one answer. Its cost counts values, and a text may be as long as the file it is from.
const maxAnswerBytes = 32 << 20

// answerLength is what is left of maxAnswerBytes for one answer. An answer is written out by one goroutine.
type answerLength struct{ left int }

type lengthKey struct{}

// boundAnswer gives an operation its length, boundField counts what each root field writes, and tellTooLong puts an error
// in place of an answer that was broken off.
func boundAnswer(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(context.WithValue(ctx, lengthKey{}, &answerLength{left: maxAnswerBytes}))
}

func boundField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	value := next(ctx)
	length, ok := ctx.Value(lengthKey{}).(*answerLength)
	if !ok || value == nil || value == graphql.Null || value == graphql.RequiredNull {
		return value
	}
	return boundValue{value, length}
}

func tellTooLong(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if length, ok := ctx.Value(lengthKey{}).(*answerLength); ok && length.left < 0 && response != nil {
		return tooLongAnswer()
	}
	return response
}

func tooLongAnswer() *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{tooComplex(
		"the answer is longer than %d bytes: ask for fewer fields or smaller pages", maxAnswerBytes)}}
}

type boundValue struct {
	graphql.Marshaler
	length *answerLength
}

// tooLong breaks off the writing of an answer.
type tooLong struct{}

func (v boundValue) MarshalGQL(w io.Writer) {
	defer func() {
		if r := recover(); r != nil && r != (tooLong{}) {
			panic(r)
		}
	}()
	v.Marshaler.MarshalGQL(boundWriter{w, v.length})
}

type boundWriter struct {
	w      io.Writer
	length *answerLength
}

func (b boundWriter) Write(p []byte) (int, error) {
	b.take(len(p))
	return b.w.Write(p)
}

// WriteString spares a copy of every text.
func (b boundWriter) WriteString(s string) (int, error) {
	b.take(len(s))
	return io.WriteString(b.w, s)
}

func (b boundWriter) take(n int) {
	if b.length.left -= n; b.length.left < 0 {
		panic(tooLong{})
	}
}
