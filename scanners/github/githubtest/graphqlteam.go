package githubtest

import "strings"

var teamShape = shape{name: "Team", interfaces: []string{"Node"}, fields: map[string]resolver{
	"id":           plain(func(t *Team) any { return t.nodeID() }),
	"databaseId":   plain(func(t *Team) any { return t.id }),
	"name":         plain(func(t *Team) any { return t.settings.Name }),
	"slug":         plain(func(t *Team) any { return t.slug }),
	"combinedSlug": plain(func(t *Team) any { return t.organization.login + "/" + t.slug }),
	"description":  plain(func(t *Team) any { return orNull(t.settings.Description) }),
	"organization": plain(func(t *Team) any { return t.organization }),
	"createdAt":    plain(func(t *Team) any { return stamp(t.created) }),
	"updatedAt":    plain(func(t *Team) any { return stamp(t.created) }),
	"avatarUrl":    plain(func(t *Team) any { return "https://avatars.githubusercontent.com/t/" + number(t.id) }),
	"privacy": plain(func(t *Team) any {
		if t.settings.Secret {
			return "SECRET"
		}
		return "VISIBLE"
	}),
	"url": asked(func(x *execution, t *Team, _ arguments) (any, error) {
		return "https://" + x.host + "/orgs/" + t.organization.login + "/teams/" + t.slug, nil
	}),
	"parentTeam": plain(func(t *Team) any {
		if t.parent == nil {
			return nil
		}
		return t.parent
	}),
	"childTeams": asked(func(_ *execution, t *Team, args arguments) (any, error) {
		immediate, given := args.flag("immediateOnly")
		return connection{name: "TeamConnection", items: anyOf(t.below(immediate || !given))}, nil
	}),
	"members": asked(func(x *execution, t *Team, args arguments) (any, error) {
		members := t.all() // ALL is what GitHub does without a word
		switch args.text("membership") {
		case "IMMEDIATE":
			members = t.members
		case "CHILD_TEAM":
			for id := range t.members {
				delete(members, id)
			}
		}
		return connection{
			name: "TeamMemberConnection", items: anyOf(x.memberAccounts(members)),
			edges: map[string]resolver{"role": plain(func(u *Account) any { return strings.ToUpper(members[u.id]) })},
		}, nil
	}),
	"repositories": asked(func(x *execution, t *Team, _ arguments) (any, error) {
		var items []any
		for _, r := range x.owned(t.organization) {
			if r.teams[t] != "" && x.sees(x.who, r) {
				items = append(items, r)
			}
		}
		return connection{name: "TeamRepositoryConnection", items: items}, nil
	}),
}}
