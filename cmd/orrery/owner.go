package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) ownerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "owner REF",
		Short:             "Who owns it, and how to reach them now",
		Example:           "  orrery owner payments\n  orrery owner component:default/payments --format json",
		Args:              arguments(1, 1, "one REF, such as payments or component:default/payments"),
		ValidArgsFunction: p.completeRefs(1),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askOwner(ctx, q, args[0]) })
	}
	return cmd
}

// ownership is the answer of `owner`.
type ownership struct {
	Ref      string    `json:"ref"`
	Owner    *owner    `json:"owner"`
	OnCall   []contact `json:"oncall"`
	Runbooks []string  `json:"runbooks"`
	Links    []link    `json:"links"`
	Source   *placed   `json:"source"`
	// Suggested are those who may answer for it, where nobody is known to.
	Suggested []suggested `json:"suggested"`
}

// suggested is somebody who may own an entity.
type suggested struct {
	Ref    *string `json:"ref"`  // null where the catalog has nobody of the name
	Name   string  `json:"name"` // as it is written there
	Reason *string `json:"reason"`
	placed
}

const suggestedFields = "suggestedOwners { name entity { ref } reason location line " + versionFields + " }"

type suggestedNode struct {
	suggested
	Entity *refNode
}

func suggestions(nodes []suggestedNode) []suggested {
	list := make([]suggested, len(nodes))
	for i, n := range nodes {
		list[i] = n.suggested
		list[i].Ref = refOf(n.Entity)
	}
	return list
}

// text names who it is, and why.
func (s suggested) text() string {
	who := s.Name
	if s.Ref != nil {
		who = *s.Ref
	}
	why := s.placed.text()
	if s.Reason != nil {
		why = strings.TrimSuffix(*s.Reason+", "+why, ", ")
	}
	return strings.TrimSuffix(who+" ("+why+")", " ()")
}

type owner struct {
	Ref         string   `json:"ref"`
	Name        string   `json:"name"`
	DisplayName *string  `json:"displayName"`
	Email       *string  `json:"email"`
	Members     []string `json:"members"` // users, by ref

	unknown bool // nobody describes it
}

func askOwner(ctx context.Context, q *pinned, ref string) (answer, error) {
	type result struct {
		Entity struct {
			Ref      string
			OnCall   []contact
			Runbooks []string
			Links    []link
			Source   *placed
			Owner    *struct {
				Ref, Name   string
				Placeholder bool
				Profile     *struct{ DisplayName, Email *string }
				Members     connection[struct{ Ref, Kind string }]
			}
			SuggestedOwners []suggestedNode
		}
	}
	query := "query(" + pageVariables("members") + ", $ref: String!) { entity(ref: $ref) { ref " + contactFields + " runbooks " +
		linkFields + " " + placeFields + " " + suggestedFields + " owner { ref name placeholder profile { displayName email } " +
		page("members(%s)", "members", "ref kind") + " } } }"
	got, err := askAll(ctx, q, query, map[string]any{"ref": ref}, func(r *result) map[string]list {
		if r.Entity.Ref != "" && r.Entity.Owner == nil {
			return nil
		} else if r.Entity.Owner == nil {
			return map[string]list{"members": (*connection[struct{ Ref, Kind string }])(nil)}
		}
		return map[string]list{"members": &r.Entity.Owner.Members}
	})
	if err != nil {
		return nil, err
	}
	e := got.Entity
	a := &ownership{
		Ref: e.Ref, OnCall: clone(e.OnCall), Runbooks: clone(e.Runbooks), Links: clone(e.Links), Source: e.Source,
		Suggested: suggestions(e.SuggestedOwners),
	}
	if o := e.Owner; o != nil {
		a.Owner = &owner{Ref: o.Ref, Name: o.Name, Members: []string{}, unknown: o.Placeholder}
		if o.Profile != nil {
			a.Owner.DisplayName, a.Owner.Email = o.Profile.DisplayName, o.Profile.Email
		}
		for _, member := range o.Members.Nodes {
			if member.Kind == "User" {
				a.Owner.Members = append(a.Owner.Members, member.Ref)
			}
		}
	}
	return a, nil
}

func (a *ownership) table(p *printer) {
	facts := []fact{{"Entity", text(a.Ref)}}
	switch {
	case a.Owner == nil:
		facts = append(facts, fact{"Owner", cell{"nobody is named", red}})
	case a.Owner.unknown:
		facts = append(facts, fact{"Owner", cell{a.Owner.Ref + ", which nobody describes", yellow}})
	default:
		name := a.Owner.Ref
		if a.Owner.DisplayName != nil {
			name = *a.Owner.DisplayName + " (" + name + ")"
		}
		facts = append(facts,
			fact{"Owner", cell{name, bold}}, fact{"E-mail", text(shown(a.Owner.Email))},
			fact{"Members", text(shortNames(a.Owner.Members))})
	}
	for _, s := range a.Suggested {
		facts = append(facts, fact{"Suggested", text(s.text())})
	}
	facts = append(facts, fact{"On call", cell{contacts(a.OnCall), green}})
	for _, runbook := range a.Runbooks {
		facts = append(facts, fact{"Runbook", text(runbook)})
	}
	for _, l := range a.Links {
		facts = append(facts, fact{"Link", text(l.text())})
	}
	p.facts(append(facts, fact{"Written in", text(a.Source.text())}))
}

func (l link) text() string {
	if l.Title == nil {
		return l.URL
	}
	return *l.Title + ": " + l.URL
}
