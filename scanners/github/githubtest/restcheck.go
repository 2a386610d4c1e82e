package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// What GitHub takes at most in one request about a check run.
const (
	mostAnnotations = 50
	longestText     = 65535
)

type checkBody struct {
	Name, Status, Conclusion *string
	HeadSHA                  *string    `json:"head_sha"`
	DetailsURL               *string    `json:"details_url"`
	ExternalID               *string    `json:"external_id"`
	StartedAt                *time.Time `json:"started_at"`
	CompletedAt              *time.Time `json:"completed_at"`
	Actions                  []object
	Output                   *struct {
		Title, Summary, Text *string
		Annotations          []Annotation
	}
}

func (c *call) createCheck() *reply {
	r, no := c.writable("checks")
	if no != nil {
		return no
	}
	if c.who.installation == nil {
		return refuse(http.StatusForbidden, "You must authenticate via a GitHub App.")
	}
	var want checkBody
	if no := c.decode(&want); no != nil {
		return no
	}
	if want.Name == nil || want.HeadSHA == nil {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"name\", \"head_sha\" weren't supplied.")
	}
	if r.objects.commits[*want.HeadSHA] == nil {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+*want.HeadSHA)
	}
	run := &CheckRun{ID: c.id(), HeadSHA: *want.HeadSHA, Status: "queued", App: c.who.installation.app.id, Started: c.now()}
	if no := c.apply(run, &want); no != nil {
		return no
	}
	r.checks = append(r.checks, run)
	return created(c.renderCheck(r, run, c.base))
}

func (c *call) updateCheck() *reply {
	r, no := c.writable("checks")
	if no != nil {
		return no
	}
	run := r.check(c.r.PathValue("check_run_id"))
	if run == nil {
		return notFound()
	}
	if c.who.installation == nil || c.who.installation.app.id != run.App {
		return refuse(http.StatusForbidden, "Invalid app_id `0` - check run can only be modified by the GitHub App that created it.")
	}
	var want checkBody
	if no := c.decode(&want); no != nil {
		return no
	}
	if no := c.apply(run, &want); no != nil {
		return no
	}
	return ok(c.renderCheck(r, run, c.base))
}

// apply changes the run by what a request says; annotations are added.
func (c *call) apply(run *CheckRun, want *checkBody) *reply {
	if want.Output != nil {
		if n := len(want.Output.Annotations); n > mostAnnotations {
			return refuse(http.StatusUnprocessableEntity, fmt.Sprintf("No more than %d items are allowed; %d were supplied.", mostAnnotations, n))
		}
		if want.Output.Title == nil || want.Output.Summary == nil {
			return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"title\", \"summary\" weren't supplied.")
		}
		for _, text := range []*string{want.Output.Summary, want.Output.Text} {
			if text != nil && len(*text) > longestText {
				return refuse(http.StatusUnprocessableEntity, fmt.Sprintf("Only %d characters are allowed; %d were supplied.", longestText, len(*text)))
			}
		}
		for _, a := range want.Output.Annotations {
			if no := a.check(); no != nil {
				return no
			}
		}
	}
	if want.Conclusion != nil && !slices.Contains([]string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"}, *want.Conclusion) ||
		want.Status != nil && *want.Status == "completed" && want.Conclusion == nil && run.Conclusion == "" {
		return invalid("CheckRun", "invalid", "conclusion")
	}
	run.Requests++
	set(&run.Name, want.Name)
	set(&run.Status, want.Status)
	set(&run.DetailsURL, want.DetailsURL)
	set(&run.ExternalID, want.ExternalID)
	set(&run.Started, want.StartedAt)
	if want.Conclusion != nil {
		run.Conclusion, run.Status, run.Completed = *want.Conclusion, "completed", c.now()
	} else if run.Status != "completed" {
		run.Conclusion, run.Completed = "", time.Time{}
	}
	set(&run.Completed, want.CompletedAt)
	if want.Actions != nil {
		run.Actions = want.Actions
	}
	if want.Output != nil {
		set(&run.Title, want.Output.Title)
		set(&run.Summary, want.Output.Summary)
		set(&run.Text, want.Output.Text)
		run.Annotations = append(run.Annotations, want.Output.Annotations...)
	}
	return nil
}

func (a *Annotation) check() *reply {
	switch {
	case a.Path == "" || a.Message == "" || a.StartLine < 1 || a.EndLine < a.StartLine:
		return invalid("CheckRunAnnotation", "invalid", "start_line")
	case !slices.Contains([]string{"notice", "warning", "failure"}, a.AnnotationLevel):
		return invalid("CheckRunAnnotation", "invalid", "annotation_level")
	case a.StartLine != a.EndLine && (a.StartColumn != 0 || a.EndColumn != 0):
		return invalid("CheckRunAnnotation", "invalid", "start_column") // columns are for one line only
	}
	return nil
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

func (r *Repository) check(id string) *CheckRun {
	for _, run := range r.checks {
		if number(run.ID) == id {
			return run
		}
	}
	return nil
}

func (c *call) getCheck() *reply {
	r, no := c.repository()
	if no != nil {
		return no
	}
	run := r.check(c.r.PathValue("check_run_id"))
	if run == nil {
		return notFound()
	}
	return ok(c.renderCheck(r, run, c.base))
}

func (c *call) listAnnotations() *reply {
	r, no := c.repository()
	if no != nil {
		return no
	}
	run := r.check(c.r.PathValue("check_run_id"))
	if run == nil {
		return notFound()
	}
	return paged(c, run.Annotations, func(a Annotation) object {
		o := object{
			"path": a.Path, "blob_href": c.web(r, "/blob/"+run.HeadSHA+"/"+a.Path), "start_line": a.StartLine, "end_line": a.EndLine,
			"start_column": nil, "end_column": nil, "annotation_level": a.AnnotationLevel, "title": orNull(a.Title),
			"message": a.Message, "raw_details": orNull(a.RawDetails),
		}
		if a.StartColumn > 0 {
			o["start_column"], o["end_column"] = a.StartColumn, a.EndColumn
		}
		return o
	})
}

func (c *call) listChecks() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	k := r.commitAt(c.r.PathValue("ref"))
	if k == nil {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.r.PathValue("ref"))
	}
	query := c.r.URL.Query()
	newest := map[string]*CheckRun{}
	var all []*CheckRun
	for _, run := range r.checks {
		app, _ := strconv.ParseInt(query.Get("app_id"), 10, 64)
		if run.HeadSHA != k.oid || query.Get("check_name") != "" && query.Get("check_name") != run.Name ||
			query.Get("status") != "" && query.Get("status") != run.Status || app != 0 && app != run.App {
			continue
		}
		all = append(all, run)
		newest[fmt.Sprint(run.App, run.Name)] = run
	}
	if query.Get("filter") != "all" {
		all = slices.DeleteFunc(all, func(run *CheckRun) bool { return newest[fmt.Sprint(run.App, run.Name)] != run })
	}
	slices.Reverse(all)
	a := paged(c, all, func(run *CheckRun) object { return c.renderCheck(r, run, c.base) })
	a.body = object{"total_count": len(all), "check_runs": a.body}
	return a
}

func (c *call) createStatus() *reply {
	r, no := c.writable("statuses")
	if no != nil {
		return no
	}
	var want struct {
		State, Description, Context string
		TargetURL                   string `json:"target_url"`
	}
	if no := c.decode(&want); no != nil {
		return no
	}
	sha := c.r.PathValue("sha")
	switch {
	case r.objects.commits[sha] == nil:
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+sha)
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, want.State):
		return invalid("Status", "custom", "state is not included in the list")
	case len(want.Description) > 140:
		return invalid("Status", "custom", "description is too long (maximum is 140 characters)")
	}
	if want.Context == "" {
		want.Context = "default"
	}
	status := CommitStatus{want.State, want.Context, want.Description, want.TargetURL}
	r.statuses[sha] = append(r.statuses[sha], status)
	return created(c.renderStatus(r, sha, status))
}

func (c *call) renderStatus(r *Repository, sha string, s CommitStatus) object {
	return object{
		"url": c.api(r, "/statuses/"+sha), "avatar_url": nil, "id": r.id, "node_id": "SC_" + sha, "state": s.State,
		"description": orNull(s.Description), "target_url": orNull(s.TargetURL), "context": s.Context,
		"created_at": stamp(c.now()), "updated_at": stamp(c.now()), "creator": c.simpleUser(c.actor(), c.base),
	}
}

func (c *call) listStatuses() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	k := r.commitAt(c.r.PathValue("ref"))
	if k == nil {
		return notFound()
	}
	all := slices.Clone(r.statuses[k.oid])
	slices.Reverse(all)
	return paged(c, all, func(s CommitStatus) object { return c.renderStatus(r, k.oid, s) })
}
