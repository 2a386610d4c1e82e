package githubtest

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// GitHub is a whole GitHub. Its REST API is at "/" as at api.github.com, and at "/api/v3" as on GitHub Enterprise Server;
// GraphQL at "/graphql" and "/api/graphql". All methods may be called at any time from any goroutine, also while it answers.
type GitHub struct {
	Limits Limits // changed before the first request, later by [GitHub.Limit]

	now     func() time.Time
	host    string
	schema  *ast.Schema
	handler http.Handler

	mu           sync.Mutex
	lastID       int64
	accounts     map[string]*Account // by login in lower case
	repositories map[int64]*Repository
	byName       map[string]*Repository // by full name in lower case
	moved        map[string]int64       // names that repositories had, in lower case
	tokens       map[string]*principal
	apps         map[int64]*App
	hooks        []*Hook
	faults       []*Fault
	calls        []Call
	budgets      map[budgetKey]*budget
	pace         map[paceKey]*pace
	noGraphQL    int // the status that GraphQL answers; 0 = it answers
	open         bool
}

// Options say what may differ; the zero value is github.com, now.
type Options struct {
	Now    func() time.Time // time.Now without
	Host   string           // of the web pages that answers link to: "github.com" without
	Schema *ast.Schema      // GitHub's own of GraphQL: with it, each query is validated before it is answered
	// Open answers those without a token as if they might see everything, and without limits of their own.
	Open bool
}

// Limits are those of GitHub, which tests set lower.
type Limits struct {
	Core       int // REST requests an hour and token; for those without a token Anonymous
	GraphQL    int // points an hour and token
	Search     int // searches a minute and token
	Anonymous  int
	PointsAt   int           // REST points a minute (a GET 1, a change 5) before the secondary limit; 0 = no such limit
	Batch      int           // root fields of a GraphQL query above which it ends in a 502; 0 = no such limit
	Resources  int           // root fields of a GraphQL query that are answered, others are RESOURCE_LIMITS_EXCEEDED; 0 = no such limit
	TreeItems  int           // of a recursive tree before it is truncated
	Nodes      int           // that one GraphQL query may ask for
	TokenLives time.Duration // of an installation's token
}

// New is a GitHub without anybody.
func New(o Options) *GitHub {
	g := &GitHub{
		Limits: Limits{
			Core: 5000, GraphQL: 5000, Search: 30, Anonymous: 60, TreeItems: 100_000, Nodes: 500_000, TokenLives: time.Hour,
		},
		now: o.Now, host: cmp.Or(o.Host, "github.com"), schema: o.Schema, open: o.Open,
		accounts: map[string]*Account{}, repositories: map[int64]*Repository{}, byName: map[string]*Repository{},
		moved: map[string]int64{}, tokens: map[string]*principal{}, apps: map[int64]*App{},
		budgets: map[budgetKey]*budget{}, pace: map[paceKey]*pace{}, lastID: 1000,
	}
	if g.now == nil {
		g.now = time.Now
	}
	g.handler = g.routes()
	return g
}

// ServeHTTP answers one request.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }

// Start serves on loopback until the test ends, and returns the address ("http://127.0.0.1:…"), which is that of REST.
func (g *GitHub) Start(t testing.TB) (url string) {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server.URL
}

// Serve answers on the listener until the context ends.
func (g *GitHub) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Limit changes the limits, also while it answers.
func (g *GitHub) Limit(change func(*Limits)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.Limits)
}

// id is a number that nothing else has.
func (g *GitHub) id() int64 {
	g.lastID++
	return g.lastID
}

// stamp is the time as answers write it, to the second.
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// nodeID is the id that GraphQL uses, made as GitHub makes it: a prefix of the type, and numbers in MessagePack.
func nodeID(prefix string, numbers ...int64) string {
	packed := []byte{0x91 + byte(len(numbers)), 0}
	for _, n := range numbers {
		packed = binary.BigEndian.AppendUint32(append(packed, 0xce), uint32(n)) //nolint:gosec // our ids are small
	}
	return prefix + "_" + base64.RawURLEncoding.EncodeToString(packed)
}

// nodeNumbers are the prefix and the numbers in an id that nodeID made, nothing in another one.
func nodeNumbers(id string) (prefix string, numbers []int64) {
	prefix, text, _ := strings.Cut(id, "_")
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(packed) < 2 {
		return "", nil
	}
	for packed = packed[2:]; len(packed) >= 5; packed = packed[5:] {
		numbers = append(numbers, int64(binary.BigEndian.Uint32(packed[1:])))
	}
	return prefix, numbers
}

func lower(name string) string { return strings.ToLower(name) }
