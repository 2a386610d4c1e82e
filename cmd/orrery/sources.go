package main

import (
	"cmp"
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
		Short: "The configured sources: how they are doing, and what waits for a person's word",
		Example: "  orrery sources\n  orrery sources show repos\n  orrery sources approve repos\n" +
			"  orrery sources scan repos",
		Args: noSuchCommand,
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askSources(ctx, q) })
	}
	cmd.AddCommand(p.sourcesShowCommand(), p.sourcesApproveCommand(), p.sourcesScanCommand())
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
	StaleDocuments  int              `json:"staleDocuments"`
	Entities        int              `json:"entities"`
	Scopes          int              `json:"scopes"`
	Lost            map[string]int64 `json:"lost"`
	Configured      bool             `json:"configured"`
	Environment     *string          `json:"environment"`
	Schedule        *string          `json:"schedule"`
	NextScan        *time.Time       `json:"nextScan"`
	Watched         bool             `json:"watched"`
	WatchError      *string          `json:"watchError"`
	Held            *heldRemoval     `json:"held"`
	Budgets         []requestBudget  `json:"budgets"`
}

// requestBudget is how much the place of a source lets itself be asked.
type requestBudget struct {
	Name      string     `json:"name"`
	Limit     int        `json:"limit"`
	Remaining int        `json:"remaining"`
	ResetAt   *time.Time `json:"resetAt"`
	Used      int        `json:"used"` // by the last scan
}

// heldRemoval is what waits for approval.
type heldRemoval struct {
	Digest   string    `json:"digest"`
	Since    time.Time `json:"since"`
	Entities int       `json:"entities"`
	Of       int       `json:"of"`
	Reason   string    `json:"reason"`
	Refs     []string  `json:"refs"` // the first of them
}

const sourceFields = "id kind state error lastScan lastGood durationSeconds documents staleDocuments entities scopes" +
	" lost { reason count } configured environment schedule nextScan watched watchError held { digest since entities of reason refs }" +
	" budgets { name limit remaining resetAt used }"

// sourceNode is a source as GraphQL tells it.
type sourceNode struct {
	sourceState
	Lost []struct {
		Reason string
		Count  int64
	} `json:"lost"`
}

func (n sourceNode) state() sourceState {
	n.sourceState.Lost = map[string]int64{}
	for _, lost := range n.Lost {
		n.sourceState.Lost[lost.Reason] = lost.Count
	}
	n.Budgets = clone(n.Budgets)
	return n.sourceState
}

func askSources(ctx context.Context, q *pinned) (*sourceList, error) {
	type result struct{ Sources connection[sourceNode] }
	query := "query(" + pageVariables("sources") + ") { " + page("sources(%s)", "sources", sourceFields) + " }"
	got, err := askAll(ctx, q, query, nil, func(r *result) map[string]list { return map[string]list{"sources": &r.Sources} })
	if err != nil {
		return nil, err
	}
	a := &sourceList{Sources: []sourceState{}}
	for _, n := range got.Sources.Nodes {
		a.Sources = append(a.Sources, n.state())
	}
	return a, nil
}

// find is the source with the id.
func (a *sourceList) find(id string) (*sourceState, error) {
	ids := make([]string, len(a.Sources))
	for i := range a.Sources {
		if a.Sources[i].ID == id {
			return &a.Sources[i], nil
		}
		ids[i] = a.Sources[i].ID
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("there is no source %s: none is configured", id)
	}
	return nil, fmt.Errorf("there is no source %s: there are %s", id, strings.Join(ids, ", "))
}

var statePaints = map[string]paint{"OK": green, "FAILED": red, "STALE": yellow, "HELD": yellow}

func (a *sourceList) table(p *printer) {
	if len(a.Sources) == 0 {
		p.line("No sources are configured.")
		return
	}
	now := time.Now()
	rows := make([][]cell, len(a.Sources))
	for i := range a.Sources {
		s := &a.Sources[i]
		rows[i] = []cell{
			text(s.ID),
			text(s.Kind),
			{s.State, statePaints[s.State]},
			text(fmt.Sprint(s.Entities)),
			text(fmt.Sprint(s.Documents)),
			text(s.good(now)), text(s.took()), text(s.next(now)), text(s.lost()), text(strings.Join(s.troubles(), "; ")),
		}
	}
	columns := []column{
		{title: "SOURCE"},
		{title: "KIND"},
		{title: "STATE"},
		{title: "ENTITIES", numbers: true},
		{title: "DOCUMENTS", numbers: true},
		{title: "SCANNED"},
		{title: "TOOK"},
		{title: "NEXT"},
		{title: "LOST", shrinks: true},
		{title: "ERROR", shrinks: true},
	}
	if slices.ContainsFunc(a.Sources, func(s sourceState) bool { return len(s.Budgets) > 0 }) {
		at := len(columns) - 2 // before what may be cut
		columns = slices.Insert(columns, at, column{title: "BUDGET LEFT"})
		for i := range rows {
			rows[i] = slices.Insert(rows[i], at, text(a.Sources[i].scarcest()))
		}
	}
	p.table(columns, rows)
}

// scarcest is the budget of which the least is left.
func (s *sourceState) scarcest() string {
	if len(s.Budgets) == 0 {
		return ""
	}
	least := slices.MinFunc(s.Budgets, func(a, b requestBudget) int { return cmp.Compare(a.share(), b.share()) })
	return fmt.Sprintf("%s %d of %d", least.Name, least.Remaining, least.Limit)
}

// share is how much of it is left, from 0 to 1.
func (b requestBudget) share() float64 { return float64(b.Remaining) / float64(max(b.Limit, 1)) }

func (b requestBudget) text(now time.Time) string {
	left := fmt.Sprintf("%d of %d left", b.Remaining, b.Limit)
	if b.ResetAt != nil && b.ResetAt.After(now) {
		left += " for " + roughly(b.ResetAt.Sub(now))
	}
	return left + fmt.Sprintf(", %d used by the last scan", b.Used)
}

// good is how long ago the last good scan was.
func (s *sourceState) good(now time.Time) string {
	if s.LastGood == nil {
		return "never"
	}
	return roughly(now.Sub(*s.LastGood)) + " ago"
}

func (s *sourceState) took() string {
	if s.DurationSeconds == nil {
		return ""
	}
	took := time.Duration(*s.DurationSeconds * float64(time.Second))
	if took < time.Second {
		return took.Round(time.Millisecond).String()
	}
	return took.Round(100 * time.Millisecond).String()
}

// next is when it is scanned next.
func (s *sourceState) next(now time.Time) string {
	var whens []string
	if s.Watched {
		whens = append(whens, "on change")
	}
	if s.NextScan != nil {
		when := "now"
		if wait := s.NextScan.Sub(now); wait > 0 {
			when = "in " + roughly(wait)
		}
		whens = append(whens, when)
	}
	return strings.Join(whens, ", ")
}

func (s *sourceState) lost() string {
	var lost []string
	for _, reason := range slices.Sorted(maps.Keys(s.Lost)) {
		lost = append(lost, fmt.Sprintf("%d %s", s.Lost[reason], reason))
	}
	return strings.Join(lost, ", ")
}

// troubles says what is wrong and what to do, what a person must decide first.
func (s *sourceState) troubles() []string {
	var troubles []string
	if s.Held != nil {
		troubles = append(troubles, fmt.Sprintf("HELD %d of %d, approve by `orrery sources approve %s`", s.Held.Entities, s.Held.Of, s.ID))
	}
	if s.Error != nil && (s.Held == nil || s.State != "HELD") {
		troubles = append(troubles, *s.Error)
	}
	if s.WatchError != nil && (s.Error == nil || *s.Error != *s.WatchError) {
		troubles = append(troubles, "not watched: "+*s.WatchError)
	}
	return troubles
}

// roughly is a length of time in its largest unit.
func roughly(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
