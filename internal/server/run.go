package server

import (
	"context"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// Bounds of one connection. The longest answer, an export of a large catalog, has to fit into writeTimeout.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 5 * time.Minute
	idleTimeout       = 2 * time.Minute
	drainTimeout      = 15 * time.Second
	maxHeaderBytes    = 64 << 10
	// mutationWriteTimeout is for an answer that may come long after its request.
	mutationWriteTimeout = time.Minute
	// abortTimeout is for what was broken off to stop.
	abortTimeout = 5 * time.Second
)

// Run serves until ctx ends. Then it takes no new connections, ends subscriptions, and waits up to 15 seconds for what is
// under way before it breaks that off. It closes the listener. The error is nil after a stop by ctx.
func Run(ctx context.Context, listener net.Listener, handler http.Handler, log zerolog.Logger) error {
	over, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	l := &lifetime{stopping: ctx, over: over}
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(over, lifetimeKey{}, l) },
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          stdlog.New(log.With().Str("level", "warn").Logger(), "", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(over, drainTimeout)
	defer cancel()
	err := server.Shutdown(draining)
	if !l.wait(draining) || errors.Is(err, context.DeadlineExceeded) {
		log.Warn().Msg("answers under way were broken off")
		end()
		err = server.Close()
		aborting, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		l.wait(aborting)
	}
	if closed := <-failed; !errors.Is(closed, http.ErrServerClosed) {
		err = errors.Join(err, closed)
	}
	return err
}
