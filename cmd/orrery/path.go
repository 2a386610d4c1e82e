package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (p *program) pathCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "path FROM TO",
		Short:             "The shortest way by which one needs the other",
		Long:              "The shortest chain of needs from one entity to another. The exit status is 1 where there is none.",
		Example:           "  orrery path checkout ledger-db",
		Args:              arguments(2, 2, "two REFs: the one that needs and the one that is needed"),
		ValidArgsFunction: p.completeRefs(2),
	}
	d, format, options := dataFlags(cmd), formatFlag(cmd, formatDot, formatMermaid), graphFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := options.variables()
		if err != nil {
			return err
		}
		variables := map[string]any{"from": args[0], "to": args[1], "options": which}
		var found *way
		err = p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) {
			found, err = askPath(ctx, q, variables)
			return found, err
		})
		if err == nil && !found.Found {
			return errNo
		}
		return err
	}
	return cmd
}

// way is the answer of `path`.
type way struct {
	From  string   `json:"from"`
	To    string   `json:"to"`
	Found bool     `json:"found"`
	Path  []string `json:"path"` // refs, from and to included; empty where there is none
	Edges []edge   `json:"edges"`
}

func askPath(ctx context.Context, q *pinned, variables map[string]any) (*way, error) {
	var got struct {
		From, To refNode
		Path     *struct{ Steps []dependencyNode }
	}
	const query = `query($from: String!, $to: String!, $options: GraphOptions) {
		from: entity(ref: $from) { ref } to: entity(ref: $to) { ref }
		path(from: $from, to: $to, options: $options) { steps { ` + dependencyFields + ` } } }`
	if err := q.ask(ctx, query, variables, &got); err != nil {
		return nil, err
	}
	a := &way{From: got.From.Ref, To: got.To.Ref, Path: []string{}, Edges: []edge{}}
	if got.Path != nil {
		a.Found, a.Path, a.Edges = true, append(a.Path, a.From), edges(got.Path.Steps)
		for _, e := range a.Edges {
			a.Path = append(a.Path, e.To)
		}
	}
	return a, nil
}

func (a *way) table(p *printer) {
	if !a.Found {
		p.paragraph(shortName(a.From) + " does not need " + shortName(a.To) + ", directly or not.")
		return
	}
	p.paragraph(chain(a.Path))
	if len(a.Edges) == 0 {
		return
	}
	p.line("")
	rows := make([][]cell, len(a.Edges))
	for i, e := range a.Edges {
		var because placed
		kind := ""
		if len(e.Evidence) > 0 {
			kind, because = e.Evidence[0].Kind, placed{Location: e.Evidence[0].Location, Line: e.Evidence[0].Line}
		}
		rows[i] = []cell{text(e.From), {e.Strength, strengthPaint(e.Strength)}, text(e.To), text(kind), text(because.text())}
	}
	p.table([]column{
		{title: "ENTITY", shrinks: true, short: shortRef},
		{title: "NEEDS"},
		{title: "ENTITY", shrinks: true, short: shortRef},
		{title: "EVIDENCE"},
		{title: "WHERE", shrinks: true, endings: true},
	}, rows)
}

func (a *way) drawing() drawing {
	var d drawing
	for _, e := range a.Edges {
		d.edges = append(d.edges, e.drawn())
	}
	if a.Found {
		d.nodes = []drawnNode{{ref: a.From}}
	}
	d.nodes = nodesOf(d.nodes, d.edges)
	return d
}
