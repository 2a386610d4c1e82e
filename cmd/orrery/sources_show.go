package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) sourcesShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "All that is known of a source, with what an approval would remove",
		Example: "  orrery sources show repos",
		Args:    arguments(1, 1, "the ID of one source"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.GroupID = ""
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) {
			all, err := askSources(ctx, q)
			if err != nil {
				return nil, err
			}
			return all.find(args[0])
		})
	}
	return cmd
}

func (s *sourceState) table(p *printer) {
	now := time.Now()
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	watched := "no"
	if s.Watched {
		watched = "yes"
	}
	kind := s.Kind
	if !s.Configured {
		kind += " (no longer configured)"
	}
	facts := []fact{
		{"source", cell{s.ID, bold}},
		{"kind", text(kind)},
		{"state", cell{s.State, statePaints[s.State]}},
		{"error", text(shown(s.Error))},
		{"last scan", text(at(s.LastScan))},
		{"last good", text(at(s.LastGood))},
		{"took", text(s.took())},
		{"next", text(s.next(now))},
		{"schedule", text(shown(s.Schedule))},
		{"watched", text(watched)},
		{"watch error", text(shown(s.WatchError))},
		{"environment", text(shown(s.Environment))},
		{"entities", text(fmt.Sprint(s.Entities))},
		{"documents", text(fmt.Sprintf("%d in %s, %d stale", s.Documents, many(s.Scopes, "scope", "scopes"), s.StaleDocuments))},
		{"lost", text(s.lost())},
	}
	for _, b := range s.Budgets {
		facts = append(facts, fact{"budget " + b.Name, text(b.text(now))})
	}
	p.facts(facts)
	if s.Held != nil {
		p.line("")
		s.Held.table(p)
		p.line("")
		p.paragraph(fmt.Sprintf("If they are to go: orrery sources approve %s --digest %s", s.ID, s.Held.Digest))
	}
}

// table lists what an approval would remove.
func (h *heldRemoval) table(p *printer) {
	p.paragraph(fmt.Sprintf("%d of %s would be removed, missing since %s: %s", h.Entities, many(h.Of, "entity", "entities"),
		h.Since.Format(time.RFC3339), h.Reason))
	for _, ref := range h.Refs {
		p.line("  %s", printable(ref))
	}
	if more := h.Entities - len(h.Refs); more > 0 {
		p.line("  and %d more", more)
	}
}
