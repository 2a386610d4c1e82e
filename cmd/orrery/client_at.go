package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// asOfAlias is the name under which an answer also tells the revision that it is as of.
const asOfAlias = "asOf"

// asOf puts `at` into every root field of the queries of a document, and asks for the revision that this leads to.
func asOf(query string, at time.Time) (string, error) {
	document, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return "", err
	}
	// Each field is told apart, so that one in a fragment that is spread twice gets no second one.
	done := make(map[*ast.Field]bool)
	for _, operation := range document.Operations {
		if operation.Operation != ast.Query {
			continue
		}
		operation.SelectionSet = append(operation.SelectionSet, &ast.Field{
			Alias: asOfAlias, Name: "snapshot", SelectionSet: ast.SelectionSet{&ast.Field{Alias: "revision", Name: "revision"}},
		})
		askAt(document, operation.SelectionSet, at, done)
	}
	var text strings.Builder
	formatter.NewFormatter(&text).FormatQueryDocument(document)
	return text.String(), nil
}

func askAt(document *ast.QueryDocument, set ast.SelectionSet, at time.Time, done map[*ast.Field]bool) {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			if strings.HasPrefix(selected.Name, "__") || done[selected] {
				continue
			}
			done[selected] = true
			selected.Arguments = append(selected.Arguments, &ast.Argument{
				Name: "at", Value: &ast.Value{Kind: ast.StringValue, Raw: at.UTC().Format(time.RFC3339Nano)},
			})
		case *ast.InlineFragment:
			askAt(document, selected.SelectionSet, at, done)
		case *ast.FragmentSpread:
			if fragment := document.Fragments.ForName(selected.Name); fragment != nil {
				askAt(document, fragment.SelectionSet, at, done)
			}
		}
	}
}

// momentForms are how a time may be written, beside a duration ago.
var momentForms = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly}

const momentHelp = "a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h or 7d"

// moment reads a time, or a duration that is so long ago. Times without a zone are in UTC, as all that is shown.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if ago, ok := duration(text); ok {
		if ago < 0 {
			return time.Time{}, usagef("%s %s is in the future: write %s", flag, text, momentHelp)
		}
		return now.Add(-ago).UTC(), nil
	}
	for _, form := range momentForms {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, usagef("%s %s is not understood: write %s", flag, text, momentHelp)
}

// maxDays is more than any history is kept, and fits a duration.
const maxDays = 36_500

// duration reads Go's durations, and whole numbers of days and weeks.
func duration(text string) (time.Duration, bool) {
	for unit, days := range map[string]int64{"d": 1, "w": 7} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(number, 10, 32)
			return time.Duration(n*days) * 24 * time.Hour, err == nil && max(n, -n) <= maxDays/days
		}
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}
