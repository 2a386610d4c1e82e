package githubtest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func stampOrNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return stamp(at)
}

// renderRepository is what lists and single answers say of a repository.
func (g *GitHub) renderRepository(r *Repository, base string, who *principal) object {
	api, web := base+"/repos/"+r.fullName(), "https://"+g.host+"/"+r.fullName()
	s := r.settings
	o := object{
		"id": r.id, "node_id": r.nodeID(), "name": r.name, "full_name": r.fullName(), "private": s.Visibility != "public",
		"owner": g.simpleUser(r.owner, base), "html_url": web, "description": orNull(s.Description), "fork": r.parent != nil,
		"url": api, "created_at": stamp(r.created), "updated_at": stamp(r.updated), "pushed_at": stampOrNull(r.pushed),
		"git_url": "git://" + g.host + "/" + r.fullName() + ".git", "ssh_url": "git@" + g.host + ":" + r.fullName() + ".git",
		"clone_url": web + ".git", "svn_url": web, "homepage": nil, "size": r.objects.size / 1024, "stargazers_count": 0,
		"watchers_count": 0, "language": nil, "has_issues": true, "has_projects": true, "has_downloads": true,
		"has_wiki": true, "has_pages": false, "has_discussions": false, "forks_count": 0, "mirror_url": nil,
		"archived": s.Archived, "disabled": s.Disabled, "open_issues_count": 0, "license": nil,
		"allow_forking": true, "is_template": s.Template, "web_commit_signoff_required": false,
		"topics": append([]string{}, s.Topics...), "visibility": s.Visibility, "forks": 0, "open_issues": 0,
		"watchers": 0, "default_branch": s.DefaultBranch,
		"permissions": object{
			"admin": g.writes(who, r), "maintain": g.writes(who, r), "push": g.writes(who, r), "triage": g.writes(who, r), "pull": true,
		},
	}
	for name, path := range repositoryURLs {
		o[name] = api + path
	}
	return o
}

// repositoryURLs are the addresses of what belongs to a repository, below its own.
var repositoryURLs = map[string]string{
	"forks_url": "/forks", "keys_url": "/keys{/key_id}", "collaborators_url": "/collaborators{/collaborator}",
	"teams_url": "/teams", "hooks_url": "/hooks", "issue_events_url": "/issues/events{/number}", "events_url": "/events",
	"assignees_url": "/assignees{/user}", "branches_url": "/branches{/branch}", "tags_url": "/tags",
	"blobs_url": "/git/blobs{/sha}", "git_tags_url": "/git/tags{/sha}", "git_refs_url": "/git/refs{/sha}",
	"trees_url": "/git/trees{/sha}", "statuses_url": "/statuses/{sha}", "languages_url": "/languages",
	"stargazers_url": "/stargazers", "contributors_url": "/contributors", "subscribers_url": "/subscribers",
	"subscription_url": "/subscription", "commits_url": "/commits{/sha}", "git_commits_url": "/git/commits{/sha}",
	"comments_url": "/comments{/number}", "issue_comment_url": "/issues/comments{/number}",
	"contents_url": "/contents/{+path}", "compare_url": "/compare/{base}...{head}", "merges_url": "/merges",
	"archive_url": "/{archive_format}{/ref}", "downloads_url": "/downloads", "issues_url": "/issues{/number}",
	"pulls_url": "/pulls{/number}", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "labels_url": "/labels{/name}",
	"releases_url": "/releases{/id}", "deployments_url": "/deployments",
}

func (c *call) listBranches() *reply {
	r, no := c.repository()
	if no != nil {
		return no
	}
	var names []string
	for name := range r.branches {
		names = append(names, name)
	}
	slices.Sort(names)
	return paged(c, names, func(name string) object {
		return object{
			"name": name, "protected": false,
			"commit": object{"sha": r.branches[name], "url": c.api(r, "/commits/"+r.branches[name])},
		}
	})
}

// api is the address of something below a repository.
func (c *call) api(r *Repository, path string) string {
	return c.base + "/repos/" + r.fullName() + path
}

func (c *call) getBranch() *reply {
	r, no := c.repository()
	if no != nil {
		return no
	}
	name := c.r.PathValue("branch")
	head := r.objects.commits[r.branches[name]]
	if head == nil {
		return refuse(404, "Branch not found")
	}
	link := c.api(r, "/branches/"+name)
	return ok(object{
		"name": name, "commit": c.renderCommit(r, head), "protected": false, "protection_url": link + "/protection",
		"_links":     object{"self": link, "html": "https://" + c.host + "/" + r.fullName() + "/tree/" + name},
		"protection": object{"enabled": false, "required_status_checks": object{"enforcement_level": "off", "contexts": []string{}, "checks": []string{}}},
	})
}

// full is the full name of a ref as paths have it ("heads/main").
func full(ref string) string { return "refs/" + strings.TrimPrefix(ref, "refs/") }
