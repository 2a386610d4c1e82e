package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/server"
)

// table shows by service what deserves a look: what failed, what is unknown, what is exempted.
func (a *healthReport) table(p *printer) {
	counts := map[string]int{}
	for i := range a.Services {
		s := &a.Services[i]
		counts[s.Outcome]++
		a.service(p, s)
	}
	if len(a.Problems) > 0 {
		problemTable(p, a.Problems)
		p.line("")
	}
	if len(a.Services) == 0 {
		p.line("There is nothing to judge: no entity that was asked for runs on a workload.")
		return
	}
	var parts []string
	for _, outcome := range graph.Outcomes() {
		if n := counts[outcome.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	p.line("%s: %s", many(len(a.Services), "service", "services"), strings.Join(parts, ", "))
}

func (a *healthReport) service(p *printer, s *serviceHealth) {
	head := p.painted(oneLine(shortRef(s.Ref)), bold) + "  " + p.painted(s.Outcome, outcomePaint(s.Outcome, "ERROR"))
	if s.Owner != nil {
		head += "  " + p.painted(oneLine(shortName(*s.Owner)), dim)
	}
	if s.Tier != nil {
		head += p.painted(fmt.Sprintf("  tier %d", *s.Tier), dim)
	}
	p.line("%s", head)
	passed, unknown, explained := 0, 0, map[string]bool{}
	nameWorkload := !s.onOne()
	for _, r := range s.Checks {
		switch {
		case r.Outcome == "PASS":
			passed++
			continue
		case r.Outcome == "NOT_APPLICABLE" && r.Exemption == nil:
			continue
		case r.Outcome == "UNKNOWN" && r.Severity == "WARNING" && !a.doubts:
			unknown++
			continue
		}
		r.write(p, nameWorkload)
		if definition := a.checks[r.ID]; a.explain && r.Outcome != "NOT_APPLICABLE" && !explained[r.ID] {
			explained[r.ID] = true
			for _, text := range []string{definition.Rationale, "Fix: " + definition.Fix} {
				for _, line := range wrapped(oneLine(text), p.width-6) {
					p.line("      %s", p.painted(line, dim))
				}
			}
		}
	}
	var rest []string
	if passed > 0 {
		rest = append(rest, many(passed, "check", "checks")+" passed")
	}
	if unknown > 0 {
		rest = append(rest, fmt.Sprintf("%d unknown", unknown))
	}
	if len(rest) > 0 {
		p.line("  %s", p.painted(strings.Join(rest, ", "), dim))
	}
	p.line("")
}

// write shows one finding in a line.
func (r *healthResult) write(p *printer, nameWorkload bool) {
	word := strings.ToLower(r.Severity)
	switch {
	case r.Exemption != nil:
		word = "exempt"
	case r.Outcome == "UNKNOWN":
		word = "unknown"
	}
	var about []string
	if r.Workload != nil && nameWorkload {
		about = append(about, shortRef(*r.Workload))
	}
	if r.Container != nil {
		about = append(about, *r.Container)
	}
	text := oneLine(r.Message)
	if len(about) > 0 {
		text = oneLine(strings.Join(about, " ")) + ": " + text
	}
	if at := place(r.Location, r.Line); at != "" {
		text += p.painted(" ("+oneLine(at)+")", dim)
	}
	p.line("  %s %s %s", p.painted(fmt.Sprintf("%-7s", word), outcomePaint(r.Outcome, r.Severity)), text, p.painted("["+r.ID+"]", dim))
}

// onOne says whether all of a service is one workload, which need not be named in each line.
func (s *serviceHealth) onOne() bool {
	return !slices.ContainsFunc(s.Checks, func(r healthResult) bool {
		return shown(r.Workload) != shown(s.Checks[0].Workload)
	})
}

func outcomePaint(outcome, severity string) paint {
	switch {
	case outcome == "FAIL" && severity == "ERROR":
		return red
	case outcome == "FAIL":
		return yellow
	case outcome == "UNKNOWN":
		return blue
	case outcome == "PASS":
		return green
	default:
		return dim
	}
}

// checkList is the answer of `health --list-checks`.
type checkList struct {
	Checks []checkDefinition `json:"checks"`
}

// listChecks shows the checks of the place that is named; of the default policy, where none is.
func (p *program) listChecks(cmd *cobra.Command, d *data, format string, args []string) error {
	if len(args) > 0 {
		return usagef("health --list-checks is about no REF: leave it out")
	}
	if d.server != "" || len(d.catalog) > 0 {
		return p.answers(cmd, d, format, func(ctx context.Context, on *pinned) (answer, error) { return askChecks(ctx, on) })
	}
	judge := health.DefaultJudge()
	if d.config != "" {
		c, err := p.loadConfig(d.config)
		if err != nil {
			return err
		}
		if judge, err = judgeOf(c); err != nil {
			return err
		}
	}
	nothing := stays{graph.Build(graph.Input{})}
	on := &pinned{client: local(server.New(server.Config{Snapshots: nothing, Health: judge, Log: zerolog.Nop()})), revision: -1}
	a, err := askChecks(cmd.Context(), on)
	if err != nil {
		return err
	}
	return p.show(a, format)
}

func askChecks(ctx context.Context, on *pinned) (answer, error) {
	var got struct {
		Health struct{ Definitions []checkDefinition }
	}
	if err := on.ask(ctx, "{ health(first: 0) { "+definitionFields+" } }", nil, &got); err != nil {
		return nil, err
	}
	return &checkList{clone(got.Health.Definitions)}, nil
}

func (a *checkList) table(p *printer) {
	for _, c := range a.Checks {
		p.line("%s  %s  %s", p.painted(c.ID, bold), p.painted(c.Severity, outcomePaint("FAIL", c.Severity)), c.Title)
		for _, text := range []string{c.Rationale, "Fix: " + c.Fix, c.Reference} {
			for _, line := range wrapped(oneLine(text), p.width-2) {
				p.line("  %s", line)
			}
		}
		p.line("")
	}
	p.line("%s", many(len(a.Checks), "check", "checks"))
}

// judgeOf makes the judge of the policy of a configuration.
func judgeOf(c *config.Config) (*health.Judge, error) {
	judge, err := health.NewJudge(c.HealthPolicy())
	if err != nil {
		return nil, fmt.Errorf("health: %w", err)
	}
	return judge, nil
}
