package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// searchIssues finds pull requests by the words is:, repo:, user:, org:, head:, base:, author: and created:>=; other words must
// be in the title or the body.
func (c *call) searchIssues() *reply {
	words := strings.Fields(c.r.URL.Query().Get("q"))
	if len(words) == 0 {
		return invalid("Search", "missing", "q")
	}
	var found []*PullRequest
	for _, r := range c.repositories {
		if !c.sees(c.who, r) {
			continue
		}
		for _, p := range r.pulls {
			if !slices.ContainsFunc(words, func(word string) bool { return !p.fits(word) }) {
				found = append(found, p)
			}
		}
	}
	slices.SortFunc(found, func(a, b *PullRequest) int { return b.created.Compare(a.created) })
	a := paged(c, found, func(p *PullRequest) object { return c.renderIssue(p) })
	if a.status == http.StatusOK {
		a.body = object{"total_count": len(found), "incomplete_results": false, "search_type": "lexical", "items": a.body}
	}
	return a
}

// fits says whether a pull request is one that a word of a search means.
func (p *PullRequest) fits(word string) bool {
	name, value, qualified := strings.Cut(word, ":")
	switch {
	case !qualified:
		return strings.Contains(lower(p.settings.Title+" "+p.settings.Body), lower(word))
	case name == "is" || name == "state" || name == "type":
		return value == "pr" || value == "open" && p.open || value == "closed" && !p.open || value == "merged" && p.merged ||
			value == p.in.settings.Visibility
	case name == "repo":
		return strings.EqualFold(value, p.in.fullName())
	case name == "user" || name == "org":
		return strings.EqualFold(value, p.in.owner.login)
	case name == "head":
		return strings.HasPrefix(p.settings.Head, value)
	case name == "base":
		return strings.HasPrefix(p.settings.Base, value)
	case name == "author":
		return strings.EqualFold(strings.TrimPrefix(value, "app/"), strings.TrimSuffix(p.author.login, "[bot]"))
	case name == "created" && strings.HasPrefix(value, ">="):
		since, err := time.Parse(time.RFC3339, strings.TrimPrefix(value, ">="))
		return err == nil && !p.created.Before(since)
	}
	return false
}

// renderIssue is a pull request as the issue that it is, too.
func (c *call) renderIssue(p *PullRequest) object {
	whole, n := c.renderPull(p, c.base), strconv.Itoa(p.number)
	issue := c.api(p.in, "/issues/"+n)
	o := object{
		"url": issue, "repository_url": c.base + "/repos/" + p.in.fullName(), "labels_url": issue + "/labels{/name}",
		"comments_url": issue + "/comments", "events_url": issue + "/events", "comments": len(p.comments), "score": 1,
		"pull_request": object{
			"url": whole["url"], "html_url": whole["html_url"], "diff_url": whole["diff_url"], "patch_url": whole["patch_url"],
			"merged_at": whole["merged_at"],
		},
	}
	for _, name := range []string{
		"id", "node_id", "html_url", "number", "title", "user", "labels", "state", "locked", "assignee", "assignees", "milestone",
		"created_at", "updated_at", "closed_at", "author_association", "active_lock_reason", "body", "draft",
	} {
		o[name] = whole[name]
	}
	return o
}
