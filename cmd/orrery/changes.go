package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) changesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "What changed, the newest first",
		Long: "What came, went or changed: of everything, of one entity, or also of all that it needs. The birth of an entity is\n" +
			"one change, and so is its end. It is kept in the store for as long as the configuration says.",
		Example: "  orrery changes --since 2h --of checkout --upstream\n  orrery changes --since 2026-01-31 --until 2026-02-01 --format json",
		Args:    arguments(0, 0, "no arguments, only flags"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	flags := cmd.Flags()
	since := flags.String("since", "24h", "only at this `time` or later: "+momentHelp)
	until := flags.String("until", "", "only before this `time`")
	of := flags.String("of", "", "only of this entity (a `REF`)")
	upstream := flags.Bool("upstream", false, "with --of: also of everything that it needs, directly or not")
	limit := flags.Int("limit", 0, "how many at most; 0 is all")
	p.refFlags(cmd, "of")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := notNegative("--limit", *limit); err != nil {
			return err
		}
		if *upstream && *of == "" {
			return usagef("--upstream needs --of: name the entity whose needs are meant")
		}
		now := time.Now()
		variables := map[string]any{"upstream": *upstream}
		for name, text := range map[string]string{"since": *since, "until": *until} {
			if text == "" {
				continue
			}
			at, err := moment("--"+name, text, now)
			if err != nil {
				return err
			}
			variables[name] = at
		}
		if *of != "" {
			variables["of"] = *of
		}
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) {
			return askChanges(ctx, q, variables, *limit)
		})
	}
	return cmd
}

// changeList is the answer of `changes`.
type changeList struct {
	Changes []change `json:"changes"`
	more    bool     // there are more than were asked for
}

type change struct {
	Revision int64     `json:"revision"`
	Time     time.Time `json:"time"`
	Source   *string   `json:"source"`
	Ref      string    `json:"ref"`
	Field    *string   `json:"field"`
	Old      *string   `json:"old"`
	New      *string   `json:"new"`
}

// firstOf is a connection of which only so many are wanted; 0 is all.
type firstOf[T any] struct {
	*connection[T]
	limit int
}

func (f firstOf[T]) more() (*string, bool) {
	cursor, more := f.connection.more()
	return cursor, more && (f.limit == 0 || len(f.Nodes) < f.limit)
}

func askChanges(ctx context.Context, q *pinned, variables map[string]any, limit int) (answer, error) {
	type result struct{ Changes connection[change] }
	query := "query(" + pageVariables("changes") + ", $since: Time, $until: Time, $of: String, $upstream: Boolean) { " +
		page("changes(since: $since, until: $until, of: $of, upstream: $upstream, %s)", "changes",
			"revision time source ref field old new") + " }"
	got, err := askAll(ctx, q, query, variables, func(r *result) map[string]list {
		return map[string]list{"changes": firstOf[change]{&r.Changes, limit}}
	})
	if err != nil {
		return nil, err
	}
	a := &changeList{Changes: clone(got.Changes.Nodes)}
	_, a.more = got.Changes.more()
	if limit > 0 && len(a.Changes) > limit {
		a.Changes, a.more = a.Changes[:limit], true
	}
	return a, nil
}

func (a *changeList) table(p *printer) {
	if len(a.Changes) == 0 {
		p.line("Nothing changed in that time.")
		return
	}
	rows := make([][]cell, len(a.Changes))
	for i, c := range a.Changes {
		what, color := shown(c.Field), unpainted
		switch {
		case c.Field == nil && c.Old == nil:
			what, color = "is new", green
		case c.Field == nil && c.New == nil:
			what, color = "is gone", red
		case c.Field == nil:
			what = "is now"
		}
		rows[i] = []cell{
			text(c.Time.UTC().Format(time.RFC3339)), text(c.Ref),
			{what, color},
			text(oneLine(shown(c.Old))), text(oneLine(shown(c.New))),
			text(shown(c.Source)),
		}
	}
	p.table([]column{
		{title: "TIME"},
		{title: "ENTITY", short: shortRef},
		{title: "WHAT", shrinks: true},
		{title: "OLD", shrinks: true},
		{title: "NEW", shrinks: true},
		{title: "SOURCE", shrinks: true},
	}, rows)
	p.line("")
	count := many(len(rows), "change", "changes")
	if a.more {
		count += ", and more: --limit 0 shows all"
	}
	p.line("%s", count)
}
