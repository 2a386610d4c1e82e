// Command withservers starts the servers that tests share, Neo4j and Kubernetes, runs a command with their addresses in
// the environment, and ends them with the command: `withservers gotestsum ./...`. So all packages of a test run share
// them. A server that the environment names already, or that cannot be had here, is not started.
//
// With -prepare it only fetches and builds what the servers need, which is then kept. With -built it leaves out what
// would have to be built first.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

func main() {
	prepare := flag.Bool("prepare", false, "only fetch and build what the servers need")
	built := flag.Bool("built", false, "start no server that would have to be built first")
	flag.Parse()
	// From here on an interrupt ends the command, which is of the same group of processes, and then this program in order.
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var status int
	var err error
	if *prepare {
		status, err = fetch(interrupted)
	} else {
		status, err = run(interrupted, *built, flag.Args())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "withservers:", err)
	}
	stop()
	os.Exit(status)
}

const failed = 2

// fetch has everything that the servers need fetched and built.
func fetch(ctx context.Context) (int, error) {
	if !testenv.KubeBuilt() {
		fmt.Fprintln(os.Stderr, "building Kubernetes for the tests: once, for some minutes")
	}
	var all errgroup.Group
	for name, prepare := range map[string]func(context.Context) error{
		"Neo4j": testenv.PrepareNeo4j, "Kubernetes": testenv.PrepareKube, "Jaeger, Zipkin or Prometheus": testenv.PrepareTracers,
		"descriptions of GitHub": testenv.PrepareGitHub,
	} {
		all.Go(func() error { return unlessMissing(name, prepare(ctx)) })
	}
	if err := all.Wait(); err != nil {
		return failed, err
	}
	return 0, nil
}

// unlessMissing tells that a server will be missing, which is no error: the tests decide on that.
func unlessMissing(name string, err error) error {
	if errors.As(err, new(*testenv.MissingError)) {
		fmt.Fprintf(os.Stderr, "no %s for the tests: %v\n", name, err)
		return nil
	}
	return err
}

// run returns the exit status of the command.
func run(ctx context.Context, built bool, args []string) (int, error) {
	if len(args) == 0 {
		return failed, errors.New("wants a command and its arguments")
	}
	environment := os.Environ()
	var kube, neo4j server
	defer func() { kube.end(); neo4j.end() }()
	var all errgroup.Group
	if _, given := testenv.GivenNeo4j(); !given {
		all.Go(func() error {
			s, end, err := testenv.StartNeo4j(ctx)
			if err == nil {
				neo4j = server{s.Environ(), end}
			}
			return unlessMissing("Neo4j", err)
		})
	}
	if _, given, _ := testenv.GivenKube(); !given && (testenv.KubeBuilt() || !built) { // one that is given wrongly, the tests tell of
		all.Go(func() error {
			s, end, err := testenv.StartKube(ctx)
			if err == nil {
				kube = server{s.Environ(), end}
			}
			return unlessMissing("Kubernetes", err)
		})
	}
	if err := all.Wait(); err != nil {
		return failed, err
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Env = append(append(environment, neo4j.environment...), kube.environment...)
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

// server is one that runs; the zero value is none.
type server struct {
	environment []string // what names it
	stop        func()
}

func (s server) end() {
	if s.stop != nil {
		s.stop()
	}
}
