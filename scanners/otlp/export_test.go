package otlp

import (
	"net"
	"net/http"
	"time"
)

// OnListening makes the receiver tell where it listens; nil = it does not.
func (r *Receiver) OnListening(told func(grpc, http net.Addr)) { r.listening = told }

// RequestMemory is what requests take that are being read.
func (r *Receiver) RequestMemory() int64 { return r.memory.used.Load() }

// Open takes requests of the handler without listening.
func (r *Receiver) Open() { r.open(true) }

// GRPCHandler takes requests by gRPC without listening.
func (r *Receiver) GRPCHandler() http.Handler { return r.grpcHandler() }

// Wait is how long a request may take to come in.
func (r *Receiver) Wait(patience time.Duration) { r.patience = patience }
