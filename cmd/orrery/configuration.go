package main

import (
	"bytes"
	"errors"

	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/internal/config"
)

func (p *program) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check and show the configuration, and print JSON Schemas",
		Long: "The configuration file is YAML. ${NAME} in a value is replaced by the environment variable, ${NAME:-default} by\n" +
			"the default where it has no value, and $${ stands for a plain ${. Relative paths start from the file's folder.\n\n" +
			"The settings:\n\n" + config.Reference(),
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		GroupID: groupRun,
	}
	cmd.AddCommand(p.configCheckCommand(), p.configShowCommand(), p.configSchemaCommand())
	return cmd
}

// configFile is the file that was named, or the default one.
func configFile(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return defaultConfigFile
}

func (p *program) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say everything that is wrong in a configuration file",
		Long:  "Say everything that is wrong in a configuration file (default " + defaultConfigFile + "). The exit status is 1 if anything is.",
		Args:  arguments(0, 1, "one FILE at most"),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := p.loadConfig(configFile(args))
			var wrong config.Errors
			if errors.As(err, &wrong) {
				for _, one := range wrong {
					if err := p.printf("%s\n", oneLine(one.Error())); err != nil {
						return err
					}
				}
				return errNo
			}
			if err != nil {
				return err
			}
			return p.printf("%s is valid: %s\n", c.File, many(len(c.Sources), "source", "sources"))
		},
	}
}

func (p *program) configShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Print the effective configuration, secrets masked",
		Args:  arguments(0, 1, "one FILE at most"),
	}
	format := formatFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		c, err := p.loadConfig(configFile(args))
		if err != nil {
			return err
		}
		if *format == formatJSON {
			return writeJSON(p.stdout, c.ShowValue())
		}
		shown, err := c.Show()
		if err != nil {
			return err
		}
		return p.printf("%s", shown)
	}
	return cmd
}

func (p *program) configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "schema [catalog|configuration]",
		Short:     "Print the JSON Schema of catalog files, or of the configuration file",
		Args:      arguments(0, 1, "catalog or configuration"),
		ValidArgs: []string{"catalog", "configuration"},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0, args[0] == "catalog":
				return p.printf("%s\n", bytes.TrimSpace(descriptor.Schema()))
			case args[0] == "configuration":
				return writeJSON(p.stdout, config.Schema())
			}
			return usagef("there is no schema of %q: write catalog or configuration", args[0])
		},
	}
}
