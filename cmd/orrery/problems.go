package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) problemsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "problems",
		Short: "What is wrong in the input, and what to do about it",
		Args:  arguments(0, 0, "no arguments, only flags"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	flags := cmd.Flags()
	severities := flags.StringSlice("severity", nil, "only of this `severity`: ERROR or WARNING")
	words := map[string]*[]string{
		"codes":  flags.StringSlice("code", nil, "only with this `code`, such as missing-field"),
		"refs":   flags.StringSlice("ref", nil, "only about this entity (a `REF`)"),
		"owners": flags.StringSlice("owner", nil, "only about what this group or user owns (a `REF`)"),
	}
	p.refFlags(cmd, "ref", "owner")
	fixedFlag(cmd, "severity", "ERROR", "WARNING")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		found, err := enums("--severity", *severities, "ERROR", "WARNING")
		if err != nil {
			return err
		}
		filter := map[string]any{}
		if found != nil {
			filter["severities"] = found
		}
		for name, values := range words {
			if len(*values) > 0 {
				filter[name] = *values
			}
		}
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askProblems(ctx, q, filter) })
	}
	return cmd
}

// findings is the answer of `problems`.
type findings struct {
	Problems []problem `json:"problems"`
}

// problem is one problem, in the shape that `validate` also has.
type problem struct {
	File     *string `json:"file"`
	Line     *int    `json:"line"`
	Field    *string `json:"field"`
	Severity string  `json:"severity"`
	Code     string  `json:"code"`
	Message  string  `json:"message"`
	Fix      *string `json:"fix"`
	Ref      *string `json:"ref"`
	Commit   *string `json:"commit"` // at which the file was read
	URL      *string `json:"url"`    // a link to the line at that commit
}

const problemFields = "location line field severity code message fix ref commit url"

type problemNode struct {
	Location, Field, Fix, Ref *string
	Commit, URL               *string
	Line                      *int
	Severity, Code, Message   string
}

func problems(nodes []problemNode) []problem {
	list := make([]problem, len(nodes))
	for i, n := range nodes {
		list[i] = problem{n.Location, n.Line, n.Field, n.Severity, n.Code, n.Message, n.Fix, n.Ref, n.Commit, n.URL}
	}
	return list
}

func askProblems(ctx context.Context, q *pinned, filter map[string]any) (*findings, error) {
	type result struct{ Problems connection[problemNode] }
	query := "query(" + pageVariables("problems") + ", $filter: ProblemFilter) { " +
		page("problems(filter: $filter, %s)", "problems", problemFields) + " }"
	got, err := askAll(ctx, q, query, map[string]any{"filter": filter}, func(r *result) map[string]list {
		return map[string]list{"problems": &r.Problems}
	})
	if err != nil {
		return nil, err
	}
	return &findings{problems(got.Problems.Nodes)}, nil
}

func (a *findings) table(p *printer) {
	if len(a.Problems) == 0 {
		p.line("There are no problems.")
		return
	}
	problemTable(p, a.Problems)
	p.line("")
	p.line("%s", countProblems(a.Problems))
}

// problemTable writes problems like a compiler: editors and people know that form.
func problemTable(p *printer, list []problem) {
	for _, problem := range list {
		where := place(problem.File, problem.Line)
		if where == "" {
			where = shown(problem.Ref)
		}
		color := yellow
		if problem.Severity == "ERROR" {
			color = red
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s: %s: ", p.painted(oneLine(where), bold), p.painted(strings.ToLower(problem.Severity), color))
		if problem.Field != nil {
			fmt.Fprintf(&b, "%s: ", oneLine(*problem.Field))
		}
		b.WriteString(oneLine(problem.Message))
		if problem.Fix != nil {
			fmt.Fprintf(&b, " (%s)", oneLine(*problem.Fix))
		}
		p.line("%s %s", b.String(), p.painted("["+problem.Code+"]", dim))
	}
}

func countProblems(list []problem) string {
	errors := 0
	for _, problem := range list {
		if problem.Severity == "ERROR" {
			errors++
		}
	}
	return many(errors, "error", "errors") + ", " + many(len(list)-errors, "warning", "warnings")
}
