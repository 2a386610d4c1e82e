package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) sourcesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sources",
		Short: "The configured sources and how they are doing",
		Args:  arguments(0, 0, "no arguments, only flags"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askSources(ctx, q) })
	}
	return cmd
}

// sourceList is the answer of `sources`.
type sourceList struct {
	Sources []sourceState `json:"sources"`
}

type sourceState struct {
	ID              string           `json:"id"`
	Kind            string           `json:"kind"`
	State           string           `json:"state"`
	Error           *string          `json:"error"`
	LastScan        *time.Time       `json:"lastScan"`
	LastGood        *time.Time       `json:"lastGood"`
	DurationSeconds *float64         `json:"durationSeconds"`
	Documents       int              `json:"documents"`
	Lost            map[string]int64 `json:"lost"`
}

func askSources(ctx context.Context, q *pinned) (answer, error) {
	type node struct {
		sourceState
		Lost []struct {
			Reason string
			Count  int64
		} `json:"lost"`
	}
	type result struct{ Sources connection[node] }
	query := "query(" + pageVariables("sources") + ") { " +
		page("sources(%s)", "sources", "id kind state error lastScan lastGood durationSeconds documents lost { reason count }") + " }"
	got, err := askAll(ctx, q, query, nil, func(r *result) map[string]list { return map[string]list{"sources": &r.Sources} })
	if err != nil {
		return nil, err
	}
	a := &sourceList{Sources: []sourceState{}}
	for _, n := range got.Sources.Nodes {
		n.sourceState.Lost = map[string]int64{}
		for _, lost := range n.Lost {
			n.sourceState.Lost[lost.Reason] = lost.Count
		}
		a.Sources = append(a.Sources, n.sourceState)
	}
	return a, nil
}

func (a *sourceList) table(p *printer) {
	if len(a.Sources) == 0 {
		p.line("No sources are configured.")
		return
	}
	rows := make([][]cell, len(a.Sources))
	for i, s := range a.Sources {
		last := ""
		if s.LastScan != nil {
			last = s.LastScan.Format(time.RFC3339)
		}
		var lost []string
		for _, reason := range slices.Sorted(maps.Keys(s.Lost)) {
			lost = append(lost, fmt.Sprintf("%d %s", s.Lost[reason], reason))
		}
		color := map[string]paint{"OK": green, "FAILED": red, "STALE": yellow}[s.State]
		rows[i] = []cell{
			text(s.ID), text(s.Kind), {s.State, color}, text(fmt.Sprint(s.Documents)), text(last), text(strings.Join(lost, ", ")), text(shown(s.Error)),
		}
	}
	p.table([]column{
		{title: "SOURCE"},
		{title: "KIND"},
		{title: "STATE"},
		{title: "DOCUMENTS", numbers: true},
		{title: "LAST SCAN"},
		{title: "LOST", shrinks: true},
		{title: "ERROR", shrinks: true},
	}, rows)
}
