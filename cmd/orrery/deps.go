package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) depsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deps REF",
		Short: "What it needs, or what needs it, step by step",
		Example: "  orrery deps checkout\n  orrery deps ledger-db --direction needed-by --depth 1\n" +
			"  orrery deps journey:checkout --kind Resource --format json",
		Args:              arguments(1, 1, "one REF, such as checkout or component:default/checkout"),
		ValidArgsFunction: p.completeRefs(1),
	}
	d, format, options := dataFlags(cmd), formatFlag(cmd, formatDot, formatMermaid), graphFlags(cmd)
	direction := cmd.Flags().String("direction", "needs", "which way to walk: needs or needed-by")
	depth := cmd.Flags().Int("depth", 0, "walk at most so many `steps`; 1 is direct only, 0 is no limit")
	kinds := cmd.Flags().StringSlice("kind", nil, "list only entities of this `kind` (repeatable); the walk passes through all")
	fixedFlag(cmd, "direction", "needs", "needed-by")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		way, err := enums("--direction", []string{*direction}, "NEEDS", "NEEDED_BY")
		if err != nil {
			return err
		}
		if err := notNegative("--depth", *depth); err != nil {
			return err
		}
		which, err := options.variables()
		if err != nil {
			return err
		}
		variables := map[string]any{
			"ref": args[0], "direction": way[0], "depth": *depth, "kinds": *kinds, "options": which,
		}
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askDeps(ctx, q, variables) })
	}
	return cmd
}

// walk is the answer of `deps`.
type walk struct {
	Ref      string    `json:"ref"`
	Edges    []edge    `json:"edges"`
	Entities []reached `json:"entities"`

	neededBy bool
}

type reached struct {
	Ref      string  `json:"ref"`
	Distance int     `json:"distance"`
	Owner    *string `json:"owner"`
}

func askDeps(ctx context.Context, q *pinned, variables map[string]any) (answer, error) {
	type result struct {
		Dependencies struct {
			Of       refNode
			Edges    connection[dependencyNode]
			Entities connection[struct {
				Distance int
				Entity   struct {
					Ref   string
					Owner *refNode
				}
			}]
		}
	}
	query := "query(" + pageVariables("edges", "entities") + ", $ref: String!, $direction: Direction, $depth: Int, $kinds: [String!], " +
		"$options: GraphOptions) { dependencies(of: $ref, direction: $direction, depth: $depth, kinds: $kinds, options: $options) { of { ref } " +
		page("edges(%s)", "edges", dependencyFields) + " " +
		page("entities(%s)", "entities", "distance entity { ref owner { ref } }") + " } }"
	got, err := askAll(ctx, q, query, variables, func(r *result) map[string]list {
		return map[string]list{"edges": &r.Dependencies.Edges, "entities": &r.Dependencies.Entities}
	})
	if err != nil {
		return nil, err
	}
	a := &walk{
		Ref: got.Dependencies.Of.Ref, Edges: edges(got.Dependencies.Edges.Nodes), Entities: []reached{},
		neededBy: variables["direction"] == "NEEDED_BY",
	}
	for _, n := range got.Dependencies.Entities.Nodes {
		a.Entities = append(a.Entities, reached{Ref: n.Entity.Ref, Distance: n.Distance, Owner: refOf(n.Entity.Owner)})
	}
	return a, nil
}

func (a *walk) table(p *printer) {
	direct := 0
	for _, e := range a.Entities {
		if e.Distance == 1 {
			direct++
		}
	}
	what, because := "needs", "NEEDED BY"
	if a.neededBy {
		what, because = "is needed by", "NEEDS"
	}
	if len(a.Entities) == 0 {
		p.paragraph(shortName(a.Ref) + " " + what + " nothing.")
		return
	}
	p.paragraph(fmt.Sprintf("%s %s %s, %d of them directly.", shortName(a.Ref), what, many(len(a.Entities), "entity", "entities"), direct))
	p.line("")
	// The edges that lead to an entity on the shortest way, which are those from one step nearer.
	distance := map[string]int{a.Ref: 0}
	for _, e := range a.Entities {
		distance[e.Ref] = e.Distance
	}
	ways, strongest, last := map[string][]string{}, map[string]string{}, map[string][]edge{}
	for _, e := range a.Edges {
		near, far := e.From, e.To
		if a.neededBy {
			near, far = far, near
		}
		from, listed := distance[near]
		if listed && from != distance[far]-1 {
			continue
		}
		ways[far] = append(ways[far], shortName(near))
		strongest[far] = stronger(strongest[far], e.Strength)
		last[far] = append(last[far], e)
	}
	columns := []column{
		{title: "ENTITY", short: shortRef}, {title: "DISTANCE"}, {title: "STRENGTH"}, {title: because, shrinks: true}, {title: "OWNER", shrinks: true},
	}
	measured := slices.ContainsFunc(a.Edges, func(e edge) bool { return e.Traffic != nil })
	if measured {
		columns = append(columns, column{title: "TRAFFIC", shrinks: true})
	}
	rows := make([][]cell, len(a.Entities))
	for i, e := range a.Entities {
		rows[i] = []cell{
			text(e.Ref), text(many(e.Distance, "step", "steps")),
			{strongest[e.Ref], strengthPaint(strongest[e.Ref])},
			text(strings.Join(ways[e.Ref], ", ")), text(shortName(shown(e.Owner))),
		}
		if measured {
			rows[i] = append(rows[i], text(edgeTraffic(last[e.Ref])))
		}
	}
	p.table(columns, rows)
}

// stronger is the stricter of two strengths.
func stronger(a, b string) string {
	rank := map[string]int{"ASYNC": 1, "SOFT": 2, "HARD": 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

func (a *walk) drawing() drawing {
	drawnEdges := make([]drawnEdge, len(a.Edges))
	for i, e := range a.Edges {
		drawnEdges[i] = e.drawn()
	}
	first := []drawnNode{{ref: a.Ref, fill: "#d9d9d9"}}
	return drawing{nodes: nodesOf(first, drawnEdges), edges: drawnEdges}
}
