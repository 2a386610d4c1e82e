package server

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/sync/semaphore"

	"github.com/orrery-catalog/orrery/schema/resolve"
)

// maxUnread bounds the bytes of answers that their clients are slow to take; smallAnswer is the size up to which an
// answer is not counted, so that lookups go on meanwhile.
const (
	maxUnread   = 128 << 20
	smallAnswer = 64 << 10
)

type unread struct{ bytes *semaphore.Weighted }

func newUnread() unread { return unread{semaphore.NewWeighted(maxUnread)} }

// hold counts an answer until release is called, which there always is; false = there is no room.
func (u unread) hold(response *graphql.Response) (release func(), ok bool) {
	size := min(int64(len(response.Data)), maxUnread)
	if size <= smallAnswer {
		return func() {}, true
	}
	if !u.bytes.TryAcquire(size) {
		return func() {}, false
	}
	return func() { u.bytes.Release(size) }, true
}

func tooManyUnread() *graphql.Response {
	return failure(resolve.CodeUnavailable, "too many answers wait for clients that do not read them: try again")
}

// failure is an answer that only says what is wrong.
func failure(code, message string) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{{Message: message, Extensions: map[string]any{"code": code}}}}
}
