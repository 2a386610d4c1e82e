package githubtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// renderPull is a pull request as single answers and webhooks have it.
func (g *GitHub) renderPull(p *PullRequest, base string) object {
	api, web := base+"/repos/"+p.in.fullName(), "https://"+g.host+"/"+p.in.fullName()
	n := strconv.Itoa(p.number)
	state := "closed"
	if p.open {
		state = "open"
	}
	self, issue := api+"/pulls/"+n, api+"/issues/"+n
	baseHead := p.baseHead
	if head := p.in.branches[p.settings.Base]; head != "" && p.open {
		baseHead = head
	}
	links := map[string]string{
		"self": self, "html": web + "/pull/" + n, "issue": issue, "comments": issue + "/comments",
		"review_comments": self + "/comments", "review_comment": api + "/pulls/comments{/number}", "commits": self + "/commits",
		"statuses": api + "/statuses/" + p.head,
	}
	o := object{
		"url": self, "id": p.id, "node_id": nodeID("PR", p.in.id, p.id), "html_url": links["html"], "number": p.number, "state": state,
		"diff_url": links["html"] + ".diff", "patch_url": links["html"] + ".patch", "issue_url": issue, "locked": false,
		"title": p.settings.Title, "user": g.simpleUser(p.author, base), "body": orNull(p.settings.Body), "labels": []object{},
		"milestone": nil, "assignee": nil, "assignees": []object{}, "requested_reviewers": []object{}, "requested_teams": []object{},
		"created_at": stamp(p.created), "updated_at": stamp(p.updated), "closed_at": nil, "merged_at": nil,
		"merge_commit_sha": orNull(p.mergeCommit), "draft": p.settings.Draft, "commits_url": links["commits"],
		"review_comments_url": links["review_comments"], "review_comment_url": links["review_comment"], "comments_url": links["comments"],
		"statuses_url": links["statuses"], "author_association": "CONTRIBUTOR", "auto_merge": nil, "active_lock_reason": nil,
		"head": g.renderEnd(p.from, p.settings.Head, p.head, base), "base": g.renderEnd(p.in, p.settings.Base, baseHead, base),
		"merged": p.merged, "mergeable": nil, "rebaseable": nil, "mergeable_state": "unknown", "merged_by": nil,
		"comments": len(p.comments), "review_comments": 0, "maintainer_can_modify": false, "commits": 1,
		"additions": 0, "deletions": 0, "changed_files": len(p.in.objects.differ(p.in.treeOf(p.mergeBase()), p.in.treeOf(p.head))),
	}
	if !p.open {
		o["closed_at"] = stamp(p.updated)
	}
	if p.merged {
		o["merged_at"], o["merged_by"] = stamp(p.updated), g.simpleUser(p.author, base)
	}
	related := object{}
	for name, link := range links {
		related[name] = object{"href": link}
	}
	o["_links"] = related
	return o
}

func (g *GitHub) renderEnd(r *Repository, branch, oid, base string) object {
	o := object{
		"label": r.owner.login + ":" + branch, "ref": branch, "sha": oid, "user": g.simpleUser(r.owner, base), "repo": nil,
	}
	if !r.gone {
		o["repo"] = g.renderRepository(r, base, &principal{})
	}
	return o
}

// pull finds the pull request of the path.
func (c *call) pull(parameter string) (*PullRequest, *reply) {
	r, no := c.repository()
	if no != nil {
		return nil, no
	}
	if no := c.permitted("pull_requests", "read"); no != nil {
		return nil, no
	}
	for _, p := range r.pulls {
		if strconv.Itoa(p.number) == c.r.PathValue(parameter) {
			return p, nil
		}
	}
	return nil, notFound()
}

func (c *call) listPulls() *reply {
	r, no := c.repository()
	if no != nil {
		return no
	}
	query := c.r.URL.Query()
	state, head, base := query.Get("state"), query.Get("head"), query.Get("base")
	all := slices.DeleteFunc(slices.Clone(r.pulls), func(p *PullRequest) bool {
		return state != "all" && p.open == (state == "closed") || base != "" && p.settings.Base != base ||
			strings.Contains(head, ":") && !strings.EqualFold(p.from.owner.login+":"+p.settings.Head, head)
	})
	slices.Reverse(all) // newest first
	return paged(c, all, func(p *PullRequest) object { return c.renderPull(p, c.base) })
}

func (c *call) listPullsWithCommit() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	all := slices.DeleteFunc(slices.Clone(r.pulls), func(p *PullRequest) bool {
		return p.head != c.r.PathValue("commit_sha") && p.mergeCommit != c.r.PathValue("commit_sha")
	})
	return paged(c, all, func(p *PullRequest) object { return c.renderPull(p, c.base) })
}

func (c *call) getPull() *reply {
	p, no := c.pull("pull_number")
	if no != nil {
		return no
	}
	o := c.renderPull(p, c.base)
	o["mergeable"], o["mergeable_state"] = p.open, "clean"
	return ok(o)
}

func (c *call) createPull() *reply {
	r, no := c.writable("pull_requests")
	if no != nil {
		return no
	}
	var want struct {
		Title, Body, Head, Base string
		HeadRepo                string `json:"head_repo"`
		Draft                   bool
	}
	if no := c.decode(&want); no != nil {
		return no
	}
	from, branch := r, want.Head
	if account, name, is := strings.Cut(want.Head, ":"); is {
		branch = name
		if lower(account) != lower(r.owner.login) {
			from = c.forkOf(r, account)
		}
	}
	switch {
	case want.Title == "" || want.Base == "" || want.Head == "":
		return invalid("PullRequest", "missing_field", "")
	case from == nil || from.branches[branch] == "":
		return invalid("PullRequest", "invalid", "head")
	case r.branches[want.Base] == "":
		return invalid("PullRequest", "invalid", "base")
	case r.objects.mergeBase(r.branches[want.Base], from.branches[branch]) == from.branches[branch]:
		return invalid("PullRequest", "custom", fmt.Sprintf("No commits between %s and %s", want.Base, branch))
	}
	for _, p := range r.pulls {
		if p.open && p.from == from && p.settings.Head == branch && p.settings.Base == want.Base {
			return invalid("PullRequest", "custom", fmt.Sprintf("A pull request already exists for %s:%s.", from.owner.login, branch))
		}
	}
	p := r.openPull(Pull{
		Title: want.Title, Body: want.Body, Base: want.Base, From: from, Head: branch, Draft: want.Draft,
	}, c.actor())
	return created(c.renderPull(p, c.base))
}

// forkOf is the fork of a repository that an account has.
func (c *call) forkOf(r *Repository, account string) *Repository {
	for _, fork := range c.owned(c.accounts[lower(account)]) {
		if fork.parent == r || r.parent == fork {
			return fork
		}
	}
	return nil
}

func (c *call) updatePull() *reply {
	p, no := c.pull("pull_number")
	if no != nil {
		return no
	}
	if _, no := c.writable("pull_requests"); no != nil {
		return no
	}
	var want struct{ Title, Body, State, Base *string }
	if no := c.decode(&want); no != nil {
		return no
	}
	if want.Title != nil {
		p.settings.Title = *want.Title
	}
	if want.Body != nil {
		p.settings.Body = *want.Body
	}
	if want.Base != nil {
		p.settings.Base = *want.Base
	}
	p.updated = c.now()
	if want.State != nil && p.open != (*want.State == "open") && !p.merged {
		if p.open {
			p.close(false)
		} else {
			p.open = true
			c.emitPull(p, "reopened", nil)
		}
	}
	return ok(c.renderPull(p, c.base))
}

func (c *call) listPullFiles() *reply {
	p, no := c.pull("pull_number")
	if no != nil {
		return no
	}
	head := p.in.objects.commits[p.head]
	if head == nil {
		return ok([]object{})
	}
	files := c.renderFiles(p.in, p.in.treeOf(p.mergeBase()), head)
	const most = 3000 // GitHub lists no more
	return paged(c, files[:min(len(files), most)], func(o object) object { return o })
}

func (c *call) listPullCommits() *reply {
	p, no := c.pull("pull_number")
	if no != nil {
		return no
	}
	base := p.in.objects.ancestors(p.mergeBase())
	commits := slices.DeleteFunc(p.in.objects.ancestors(p.head), func(k *commit) bool { return slices.Contains(base, k) })
	slices.Reverse(commits)
	return paged(c, commits, func(k *commit) object { return c.renderCommit(p.in, k) })
}

func (c *call) renderComment(p *PullRequest, at comment) object {
	n := number(at.id)
	return object{
		"id": at.id, "node_id": nodeID("IC", p.in.id, at.id), "url": c.api(p.in, "/issues/comments/"+n), "body": at.body,
		"html_url":  c.web(p.in, "/pull/"+strconv.Itoa(p.number)+"#issuecomment-"+n),
		"issue_url": c.api(p.in, "/issues/"+strconv.Itoa(p.number)), "user": c.simpleUser(at.author, c.base),
		"created_at": stamp(at.at), "updated_at": stamp(at.at), "author_association": "NONE",
	}
}

func (c *call) listComments() *reply {
	p, no := c.pull("issue_number")
	if no != nil {
		return no
	}
	return paged(c, p.comments, func(at comment) object { return c.renderComment(p, at) })
}

func (c *call) createComment() *reply {
	p, no := c.pull("issue_number")
	if no != nil {
		return no
	}
	if _, no := c.writable("pull_requests"); no != nil {
		return no
	}
	var want struct{ Body string }
	if no := c.decode(&want); no != nil {
		return no
	}
	at := comment{id: c.id(), author: c.actor(), body: want.Body, at: c.now()}
	p.comments = append(p.comments, at)
	return created(c.renderComment(p, at))
}
