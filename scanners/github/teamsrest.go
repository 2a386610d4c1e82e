package github

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"
	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// teamJSON and memberJSON are what is kept of an answer.
type teamJSON struct {
	Slug        string  `json:"slug"`
	Name        string  `json:"name"`
	Description *string `json:"description,omitempty"`
	Privacy     string  `json:"privacy"`
	Parent      *struct {
		Slug string `json:"slug"`
	} `json:"parent,omitempty"`
}

type memberJSON struct {
	Login   string `json:"login"`
	Type    string `json:"type"`
	Picture string `json:"avatar_url"`
}

// listPeople reads by REST. It tells no names and e-mail addresses, and of a team also the members of those below it.
func (r *run) listPeople(ctx context.Context, organization string) (*people, error) {
	client, err := r.config.Connection.REST(ctx, organization)
	if err != nil {
		return nil, err
	}
	base := "orgs/" + url.PathEscape(organization) + "/"
	listed, err := pages[teamJSON](ctx, client, base+"teams", maxTeams)
	if err != nil {
		return nil, err
	}
	members, err := pages[memberJSON](ctx, client, base+"members", maxMembers)
	if err != nil {
		return nil, err
	}
	found := &people{teams: make(map[string]*team), members: make(map[string]*member)}
	for _, m := range members {
		if m.Type == "User" && isName(m.Login) {
			found.members[strings.ToLower(m.Login)] = &member{login: m.Login, picture: m.Picture}
		}
	}
	for _, t := range listed {
		if t.Privacy == "secret" || !isName(t.Slug) {
			continue
		}
		made := &team{slug: t.Slug, name: t.Name, members: make(map[string]bool)}
		if t.Description != nil {
			made.description = *t.Description
		}
		if t.Parent != nil {
			made.parent = t.Parent.Slug
		}
		found.teams[t.Slug] = made
	}
	if err := found.listTeamMembers(ctx, client, base); err != nil {
		return nil, err
	}
	return found, nil
}

func (p *people) listTeamMembers(ctx context.Context, client *github.Client, base string) error {
	slugs := slices.Sorted(maps.Keys(p.teams))
	listed := make([][]memberJSON, len(slugs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pagesAtOnce)
	for i, slug := range slugs {
		group.Go(func() (err error) {
			listed[i], err = pages[memberJSON](ctx, client, base+"teams/"+url.PathEscape(slug)+"/members", maxMembers)
			if status(err) == 404 { // it went while it was read
				err = nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	below := make(map[string]map[string]bool) // by slug: who is in a team right below it
	for i, slug := range slugs {
		parent := p.teams[slug].parent
		if below[parent] == nil {
			below[parent] = make(map[string]bool)
		}
		for _, m := range listed[i] {
			below[parent][strings.ToLower(m.Login)] = true
		}
	}
	for i, slug := range slugs {
		for _, m := range listed[i] {
			if m.Type == "User" && isName(m.Login) && !below[slug][strings.ToLower(m.Login)] {
				p.join(p.teams[slug], &member{login: m.Login, picture: m.Picture})
			}
		}
	}
	return nil
}

// pages reads all pages of a list, of which those that did not change cost nothing.
func pages[T any](ctx context.Context, client *github.Client, path string, most int) ([]T, error) {
	reduce := func(body []byte) ([]byte, error) {
		var page []T
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, fmt.Errorf("this is no such list: %w", err)
		}
		return json.Marshal(page)
	}
	var all []T
	for number := 1; ; number++ {
		body, answer, err := getWith(connect.Keep(ctx, reduce), client, path+"?per_page="+strconv.Itoa(pageSize)+"&page="+strconv.Itoa(number))
		if err != nil {
			return nil, err
		}
		var page []T
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, fmt.Errorf("the list cannot be understood: %w", err)
		}
		if all = append(all, page...); len(all) > most {
			return nil, fmt.Errorf("it has more than %d in the list %s", most, path)
		}
		if len(page) < pageSize && answer.NextPage <= number { // see [Scanner.page]
			return all, nil
		}
	}
}
