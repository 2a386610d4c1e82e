package connect

import (
	"container/list"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

const (
	cacheBytes  = 16 << 20 // of all that is kept
	keptBytes   = 1 << 20  // of one answer
	keptPerItem = 200      // of memory beside the bytes of an answer
)

// FromCache is the header of an answer that GitHub did not send again, since nothing changed.
const FromCache = "X-From-Cache"

// Keep marks the GET requests of a context as conditional: what reduce makes of a body (nil = the body as it is) is kept
// beside its ETag, and is the body of the answer, now and whenever GitHub says that nothing changed, which costs none of its
// limit. An answer out of the cache has status 200 and the header [FromCache]: "1".
//
// GitHub's ETag covers the body and not the Link header: a page of a list that did not change may have got a next page
// since. So whoever reads pages asks for another one after each that is full, whatever its Link says. It also covers the token:
// after that of an installation was renewed, each page is sent whole once more.
func Keep(ctx context.Context, reduce func(body []byte) ([]byte, error)) context.Context {
	return context.WithValue(ctx, keepKey{}, keep{reduce})
}

type keepKey struct{}

type keep struct {
	reduce func([]byte) ([]byte, error)
}

// Cache keeps ETags and what is needed of the answers that had them: at most 16 MiB, those that were asked for last.
type Cache struct {
	mu    sync.Mutex
	kept  map[string]*list.Element // by URL; values are *kept
	order list.List                // the one asked for last comes first
	bytes int
}

// kept is one answer. The numbers are the stored format.
type kept struct {
	_    struct{} `cbor:",toarray"`
	URL  string
	ETag string
	Link string
	Body []byte
}

func (k *kept) size() int { return len(k.URL) + len(k.ETag) + len(k.Link) + len(k.Body) + keptPerItem }

// Export gives all that is kept, the same bytes for the same content, sorted so that a small change changes few of them.
func (c *Cache) Export() []byte {
	c.mu.Lock()
	all := make([]*kept, 0, len(c.kept))
	for _, at := range c.kept {
		all = append(all, at.Value.(*kept)) // never changed once it is in
	}
	c.mu.Unlock()
	slices.SortFunc(all, func(a, b *kept) int { return strings.Compare(a.URL, b.URL) })
	exported, err := cbor.Marshal(all)
	if err != nil {
		return nil // not with strings and bytes
	}
	return exported
}

// Import replaces all that is kept by what was exported. What cannot be read is nothing kept.
func (c *Cache) Import(exported []byte) {
	var all []*kept
	if cbor.Unmarshal(exported, &all) != nil {
		all = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept, c.bytes = map[string]*list.Element{}, 0
	c.order.Init()
	for _, one := range all {
		if one != nil && one.URL != "" && one.ETag != "" {
			c.put(one)
		}
	}
}

func (c *Cache) get(url string) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.kept[url]
	if at == nil {
		return nil
	}
	c.order.MoveToFront(at)
	return at.Value.(*kept)
}

// put keeps an answer and lets go of those that were not asked for longest; under the lock.
func (c *Cache) put(one *kept) {
	c.drop(c.kept[one.URL])
	if len(one.Body) > keptBytes {
		return
	}
	if c.kept == nil {
		c.kept = map[string]*list.Element{}
	}
	c.kept[one.URL] = c.order.PushFront(one)
	c.bytes += one.size()
	for c.bytes > cacheBytes {
		c.drop(c.order.Back())
	}
}

func (c *Cache) drop(at *list.Element) {
	if at == nil {
		return
	}
	one := c.order.Remove(at).(*kept)
	delete(c.kept, one.URL)
	c.bytes -= one.size()
}

// conditional asks only for what changed, where the context says so.
type conditional struct {
	cache *Cache
	next  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t conditional) RoundTrip(request *http.Request) (*http.Response, error) {
	keep, ok := request.Context().Value(keepKey{}).(keep)
	if !ok || request.Method != http.MethodGet || request.Header.Get("If-None-Match") != "" {
		return t.next.RoundTrip(request)
	}
	url := request.URL.String()
	known := t.cache.get(url)
	if known != nil {
		request = request.Clone(request.Context())
		request.Header.Set("If-None-Match", known.ETag)
	}
	answer, err := t.next.RoundTrip(request)
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusNotModified && known != nil:
		answer.StatusCode, answer.Status = http.StatusOK, "200 OK"
		answer.Header.Set(FromCache, "1")
		if answer.Header.Get("Link") == "" && known.Link != "" {
			answer.Header.Set("Link", known.Link)
		}
		setBody(answer, known.Body)
		answer.Header.Set("Content-Length", strconv.Itoa(len(known.Body)))
		return answer, nil
	case answer.StatusCode != http.StatusOK:
		return answer, nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if keep.reduce != nil {
		if body, err = keep.reduce(body); err != nil {
			return nil, fmt.Errorf("GitHub's answer cannot be read: %w", err)
		}
	}
	setBody(answer, body)
	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
	t.cache.mu.Lock()
	defer t.cache.mu.Unlock()
	if etag := answer.Header.Get("ETag"); etag != "" {
		t.cache.put(&kept{URL: url, ETag: etag, Link: answer.Header.Get("Link"), Body: body})
	} else {
		t.cache.drop(t.cache.kept[url])
	}
	return answer, nil
}
