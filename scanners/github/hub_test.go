package github_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// hub is a GitHub with a clock that tests set forward.
type hub struct {
	*githubtest.GitHub
	token string

	mu    sync.Mutex
	ahead time.Duration
}

func newHub(t testing.TB) *hub {
	t.Helper()
	h := new(hub)
	h.GitHub = githubtest.New(githubtest.Options{Now: h.time})
	h.token = h.Token("orrery")
	return h
}

func (h *hub) time() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.ahead)
}

// pass lets time pass.
func (h *hub) pass(by time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead += by
}

// member makes the token that of a member of an organisation, who sees what is private.
func (h *hub) member(organization string) *githubtest.Account {
	o := h.AddOrganization(organization)
	o.AddMember(h.Account("orrery"), "admin")
	return o
}

func (h *hub) connect(t testing.TB, change ...func(*connect.Config)) *connect.Connection {
	t.Helper()
	config := connect.Config{Transport: h.GitHub, Token: h.token, Now: h.time}
	for _, change := range change {
		change(&config)
	}
	connection, err := connect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return connection
}

func (h *hub) scanner(t testing.TB, change ...func(*github.Config)) *github.Scanner {
	t.Helper()
	config := github.Config{Connection: h.connect(t), Organizations: []string{"acme"}, Now: h.time}
	for _, change := range change {
		change(&config)
	}
	s, err := github.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// component is a catalog file that describes one.
func component(name string, more ...string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
		"\nspec:\n  type: service\n  lifecycle: production\n  owner: payments\n" + strings.Join(more, "")
}

// location is a catalog file that names others.
func location(name string, targets ...string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: " + name + "\nspec:\n  targets:\n    - " +
		strings.Join(targets, "\n    - ") + "\n"
}

// receiver keeps what scans report, as whoever commits them does.
type receiver struct {
	held  map[string]scanners.Scope
	stale map[string]bool // what of it could not be read, and was not since
	state []byte

	mu       sync.Mutex
	reported map[string]scanners.Scope // by the last scan
	twice    []string
}

func newReceiver() *receiver {
	return &receiver{held: make(map[string]scanners.Scope), stale: make(map[string]bool)}
}

// Report implements scanners.Sink.
func (r *receiver) Report(ctx context.Context, scope scanners.Scope) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.reported[scope.Name]; again {
		r.twice = append(r.twice, scope.Name)
	}
	slices.SortFunc(scope.Documents, func(a, b *catalog.Document) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	r.reported[scope.Name] = scope
	return context.Cause(ctx)
}

// Said implements scanners.Memory.
func (r *receiver) Said(scope string) []string {
	var refs []string
	for _, document := range r.held[scope].Documents {
		for _, claim := range document.Claims {
			refs = append(refs, string(claim.Subject.Ref))
		}
	}
	return refs
}

// Scopes implements scanners.Memory.
func (r *receiver) Scopes() []string { return slices.Sorted(maps.Keys(r.held)) }

// above is what was reported about a scope that was not reported itself: of the nearest folder around it.
func (r *receiver) above(name string) (scanners.Scope, bool) {
	for at := strings.TrimSuffix(name, "/"); ; {
		slash := strings.LastIndexByte(at, '/')
		if slash < 0 {
			return scanners.Scope{}, false
		}
		if scope, told := r.reported[at[:slash+1]]; told {
			return scope, true
		}
		at = at[:slash]
	}
}

// scan takes a scan of everything, or of parts. After an error it is as before.
func (r *receiver) scan(ctx context.Context, s *github.Scanner, parts ...string) error {
	r.reported, r.twice = make(map[string]scanners.Scope), nil
	var state []byte
	var err error
	if len(parts) == 0 {
		state, err = s.Scan(ctx, r.state, r)
	} else {
		state, err = s.ScanParts(ctx, r.state, parts, r)
	}
	if err != nil {
		return err
	}
	if len(r.twice) > 0 {
		return fmt.Errorf("reported twice: %q", r.twice)
	}
	r.state = state
	for name := range r.held {
		if _, told := r.reported[name]; told {
			continue
		}
		asked := len(parts) == 0 || slices.ContainsFunc(parts, func(part string) bool {
			return part == name || strings.HasSuffix(part, "/") && strings.HasPrefix(name, part)
		})
		if folder, told := r.above(name); told && folder.State != scanners.Read || !asked {
			r.stale[name] = r.stale[name] || told && folder.State == scanners.Unreadable
			continue
		}
		delete(r.held, name)
	}
	for name, scope := range r.reported {
		switch scope.State {
		case scanners.Unchanged:
		case scanners.Unreadable:
			r.stale[name] = true
		case scanners.Read, scanners.Partly, scanners.Gone:
			r.stale[name] = false
			if r.held[name] = scope; len(scope.Documents) == 0 {
				delete(r.held, name)
			}
		}
	}
	return nil
}

func (r *receiver) must(t testing.TB, s *github.Scanner, parts ...string) {
	t.Helper()
	if err := r.scan(t.Context(), s, parts...); err != nil {
		t.Fatalf("scan of %q: %v", parts, err)
	}
}

// refs are the entities that are described.
func (r *receiver) refs() []string {
	found := map[string]bool{}
	for name := range r.held {
		for _, ref := range r.Said(name) {
			found[ref] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// states lists what the last scan reported in other states than Unchanged and Read.
func (r *receiver) unread() map[string]string {
	errs := map[string]string{}
	for name, scope := range r.reported {
		if scope.Error != "" {
			errs[name] = scope.Error
		}
	}
	return errs
}
