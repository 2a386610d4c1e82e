package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
)

func (p *program) healthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health [REF]",
		Short: "Whether what runs can be checked for health and stays up",
		Long: "How the health checks came out: of every entity that runs on workloads, of every workload that belongs to none, and of\n" +
			"every cluster in which something leads to nothing; or of one REF. The table shows what failed and what is unknown.\n" +
			"A service FAILs where a check of severity ERROR failed. With --fail the exit status is 1 if any does.",
		Example:           "  orrery health --owner payments --outcome FAIL\n  orrery health checkout --explain\n  orrery health --list-checks",
		Args:              arguments(0, 1, "one REF at most"),
		ValidArgsFunction: p.completeRefs(1),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	q := healthFlags(p, cmd)
	fails := cmd.Flags().Bool("fail", false, "end with exit status 1 where a service that is shown FAILs")
	listChecks := cmd.Flags().Bool("list-checks", false, "list the checks that are made, with what to do about each")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *listChecks {
			return p.listChecks(cmd, d, *format, args)
		}
		if len(args) > 0 {
			q.ref = &args[0]
		}
		if err := q.check(); err != nil {
			return err
		}
		failed := false
		err := p.answers(cmd, d, *format, func(ctx context.Context, on *pinned) (answer, error) {
			a, err := askHealth(ctx, on, q)
			if err == nil {
				failed = slices.ContainsFunc(a.Services, func(s serviceHealth) bool { return s.Outcome == "FAIL" })
			}
			return a, err
		})
		if err == nil && failed && *fails {
			return errNo
		}
		return err
	}
	return cmd
}

// healthQuestion is what is asked, as typed.
type healthQuestion struct {
	ref                            *string // nil = of all
	environment                    string
	explain                        bool
	owners, systems, checks        []string
	tiers                          []int
	severities, outcomes           []string
	foundSeverities, foundOutcomes []string // as the API has them
}

func healthFlags(p *program, cmd *cobra.Command) *healthQuestion {
	q := &healthQuestion{}
	flags := cmd.Flags()
	flags.StringSliceVar(&q.owners, "owner", nil, "only what this group or user owns (a `REF`)")
	flags.StringSliceVar(&q.systems, "system", nil, "only what is directly part of this system (a `REF`)")
	flags.IntSliceVar(&q.tiers, "tier", nil, "only of this `tier`, 1 to 4; 0 is those without one")
	flags.StringSliceVar(&q.checks, "check", nil, "only the results of this `check`, such as no-readiness")
	flags.StringSliceVar(&q.severities, "severity", nil, "only results of this `severity`: ERROR or WARNING")
	flags.StringSliceVar(&q.outcomes, "outcome", nil,
		"only services with this `outcome`: PASS, FAIL, UNKNOWN or NOT_APPLICABLE; with --check or --severity, those of which such a result came out so")
	flags.StringVar(&q.environment, "environment", "", "the `environment` to look at (default production)")
	flags.BoolVar(&q.explain, "explain", false, "also show why it matters and what to do")
	p.refFlags(cmd, "owner", "system")
	fixedFlag(cmd, "severity", "ERROR", "WARNING")
	fixedFlag(cmd, "outcome", "PASS", "FAIL", "UNKNOWN", "NOT_APPLICABLE")
	return q
}

func (q *healthQuestion) check() (err error) {
	if q.foundSeverities, err = enums("--severity", q.severities, "ERROR", "WARNING"); err != nil {
		return err
	}
	q.foundOutcomes, err = enums("--outcome", q.outcomes, "PASS", "FAIL", "UNKNOWN", "NOT_APPLICABLE")
	return err
}

// doubts says whether somebody wants to know of everything that is unknown.
func (q *healthQuestion) doubts() bool {
	return q.ref != nil || q.explain || len(q.checks) > 0 || slices.Contains(q.foundOutcomes, "UNKNOWN")
}

// filter is the GraphQL input.
func (q *healthQuestion) filter() map[string]any {
	filter := map[string]any{}
	for name, values := range map[string][]string{
		"owners": q.owners, "systems": q.systems, "checks": q.checks, "severities": q.foundSeverities, "outcomes": q.foundOutcomes,
	} {
		if len(values) > 0 {
			filter[name] = values
		}
	}
	if len(q.tiers) > 0 {
		filter["tiers"] = q.tiers
	}
	if q.ref != nil {
		filter["refs"] = []string{*q.ref}
	}
	return filter
}
