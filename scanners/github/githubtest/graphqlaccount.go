package githubtest

import (
	"cmp"
	"slices"
	"strings"
)

// accountFields are those of organisations and users.
func accountFields(more map[string]resolver) map[string]resolver {
	more["id"] = plain(func(a *Account) any { return a.nodeID() })
	more["databaseId"] = plain(func(a *Account) any { return a.id })
	more["login"] = plain(func(a *Account) any { return a.login })
	more["name"] = plain(func(a *Account) any { return orNull(a.profile.Name) })
	more["avatarUrl"] = plain(func(a *Account) any { return "https://avatars.githubusercontent.com/u/" + number(a.id) })
	more["resourcePath"] = plain(func(a *Account) any { return "/" + a.login })
	more["createdAt"] = plain(func(a *Account) any { return stamp(a.created) })
	more["updatedAt"] = plain(func(a *Account) any { return stamp(a.created) })
	more["url"] = asked(func(x *execution, a *Account, _ arguments) (any, error) {
		return "https://" + x.host + "/" + a.login, nil
	})
	more["repositories"] = asked(listOfRepositories)
	more["repository"] = asked(func(x *execution, a *Account, args arguments) (any, error) {
		return queryShape.fields["repository"](x, queryRoot{}, arguments{"owner": a.login, "name": args["name"]})
	})
	return more
}

var organizationShape = shape{
	name: "Organization", interfaces: []string{"Node", "Actor", "RepositoryOwner", "ProfileOwner", "UniformResourceLocatable"},
	fields: accountFields(map[string]resolver{
		"description": plain(func(a *Account) any { return orNull(a.profile.Description) }),
		"email":       plain(func(a *Account) any { return orNull(a.profile.Email) }),
		"viewerIsAMember": asked(func(x *execution, a *Account, _ arguments) (any, error) {
			if x.who.user == nil {
				return false, nil
			}
			_, member := a.members[x.who.user.id]
			return member, nil
		}),
		"membersWithRole": asked(func(x *execution, a *Account, _ arguments) (any, error) {
			if !x.mayReadMembers(a) {
				return nil, notAccessible()
			}
			return connection{
				name: "OrganizationMemberConnection", items: anyOf(x.memberAccounts(a.members)),
				edges: map[string]resolver{
					"role":                plain(func(u *Account) any { return strings.ToUpper(a.members[u.id]) }),
					"hasTwoFactorEnabled": plain(func(*Account) any { return nil }),
				},
			}, nil
		}),
		"team": asked(func(x *execution, a *Account, args arguments) (any, error) {
			for _, t := range x.visibleTeams(a) {
				if t.slug == args.text("slug") {
					return t, nil
				}
			}
			return nil, nil
		}),
		"teams": asked(func(x *execution, a *Account, args arguments) (any, error) {
			if !x.mayReadMembers(a) {
				return nil, notAccessible()
			}
			root, given := args.flag("rootTeamsOnly")
			teams := slices.DeleteFunc(x.visibleTeams(a), func(t *Team) bool { return given && root && t.parent != nil })
			return connection{name: "TeamConnection", items: anyOf(teams)}, nil
		}),
	}),
}

func notAccessible() error { return &fieldError{"FORBIDDEN", "Resource not accessible by integration"} }

var userShape = shape{
	name: "User", interfaces: []string{"Node", "Actor", "RepositoryOwner", "ProfileOwner", "UniformResourceLocatable"},
	fields: accountFields(map[string]resolver{
		"email":   plain(func(a *Account) any { return a.profile.Email }), // "" where it is not public
		"bio":     plain(func(a *Account) any { return orNull(a.profile.Description) }),
		"company": plain(func(*Account) any { return nil }),
	}),
}

// listOfRepositories are those that the arguments leave, in the order that they name.
func listOfRepositories(x *execution, a *Account, args arguments) (any, error) {
	all := slices.DeleteFunc(x.owned(a), func(r *Repository) bool {
		fork, forkAsked := args.flag("isFork")
		archived, archivedAsked := args.flag("isArchived")
		locked, _ := args.flag("isLocked")
		private := r.settings.Visibility != "public"
		return !x.sees(x.who, r) || forkAsked && fork != (r.parent != nil) || archivedAsked && archived != r.settings.Archived || locked ||
			args.text("privacy") == "PUBLIC" && private || args.text("privacy") == "PRIVATE" && !private ||
			args.text("visibility") != "" && !strings.EqualFold(args.text("visibility"), r.settings.Visibility)
	})
	if order, ordered := args["orderBy"].(object); ordered {
		slices.SortStableFunc(all, func(a, b *Repository) int {
			by := cmp.Compare(lower(a.name), lower(b.name))
			switch order["field"] {
			case "CREATED_AT":
				by = a.created.Compare(b.created)
			case "UPDATED_AT":
				by = a.updated.Compare(b.updated)
			case "PUSHED_AT":
				by = a.pushed.Compare(b.pushed)
			}
			if order["direction"] == "DESC" {
				by = -by
			}
			return by
		})
	}
	return connection{name: "RepositoryConnection", items: anyOf(all)}, nil
}
