package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// completionTime is how long a shell waits for suggestions before there are none.
const completionTime = 2 * time.Second

// completeRefs suggests up to so many refs from the data that the command line names. It never says anything: a prompt is
// no place for errors.
func (p *program) completeRefs(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		var d data
		// A flag that the command does not have is left empty.
		d.catalog, _ = cmd.Flags().GetStringArray("catalog")
		d.config, _ = cmd.Flags().GetString("config")
		d.server, _ = cmd.Flags().GetString("server")
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return p.suggest(cmd.Context(), &d, args, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// suggest gives what may be meant, without what is there already; nothing where the data cannot be asked in time.
func (p *program) suggest(ctx context.Context, d *data, args []string, typed string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	quiet := &program{stdin: p.stdin, stdout: io.Discard, stderr: io.Discard, env: p.env, logLevel: "disabled"}
	src, err := quiet.open(ctx, d)
	if err != nil {
		return nil
	}
	defer src.close()
	var got struct {
		Complete []struct {
			Text   string
			Entity struct {
				Ref   string
				Title *string
			}
		}
	}
	const query = `query($typed: String!) { complete(prefix: $typed, first: 50) { text entity { ref title } } }`
	if _, err := src.ask(ctx, query, map[string]any{"typed": typed}, &got); err != nil {
		return nil
	}
	var suggestions []string
	last := ""
	for _, c := range got.Complete {
		if c.Text == last || slices.Contains(args, c.Text) { // entities of several kinds may share a name
			continue
		}
		last = c.Text
		about := shown(c.Entity.Title)
		if about == "" && c.Text != c.Entity.Ref {
			about = c.Entity.Ref
		}
		suggestions = append(suggestions, cobra.CompletionWithDesc(oneLine(c.Text), oneLine(about)))
	}
	return suggestions
}

// refFlags suggests refs as the values of flags.
func (p *program) refFlags(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		// The flag was added just before, which is the only thing that can fail.
		_ = cmd.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return p.completeRefs(1)(cmd, nil, typed)
		})
	}
}

// fixedFlag suggests the values of a flag.
func fixedFlag(cmd *cobra.Command, name string, values ...string) {
	// The flag was added just before, which is the only thing that can fail.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
