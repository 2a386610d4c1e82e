package githubtest

import (
	"fmt"
)

var queryShape = shape{name: "Query", fields: map[string]resolver{
	"viewer": func(x *execution, _ any, _ arguments) (any, error) {
		if x.who.user == nil {
			return nil, &fieldError{"FORBIDDEN", "Resource not accessible by integration"}
		}
		return x.who.user, nil
	},
	"repository": func(x *execution, _ any, args arguments) (any, error) {
		name := args.text("owner") + "/" + args.text("name")
		r := x.byName[lower(name)]
		if follow, given := args.flag("followRenames"); r == nil && (follow || !given) {
			r = x.repositories[x.moved[lower(name)]]
		}
		if r == nil || !x.sees(x.who, r) {
			return nil, &fieldError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", name)}
		}
		return x.shown(r)
	},
	"organization": func(x *execution, _ any, args arguments) (any, error) {
		a := x.accounts[lower(args.text("login"))]
		if a == nil || !a.organization {
			return nil, &fieldError{"NOT_FOUND", fmt.Sprintf("Could not resolve to an Organization with the login of '%s'.", args.text("login"))}
		}
		if x.signedOn(x.who, a) != nil {
			return nil, &fieldError{"FORBIDDEN", "Resource protected by organization SAML enforcement. " +
				"You must grant your Personal Access token access to this organization."}
		}
		return a, nil
	},
	"user": func(x *execution, _ any, args arguments) (any, error) {
		a := x.accounts[lower(args.text("login"))]
		if a == nil || a.organization {
			return nil, &fieldError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a User with the login of '%s'.", args.text("login"))}
		}
		return a, nil
	},
	"repositoryOwner": func(x *execution, _ any, args arguments) (any, error) {
		if a := x.accounts[lower(args.text("login"))]; a != nil {
			return a, nil
		}
		return nil, nil
	},
	"node": func(x *execution, _ any, args arguments) (any, error) { return x.node(args.text("id")) },
	"nodes": func(x *execution, _ any, args arguments) (any, error) {
		found := []any{}
		for _, id := range args.texts("ids") {
			node, err := x.node(id)
			if err != nil {
				x.errors = append(x.errors, object{"type": "NOT_FOUND", "message": err.Error(), "path": []any{"nodes", len(found)}})
			}
			found = append(found, node)
		}
		return found, nil
	},
	"rateLimit": func(x *execution, _ any, _ arguments) (any, error) {
		return rateLimit{*x.budgetOf(x.who, "graphql")}, nil
	},
}}

// shown refuses what may be known of, but not be read.
func (x *execution) shown(r *Repository) (any, error) {
	if x.signedOn(x.who, r.owner) != nil && r.settings.Visibility != "public" {
		return nil, &fieldError{"FORBIDDEN", "Resource protected by organization SAML enforcement. " +
			"You must grant your Personal Access token access to this organization."}
	}
	if r.settings.Blocked != "" {
		return nil, &fieldError{"FORBIDDEN", "Repository access blocked"}
	}
	return r, nil
}

// node finds an object by its id.
func (x *execution) node(id string) (any, error) {
	missing := &fieldError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a node with the global id of '%s'", id)}
	switch prefix, numbers := nodeNumbers(id); {
	case prefix == "R" && len(numbers) == 1:
		if r := x.repositories[numbers[0]]; r != nil && x.sees(x.who, r) {
			return x.shown(r)
		}
	case (prefix == "O" || prefix == "U") && len(numbers) == 1:
		if a := x.accountByID(numbers[0]); a != nil && a.nodeID() == id {
			return a, nil
		}
	case prefix == "T" && len(numbers) == 2:
		if a := x.accountByID(numbers[0]); a != nil {
			for _, t := range x.visibleTeams(a) {
				if t.id == numbers[1] {
					return t, nil
				}
			}
		}
	}
	return nil, missing
}

var rateLimitShape = shape{name: "RateLimit", fields: map[string]resolver{
	"limit":     plain(func(l rateLimit) any { return l.budget.limit }),
	"used":      asked(func(x *execution, l rateLimit, _ arguments) (any, error) { return l.budget.used + x.cost, nil }),
	"remaining": asked(func(x *execution, l rateLimit, _ arguments) (any, error) { return l.budget.remaining() - x.cost, nil }),
	"resetAt":   plain(func(l rateLimit) any { return stamp(l.budget.reset) }),
	"cost":      asked(func(x *execution, _ rateLimit, _ arguments) (any, error) { return x.cost, nil }),
	"nodeCount": plain(func(rateLimit) any { return 0 }),
}}
