package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The output formats.
const (
	formatTable   = "table"
	formatJSON    = "json"
	formatDot     = "dot"
	formatMermaid = "mermaid"
)

// answer is what a query subcommand shows: as JSON by its own tags, or as a table.
type answer interface{ table(*printer) }

// drawn is an answer that can also be drawn.
type drawn interface{ drawing() drawing }

// formatFlag adds --format, which takes table, json and the others named.
func formatFlag(cmd *cobra.Command, others ...string) *string {
	formats := append([]string{formatTable, formatJSON}, others...)
	format := new(string)
	cmd.Flags().StringVar(format, "format", formatTable, "how to print: "+strings.Join(formats, ", "))
	complete := cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)
	// The flag was added just above.
	_ = cmd.RegisterFlagCompletionFunc("format", complete)
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(formats, *format) {
			return usagef("--format %s is not known here: use one of %s", *format, strings.Join(formats, ", "))
		}
		if check != nil {
			return check(cmd, args)
		}
		return nil
	}
	return format
}

func (p *program) show(a answer, format string) error {
	switch format {
	case formatJSON:
		return writeJSON(p.stdout, a)
	case formatDot, formatMermaid:
		if d, ok := a.(drawn); ok {
			return d.drawing().write(p.stdout, format)
		}
	}
	out := p.printer()
	a.table(out)
	return out.err
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// answers opens the data, asks on one revision, and shows the answer.
func (p *program) answers(cmd *cobra.Command, d *data, format string, ask func(context.Context, *pinned) (answer, error)) error {
	src, err := p.open(cmd.Context(), d)
	if err != nil {
		return err
	}
	defer src.close()
	var a answer
	err = src.consistently(func(q *pinned) (err error) {
		a, err = ask(cmd.Context(), q)
		return err
	})
	if err != nil {
		return err
	}
	return p.show(a, format)
}
