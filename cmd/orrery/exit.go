package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/orrery-catalog/orrery/internal/config"
)

// The exit statuses that scripts may rely on.
const (
	statusDone   = 0
	statusNo     = 1 // the answer is no
	statusUsage  = 2 // wrong use
	statusFailed = 3 // could not be done
)

// errNo says that the answer, already given, is no.
var errNo = errors.New("the answer is no")

// usageError is a mistake in how the program was called.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// report tells an error in one line and gives the exit status for it.
func (p *program) report(err error) int {
	var usage *usageError
	var settings config.Errors
	switch {
	case err == nil:
		return statusDone
	case errors.Is(err, errNo):
		return statusNo
	case errors.As(err, &usage):
		p.complain(err.Error())
		return statusUsage
	case errors.As(err, &settings):
		message := settings[0].Error()
		if more := len(settings) - 1; more > 0 {
			message += fmt.Sprintf("; and %d more: orrery config check %s", more, settings[0].File)
		}
		p.complain(message)
		return statusUsage
	case errors.Is(err, context.Canceled):
		p.complain("interrupted")
		return statusFailed
	default:
		p.complain(err.Error())
		return statusFailed
	}
}

func (p *program) complain(message string) {
	// Where stderr is gone there is nobody left to tell.
	_, _ = fmt.Fprintln(p.stderr, "orrery: "+oneLine(strings.ReplaceAll(message, "\n", "; ")))
}

// oneLine joins lines and takes out what could steer a terminal.
func oneLine(text string) string {
	return strings.Join(strings.Fields(printable(text)), " ")
}
