package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// credentials are those of a URL, up to its last @.
	credentials = regexp.MustCompile(`(?i)(https?://|://[^\s@/]*:)\S*@`)
	secretLooks = regexp.MustCompile(`(?i)(passw|secret|token|credential|private|apikey|api_key|_key$|^key$|auth)`)
)

const maskedSecret = "********"

// Expand replaces every ${X} by the value of X, ${X:-default} by the default where X has none, and $${ by a plain ${.
// A variable that is set and empty has no value. Values are not expanded again. The second result is the same text with
// the values of variables that look like secrets masked. Errors name the variable and what to do, never a value.
func Expand(text string, lookup Lookup) (value, masked string, err error) {
	var plain, shown strings.Builder
	both := func(s string) { plain.WriteString(s); shown.WriteString(s) }
	for {
		dollar := strings.Index(text, "${")
		if dollar < 0 {
			both(text)
			return plain.String(), shown.String(), nil
		}
		if dollar > 0 && text[dollar-1] == '$' {
			both(text[:dollar-1] + "${")
			text = text[dollar+2:]
			continue
		}
		both(text[:dollar])
		inside, rest, closed := strings.Cut(text[dollar+2:], "}")
		if !closed {
			return "", "", errors.New("a ${ is not closed by } (write $${ for a plain ${)")
		}
		name, fallback, hasFallback := strings.Cut(inside, ":-")
		if !variable.MatchString(name) {
			return "", "", fmt.Errorf("%s does not name a variable (write ${NAME} or ${NAME:-default}, and $${ for a plain ${)", quoted("${"+name+"}"))
		}
		if strings.Contains(fallback, "${") {
			return "", "", fmt.Errorf("the default of ${%s} holds another variable (a default is plain text)", name)
		}
		found, _ := lookup(name)
		switch {
		case found == "" && !hasFallback:
			return "", "", fmt.Errorf("the environment variable %s has no value (set it, or write ${%s:-default})", name, name)
		case found == "":
			both(fallback)
		case secretLooks.MatchString(name):
			plain.WriteString(found)
			shown.WriteString(maskedSecret)
		default:
			both(found)
		}
		text = rest
	}
}
