package githubtest

import "net/http"

func (g *GitHub) renderTeam(t *Team, base string) object {
	o := g.simpleTeam(t, base)
	o["parent"] = nil
	if t.parent != nil {
		o["parent"] = g.simpleTeam(t.parent, base)
	}
	return o
}

func (g *GitHub) simpleTeam(t *Team, base string) object {
	privacy := "closed"
	if t.settings.Secret {
		privacy = "secret"
	}
	api := base + "/organizations/" + number(t.organization.id) + "/team/" + number(t.id)
	return object{
		"id": t.id, "node_id": t.nodeID(), "name": t.settings.Name, "slug": t.slug, "description": orNull(t.settings.Description),
		"privacy": privacy, "notification_setting": "notifications_enabled", "permission": "pull", "url": api,
		"type": "organization", "organization_id": t.organization.id,
		"html_url":    "https://" + g.host + "/orgs/" + t.organization.login + "/teams/" + t.slug,
		"members_url": api + "/members{/member}", "repositories_url": api + "/repos",
	}
}

// teams are those of the organisation of the path that may be seen.
func (c *call) teams() (*Account, []*Team, *reply) {
	a, no := c.organization()
	if no == nil && !c.mayReadMembers(a) {
		no = refuse(http.StatusForbidden, "Resource not accessible by integration")
		if c.who.installation == nil {
			no = notFound()
		}
	}
	if no != nil {
		return nil, nil, no
	}
	return a, c.visibleTeams(a), nil
}

func (c *call) listTeams() *reply {
	_, teams, no := c.teams()
	if no != nil {
		return no
	}
	return paged(c, teams, func(t *Team) object { return c.renderTeam(t, c.base) })
}

// team is the one of the path.
func (c *call) team() (*Team, *reply) {
	_, teams, no := c.teams()
	if no != nil {
		return nil, no
	}
	for _, t := range teams {
		if t.slug == c.r.PathValue("team_slug") {
			return t, nil
		}
	}
	return nil, notFound()
}

func (c *call) getTeam() *reply {
	t, no := c.team()
	if no != nil {
		return no
	}
	o := c.renderTeam(t, c.base)
	o["members_count"], o["repos_count"] = len(t.all()), 0
	o["created_at"], o["updated_at"] = stamp(t.created), stamp(t.created)
	o["organization"] = c.fullOrganization(t.organization)
	return ok(o)
}

func (c *call) listTeamMembers() *reply {
	t, no := c.team()
	if no != nil {
		return no
	}
	members := t.all()
	if role := c.r.URL.Query().Get("role"); role == "maintainer" || role == "member" {
		for id, is := range members {
			if is != role {
				delete(members, id)
			}
		}
	}
	return paged(c, c.memberAccounts(members), func(u *Account) object { return c.simpleUser(u, c.base) })
}

func (c *call) listChildTeams() *reply {
	t, no := c.team()
	if no != nil {
		return no
	}
	return paged(c, t.below(true), func(t *Team) object { return c.renderTeam(t, c.base) })
}

func (c *call) listMembers() *reply {
	a, no := c.organization()
	if no != nil {
		return no
	}
	members := a.members
	if !c.mayReadMembers(a) {
		members = nil // only public members, and here all are private
	}
	return paged(c, c.memberAccounts(members), func(u *Account) object { return c.simpleUser(u, c.base) })
}
