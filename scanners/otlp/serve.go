package otlp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// streams are requests at once of one connection.
	maxStreams = 100
	// receiveWindow is what a connection may send ahead of what is read.
	receiveWindow = 256 << 10
	maxHeaders    = 16 << 10
)

func (r *Receiver) serveGRPC(ctx context.Context, listener net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	if err := r.serve(ctx, listener, r.grpcHandler(), &protocols, "h2"); err != nil {
		return fmt.Errorf("receiving OTLP over gRPC: %w", err)
	}
	return nil
}

func (r *Receiver) serveHTTP(ctx context.Context, listener net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	if err := r.serve(ctx, listener, r.handler, &protocols, "h2", "http/1.1"); err != nil {
		return fmt.Errorf("receiving OTLP over HTTP: %w", err)
	}
	return nil
}

// serve answers until ctx ends, and a little longer what has begun by then.
func (r *Receiver) serve(ctx context.Context, listener net.Listener, handler http.Handler, protocols *http.Protocols, alpn ...string) error {
	listener = netutil.LimitListener(listener, maxConnections)
	if r.tls != nil {
		listener = tls.NewListener(listener, r.tls.config(alpn))
	}
	server := &http.Server{
		Handler: handler, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: requestTime,
		WriteTimeout: 2 * requestTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeaders,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerConnection: receiveWindow, MaxReceiveBufferPerStream: receiveWindow,
			SendPingTimeout: time.Minute, PingTimeout: 15 * time.Second,
		},
		// What single connections do wrong is theirs to tell.
		ErrorLog: log.New(r.config.Log.With().Str("level", "debug").Logger(), "", 0),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err := server.Shutdown(within)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		stopped <- err
	})
	err := server.Serve(listener)
	if stop() { // nobody stopped it
		return errors.Join(err, server.Close())
	}
	return <-stopped
}
