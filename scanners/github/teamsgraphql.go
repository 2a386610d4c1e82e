package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

const (
	askedTeams   = 50 // in one query, each with members
	askedMembers = 100
)

const (
	queryTeams = `query($login: String!, $first: Int!, $after: String, $members: Int!) {
  organization(login: $login) {
    viewerIsAMember
    teams(first: $first, after: $after, orderBy: {field: NAME, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        slug name description privacy avatarUrl
        parentTeam { slug }
        members(first: $members, membership: IMMEDIATE) { pageInfo { hasNextPage endCursor } nodes { login } }
      }
    }
  }
}`
	queryTeamMembers = `query($login: String!, $slug: String!, $first: Int!, $after: String) {
  organization(login: $login) {
    team(slug: $slug) {
      members(first: $first, after: $after, membership: IMMEDIATE) { pageInfo { hasNextPage endCursor } nodes { login } }
    }
  }
}`
	queryMembers = `query($login: String!, $first: Int!, $after: String) {
  organization(login: $login) {
    membersWithRole(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { login name email avatarUrl }
    }
  }
}`
)

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

// loginPage and teamNode have nil for what may not be seen.
type loginPage struct {
	PageInfo pageInfo
	Nodes    []*struct{ Login string }
}

type teamNode struct {
	Slug, Name, Description, Privacy, AvatarURL string
	ParentTeam                                  *struct{ Slug string }
	Members                                     loginPage
}

// size is how much is asked for at once. It halves where that was too much, and grows back.
type size struct{ now, most, well int }

// less halves it, if it can be.
func (s *size) less() bool {
	s.well = 0
	if s.now <= 1 {
		return false
	}
	s.now /= 2
	return true
}

func (s *size) answered() {
	if s.well++; s.well >= 4 && s.now < s.most {
		s.now, s.well = min(s.now*2, s.most), 0
	}
}

// peopleAsker reads the people of one organisation by GraphQL.
type peopleAsker struct {
	connection   *connect.Connection
	organization string
	found        *people
	teams        size // at once
	logins       size // of members at once
}

func (r *run) askPeople(ctx context.Context, organization string) (*people, error) {
	a := &peopleAsker{
		connection: r.config.Connection, organization: organization,
		found: &people{teams: make(map[string]*team), members: make(map[string]*member)},
		teams: size{now: askedTeams, most: askedTeams}, logins: size{now: askedMembers, most: askedMembers},
	}
	if err := a.askMembers(ctx); err != nil {
		return nil, err
	}
	if err := a.askTeams(ctx); err != nil {
		return nil, err
	}
	return a.found, nil
}

// ask asks for as much as is answered at once: less of the sizes, one after the other, where it was too much.
func (a *peopleAsker) ask(ctx context.Context, query string, variables func() map[string]any, into func() any, sizes ...*size) error {
	for {
		asked := variables()
		asked["login"] = a.organization
		err := a.connection.GraphQL(ctx, a.organization, query, asked, into())
		switch {
		case err == nil:
			for _, s := range sizes {
				s.answered()
			}
			return nil
		case ctx.Err() != nil || !connect.AskForLess(err):
			return err
		case !slices.ContainsFunc(sizes, (*size).less):
			return fmt.Errorf("%w: %w", errUnanswered, err)
		}
	}
}

var errNoOrganization = errors.New("there is no such organisation, or nothing of it may be seen")

// after is a cursor as a variable.
func after(cursor string) any {
	if cursor == "" {
		return nil
	}
	return cursor
}

func (a *peopleAsker) askMembers(ctx context.Context) error {
	query := queryMembers
	for cursor := ""; ; {
		var answer struct {
			Organization *struct {
				MembersWithRole struct {
					PageInfo pageInfo
					Nodes    []*struct{ Login, Name, Email, AvatarURL string }
				}
			}
		}
		err := a.ask(ctx, query, func() map[string]any {
			return map[string]any{"first": a.logins.now, "after": after(cursor)}
		}, func() any { return &answer }, &a.logins)
		if query == queryMembers && wantsScope(err, "email") {
			query = strings.Replace(query, " email", "", 1) // it is worth less than all the rest
			continue
		}
		if err != nil {
			return err
		}
		if answer.Organization == nil {
			return errNoOrganization
		}
		page := answer.Organization.MembersWithRole
		for _, node := range page.Nodes {
			if node != nil && isName(node.Login) {
				a.found.members[strings.ToLower(node.Login)] = &member{node.Login, node.Name, node.Email, node.AvatarURL}
			}
		}
		if len(a.found.members) > maxMembers {
			return fmt.Errorf("it has more than %d members", maxMembers)
		}
		if !page.PageInfo.HasNextPage || page.PageInfo.EndCursor == cursor {
			return nil
		}
		cursor = page.PageInfo.EndCursor
	}
}

// wantsScope says whether a query failed since a token may not read one field.
func wantsScope(err error, field string) bool {
	var query *connect.QueryErrors
	return errors.As(err, &query) && slices.ContainsFunc(query.Errors, func(e connect.QueryError) bool {
		return e.Type == "INSUFFICIENT_SCOPES" && strings.Contains(e.Message, "'"+field+"'")
	})
}

func (a *peopleAsker) askTeams(ctx context.Context) error {
	for cursor := ""; ; {
		var answer struct {
			Organization *struct {
				ViewerIsAMember bool
				Teams           struct {
					PageInfo pageInfo
					Nodes    []*teamNode
				}
			}
		}
		err := a.ask(ctx, queryTeams, func() map[string]any {
			return map[string]any{"first": a.teams.now, "members": a.logins.now, "after": after(cursor)}
		}, func() any { return &answer }, &a.teams, &a.logins)
		if err != nil {
			return err
		}
		if answer.Organization == nil {
			return errNoOrganization
		}
		if !answer.Organization.ViewerIsAMember && !a.connection.IsApp() {
			return errNoMember
		}
		page := answer.Organization.Teams
		for _, node := range page.Nodes {
			if node == nil || node.Privacy == "SECRET" || !isName(node.Slug) {
				continue
			}
			if err := a.take(ctx, node); err != nil {
				return err
			}
		}
		if len(a.found.teams) > maxTeams {
			return fmt.Errorf("it has more than %d teams", maxTeams)
		}
		if !page.PageInfo.HasNextPage || page.PageInfo.EndCursor == cursor {
			return nil
		}
		cursor = page.PageInfo.EndCursor
	}
}

// take takes a team, with the members that were not in its answer.
func (a *peopleAsker) take(ctx context.Context, node *teamNode) error {
	t := &team{
		slug: node.Slug, name: node.Name, description: node.Description, picture: node.AvatarURL, members: make(map[string]bool),
	}
	if node.ParentTeam != nil {
		t.parent = node.ParentTeam.Slug
	}
	a.found.teams[t.slug] = t
	for page := node.Members; ; {
		for _, who := range page.Nodes {
			if who != nil && isName(who.Login) {
				a.found.join(t, &member{login: who.Login})
			}
		}
		if len(t.members) > maxMembers {
			return fmt.Errorf("the team %s has more than %d members", t.slug, maxMembers)
		}
		if !page.PageInfo.HasNextPage {
			return nil
		}
		cursor := page.PageInfo.EndCursor
		var answer struct {
			Organization *struct{ Team *struct{ Members loginPage } }
		}
		err := a.ask(ctx, queryTeamMembers, func() map[string]any {
			return map[string]any{"slug": t.slug, "first": a.logins.now, "after": after(cursor)}
		}, func() any { return &answer }, &a.logins)
		if err != nil {
			return err
		}
		if answer.Organization == nil || answer.Organization.Team == nil {
			delete(a.found.teams, t.slug) // it went while it was read
			return nil
		}
		if page = answer.Organization.Team.Members; page.PageInfo.EndCursor == cursor {
			return nil
		}
	}
}

// join puts somebody into a team. Whom the list of members does not have, it has from here on.
func (p *people) join(t *team, who *member) {
	key := strings.ToLower(who.login)
	if p.members[key] == nil {
		p.members[key] = who
	}
	t.members[key] = true
}
