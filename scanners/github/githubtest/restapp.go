package githubtest

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

func (g *GitHub) renderInstallation(i *Installation, base string) object {
	selection := "all"
	if i.selected != nil {
		selection = "selected"
	}
	o := object{
		"id": i.id, "account": g.simpleUser(i.account, base), "repository_selection": selection,
		"access_tokens_url": base + "/app/installations/" + number(i.id) + "/access_tokens",
		"repositories_url":  base + "/installation/repositories",
		"html_url":          "https://" + g.host + "/organizations/" + i.account.login + "/settings/installations/" + number(i.id),
		"app_id":            i.app.id, "app_slug": i.app.slug, "target_id": i.account.id, "target_type": i.account.kind(),
		"permissions": maps.Clone(i.permissions), "events": []string{"push", "repository"}, "created_at": stamp(i.created),
		"updated_at": stamp(i.created), "single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{},
		"suspended_by": nil, "suspended_at": nil,
	}
	if i.suspended {
		o["suspended_by"], o["suspended_at"] = g.simpleUser(i.account, base), stamp(i.suspendedAt)
	}
	return o
}

// app is the one that asks by its JWT.
func (c *call) app() (*App, *reply) {
	if c.who.app == nil {
		return nil, refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	}
	return c.who.app, nil
}

func (c *call) getApp() *reply {
	app, no := c.app()
	if no != nil {
		return no
	}
	o := c.renderApp(app, c.base)
	o["installations_count"] = len(app.installations)
	return ok(o)
}

func (c *call) listInstallations() *reply {
	app, no := c.app()
	if no != nil {
		return no
	}
	all := slices.SortedFunc(maps.Values(app.installations), func(a, b *Installation) int { return cmp.Compare(a.id, b.id) })
	return paged(c, all, func(i *Installation) object { return c.renderInstallation(i, c.base) })
}

// installation finds the one of the path.
func (c *call) installation() (*Installation, *reply) {
	app, no := c.app()
	if no != nil {
		return nil, no
	}
	id, _ := strconv.ParseInt(c.r.PathValue("installation_id"), 10, 64)
	if i := app.installations[id]; i != nil {
		return i, nil
	}
	return nil, notFound()
}

func (c *call) getInstallation() *reply {
	i, no := c.installation()
	if no != nil {
		return no
	}
	return ok(c.renderInstallation(i, c.base))
}

// getInstallationOf answers the installation in the account, or the owner of the repository, of the path.
func (c *call) getInstallationOf() *reply {
	app, no := c.app()
	if no != nil {
		return no
	}
	name := cmp.Or(c.r.PathValue("org"), c.r.PathValue("username"), c.r.PathValue("owner"))
	for _, i := range app.installations {
		if lower(i.account.login) == lower(name) {
			return ok(c.renderInstallation(i, c.base))
		}
	}
	return notFound()
}

func (c *call) createToken() *reply {
	i, no := c.installation()
	if no != nil {
		return no
	}
	if i.suspended {
		return refuse(http.StatusForbidden, "This installation has been suspended")
	}
	var want struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if err := json.Unmarshal(c.body, &want); err != nil && len(c.body) > 0 {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	var only map[int64]bool
	if len(want.Repositories)+len(want.RepositoryIDs) > 0 {
		only = map[int64]bool{}
		for _, r := range c.owned(i.account) {
			if slices.Contains(want.Repositories, r.name) || slices.Contains(want.RepositoryIDs, r.id) {
				only[r.id] = true
			}
		}
	}
	p := i.newToken(only)
	selection := "all"
	if i.selected != nil || only != nil {
		selection = "selected"
	}
	return created(object{
		"token": p.token, "expires_at": stamp(p.expires), "permissions": maps.Clone(i.permissions), "repository_selection": selection,
	})
}

func (c *call) listInstallationRepositories() *reply {
	if c.who.installation == nil {
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	}
	all := slices.DeleteFunc(c.owned(c.who.installation.account), func(r *Repository) bool {
		return !c.who.installation.covers(r) || c.who.only != nil && !c.who.only[r.id]
	})
	a := paged(c, all, func(r *Repository) object { return c.renderRepository(r, c.base, c.who) })
	a.body = object{"total_count": len(all), "repository_selection": "all", "repositories": a.body}
	return a
}
