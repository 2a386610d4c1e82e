// Command orrery is the service catalog and dependency map: it reads catalog files, serves answers about them, and asks
// for them. This package is the wiring, one file a subcommand, and the only place that names concrete engines and
// scanners.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(withSignals(func(ctx context.Context) int {
		return run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr)
	}))
}

// withSignals ends the context at the first SIGINT or SIGTERM. The second one finds the usual handling back in place and
// kills the process.
func withSignals(do func(context.Context) int) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return do(ctx)
}
