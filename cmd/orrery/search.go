package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/internal/ingest"
)

func (p *program) searchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "search TEXT...",
		Short: "Entities by what one remembers of them, also misspelt",
		Long: "Entities whose name, title, alias, tag or description has all the words, the best first. The last word may be\n" +
			"unfinished, and words may be misspelt. Where nothing has all words, what has the most of them is shown.\n\n" +
			"These words filter: owner:, kind:, tag:, lifecycle:, tier: (0 is none), each before a value, which is quoted where\n" +
			"it has spaces. A filter given several times passes what any of its values passes.\n\n" +
			"The exit status is 1 where nothing is found.",
		Example:           "  orrery search paymnt gateway\n  orrery search ledger kind:resource tier:1 tier:2",
		Args:              arguments(1, -1, "what to search for"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	limit := cmd.Flags().Int("limit", 20, "show at most `N`, from 1 to 1000")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *limit < 1 || *limit > pageSize {
			return usagef("--limit must be from 1 to %d", pageSize)
		}
		variables := map[string]any{"text": strings.Join(args, " "), "first": *limit}
		var found *searched
		err := p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (_ answer, err error) {
			found, err = askSearch(ctx, q, variables)
			return found, err
		})
		if err == nil && found.Total == 0 {
			return errNo
		}
		return err
	}
	return cmd
}

// searched is the answer of `search`.
type searched struct {
	Results []searchResult `json:"results"` // the best first
	Total   int            `json:"total"`   // also of those that are not shown
}

type searchResult struct {
	Ref   string  `json:"ref"`
	Kind  string  `json:"kind"`
	Title *string `json:"title"`
	Owner *string `json:"owner"`
	Field string  `json:"field"` // what of it fits best
	Text  string  `json:"text"`  // what stands there
}

func askSearch(ctx context.Context, q *pinned, variables map[string]any) (*searched, error) {
	var got struct {
		Search struct {
			TotalCount int
			Nodes      []struct {
				Entity struct {
					Ref, Kind string
					Title     *string
					Owner     *refNode
				}
				Field, Text string
			}
		}
	}
	const query = `query($text: String!, $first: Int!) { search(text: $text, first: $first) {
		totalCount nodes { entity { ref kind title owner { ref } } field text } } }`
	if err := q.ask(ctx, query, variables, &got); err != nil {
		return nil, err
	}
	a := &searched{Results: make([]searchResult, len(got.Search.Nodes)), Total: got.Search.TotalCount}
	for i, n := range got.Search.Nodes {
		a.Results[i] = searchResult{n.Entity.Ref, n.Entity.Kind, n.Entity.Title, refOf(n.Entity.Owner), n.Field, n.Text}
	}
	return a, nil
}

func (a *searched) table(p *printer) {
	if len(a.Results) == 0 {
		p.line("Nothing fits.")
		return
	}
	rows := make([][]cell, len(a.Results))
	for i, r := range a.Results {
		fits := ""
		if r.Field != "NAME" && r.Field != "TITLE" { // those are shown anyway
			fits = strings.ToLower(r.Field) + ": " + r.Text
		}
		rows[i] = []cell{text(r.Ref), text(shortName(shown(r.Owner))), text(shown(r.Title)), text(fits)}
	}
	p.table([]column{
		{title: "ENTITY", short: shortRef},
		{title: "OWNER", shrinks: true},
		{title: "TITLE", shrinks: true},
		{title: "FITS BY", shrinks: true},
	}, rows)
	p.line("")
	if a.Total > len(a.Results) {
		p.line("%d of %s", len(a.Results), many(a.Total, "entity", "entities"))
		return
	}
	p.line("%s", many(a.Total, "entity", "entities"))
}

// prepareSearch keeps the index ready until ctx ends, so that nobody waits for it.
func prepareSearch(ctx context.Context, live *ingest.Catalog) error {
	for {
		changed := live.Changed()
		if snapshot := live.Snapshot(); snapshot != nil {
			snapshot.PrepareSearch()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
