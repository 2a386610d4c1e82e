package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// graphOptions are the flags that say which edges count.
type graphOptions struct {
	evidence     []string
	includeStale bool
	environment  string
	behaves      bool
}

func graphFlags(cmd *cobra.Command) *graphOptions {
	o := &graphOptions{}
	cmd.Flags().StringSliceVar(&o.evidence, "evidence", nil, "count only edges that are `DECLARED`, OBSERVED or INFERRED (repeatable; default all)")
	cmd.Flags().BoolVar(&o.includeStale, "include-stale", false, "count edges that could not be renewed")
	cmd.Flags().StringVar(&o.environment, "environment", "", "the `environment` to look at (default production)")
	cmd.Flags().BoolVar(&o.behaves, "behaves", false, "take the strength that traffic tells, where it tells one, not the declared one")
	return o
}

// variables are the fields of the GraphQL input.
func (o *graphOptions) variables() (map[string]any, error) {
	evidence, err := enums("--evidence", o.evidence, "DECLARED", "OBSERVED", "INFERRED")
	if err != nil {
		return nil, err
	}
	options := map[string]any{"includeStale": o.includeStale}
	if evidence != nil {
		options["evidence"] = evidence
	}
	if o.behaves {
		options["strength"] = "BEHAVES"
	}
	if o.environment != "" {
		options["environment"] = o.environment
	}
	return options, nil
}

// enums reads words in any case.
func enums(flag string, given []string, known ...string) ([]string, error) {
	var found []string
	for _, word := range given {
		upper := strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(word), "-", "_"))
		if !slices.Contains(known, upper) {
			return nil, usagef("%s %s is not known: use %s", flag, word, strings.Join(known, ", "))
		}
		found = append(found, upper)
	}
	return found, nil
}

func notNegative(flag string, n int) error {
	if n < 0 {
		return usagef("%s must not be negative (0 is no limit)", flag)
	}
	return nil
}
