package connect

import "context"

// Cache keeps ETags and what is needed of the answers that had them, within a bound.
type Cache struct{}

// Export gives all that is kept, the same bytes for the same content, sorted so that a small change changes few of them.
func (c *Cache) Export() []byte { return nil }

// Import replaces all that is kept by what was exported. What cannot be read is nothing kept.
func (c *Cache) Import(exported []byte) {}

// FromCache is the header of an answer that GitHub did not send again, since nothing changed.
const FromCache = "X-From-Cache"

// Keep marks the GET requests of a context as conditional: what reduce makes of a body (nil = the body as it is) is kept
// beside its ETag, and is the body of the answer, now and whenever GitHub says that nothing changed. An answer out of the cache has
// status 200 and the header [FromCache]: "1".
//
// GitHub's ETag covers the body and not the Link header: a page of a list that did not change may have got a next page
// since. So whoever reads pages asks for another one after each that is full, whatever its Link says.
func Keep(ctx context.Context, reduce func(body []byte) ([]byte, error)) context.Context {
	return context.WithValue(ctx, keepKey{}, keep{reduce})
}

type keepKey struct{}

type keep struct {
	reduce func([]byte) ([]byte, error)
}
