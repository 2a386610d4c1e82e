package githubtest

import (
	"cmp"
	"slices"
	"time"
)

// Account is an organisation or a user.
type Account struct {
	hub     *GitHub
	id      int64
	created time.Time

	login        string
	organization bool
	bot          bool // what an app goes by
	profile      Profile
	members      map[int64]string // role by the id of the user: "admin" or "member"
	teams        []*Team
	sso          bool
}

// Profile is what an account says of itself.
type Profile struct{ Name, Email, Description string }

// AddOrganization makes an organisation.
func (g *GitHub) AddOrganization(login string) *Account { return g.addAccount(login, true, Profile{}) }

// AddUser makes a user.
func (g *GitHub) AddUser(login string, p Profile) *Account { return g.addAccount(login, false, p) }

func (g *GitHub) addAccount(login string, organization bool, p Profile) *Account {
	g.mu.Lock()
	defer g.mu.Unlock()
	if known := g.accounts[lower(login)]; known != nil {
		return known
	}
	a := &Account{
		hub: g, id: g.id(), created: g.now(), login: login, organization: organization, profile: p, members: map[int64]string{},
	}
	g.accounts[lower(login)] = a
	return a
}

// Account is the organisation or user of that login, nil where there is none.
func (g *GitHub) Account(login string) *Account {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accounts[lower(login)]
}

// Login is its name as it spells it.
func (a *Account) Login() string {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	return a.login
}

// Rename gives it another login; the old names of its repositories redirect.
func (a *Account) Rename(login string) {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	old := a.login
	owned := a.hub.owned(a)
	for _, r := range owned {
		delete(a.hub.byName, lower(r.fullName()))
		a.hub.moved[lower(r.fullName())] = r.id
	}
	delete(a.hub.accounts, lower(old))
	a.login, a.hub.accounts[lower(login)] = login, a
	for _, r := range owned {
		a.hub.byName[lower(r.fullName())] = r
		delete(a.hub.moved, lower(r.fullName()))
	}
	if a.organization {
		a.hub.emit("organization", a, nil, object{"action": "renamed", "changes": object{"login": object{"from": old}}})
	}
}

// SetProfile changes what it says of itself.
func (a *Account) SetProfile(p Profile) {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	a.profile = p
}

// RequireSSO refuses, from now on or no more, tokens of users that were not authorized for the organisation's single sign-on.
func (a *Account) RequireSSO(required bool) {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	a.sso = required
}

// AddMember takes a user into the organisation; a role is "member" or "admin".
func (a *Account) AddMember(u *Account, role string) {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	_, known := a.members[u.id]
	a.members[u.id] = role
	if !known {
		a.hub.emit("organization", a, nil, object{"action": "member_added", "membership": a.membership(u, role)})
	}
}

// RemoveMember takes a user out of the organisation and all of its teams.
func (a *Account) RemoveMember(u *Account) {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	role, known := a.members[u.id]
	if !known {
		return
	}
	delete(a.members, u.id)
	for _, t := range a.teams {
		delete(t.members, u.id)
	}
	a.hub.emit("organization", a, nil, object{"action": "member_removed", "membership": a.membership(u, role)})
}

// membership is what webhooks say of a member.
func (a *Account) membership(u *Account, role string) object {
	organization := a.hub.api() + "/orgs/" + a.login
	return object{
		"url": organization + "/memberships/" + u.login, "organization_url": organization, "role": role, "state": "active",
		"user": a.hub.simpleUser(u, a.hub.api()),
	}
}

// kind is the type that REST answers.
func (a *Account) kind() string {
	if a.organization {
		return "Organization"
	}
	if a.bot {
		return "Bot"
	}
	return "User"
}

func (a *Account) nodeID() string {
	if a.organization {
		return nodeID("O", a.id)
	}
	return nodeID("U", a.id)
}

// memberAccounts are the users in a set of members, by login.
func (g *GitHub) memberAccounts(members map[int64]string) (users []*Account) {
	for _, a := range g.accounts {
		if _, ok := members[a.id]; ok {
			users = append(users, a)
		}
	}
	slices.SortFunc(users, func(a, b *Account) int { return cmp.Compare(lower(a.login), lower(b.login)) })
	return users
}

func (g *GitHub) accountByID(id int64) *Account {
	for _, a := range g.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}
