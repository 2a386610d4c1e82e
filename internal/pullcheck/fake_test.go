package pullcheck_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-github/v60/github"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/pullcheck"
	"github.com/orrery-catalog/orrery/scanners"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub is as much of a GitHub as checks of pull requests need, in memory.
type hub struct {
	mux *http.ServeMux

	mu       sync.Mutex
	pulls    map[int]*github.PullRequest
	files    map[int][]*github.CommitFile
	runs     []*run
	statuses []*github.RepoStatus
	behind   []*github.CommitFile // that the branch has changed since commit "left"; nil = none
	calls    []string             // "POST check-runs" …
	// refuse gives the status of a call instead of an answer; 0 = it is answered.
	refuse func(call string) int
}

// run is a check run.
type run struct {
	ID          int64
	Name        string
	HeadSHA     string
	ExternalID  string
	Status      string
	Conclusion  string
	Title       string
	Summary     string
	Annotations []*github.CheckRunAnnotation
	updates     int
}

func newHub() *hub {
	h := &hub{mux: http.NewServeMux(), pulls: make(map[int]*github.PullRequest), files: make(map[int][]*github.CommitFile)}
	handle := func(pattern string, answer func(r *http.Request) (int, any)) {
		method, rest, _ := strings.Cut(pattern, " ")
		call := method + " " + rest[strings.LastIndex(strings.TrimSuffix(rest, "/{id}"), "/")+1:]
		h.mux.HandleFunc(method+" /repos/{owner}/{name}/"+rest, func(w http.ResponseWriter, r *http.Request) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.calls = append(h.calls, call)
			status, body := 0, any(map[string]string{"message": "refused"})
			if h.refuse != nil {
				status = h.refuse(call)
			}
			if status == 0 {
				status, body = answer(r)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body)
		})
	}
	handle("GET pulls/{id}", func(r *http.Request) (int, any) {
		if p := h.pulls[number(r)]; p != nil {
			return http.StatusOK, p
		}
		return http.StatusNotFound, map[string]string{"message": "Not Found"}
	})
	handle("GET pulls/{id}/files", func(r *http.Request) (int, any) {
		files := h.files[number(r)]
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		from := min((max(page, 1)-1)*100, len(files))
		return http.StatusOK, append([]*github.CommitFile{}, files[from:min(from+100, len(files))]...)
	})
	handle("GET compare/{range}", func(r *http.Request) (int, any) {
		answer := map[string]any{"behind_by": 0, "files": []any{}}
		if h.behind != nil {
			answer = map[string]any{
				"behind_by": 1, "files": h.behind, "merge_base_commit": map[string]string{"sha": "left"}, "base_commit": map[string]string{"sha": "tip"},
			}
		}
		return http.StatusOK, answer
	})
	handle("GET commits/{sha}/pulls", func(r *http.Request) (int, any) {
		found := []*github.PullRequest{}
		for _, p := range h.pulls {
			if p.GetHead().GetSHA() == r.PathValue("sha") {
				found = append(found, p)
			}
		}
		return http.StatusOK, found
	})
	handle("GET commits/{sha}/check-runs", func(r *http.Request) (int, any) {
		list := []any{}
		for _, one := range h.runs {
			if one.HeadSHA == r.PathValue("sha") && one.Name == r.URL.Query().Get("check_name") {
				list = append(list, one.json())
			}
		}
		return http.StatusOK, map[string]any{"total_count": len(list), "check_runs": list}
	})
	handle("POST check-runs", func(r *http.Request) (int, any) {
		made := &run{ID: int64(len(h.runs)) + 1}
		h.runs = append(h.runs, made)
		return http.StatusCreated, made.take(r)
	})
	handle("PATCH check-runs/{id}", func(r *http.Request) (int, any) {
		return http.StatusOK, h.runs[number(r)-1].take(r)
	})
	handle("POST statuses/{sha}", func(r *http.Request) (int, any) {
		set := &github.RepoStatus{}
		_ = json.NewDecoder(r.Body).Decode(set)
		set.NodeID = github.String(r.PathValue("sha"))
		h.statuses = append(h.statuses, set)
		return http.StatusCreated, set
	})
	return h
}

func number(r *http.Request) int {
	n, _ := strconv.Atoi(r.PathValue("id"))
	return n
}

func (c *run) json() any {
	return map[string]any{
		"id": c.ID, "name": c.Name, "head_sha": c.HeadSHA, "external_id": c.ExternalID, "status": c.Status,
		"output": map[string]any{"annotations_count": len(c.Annotations)},
	}
}

// take changes a check run as GitHub does: annotations add up, and no more than 50 come at once.
func (c *run) take(r *http.Request) any {
	var said struct {
		Name, Status, Conclusion string
		HeadSHA                  string `json:"head_sha"`
		ExternalID               string `json:"external_id"`
		Output                   *github.CheckRunOutput
	}
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		panic(err)
	}
	c.Name, c.HeadSHA, c.ExternalID = cmp.Or(said.Name, c.Name), cmp.Or(said.HeadSHA, c.HeadSHA), cmp.Or(said.ExternalID, c.ExternalID)
	c.Status, c.Conclusion = said.Status, said.Conclusion
	if said.Output != nil {
		if len(said.Output.Annotations) > 50 || len(said.Output.GetSummary()) > 65_535 || said.Output.GetTitle() == "" {
			panic("GitHub would refuse this")
		}
		c.Title, c.Summary = said.Output.GetTitle(), said.Output.GetSummary()
		c.Annotations = append(c.Annotations, said.Output.Annotations...)
	}
	c.updates++
	return c.json()
}

// opens makes a pull request that touches files.
func (h *hub) opens(number int, head, base string, files ...*github.CommitFile) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pulls[number] = &github.PullRequest{
		Number: github.Int(number), State: github.String("open"), Head: &github.PullRequestBranch{SHA: github.String(head)},
		Base: &github.PullRequestBranch{Ref: github.String(base), Repo: &github.Repository{FullName: github.String("acme/checkout")}},
	}
	h.files[number] = files
}

func file(name, status string) *github.CommitFile {
	return &github.CommitFile{Filename: github.String(name), Status: github.String(status)}
}

func (h *hub) refuses(refuse func(call string) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = refuse
}

// made lists the check runs, as they are by now.
func (h *hub) made() []run {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []run
	for _, one := range h.runs {
		all = append(all, *one)
	}
	return all
}

func (h *hub) set() []*github.RepoStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.statuses)
}

func (h *hub) asked(call string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.calls {
		if one == call {
			n++
		}
	}
	return n
}

// RoundTrip answers without a network, so that time may be made up.
func (h *hub) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func (h *hub) REST(context.Context, string) (*github.Client, error) {
	client := github.NewClient(&http.Client{Transport: h})
	client.BaseURL = &url.URL{Scheme: "https", Host: "api.test", Path: "/"}
	return client, nil
}

func (h *hub) Host() string   { return "github.com" }
func (h *hub) WebURL() string { return "https://github.com" }

// tree is what repositories hold: text by "owner/name/path", and the same by "commit:path" for heads.
type tree map[string]string

// source reads catalog-info.yaml files of trees, as its main branch and at commits.
type source struct {
	unscanned bool // it does not know yet which branch is read

	mu     sync.Mutex
	tree   tree
	before func() error // called before files are read at a commit
	hangs  bool         // reading at a commit does not end by itself
}

func (s *source) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, text := range s.tree {
		if strings.Contains(name, ":") {
			continue
		}
		if err := sink.Report(ctx, scopeOf("github.com/"+name, text)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (s *source) Wants(repository, branch, name string) bool {
	return (s.unscanned || branch == "main") && (name == "" || path.Base(name) == "catalog-info.yaml")
}

func (s *source) ReadAt(ctx context.Context, repository, commit string, paths []string) ([]scanners.Scope, error) {
	if s.before != nil {
		if err := s.before(); err != nil {
			return nil, err
		}
	}
	if s.hangs {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var scopes []scanners.Scope
	for _, p := range paths {
		text, there := s.tree[commit+":"+p]
		_, was := s.tree[repository+"/"+p]
		switch name := "github.com/" + repository + "/" + p; {
		case there:
			scopes = append(scopes, scopeOf(name, text))
		case was:
			scopes = append(scopes, scanners.Scope{Name: name, State: scanners.Gone})
		}
	}
	return scopes, nil
}

func scopeOf(name, text string) scanners.Scope {
	scope := scanners.Scope{Name: name}
	for i, parsed := range descriptor.Parse([]byte(text), descriptor.Options{Location: name}).Documents {
		document := parsed.Document
		if document == nil {
			scope.State, scope.Error = scanners.Partly, "not all of it is valid"
			document = &catalog.Document{Location: name, Ordinal: i, Problems: parsed.Problems}
		}
		scope.Documents = append(scope.Documents, document)
	}
	return scope
}

// newCatalog scans a source.
func newCatalog(t *testing.T, s *source) *ingest.Catalog {
	t.Helper()
	c, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{ID: "acme", Kind: "github", Scanner: s}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// runs lets a Checker run until the test ends it.
func runs(t *testing.T, c *pullcheck.Checker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// component writes a catalog file.
func component(name, owner string, needs ...string) string {
	text := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\nspec:\n  type: service\n  lifecycle: production\n  owner: %s\n", name, owner)
	if len(needs) > 0 {
		text += "  dependsOn:\n"
	}
	for _, need := range needs {
		text += "    - component:" + need + "\n"
	}
	return text
}

func group(name string) string {
	return fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: %s\nspec:\n  type: team\n  children: []\n", name)
}
