package config

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"

	"github.com/orrery-catalog/orrery/catalog"
)

// rewriteError says what is wrong in a rewrite.
type rewriteError struct{ field, message, fix string }

// group is how a replacement names a group of its expression, or a plain dollar.
var group = regexp.MustCompile(`\$(?:\$|(\w+)|\{(\w+)\})`)

// rule makes the rule that Merge takes. A replacement must be a complete Ref whatever its groups match.
func (r Rewrite) rule() (catalog.Rewrite, *rewriteError) {
	match, err := regexp.Compile(r.Match)
	if err != nil {
		reason := "it cannot be read"
		var wrong *syntax.Error
		if errors.As(err, &wrong) {
			reason = wrong.Code.String()
		}
		return catalog.Rewrite{}, &rewriteError{"match", "is no regular expression: " + reason, "see https://github.com/google/re2/wiki/Syntax"}
	}
	for _, found := range group.FindAllStringSubmatch(r.Replace, -1) {
		name := found[1] + found[2]
		n, err := strconv.Atoi(name)
		switch {
		case name == "": // a plain dollar
		case err == nil && n <= match.NumSubexp():
		case err != nil && slices.Contains(match.SubexpNames(), name):
		default:
			return catalog.Rewrite{}, &rewriteError{
				"replace", quoted("$"+name) + " is no group of match", "number the groups from 1, and write $${1} where letters follow",
			}
		}
	}
	if _, err := catalog.ParseRef(group.ReplaceAllLiteralString(r.Replace, "x"), "", catalog.DefaultNamespace); err != nil {
		return catalog.Rewrite{}, &rewriteError{"replace", "is no name of an entity with its kind", "write for example component:$1"}
	}
	return catalog.Rewrite{Match: match, Replace: r.Replace}, nil
}
