// Command withneo4j starts a Neo4j server for tests, runs a command with its address in the environment, and ends it
// with the command: `withneo4j gotestsum ./...`. So all packages of a test run share one server. Where the environment
// names a server already, or where there is no Java, only the command is run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withneo4j:", err)
	}
	os.Exit(status)
}

// run returns the exit status of the command.
func run(args []string) (int, error) {
	const failed = 2
	if len(args) == 0 {
		return failed, errors.New("wants a command and its arguments")
	}
	// From here on an interrupt ends the command, which is of the same group of processes, and then this program in order.
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	environment := os.Environ()
	if _, given := testenv.GivenNeo4j(); !given {
		server, end, err := testenv.StartNeo4j(interrupted)
		switch {
		case err == nil:
			defer end()
			environment = append(environment, server.Environ()...)
		case errors.As(err, new(*testenv.MissingError)):
			fmt.Fprintln(os.Stderr, "no Neo4j for the tests:", err)
		default:
			return failed, err
		}
	}
	command := exec.CommandContext(interrupted, args[0], args[1:]...)
	command.Env = environment
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.WaitDelay = time.Minute // then it is killed
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	err := command.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return failed, err
	}
	return 0, nil
}
