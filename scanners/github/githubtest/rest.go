package githubtest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// simpleUser is what answers say of an account in passing. Base is the address of the API.
func (g *GitHub) simpleUser(a *Account, base string) object {
	login := url.PathEscape(a.login) // bots have brackets
	api := base + "/users/" + login
	return object{
		"login": a.login, "id": a.id, "node_id": a.nodeID(), "avatar_url": "https://avatars.githubusercontent.com/u/" + number(a.id),
		"gravatar_id": "", "url": api, "html_url": "https://" + g.host + "/" + login, "followers_url": api + "/followers",
		"following_url": api + "/following{/other_user}", "gists_url": api + "/gists{/gist_id}",
		"starred_url": api + "/starred{/owner}{/repo}", "subscriptions_url": api + "/subscriptions",
		"organizations_url": api + "/orgs", "repos_url": api + "/repos", "events_url": api + "/events{/privacy}",
		"received_events_url": api + "/received_events", "type": a.kind(), "site_admin": false,
	}
}

func (c *call) getViewer() *reply {
	if c.who.user == nil {
		return refuse(http.StatusUnauthorized, "Requires authentication")
	}
	return ok(c.fullUser(c.who.user))
}

func (c *call) getAccount() *reply {
	a := c.accounts[lower(c.r.PathValue("username"))]
	if a == nil {
		return notFound()
	}
	return ok(c.fullUser(a))
}

func (c *call) fullUser(a *Account) object {
	u := c.simpleUser(a, c.base)
	for name, value := range (object{
		"name": orNull(a.profile.Name), "company": nil, "blog": "", "location": nil, "email": orNull(a.profile.Email),
		"hireable": nil, "bio": orNull(a.profile.Description), "public_repos": len(c.owned(a)), "public_gists": 0,
		"followers": 0, "following": 0, "created_at": stamp(a.created), "updated_at": stamp(a.created),
	}) {
		u[name] = value
	}
	return u
}

// organization finds the one of the path; a reply refuses.
func (c *call) organization() (*Account, *reply) {
	a := c.accounts[lower(c.r.PathValue("org"))]
	if a == nil || !a.organization {
		return nil, notFound()
	}
	return a, c.signedOn(c.who, a)
}

func (c *call) getOrganization() *reply {
	a, no := c.organization()
	if no != nil {
		return no
	}
	return ok(c.fullOrganization(a))
}

func (c *call) fullOrganization(a *Account) object {
	o := c.simpleOrganization(a, c.base)
	for name, value := range (object{
		"has_organization_projects": true,
		"has_repository_projects":   true, "public_repos": len(c.owned(a)), "public_gists": 0, "followers": 0, "following": 0,
		"html_url": "https://" + c.host + "/" + a.login, "created_at": stamp(a.created), "updated_at": stamp(a.created),
		"archived_at": nil, "type": "Organization",
	}) {
		o[name] = value
	}
	if a.profile.Name != "" {
		o["name"] = a.profile.Name
	}
	if a.profile.Email != "" {
		o["email"] = a.profile.Email
	}
	return o
}

func (g *GitHub) simpleOrganization(a *Account, base string) object {
	api := base + "/orgs/" + a.login
	return object{
		"login": a.login, "id": a.id, "node_id": a.nodeID(), "url": api, "repos_url": api + "/repos",
		"events_url": api + "/events", "hooks_url": api + "/hooks", "issues_url": api + "/issues",
		"members_url": api + "/members{/member}", "public_members_url": api + "/public_members{/member}",
		"avatar_url": "https://avatars.githubusercontent.com/u/" + number(a.id), "description": orNull(a.profile.Description),
	}
}

func (c *call) listOrganizationRepositories() *reply {
	a, no := c.organization()
	if no != nil {
		return no
	}
	return c.listRepositories(c.owned(a), "all", "created")
}

// listUserRepositories answers public ones alone, whoever asks.
func (c *call) listUserRepositories() *reply {
	a := c.accounts[lower(c.r.PathValue("username"))]
	if a == nil {
		return notFound()
	}
	public := slices.DeleteFunc(c.owned(a), func(r *Repository) bool { return r.settings.Visibility != "public" })
	return c.listRepositories(public, "owner", "full_name")
}

func (c *call) listViewerRepositories() *reply {
	if c.who.user == nil {
		return refuse(http.StatusUnauthorized, "Requires authentication")
	}
	query := c.r.URL.Query()
	affiliation := cmp.Or(query.Get("affiliation"), "owner,collaborator,organization_member")
	if query.Has("affiliation") && query.Has("type") {
		return invalid("Repository", "custom", "If you specify visibility or affiliation, you cannot specify type.")
	}
	var all []*Repository
	for _, r := range c.repositories {
		_, member := r.owner.members[c.who.user.id]
		for name, has := range map[string]bool{
			"owner": r.owner == c.who.user, "collaborator": r.collaborators[c.who.user.id] != "", "organization_member": member,
		} {
			if has && strings.Contains(affiliation, name) {
				all = append(all, r)
				break
			}
		}
	}
	return c.listRepositories(all, "all", "full_name")
}

// listRepositories answers those that who asks may see, of the type and in the order that the query names.
func (c *call) listRepositories(all []*Repository, kind, order string) *reply {
	query := c.r.URL.Query()
	kind, order = cmp.Or(query.Get("type"), kind), cmp.Or(query.Get("sort"), order)
	all = slices.DeleteFunc(slices.Clone(all), func(r *Repository) bool {
		return !c.sees(c.who, r) || kind == "private" && r.settings.Visibility == "public" ||
			kind == "public" && r.settings.Visibility != "public" || kind == "forks" && r.parent == nil ||
			kind == "sources" && r.parent != nil
	})
	slices.SortFunc(all, func(a, b *Repository) int {
		by := 0
		switch order {
		case "created":
			by = cmp.Or(b.created.Compare(a.created), cmp.Compare(b.id, a.id)) // newest first
		case "updated":
			by = b.updated.Compare(a.updated)
		case "pushed":
			by = b.pushed.Compare(a.pushed)
		}
		if by == 0 || order == "full_name" {
			by = cmp.Compare(lower(a.fullName()), lower(b.fullName()))
		}
		return by
	})
	if direction := query.Get("direction"); direction == "desc" && order == "full_name" || direction == "asc" && order != "full_name" {
		slices.Reverse(all)
	}
	return paged(c, all, func(r *Repository) object { return c.renderRepository(r, c.base, c.who) })
}

// repository finds the one of the path. The reply refuses, or leads to where it is now.
func (c *call) repository() (*Repository, *reply) {
	name := lower(c.r.PathValue("owner") + "/" + c.r.PathValue("repo"))
	r := c.byName[name]
	if r == nil {
		if r = c.repositories[c.moved[name]]; r != nil && c.sees(c.who, r) {
			return nil, c.movedTo(r)
		}
		return nil, notFound()
	}
	if !c.sees(c.who, r) {
		return nil, notFound()
	}
	if no := c.signedOn(c.who, r.owner); no != nil && r.settings.Visibility != "public" {
		return nil, no
	}
	if r.settings.Blocked != "" {
		return nil, c.blocked(r)
	}
	return r, nil
}

// movedTo redirects to the same below the id.
func (c *call) movedTo(r *Repository) *reply {
	rest := strings.SplitN(c.r.URL.EscapedPath(), "/", 5) // "", repos, owner, name, rest
	to := c.base + "/repositories/" + number(r.id)
	if len(rest) > 4 {
		to += "/" + rest[4]
	}
	if c.r.URL.RawQuery != "" {
		to += "?" + c.r.URL.RawQuery
	}
	status := http.StatusMovedPermanently
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		status = http.StatusTemporaryRedirect
	}
	a := &reply{status: status, header: http.Header{}, body: object{
		"message": "Moved Permanently", "url": to, "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
	}}
	a.header.Set("Location", to)
	return a
}

func (c *call) blocked(r *Repository) *reply {
	status := http.StatusForbidden
	if r.settings.Blocked == "dmca" {
		status = http.StatusUnavailableForLegalReasons
	}
	a := refuse(status, "Repository access blocked")
	a.body.(object)["block"] = object{
		"reason": r.settings.Blocked, "created_at": stamp(r.updated), "html_url": "https://" + c.host + "/" + r.settings.Blocked,
	}
	return a
}

func (c *call) getRepository() *reply {
	r, no := c.repository()
	if no != nil {
		return no
	}
	full := c.renderRepository(r, c.base, c.who)
	full["network_count"], full["subscribers_count"] = 0, 0
	if r.owner.organization {
		full["organization"] = c.simpleUser(r.owner, c.base)
	}
	if r.parent != nil {
		full["parent"] = c.renderRepository(r.parent, c.base, c.who)
		full["source"] = full["parent"]
	}
	return ok(full)
}
