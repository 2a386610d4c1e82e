package githubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

type object = map[string]any

// Call is one request that was answered.
type Call struct {
	// Endpoint is method and path as GitHub's documentation writes them ("GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
	// "POST /graphql"), or "" for what there is not.
	Endpoint string
	URL      string // path and query, as asked
	Body     string // of the request
	Status   int
	Cost     int // of the budget: 0 for what was not modified
	Who      string
	At       time.Time
}

// Calls are requests in the order in which they were answered.
type Calls []Call

// Calls are all requests since the start or [GitHub.ForgetCalls].
func (g *GitHub) Calls() Calls {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(Calls{}, g.calls...)
}

// ForgetCalls begins to count anew.
func (g *GitHub) ForgetCalls() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = nil
}

// Tally is how often an endpoint was asked, and how often it answered 304.
type Tally struct{ Total, NotModified int }

// ByEndpoint counts.
func (c Calls) ByEndpoint() map[string]Tally {
	counts := make(map[string]Tally)
	for _, call := range c {
		tally := counts[call.Endpoint]
		tally.Total++
		if call.Status == http.StatusNotModified {
			tally.NotModified++
		}
		counts[call.Endpoint] = tally
	}
	return counts
}

// Of are the calls of one endpoint.
func (c Calls) Of(endpoint string) (of Calls) {
	for _, call := range c {
		if call.Endpoint == endpoint {
			of = append(of, call)
		}
	}
	return of
}

// Paid is how many calls cost budget.
func (c Calls) Paid() (n int) {
	for _, call := range c {
		if call.Cost > 0 {
			n++
		}
	}
	return n
}

// call is one request on its way.
type call struct {
	*GitHub
	r        *http.Request
	body     []byte
	who      *principal
	base     string // the address of the REST API, without a slash at its end
	resource string // whose budget it costs
	cost     int
}

// reply is an answer that is to be written.
type reply struct {
	status int
	body   any // of JSON; nil = none
	raw    []byte
	header http.Header
}

func ok(body any) *reply { return &reply{status: http.StatusOK, body: body, header: http.Header{}} }

func created(body any) *reply {
	return &reply{status: http.StatusCreated, body: body, header: http.Header{}}
}

func empty() *reply { return &reply{status: http.StatusNoContent, header: http.Header{}} }

// refuse is a refusal as GitHub writes it.
func refuse(status int, message string) *reply {
	return &reply{status: status, header: http.Header{}, body: object{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(status),
	}}
}

func notFound() *reply { return refuse(http.StatusNotFound, "Not Found") }

func (a *reply) bytes() []byte {
	if a.raw == nil && a.body != nil {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(a.body) // maps, lists and plain values
		a.raw = bytes.TrimSpace(text.Bytes())
	}
	return a.raw
}

func (a *reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	text := a.bytes()
	if w.Header().Get("Content-Type") == "" && len(text) > 0 {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(text)
}

// answerer answers the requests of one endpoint, with the state locked.
type answerer func(c *call) *reply

// maxBody bounds the body of a request.
const maxBody = 32 << 20

// serve does for an endpoint what is the same for all.
func (g *GitHub) serve(endpoint, base string, answer answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			refuse(http.StatusRequestEntityTooLarge, "The request is too large").write(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c := &call{GitHub: g, r: r, body: body, base: base, who: &principal{}, resource: "core"}
		if strings.HasSuffix(endpoint, "/graphql") {
			c.resource = "graphql"
		}
		if strings.HasPrefix(r.URL.Path, "/search/") {
			c.resource = "search"
		}
		var next http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.settle(answer).write(w) })
		if fail := g.failure(endpoint, r); fail != nil {
			next = fail(next)
		}
		seen := &statusWriter{ResponseWriter: w}
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.calls = append(g.calls, Call{
				Endpoint: endpoint, URL: r.URL.RequestURI(), Body: string(body), Status: seen.status, Cost: c.cost,
				Who: c.who.name(), At: g.now(),
			})
		}()
		next.ServeHTTP(seen, r)
	})
}

// settle identifies, counts, answers and compares with what the client has.
func (c *call) settle(answer answerer) *reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	who, no := c.identify(c.r)
	if no != nil {
		return no
	}
	c.who = who
	free := c.r.URL.Path == "/rate_limit"
	b := c.budgetOf(who, c.resource)
	if !free && b.remaining() == 0 && c.resource != "graphql" {
		no := who.exhausted()
		b.tell(no.header, c.resource)
		return no
	}
	if no := c.paced(who, c.r); no != nil {
		b.tell(no.header, c.resource)
		return no
	}
	if c.resource != "graphql" && !free {
		c.cost = 1
	}
	a := answer(c)
	if c.r.Method == http.MethodGet && a.status == http.StatusOK && !free {
		// As at GitHub, an ETag holds for the token that got it.
		digest := sha256.Sum256(append(a.bytes(), c.r.Header.Get("Authorization")+c.r.Header.Get("Accept")...))
		tag := fmt.Sprintf("%x", digest)
		a.header.Set("ETag", `W/"`+tag+`"`)
		a.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
		a.header.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With")
		if strings.Contains(c.r.Header.Get("If-None-Match"), `"`+tag+`"`) {
			c.cost = 0
			a = &reply{status: http.StatusNotModified, header: a.header}
		}
	}
	b.used += c.cost
	b.tell(a.header, c.resource)
	a.header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	a.header.Set("Date", c.now().UTC().Format(http.TimeFormat))
	a.header.Set("X-GitHub-Request-Id", fmt.Sprintf("F4CE:%06X", len(c.calls)+1))
	return a
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}
