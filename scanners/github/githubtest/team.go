package githubtest

import (
	"cmp"
	"slices"
	"time"
)

// Team is a team of an organisation.
type Team struct {
	organization *Account
	id           int64
	slug         string
	settings     TeamSettings
	parent       *Team
	members      map[int64]string // role by the id of the user: "maintainer" or "member"
	created      time.Time
}

// TeamSettings are what can be edited of a team.
type TeamSettings struct {
	Name        string // "" = the slug
	Description string
	Secret      bool // seen by its members and owners only, and by apps; else by all of the organisation
}

// AddTeam makes a team, below another one unless parent is nil.
func (a *Account) AddTeam(slug string, parent *Team, s TeamSettings) *Team {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	s.Name = cmp.Or(s.Name, slug)
	t := &Team{
		organization: a, id: a.hub.id(), slug: slug, settings: s, parent: parent, members: map[int64]string{}, created: a.hub.now(),
	}
	a.teams = append(a.teams, t)
	a.hub.emit("team", a, nil, object{"action": "created", "team": a.hub.renderTeam(t, a.hub.api())})
	return t
}

// Team is the one of that slug, nil where there is none.
func (a *Account) Team(slug string) *Team {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	return a.team(slug)
}

func (a *Account) team(slug string) *Team {
	for _, t := range a.teams {
		if t.slug == slug {
			return t
		}
	}
	return nil
}

// Add takes users into the team, and into its organisation; a role is "member" or "maintainer".
func (t *Team) Add(role string, users ...*Account) {
	hub := t.organization.hub
	hub.mu.Lock()
	defer hub.mu.Unlock()
	for _, u := range users {
		if _, member := t.organization.members[u.id]; !member {
			t.organization.members[u.id] = "member"
		}
		t.members[u.id] = role
		hub.emit("membership", t.organization, nil, object{
			"action": "added", "scope": "team", "member": hub.simpleUser(u, hub.api()), "team": hub.renderTeam(t, hub.api()),
		})
	}
}

// Remove takes a user out of the team.
func (t *Team) Remove(u *Account) {
	hub := t.organization.hub
	hub.mu.Lock()
	defer hub.mu.Unlock()
	delete(t.members, u.id)
	hub.emit("membership", t.organization, nil, object{
		"action": "removed", "scope": "team", "member": hub.simpleUser(u, hub.api()), "team": hub.renderTeam(t, hub.api()),
	})
}

// Edit changes the settings. A slug follows only by [Team.Rename].
func (t *Team) Edit(edit func(*TeamSettings)) {
	hub := t.organization.hub
	hub.mu.Lock()
	defer hub.mu.Unlock()
	old := t.settings
	edit(&t.settings)
	changes := object{}
	if old.Name != t.settings.Name {
		changes["name"] = object{"from": old.Name}
	}
	if old.Description != t.settings.Description {
		changes["description"] = object{"from": old.Description}
	}
	hub.emit("team", t.organization, nil, object{"action": "edited", "changes": changes, "team": hub.renderTeam(t, hub.api())})
}

// Rename gives it another name and slug.
func (t *Team) Rename(slug string) {
	hub := t.organization.hub
	hub.mu.Lock()
	defer hub.mu.Unlock()
	old := t.settings.Name
	t.slug, t.settings.Name = slug, slug
	hub.emit("team", t.organization, nil, object{
		"action": "edited", "changes": object{"name": object{"from": old}}, "team": hub.renderTeam(t, hub.api()),
	})
}

// Delete removes it with all teams below it, as GitHub does.
func (t *Team) Delete() {
	hub := t.organization.hub
	hub.mu.Lock()
	defer hub.mu.Unlock()
	gone := func(team *Team) bool {
		for ; team != nil; team = team.parent {
			if team == t {
				return true
			}
		}
		return false
	}
	t.organization.teams = slices.DeleteFunc(t.organization.teams, gone)
	for _, r := range hub.repositories {
		for team := range r.teams {
			if gone(team) {
				delete(r.teams, team)
			}
		}
	}
	hub.emit("team", t.organization, nil, object{"action": "deleted", "team": hub.renderTeam(t, hub.api())})
}

// Grant lets the team do something with a repository: "pull", "push" or "admin".
func (t *Team) Grant(r *Repository, permission string) {
	hub := t.organization.hub
	hub.mu.Lock()
	defer hub.mu.Unlock()
	r.teams[t] = permission
	hub.emit("team", t.organization, r, object{"action": "added_to_repository", "team": hub.renderTeam(t, hub.api())})
}

func (t *Team) nodeID() string { return nodeID("T", t.organization.id, t.id) }

// visibleTeams are those of the organisation that who asks may see, by slug.
func (c *call) visibleTeams(a *Account) (teams []*Team) {
	if !c.inside(c.who, a) {
		return nil
	}
	for _, t := range a.teams {
		user := c.who.user
		if !t.settings.Secret || user == nil || t.members[user.id] != "" || a.members[user.id] == "admin" {
			teams = append(teams, t)
		}
	}
	slices.SortFunc(teams, func(a, b *Team) int { return cmp.Compare(a.slug, b.slug) })
	return teams
}

// mayReadMembers says whether teams and members may be asked for.
func (c *call) mayReadMembers(a *Account) bool {
	if i := c.who.installation; i != nil {
		return i.account == a && i.permissions["members"] != ""
	}
	return c.inside(c.who, a)
}

// below are the teams right below a team, or below it at all.
func (t *Team) below(immediate bool) (teams []*Team) {
	for _, other := range t.organization.teams {
		for up := other.parent; up != nil; up = up.parent {
			if up == t {
				teams = append(teams, other)
			}
			if immediate {
				break
			}
		}
	}
	slices.SortFunc(teams, func(a, b *Team) int { return cmp.Compare(a.slug, b.slug) })
	return teams
}

// all are the members of the team and of those below it.
func (t *Team) all() map[int64]string {
	members := map[int64]string{}
	for _, team := range append(t.below(false), t) { // its own roles count
		for id, role := range team.members {
			members[id] = role
		}
	}
	return members
}
