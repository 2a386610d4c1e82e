package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Error is one thing wrong in a configuration file.
type Error struct {
	File    string
	Line    int    // from 1; 0 = the whole file
	Field   string // such as "sources[1].kind"; "" = the whole file
	Message string // what is wrong
	Fix     string // what to do; "" = the message says it
}

// Error is the one-line form: file:line: field: message (fix).
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Field != "" {
		fmt.Fprintf(&b, ": %s", e.Field)
	}
	fmt.Fprintf(&b, ": %s", e.Message)
	if e.Fix != "" {
		fmt.Fprintf(&b, " (%s)", e.Fix)
	}
	return b.String()
}

// Errors is everything wrong in a configuration file, by line; never empty when returned as an error.
type Errors []*Error

// Error is one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

func (d *decoder) fail(line int, field, message, fix string) {
	d.errs = append(d.errs, &Error{File: d.file, Line: line, Field: field, Message: message, Fix: fix})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// yamlError takes the line out of an error of the YAML library, which has it only in its text.
func yamlError(err error) (line int, message string) {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	found := yamlLine.FindStringSubmatch(text)
	if found == nil {
		return 0, text
	}
	line, _ = strconv.Atoi(found[1]) // absent: 0, the whole file
	return line, text[len(found[0]):]
}

// nearest suggests the candidate that a mistyped word may mean, or lists them all.
func nearest(word string, candidates []string) string {
	best, distance := "", 3
	if utf8.RuneCountInString(word) <= 40 {
		for _, candidate := range candidates {
			if len(word) > 2 && strings.HasPrefix(candidate, strings.ToLower(word)) {
				return fmt.Sprintf("did you mean %s?", candidate)
			}
			if n := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(candidate)); n < distance {
				best, distance = candidate, n
			}
		}
	}
	if best != "" && distance < utf8.RuneCountInString(best) {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return "known: " + strings.Join(candidates, ", ")
}

// quoted shows what was written, cut where it is too long to help.
func quoted(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return strconv.Quote(text)
}
