package main

import (
	"context"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

func (p *program) validateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate PATH...",
		Short: "Check catalog files",
		Long: "Check catalog files and folders of them. An ERROR means that a document is not accepted, and the exit status\n" +
			"is 1; a WARNING that it deserves a look.",
		Example: "  orrery validate .\n  orrery validate catalog-info.yaml --format json",
		Args:    arguments(1, -1, "at least one PATH of a file or folder"),
		GroupID: groupRun,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		checked, err := p.validate(cmd.Context(), paths)
		if err != nil {
			return err
		}
		if err := p.show(checked, *format); err != nil {
			return err
		}
		for _, problem := range checked.Problems {
			if problem.Severity == "ERROR" {
				return errNo
			}
		}
		return nil
	}
	return cmd
}

// validation is the answer of `validate`.
type validation struct {
	Entities int       `json:"entities"` // accepted documents
	Problems []problem `json:"problems"`
}

func (p *program) validate(ctx context.Context, paths []string) (*validation, error) {
	log, err := p.logger(zerolog.ErrorLevel)
	if err != nil {
		return nil, err
	}
	sources, err := catalogFiles(paths)
	if err != nil {
		return nil, err
	}
	snapshot, err := p.readSources(ctx, sources, log)
	if err != nil {
		return nil, err
	}
	checked := &validation{Problems: []problem{}}
	for _, source := range snapshot.Sources() {
		checked.Entities += source.Documents
	}
	for found := range snapshot.Problems("") {
		told := problem{
			File: known(found.Location), Line: known(int(found.Line)), Field: known(found.Field), Severity: found.Severity.String(),
			Code: found.Code, Message: found.Message, Fix: known(found.Fix), Ref: known(string(found.Ref)),
			URL: known(found.Version.URL(found.Line)),
		}
		if found.Version != nil {
			told.Commit = known(found.Version.Commit)
		}
		checked.Problems = append(checked.Problems, told)
	}
	return checked, nil
}

// known is nil for the value that stands for an unknown one.
func known[T comparable](value T) *T {
	var unknown T
	if value == unknown {
		return nil
	}
	return &value
}

func (a *validation) table(p *printer) {
	problemTable(p, a.Problems)
	if len(a.Problems) > 0 {
		p.line("")
	}
	p.line("%s, %s", many(a.Entities, "entity", "entities"), countProblems(a.Problems))
}
