package onboard_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/onboard"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// hub is a GitHub with an organisation acme, read as a source reads it.
type hub struct {
	*githubtest.GitHub
	token string
	now   time.Time
	web   http.RoundTripper
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	h.GitHub = githubtest.New(githubtest.Options{Now: func() time.Time { return h.now }})
	app, err := h.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	h.token = app.Install(h.AddOrganization("acme")).Token()
	h.web = h.GitHub
	return h
}

// REST acts with the token of the installation.
func (h *hub) REST(context.Context, string) (*github.Client, error) {
	return github.NewClient(&http.Client{Transport: h.web}).WithAuthToken(h.token), nil
}

// Repositories are all of acme.
func (h *hub) Repositories() (all []onboard.Repository) {
	for _, r := range h.GitHub.Repositories("acme") {
		_, has := r.Files("main")["catalog-info.yaml"]
		all = append(all, onboard.Repository{FullName: r.FullName(), HasCatalog: has})
	}
	return all
}

func (h *hub) Files(_ context.Context, repository, commit string) (fs.FS, error) {
	files := fstest.MapFS{}
	for name, content := range h.Repository(repository).Files(commit) {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return files, nil
}

func (h *hub) proposer(t *testing.T, change func(*onboard.ProposerConfig)) *onboard.Proposer {
	t.Helper()
	config := onboard.ProposerConfig{
		Source: "acme", Host: "github.com", Reader: h, Clients: h, Web: "https://orrery.acme.io/", Now: func() time.Time { return h.now },
		Log: zerolog.New(zerolog.NewTestWriter(t)),
	}
	if change != nil {
		change(&config)
	}
	p, err := onboard.NewProposer(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pulls are the pull requests of a repository, as "state: title".
func (h *hub) pulls(repository string) (all []string) {
	for _, p := range h.Repository(repository).Pulls() {
		state := "closed"
		if p.Open() {
			state = "open"
		}
		all = append(all, state+": "+p.Pull().Head)
	}
	return all
}

func goService() githubtest.Files {
	return githubtest.Files{
		"go.mod": "module checkout\n", "main.go": "package main\n", "Dockerfile": "FROM scratch\n", "CODEOWNERS": "* @acme/payments\n",
	}
}

// seen are services that ran, by their aliases in traffic.
func seen(names ...string) *catalog.Document {
	d := &catalog.Document{ID: catalog.DocumentID{Source: "traces", Scope: "a", Key: strings.Join(names, " ")}, Environment: "production"}
	for _, name := range names {
		d.Claims = append(d.Claims, catalog.Claim{Subject: catalog.Subject{Alias: catalog.Alias(name)}, Entry: catalog.EntryInner})
	}
	return d
}

// deployed is a workload with an image, as a cluster tells of it.
func deployed(namespace, name, image string) *catalog.Document {
	alias := catalog.Alias("k8s:prod/" + namespace + "/deployment/" + name)
	ref := catalog.DiscoveredRef(alias)
	return &catalog.Document{
		ID: catalog.DocumentID{Source: "prod", Scope: string(alias), Key: string(ref)}, Environment: "production", Location: "prod/deployment/" + namespace + "/" + name,
		Claims: []catalog.Claim{
			{Subject: catalog.Subject{Ref: ref}, Found: true, Facts: &catalog.Facts{Workload: &catalog.Workload{
				Cluster: "prod", Namespace: namespace, Kind: "deployment", Name: name, Containers: []catalog.Container{{Name: "main", Image: image}},
			}}},
			{Subject: catalog.Subject{Alias: alias}, Edges: []catalog.EdgeClaim{{Target: catalog.Subject{Ref: ref}, Type: catalog.RunsOn, Evidence: catalog.Observed}}},
		},
	}
}

// declared is a catalog file.
func declared(t *testing.T, text string) *catalog.Document {
	t.Helper()
	parsed := descriptor.Parse([]byte(text), descriptor.Options{Location: "central/catalog-info.yaml"})
	d := parsed.Documents[0].Document
	if d == nil {
		t.Fatal(parsed.Documents[0].Problems)
	}
	d.ID = catalog.DocumentID{Source: "files", Scope: "central", Key: string(parsed.Documents[0].Ref)}
	return d
}

func snapshotOf(documents ...*catalog.Document) *graph.Snapshot {
	return graph.Build(graph.Input{Model: catalog.Merge(slices.Values(documents), catalog.MergeOptions{}), Revision: 1, Time: time.Now()})
}

func consider(t *testing.T, p *onboard.Proposer, s *graph.Snapshot) (repositories []string) {
	t.Helper()
	outcomes, err := p.Consider(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		repositories = append(repositories, o.Repository)
	}
	return repositories
}

// TestProposal holds what a pull request is like, and that it is opened once.
func TestProposal(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	r := h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
	h.AddRepository("acme/idle", goService(), githubtest.Settings{})
	s := snapshotOf(seen("otel:shop/checkout"), deployed("shop", "checkout", "ghcr.io/acme/checkout:7"))
	p := h.proposer(t, nil)
	if got := consider(t, p, s); !slices.Equal(got, []string{"acme/checkout"}) {
		t.Fatalf("opened %v", got)
	}
	if got := h.pulls("acme/checkout"); !slices.Equal(got, []string{"open: orrery/catalog-info"}) {
		t.Errorf("%v", got)
	}
	pull := r.Pulls()[0]
	before, after := r.Files("main"), r.Files(pull.Head())
	file := after[onboard.FileName]
	delete(after, onboard.FileName)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the pull request changes other files: %s", diff)
	}
	golden(t, "proposed.yaml", file)
	golden(t, "proposed.md", pull.Pull().Title+"\n\n"+pull.Pull().Body)
	h.ForgetCalls()
	for range 3 {
		if got := consider(t, p, s); got != nil {
			t.Errorf("opened again %v", got)
		}
	}
	if calls := h.Calls(); len(calls) != 0 {
		t.Errorf("what was proposed just now is asked about again: %v", calls.ByEndpoint())
	}
	if len(h.Repository("acme/idle").Pulls()) > 0 {
		t.Error("a repository that runs nothing got a pull request")
	}
}

// linked is a GitHub where each repository has a link in place of a catalog file.
type linked struct{ *hub }

func (l linked) Files(ctx context.Context, repository, commit string) (fs.FS, error) {
	files, err := l.hub.Files(ctx, repository, commit)
	if err == nil {
		files.(fstest.MapFS)[onboard.FileName] = &fstest.MapFile{Data: []byte("docs/service.yaml"), Mode: fs.ModeSymlink | 0o777}
	}
	return files, err
}

// TestNothingIsReplaced holds that a proposal does not take the place of what has the name of the file.
func TestNothingIsReplaced(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
	p := h.proposer(t, func(c *onboard.ProposerConfig) { c.Reader = linked{h} })
	if got := consider(t, p, snapshotOf(seen("otel:shop/checkout"), deployed("shop", "checkout", "ghcr.io/acme/checkout:7"))); got != nil {
		t.Errorf("opened %v", got)
	}
}

// TestNeverAgain holds that GitHub remembers: whoever starts anew opens no second pull request, refused or not, and whether
// or not the branch is still there.
func TestNeverAgain(t *testing.T) {
	t.Parallel()
	for name, settle := range map[string]func(h *hub, r *githubtest.Repository){
		"open":   func(*hub, *githubtest.Repository) {},
		"closed": func(_ *hub, r *githubtest.Repository) { r.Pulls()[0].Close() },
		"closed, and the branch deleted": func(h *hub, r *githubtest.Repository) {
			r.Pulls()[0].Close()
			client, _ := h.REST(t.Context(), "acme")
			if _, err := client.Git.DeleteRef(context.Background(), "acme", "checkout", "heads/"+onboard.Branch); err != nil {
				t.Error(err)
			}
		},
		"merged, and the file deleted again": func(_ *hub, r *githubtest.Repository) {
			r.Pulls()[0].Merge()
			r.Push(githubtest.Push{Delete: []string{onboard.FileName}, Message: "no"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			r := h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
			s := snapshotOf(seen("otel:checkout"))
			if got := consider(t, h.proposer(t, nil), s); len(got) != 1 {
				t.Fatalf("opened %v", got)
			}
			settle(h, r)
			for range 3 {
				h.now = h.now.AddDate(0, 1, 0)
				h.renew(t)
				if got := consider(t, h.proposer(t, nil), s); got != nil {
					t.Errorf("opened again %v", got)
				}
			}
			if n := len(r.Pulls()); n != 1 {
				t.Errorf("%d pull requests", n)
			}
		})
	}
}

// renew takes a new token, since they live for an hour.
func (h *hub) renew(t *testing.T) {
	t.Helper()
	app, err := h.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	h.token = app.Install(h.Account("acme")).Token()
}

// TestInterrupted holds that an attempt that ended anywhere is gone on with by one who knows nothing of it, so that there is
// one pull request in the end: whether GitHub did what was asked or not.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const repo = "/repos/{owner}/{repo}"
	for _, endpoint := range []string{
		"GET " + repo, "GET " + repo + "/pulls", "GET " + repo + "/git/ref/{ref}", "GET " + repo + "/git/commits/{commit_sha}",
		"POST " + repo + "/git/blobs", "POST " + repo + "/git/trees", "POST " + repo + "/git/commits", "POST " + repo + "/git/refs",
		"POST " + repo + "/pulls",
	} {
		for name, fail := range map[string]githubtest.Failure{"not done": githubtest.Status(http.StatusBadGateway), "done and not told": githubtest.BrokenJSON()} {
			t.Run(endpoint+" "+name, func(t *testing.T) {
				t.Parallel()
				h := newHub(t)
				r := h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
				s := snapshotOf(seen("otel:checkout"))
				h.Fail(githubtest.Fault{Endpoint: endpoint, Times: 1, Fail: fail})
				first := h.proposer(t, nil)
				if _, err := first.Consider(t.Context(), s); err == nil {
					t.Fatalf("the failure is not told; calls: %v", h.Calls().ByEndpoint())
				}
				r.Push(githubtest.Push{Files: githubtest.Files{"main.go": "package main // changed\n"}, Message: "meanwhile"})
				for range 2 {
					consider(t, h.proposer(t, nil), s)
				}
				consider(t, first, s)
				if got := h.pulls("acme/checkout"); !slices.Equal(got, []string{"open: orrery/catalog-info"}) {
					t.Fatalf("%v", got)
				}
				if files := r.Files(r.Pulls()[0].Head()); files[onboard.FileName] == "" {
					t.Errorf("the branch holds %v", files)
				}
			})
		}
	}
}

// TestSomebodysBranch holds that a branch of ours by name only is not touched.
func TestSomebodysBranch(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	r := h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
	mine := r.Push(githubtest.Push{Branch: onboard.Branch, Files: githubtest.Files{"a": "b"}, Message: "My own work"})
	if got := consider(t, h.proposer(t, nil), snapshotOf(seen("otel:checkout"))); got != nil {
		t.Errorf("opened %v", got)
	}
	if r.Head(onboard.Branch) != mine || len(r.Pulls()) > 0 {
		t.Error("somebody's branch was used")
	}
}

// TestPerDay holds that no more pull requests are opened within a day than are allowed, also by one who was started since.
func TestPerDay(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	var names []string
	for i := range 7 {
		h.AddRepository(fmt.Sprintf("acme/svc-%d", i), goService(), githubtest.Settings{})
		names = append(names, fmt.Sprintf("otel:svc-%d", i))
	}
	s := snapshotOf(seen(names...))
	two := func(c *onboard.ProposerConfig) { c.PerDay = 2 }
	p := h.proposer(t, two)
	for day, want := range []int{2, 2, 2, 1, 0} {
		if got := consider(t, p, s); len(got) != want {
			t.Errorf("on day %d: opened %v, want %d", day, got, want)
		}
		h.now = h.now.Add(12 * time.Hour)
		h.renew(t)
		if got := consider(t, p, s); got != nil {
			t.Errorf("within day %d: opened %v", day, got)
		}
		h.now = h.now.Add(12 * time.Hour)
		h.renew(t)
	}
}

// TestPerDayAfterStart holds that one who was started since asks GitHub what was opened before.
func TestPerDayAfterStart(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	var names []string
	for i := range 5 {
		h.AddRepository(fmt.Sprintf("acme/svc-%d", i), goService(), githubtest.Settings{})
		names = append(names, fmt.Sprintf("otel:svc-%d", i))
	}
	s := snapshotOf(seen(names...))
	three := func(c *onboard.ProposerConfig) { c.PerDay = 3 }
	if got := consider(t, h.proposer(t, three), s); len(got) != 3 {
		t.Errorf("opened %v", got)
	}
	if got := consider(t, h.proposer(t, three), s); got != nil {
		t.Errorf("after a start opened %v", got)
	}
}

// TestCandidates holds which repositories get a proposal, and which do not.
func TestCandidates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		running []*catalog.Document
		edit    func(h *hub)
		want    []string
	}{
		"nothing runs":               {},
		"by name":                    {running: []*catalog.Document{seen("otel:shop/checkout")}, want: []string{"acme/checkout"}},
		"by the name of a workload":  {running: []*catalog.Document{deployed("shop", "checkout", "")}, want: []string{"acme/checkout"}},
		"a name that is there twice": {running: []*catalog.Document{seen("otel:a/checkout", "otel:b/checkout")}},
		"by image":                   {running: []*catalog.Document{deployed("shop", "till", "ghcr.io/acme/checkout:7")}, want: []string{"acme/checkout"}},
		"by an image below":          {running: []*catalog.Document{deployed("shop", "till", "ghcr.io/Acme/checkout/worker@sha256:00")}, want: []string{"acme/checkout"}},
		"by an image of a registry":  {running: []*catalog.Document{deployed("shop", "till", "123.dkr.ecr.eu-west-1.amazonaws.com/checkout:7")}, want: []string{"acme/checkout"}},
		"an image for everybody":     {running: []*catalog.Document{deployed("shop", "redis", "redis:8")}},
		"an image of bitnami":        {running: []*catalog.Document{deployed("shop", "redis", "docker.io/bitnami/redis:8")}},
		"an image of another":        {running: []*catalog.Document{deployed("shop", "checkout", "ghcr.io/acme/described:1")}},
		"a repository with a file":   {running: []*catalog.Document{seen("otel:described")}},
		"it says so itself":          {running: []*catalog.Document{seen("repo:github.com/acme/checkout")}},
		"declared elsewhere": {running: []*catalog.Document{seen("otel:checkout"), declared(t, `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: other, annotations: {github.com/project-slug: acme/checkout}}
spec: {type: service, lifecycle: production, owner: a}
`)}},
		"declared by that name": {running: []*catalog.Document{seen("otel:checkout"), declared(t, `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout}
spec: {type: service, lifecycle: production, owner: a}
`)}},
		"archived since the scan": {running: []*catalog.Document{seen("otel:checkout")}, edit: func(h *hub) {
			h.Repository("acme/checkout").Edit(func(s *githubtest.Settings) { s.Archived = true })
		}},
		"described since the scan": {running: []*catalog.Document{seen("otel:nested")}, edit: func(h *hub) {
			h.AddRepository("acme/nested", githubtest.Files{"go.mod": "module a", "sub/catalog-info.yaml": "a"}, githubtest.Settings{})
		}},
		"a fork": {running: []*catalog.Document{seen("otel:forked")}, edit: func(h *hub) {
			h.AddRepository("else/forked", goService(), githubtest.Settings{}).Fork(h.Account("acme"))
		}},
		"an empty one": {running: []*catalog.Document{seen("otel:empty")}, edit: func(h *hub) {
			h.AddRepository("acme/empty", nil, githubtest.Settings{})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
			h.AddRepository("acme/redis", goService(), githubtest.Settings{})
			h.AddRepository("acme/described", githubtest.Files{"catalog-info.yaml": "a"}, githubtest.Settings{})
			reader := &before{hub: h, repositories: h.Repositories()}
			if c.edit != nil {
				c.edit(h)
				for _, r := range h.Repositories() {
					if path := r.FullName; path != "acme/checkout" && path != "acme/redis" && path != "acme/described" {
						reader.repositories = append(reader.repositories, onboard.Repository{FullName: path})
					}
				}
			}
			p := h.proposer(t, func(c *onboard.ProposerConfig) { c.Reader = reader })
			if got := consider(t, p, snapshotOf(c.running...)); !slices.Equal(got, c.want) {
				t.Errorf("opened %v, want %v", got, c.want)
			}
		})
	}
}

// before knows the repositories as they were.
type before struct {
	*hub
	repositories []onboard.Repository
}

func (b *before) Repositories() []onboard.Repository { return b.repositories }

// TestRefusedWrites holds that a repository that may not be written to is left alone for a day, and others are not.
func TestRefusedWrites(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.AddRepository("acme/a", goService(), githubtest.Settings{})
	h.AddRepository("acme/b", goService(), githubtest.Settings{})
	h.Fail(githubtest.Fault{
		Endpoint: "POST /repos/{owner}/{repo}/git/blobs", Fail: githubtest.Refused(http.StatusForbidden, "Resource not accessible by integration"),
		Fits: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/acme/a/") },
	})
	s := snapshotOf(seen("otel:a", "otel:b"))
	p := h.proposer(t, nil)
	if got := consider(t, p, s); !slices.Equal(got, []string{"acme/b"}) {
		t.Errorf("opened %v", got)
	}
	h.ForgetCalls()
	if consider(t, p, s); len(h.Calls()) > 0 {
		t.Errorf("it was asked again: %v", h.Calls().ByEndpoint())
	}
	h.Mend()
	h.now = h.now.Add(25 * time.Hour)
	h.renew(t)
	if got := consider(t, p, s); !slices.Equal(got, []string{"acme/a"}) {
		t.Errorf("a day later opened %v", got)
	}
}

// TestLimited holds that a round ends where GitHub says that it is asked too much.
func TestLimited(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.AddRepository("acme/a", goService(), githubtest.Settings{})
	h.AddRepository("acme/b", goService(), githubtest.Settings{})
	h.Fail(githubtest.Fault{Endpoint: "GET /repos/{owner}/{repo}", Fail: githubtest.SecondaryLimit(http.StatusForbidden, time.Minute)})
	if _, err := h.proposer(t, nil).Consider(t.Context(), snapshotOf(seen("otel:a", "otel:b"))); err == nil {
		t.Error("the limit is not told")
	}
	if calls := h.Calls().Of("GET /repos/{owner}/{repo}"); len(calls) != 1 {
		t.Errorf("asked %d times", len(calls))
	}
}

// TestTwoAtOnce holds that two processes that both think they scan open one pull request.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	r := h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
	s := snapshotOf(seen("otel:checkout"))
	both := make(chan error)
	for range 2 {
		p := h.proposer(t, nil)
		go func() {
			_, err := p.Consider(context.Background(), s)
			both <- err
		}()
	}
	for range 2 {
		if err := <-both; err != nil {
			t.Error(err)
		}
	}
	if n := len(r.Pulls()); n != 1 {
		t.Errorf("%d pull requests", n)
	}
}

// TestRun holds that Run looks after each scan that it is told of, and ends.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		r := h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
		var s *graph.Snapshot
		p := h.proposer(t, func(c *onboard.ProposerConfig) { c.Snapshot = func() *graph.Snapshot { return s } })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		p.Scanned()
		synctest.Wait()
		if len(h.Calls()) > 0 {
			t.Error("without a snapshot it asked")
		}
		s = snapshotOf(seen("otel:checkout"))
		synctest.Wait()
		if len(r.Pulls()) > 0 {
			t.Error("it did not wait for a scan")
		}
		p.Scanned()
		p.Scanned()
		synctest.Wait()
		if len(r.Pulls()) != 1 {
			t.Errorf("%d pull requests", len(r.Pulls()))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
