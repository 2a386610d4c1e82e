package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) cyclesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cycles",
		Short: "Groups of entities that all need each other",
		Args:  arguments(0, 0, "no arguments, only flags"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askCycles(ctx, q) })
	}
	return cmd
}

// circles is the answer of `cycles`.
type circles struct {
	Cycles []circle `json:"cycles"`
}

type circle struct {
	Size     int      `json:"size"`
	Entities []string `json:"entities"`
}

// cyclesAtOnce is small because each cycle brings a page of entities.
const cyclesAtOnce = 50

func askCycles(ctx context.Context, q *pinned) (answer, error) {
	a := &circles{Cycles: []circle{}}
	var before *string
	for {
		var got struct {
			Cycles struct {
				Edges []struct {
					Cursor string
					Node   struct {
						Size     int
						Entities connection[refNode]
					}
				}
				PageInfo pageInfo
			}
		}
		const query = `query($count: Int!, $before: String) { cycles(first: $count, after: $before) {
			edges { cursor node { size entities(first: 500) { nodes { ref } pageInfo { hasNextPage endCursor } } } }
			pageInfo { hasNextPage endCursor } } }`
		if err := q.ask(ctx, query, map[string]any{"count": cyclesAtOnce, "before": before}, &got); err != nil {
			return nil, err
		}
		for _, e := range got.Cycles.Edges {
			if _, more := e.Node.Entities.more(); more {
				if err := restOfCycle(ctx, q, before, &e.Node.Entities); err != nil {
					return nil, err
				}
			}
			a.Cycles = append(a.Cycles, circle{e.Node.Size, refs(e.Node.Entities.Nodes)})
			before = &e.Cursor
		}
		if !got.Cycles.PageInfo.HasNextPage || len(got.Cycles.Edges) == 0 {
			return a, nil
		}
	}
}

// restOfCycle asks for what did not fit into the first page of the cycle that comes after the cursor.
func restOfCycle(ctx context.Context, q *pinned, before *string, entities *connection[refNode]) error {
	const query = `query($before: String, $after: String) { cycles(first: 1, after: $before) { nodes {
		entities(first: 1000, after: $after) { nodes { ref } pageInfo { hasNextPage endCursor } } } } }`
	for {
		after, more := entities.more()
		if !more {
			return nil
		}
		var got struct {
			Cycles struct {
				Nodes []struct{ Entities connection[refNode] }
			}
		}
		if err := q.ask(ctx, query, map[string]any{"before": before, "after": after}, &got); err != nil {
			return err
		}
		if len(got.Cycles.Nodes) != 1 || len(got.Cycles.Nodes[0].Entities.Nodes) == 0 {
			return fmt.Errorf("%s leaves out a part of a cycle", q.name)
		}
		next := &got.Cycles.Nodes[0].Entities
		entities.Nodes, entities.page = append(entities.Nodes, next.Nodes...), next.page
	}
}

func (a *circles) table(p *printer) {
	if len(a.Cycles) == 0 {
		p.line("There are no cycles.")
		return
	}
	rows := make([][]cell, len(a.Cycles))
	for i, c := range a.Cycles {
		rows[i] = []cell{text(fmt.Sprint(c.Size)), text(shortNames(c.Entities))}
	}
	p.table([]column{{title: "SIZE", numbers: true}, {title: "ENTITIES THAT ALL NEED EACH OTHER", shrinks: true}}, rows)
}
