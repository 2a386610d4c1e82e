package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph/drift"
)

func (p *program) driftCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drift [REF]",
		Short: "Where what is declared disagrees with the traffic that was seen",
		Long: "Where what teams declare disagrees with the traffic that was seen: calls that no catalog file names, declared ones that\n" +
			"never come, strengths that failures contradict, and calls to what nobody owns or what is to go away; or only those of\n" +
			"one REF. With --patch it prints what to write into which catalog file. With --fail the exit status is 1 if any is found.",
		Example:           "  orrery drift --owner payments --confidence MEDIUM\n  orrery drift checkout --patch",
		Args:              arguments(0, 1, "one REF at most"),
		ValidArgsFunction: p.completeRefs(1),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	flags := cmd.Flags()
	kinds := flags.StringSlice("kind", nil, "only findings of this `kind`, such as OBSERVED_NOT_DECLARED")
	confidence := flags.String("confidence", "", "only findings at least as sure as this `level`: HIGH, MEDIUM or LOW")
	owners := flags.StringSlice("owner", nil, "only what this group or user has to mend (a `REF`)")
	environment := flags.String("environment", "", "the `environment` to look at (default production)")
	patch := flags.Bool("patch", false, "print the patches of the catalog files instead of the findings")
	fails := flags.Bool("fail", false, "end with exit status 1 where anything is found")
	p.refFlags(cmd, "owner")
	fixedFlag(cmd, "kind", texts(drift.Kinds())...)
	fixedFlag(cmd, "confidence", texts(drift.Confidences())...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter := map[string]any{}
		found, err := enums("--kind", *kinds, texts(drift.Kinds())...)
		if err != nil {
			return err
		}
		if found != nil {
			filter["kinds"] = found
		}
		if *confidence != "" {
			level, err := enums("--confidence", []string{*confidence}, texts(drift.Confidences())...)
			if err != nil {
				return err
			}
			filter["confidence"] = level[0]
		}
		if len(*owners) > 0 {
			filter["owners"] = *owners
		}
		if len(args) > 0 {
			filter["refs"] = args
		}
		some := false
		err = p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) {
			a, err := askDrift(ctx, q, filter, *environment)
			if err == nil {
				a.patches = *patch
				some = len(a.Findings) > 0
			}
			return a, err
		})
		if err == nil && some && *fails {
			return errNo
		}
		return err
	}
	return cmd
}

func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = string(value)
	}
	return list
}

// driftReport is the answer of `drift`.
type driftReport struct {
	Findings []driftFinding `json:"findings"`

	patches bool
}

type driftFinding struct {
	Kind        string     `json:"kind"`
	From        *string    `json:"from"`
	To          *string    `json:"to"`
	Ref         string     `json:"ref"`
	Owner       *string    `json:"owner"`
	Confidence  string     `json:"confidence"`
	Message     string     `json:"message"`
	Requests    *float64   `json:"requests"`
	Errors      *float64   `json:"errors"`
	RequestRate *float64   `json:"requestRate"`
	FirstSeen   *time.Time `json:"firstSeen"`
	LastSeen    *time.Time `json:"lastSeen"`
	Evidence    []evidence `json:"evidence"`
	Patch       *string    `json:"patch"`
}

type driftNode struct {
	Kind, Confidence, Message string
	From, To                  *refNode
	Entity                    struct {
		Ref   string
		Owner *refNode
	}
	Requests, Errors, RequestRate *float64
	FirstSeen, LastSeen           *time.Time
	Evidence                      []evidence
	Patch                         *struct{ Text string }
}

const driftFields = "kind confidence message from { ref } to { ref } entity { ref owner { ref } } requests errors requestRate firstSeen lastSeen " +
	evidenceFields + " patch { text }"

func (n *driftNode) finding() driftFinding {
	f := driftFinding{
		Kind: n.Kind, From: refOf(n.From), To: refOf(n.To), Ref: n.Entity.Ref, Owner: refOf(n.Entity.Owner), Confidence: n.Confidence,
		Message: n.Message, Requests: n.Requests, Errors: n.Errors, RequestRate: n.RequestRate, FirstSeen: n.FirstSeen, LastSeen: n.LastSeen,
		Evidence: clone(n.Evidence),
	}
	if n.Patch != nil {
		f.Patch = &n.Patch.Text
	}
	return f
}

func askDrift(ctx context.Context, q *pinned, filter map[string]any, environment string) (*driftReport, error) {
	type result struct{ Drift connection[driftNode] }
	query := "query(" + pageVariables("drift") + ", $filter: DriftFilter, $environment: String) { " +
		page("drift(filter: $filter, environment: $environment, %s)", "drift", driftFields) + " }"
	got, err := askAll(ctx, q, query, map[string]any{"filter": filter, "environment": environment}, func(r *result) map[string]list {
		return map[string]list{"drift": &r.Drift}
	})
	if err != nil {
		return nil, err
	}
	a := &driftReport{Findings: make([]driftFinding, len(got.Drift.Nodes))}
	for i := range got.Drift.Nodes {
		a.Findings[i] = got.Drift.Nodes[i].finding()
	}
	return a, nil
}

func (a *driftReport) table(p *printer) {
	if a.patches {
		a.writePatches(p)
		return
	}
	kind := ""
	for i := range a.Findings {
		f := &a.Findings[i]
		if f.Kind != kind {
			if kind != "" {
				p.line("")
			}
			kind = f.Kind
			n := 0
			for _, other := range a.Findings {
				if other.Kind == kind {
					n++
				}
			}
			p.line("%s", p.painted(fmt.Sprintf("%s (%d)", kind, n), bold))
		}
		paint := dim
		if f.Confidence == "HIGH" {
			paint = yellow
		}
		line := "  " + p.painted(fmt.Sprintf("%-6s", f.Confidence), paint) + "  " + oneLine(f.Message)
		if f.Owner != nil {
			line += p.painted("  (owner: "+oneLine(shortName(*f.Owner))+")", dim)
		}
		p.line("%s", line)
	}
	if len(a.Findings) == 0 {
		p.line("Nothing that was seen disagrees with what is declared.")
		return
	}
	p.line("")
	p.line("%s", many(len(a.Findings), "finding", "findings"))
}

// writePatches prints each patch once, by file, so that the whole can be worked through from top to bottom.
func (a *driftReport) writePatches(p *printer) {
	var patches []string
	for _, f := range a.Findings {
		if f.Patch != nil {
			patches = append(patches, *f.Patch)
		}
	}
	slices.Sort(patches)
	for i, patch := range slices.Compact(patches) {
		if i > 0 {
			p.line("---")
		}
		for line := range strings.Lines(patch) {
			p.line("%s", printable(strings.TrimSuffix(line, "\n")))
		}
	}
}
