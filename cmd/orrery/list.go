package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Entities, filtered",
		Long: "Entities that pass every filter. A filter given several times passes what any of its values passes.\n" +
			"What is only referred to is left out unless --placeholders is given.",
		Example: "  orrery list --kind Component --owner payments\n  orrery list --unowned --format json",
		Args:    arguments(0, 0, "no arguments, only flags"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	flags := cmd.Flags()
	words := map[string]*[]string{
		"kinds":      flags.StringSlice("kind", nil, "of this `kind`, such as Component"),
		"namespaces": flags.StringSlice("namespace", nil, "in this `namespace`"),
		"owners":     flags.StringSlice("owner", nil, "owned by this group or user (a `REF`)"),
		"types":      flags.StringSlice("type", nil, "of this `type`, such as service"),
		"lifecycles": flags.StringSlice("lifecycle", nil, "in this `stage` of life, such as production"),
		"tags":       flags.StringSlice("tag", nil, "with this `tag`"),
		"systems":    flags.StringSlice("system", nil, "directly part of this system (a `REF`)"),
	}
	tiers := flags.IntSlice("tier", nil, "of this `tier`, 1 to 4; 0 is those without one")
	prefix := flags.String("name", "", "whose name begins with `text`")
	unowned := flags.Bool("unowned", false, "only those without an owner")
	withProblems := flags.Bool("with-problems", false, "only those with problems")
	placeholders := flags.Bool("placeholders", false, "only what is referred to and nobody describes")
	order := flags.String("order", "ref", "the order: ref, name or tier")
	p.refFlags(cmd, "owner", "system")
	fixedFlag(cmd, "order", "ref", "name", "tier")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		orders, err := enums("--order", []string{*order}, "REF", "NAME", "TIER")
		if err != nil {
			return err
		}
		filter := map[string]any{"placeholder": *placeholders}
		for name, values := range words {
			if len(*values) > 0 {
				filter[name] = *values
			}
		}
		if len(*tiers) > 0 {
			filter["tiers"] = *tiers
		}
		if *prefix != "" {
			filter["namePrefix"] = *prefix
		}
		if *unowned {
			filter["owned"] = false
		}
		if *withProblems {
			filter["hasProblems"] = true
		}
		variables := map[string]any{"filter": filter, "order": orders[0]}
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askList(ctx, q, variables) })
	}
	return cmd
}

// listing is the answer of `list`.
type listing struct {
	Entities []listed `json:"entities"`
}

type listed struct {
	Ref       string  `json:"ref"`
	Kind      string  `json:"kind"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Title     *string `json:"title"`
	Type      *string `json:"type"`
	Lifecycle *string `json:"lifecycle"`
	Tier      *int    `json:"tier"`
	Owner     *string `json:"owner"`
	System    *string `json:"system"`
	Stale     bool    `json:"stale"`
}

func askList(ctx context.Context, q *pinned, variables map[string]any) (answer, error) {
	type node struct {
		listed
		Owner  *refNode `json:"owner"`
		System *refNode `json:"system"`
	}
	type result struct{ Entities connection[node] }
	query := "query(" + pageVariables("entities") + ", $filter: EntityFilter, $order: EntityOrder) { " +
		page("entities(filter: $filter, orderBy: $order, %s)", "entities",
			"ref kind namespace name title type lifecycle tier owner { ref } system { ref } stale") + " }"
	got, err := askAll(ctx, q, query, variables, func(r *result) map[string]list {
		return map[string]list{"entities": &r.Entities}
	})
	if err != nil {
		return nil, err
	}
	a := &listing{Entities: make([]listed, len(got.Entities.Nodes))}
	for i, n := range got.Entities.Nodes {
		n.listed.Owner, n.listed.System = refOf(n.Owner), refOf(n.System)
		a.Entities[i] = n.listed
	}
	return a, nil
}

func (a *listing) table(p *printer) {
	rows := make([][]cell, len(a.Entities))
	for i, e := range a.Entities {
		tier := ""
		if e.Tier != nil {
			tier = fmt.Sprint(*e.Tier)
		}
		rows[i] = []cell{
			text(e.Ref), text(shown(e.Type)), text(shown(e.Lifecycle)), text(tier), text(shortName(shown(e.Owner))), text(shown(e.Title)),
		}
	}
	if len(rows) > 0 {
		p.table([]column{
			{title: "ENTITY", short: shortRef},
			{title: "TYPE", shrinks: true},
			{title: "LIFECYCLE", shrinks: true},
			{title: "TIER", numbers: true},
			{title: "OWNER", shrinks: true},
			{title: "TITLE", shrinks: true},
		}, rows)
		p.line("")
	}
	p.line("%s", many(len(rows), "entity", "entities"))
}
