package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/internal/config"
)

// program is one run of orrery: all that it touches of the process around it.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            config.Lookup
	logLevel       string
}

// run is the program as a function: main hands it the process, tests hand it their own. It returns the exit status.
func run(ctx context.Context, args []string, env config.Lookup, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	root := p.rootCommand() //nolint:contextcheck // commands get the context from ExecuteContext below
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return p.report(root.ExecuteContext(ctx))
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "orrery",
		Short: "Which services exist, who owns them, what they need, and what breaks when one fails",
		Long: "Orrery is a service catalog and dependency map. Try: orrery serve --demo\n\n" +
			"Exit status: 0 done; 1 the answer is no (not valid, no path); 2 wrong use; 3 could not be done.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&p.logLevel, "log-level", "", "what to log: trace, debug, info, warn, error, or disabled")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%s (see %s --help)", oneLine(err.Error()), cmd.CommandPath())
	})
	root.AddGroup(
		&cobra.Group{ID: groupAsk, Title: "Ask:"},
		&cobra.Group{ID: groupRun, Title: "Run:"},
	)
	root.AddCommand(
		p.showCommand(), p.listCommand(), p.searchCommand(), p.ownerCommand(), p.depsCommand(), p.blastRadiusCommand(), p.pathCommand(),
		p.cyclesCommand(), p.healthCommand(), p.driftCommand(), p.problemsCommand(), p.changesCommand(), p.sourcesCommand(), p.exportCommand(),
		p.serveCommand(), p.scanCommand(), p.validateCommand(), p.initCommand(), p.storeCommand(), p.configCommand(), p.versionCommand(),
	)
	return root
}

const (
	groupAsk = "ask"
	groupRun = "run"
)

// noSuchCommand refuses the arguments of a command that only has subcommands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2 // edits
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "? "
	}
	return usagef("%s has no command %q (%ssee %s --help)", cmd.CommandPath(), args[0], hint, cmd.CommandPath())
}

// arguments wants from least to most arguments (most < 0: any number); what names them.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("%s wants %s (see %s --help)", cmd.CommandPath(), what, cmd.CommandPath())
		case most >= 0 && len(args) > most:
			return usagef("%s does not know what to do with %q: it wants %s (see %s --help)",
				cmd.CommandPath(), args[most], what, cmd.CommandPath())
		}
		return nil
	}
}

// logger writes for people on a terminal and JSON elsewhere.
func (p *program) logger(usual zerolog.Level) (zerolog.Logger, error) {
	level := usual
	if p.logLevel != "" {
		parsed, err := zerolog.ParseLevel(strings.ToLower(p.logLevel))
		if err != nil {
			return zerolog.Nop(), usagef("--log-level %s is not known: use trace, debug, info, warn, error or disabled", p.logLevel)
		}
		level = parsed
	}
	out := p.stderr
	if isTerminal(out) {
		out = zerolog.ConsoleWriter{Out: p.stderr, NoColor: !p.colors(p.stderr), TimeFormat: "15:04:05"}
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger(), nil
}

func (p *program) getenv(name string) string {
	value, _ := p.env(name)
	return value
}

func (p *program) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(p.stdout, format, args...)
	return err
}
