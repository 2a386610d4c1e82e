package githubtest

import (
	"maps"
	"slices"
	"time"
)

// CheckRun is a check run as it stands.
type CheckRun struct {
	ID                                int64
	Name, HeadSHA, Status, Conclusion string
	ExternalID, DetailsURL            string
	Title, Summary, Text              string
	Annotations                       []Annotation
	Actions                           []object
	App                               int64
	Started, Completed                time.Time
	Requests                          int // how many made it what it is
}

// Annotation is one remark of a check run, as it was sent.
type Annotation struct {
	Path            string `json:"path"`
	StartLine       int    `json:"start_line"`
	EndLine         int    `json:"end_line"`
	StartColumn     int    `json:"start_column,omitempty"`
	EndColumn       int    `json:"end_column,omitempty"`
	AnnotationLevel string `json:"annotation_level"`
	Message         string `json:"message"`
	Title           string `json:"title,omitempty"`
	RawDetails      string `json:"raw_details,omitempty"`
}

// CommitStatus is one status of a commit.
type CommitStatus struct{ State, Context, Description, TargetURL string }

// CheckRuns are those of the repository, oldest first.
func (r *Repository) CheckRuns() []CheckRun {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	runs := make([]CheckRun, 0, len(r.checks))
	for _, run := range r.checks {
		copied := *run
		copied.Annotations, copied.Actions = slices.Clone(run.Annotations), slices.Clone(run.Actions)
		runs = append(runs, copied)
	}
	return runs
}

// Statuses are those of a commit, oldest first.
func (r *Repository) Statuses(commit string) []CommitStatus {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return slices.Clone(r.statuses[commit])
}

// RequestCheck tells, as GitHub does where a person asks for it, that a check run is to be made again.
func (r *Repository) RequestCheck(id int64) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	for _, run := range r.checks {
		if run.ID == id {
			r.hub.emit("check_run", r.owner, r, object{"action": "rerequested", "check_run": r.hub.renderCheck(r, run, r.hub.api())})
		}
	}
}

// renderCheck is a check run as answers and webhooks have it.
func (g *GitHub) renderCheck(r *Repository, run *CheckRun, base string) object {
	api, n := base+"/repos/"+r.fullName(), number(run.ID)
	link := "https://" + g.host + "/" + r.fullName() + "/runs/" + n
	o := object{
		"id": run.ID, "node_id": nodeID("CR", r.id, run.ID), "head_sha": run.HeadSHA, "external_id": run.ExternalID,
		"url": api + "/check-runs/" + n, "html_url": link, "details_url": run.DetailsURL, "status": run.Status,
		"conclusion": orNull(run.Conclusion), "started_at": stampOrNull(run.Started), "completed_at": stampOrNull(run.Completed),
		"name": run.Name, "check_suite": object{"id": run.App}, "app": nil, "pull_requests": []object{},
		"output": object{
			"title": orNull(run.Title), "summary": orNull(run.Summary), "text": orNull(run.Text),
			"annotations_count": len(run.Annotations), "annotations_url": api + "/check-runs/" + n + "/annotations",
		},
	}
	if app := g.apps[run.App]; app != nil {
		o["app"] = g.renderApp(app, base)
	}
	pulls := []object{}
	for _, p := range r.pulls {
		if p.open && p.head == run.HeadSHA && p.from == r {
			end := func(of *Repository, branch, oid string) object {
				at := base + "/repos/" + of.fullName()
				return object{"ref": branch, "sha": oid, "repo": object{"id": of.id, "url": at, "name": of.name}}
			}
			pulls = append(pulls, object{
				"id": p.id, "number": p.number, "url": api + "/pulls/" + number(int64(p.number)),
				"head": end(p.from, p.settings.Head, p.head), "base": end(r, p.settings.Base, p.baseHead),
			})
		}
	}
	o["pull_requests"] = pulls
	return o
}

func (g *GitHub) renderApp(app *App, base string) object {
	owner := &Account{hub: g, id: 1, login: "owner-of-the-app"}
	return object{
		"id": app.id, "slug": app.slug, "node_id": nodeID("A", app.id), "owner": g.simpleUser(owner, base), "name": app.slug,
		"description": nil, "external_url": "https://example.com", "html_url": "https://" + g.host + "/apps/" + app.slug,
		"created_at": stamp(g.now()), "updated_at": stamp(g.now()), "permissions": maps.Clone(app.asked()),
		"events": []string{"push"},
	}
}
