package main

import (
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/internal/build"
)

func (p *program) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "Which build this is", Args: arguments(0, 0, "no arguments"), GroupID: groupRun,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		info := build.Current()
		return p.show(&version{info.Version, known(info.Commit), info.Dirty, info.Go, info.OS, info.String()}, *format)
	}
	return cmd
}

type version struct {
	Version string  `json:"version"`
	Commit  *string `json:"commit"`
	Dirty   bool    `json:"dirty"`
	Go      string  `json:"go"`
	OS      string  `json:"os"`

	line string
}

func (a *version) table(p *printer) { p.line("%s", a.line) }
