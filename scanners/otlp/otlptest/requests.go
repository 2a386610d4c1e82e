// Package otlptest makes telemetry for tests and measurements.
package otlptest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// What each Request has. The calls of a trace are one below the other.
const (
	TracesPerRequest = 50
	CallsPerTrace    = 5
	SpansPerTrace    = 1 + 3*CallsPerTrace
)

// Request is one ExportTraceServiceRequest in protobuf, as a collector sends it: whole traces, grouped by the service that
// made the spans. A span takes about 425 bytes, with the attributes that HTTP instrumentations write.
type Request struct {
	Bytes []byte
	Spans int
	// traceIDs is where each span's trace id stands in Bytes.
	traceIDs []int
}

// Fresh writes other trace ids into the request, the same for the same number, different for others.
func (r *Request) Fresh(number uint64) {
	for _, at := range r.traceIDs {
		binary.BigEndian.PutUint64(r.Bytes[at:], number)
	}
}

// Requests makes requests over the services, the same for the same seed. Their spans begin at the time.
func Requests(seed int64, requests, services int, at time.Time) ([]*Request, error) {
	rng := rand.New(rand.NewSource(seed))
	made := make([]*Request, requests)
	for i := range made {
		g := generator{rng: rng, services: services, at: at, traces: ptrace.NewTraces(), of: map[int]ptrace.SpanSlice{}}
		var ids []pcommon.TraceID
		for range TracesPerRequest {
			ids = append(ids, g.trace())
		}
		written, err := ptraceotlp.NewExportRequestFromTraces(g.traces).MarshalProto()
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		request := &Request{Bytes: written, Spans: g.traces.SpanCount()}
		for _, id := range ids {
			request.traceIDs = append(request.traceIDs, indices(written, id[:])...)
		}
		if len(request.traceIDs) != request.Spans {
			return nil, fmt.Errorf("%d trace ids are found in a request of %d spans", len(request.traceIDs), request.Spans)
		}
		made[i] = request
	}
	return made, nil
}

// indices is where part stands in all.
func indices(all, part []byte) (found []int) {
	for at := 0; ; {
		i := bytes.Index(all[at:], part)
		if i < 0 {
			return found
		}
		found = append(found, at+i)
		at += i + len(part)
	}
}

// generator makes one request.
type generator struct {
	rng      *rand.Rand
	services int
	at       time.Time
	traces   ptrace.Traces
	of       map[int]ptrace.SpanSlice
}

// trace makes one trace: a request that is served by calling the next service, which calls the next one.
func (g *generator) trace() (id pcommon.TraceID) {
	g.rng.Read(id[:])
	service := g.rng.Intn(g.services)
	served := g.span(id, pcommon.SpanID{}, service, service, ptrace.SpanKindServer, "GET /storefront")
	for range CallsPerTrace {
		callee := (service*11 + 1 + g.rng.Intn(4)) % g.services
		work := g.span(id, served, service, service, ptrace.SpanKindInternal, "prepare")
		call := g.span(id, work, service, callee, ptrace.SpanKindClient, "GET")
		served = g.span(id, call, callee, callee, ptrace.SpanKindServer, "GET /api/items/{item}")
		service = callee
	}
	return id
}

// span makes a span of the service, about a request to the server.
func (g *generator) span(
	trace pcommon.TraceID, parent pcommon.SpanID, service, server int, kind ptrace.SpanKind, name string,
) (id pcommon.SpanID) {
	g.rng.Read(id[:])
	span := g.spans(service).AppendEmpty()
	span.SetTraceID(trace)
	span.SetSpanID(id)
	span.SetParentSpanID(parent)
	span.SetKind(kind)
	span.SetName(name)
	span.SetFlags(0x101)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(g.at))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(g.at.Add(time.Duration(1+g.rng.Intn(100)) * time.Millisecond)))
	if g.rng.Intn(100) == 0 {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
	attributes := span.Attributes()
	attributes.PutStr("http.request.method", "GET")
	attributes.PutStr("http.route", "/api/items/{item}")
	attributes.PutInt("http.response.status_code", 200)
	attributes.PutStr("url.scheme", "https")
	attributes.PutStr("url.path", "/api/items/3f2a9c10")
	attributes.PutStr("server.address", serviceName(server)+".shop.svc.cluster.local")
	attributes.PutInt("server.port", 8443)
	attributes.PutStr("network.protocol.version", "1.1")
	attributes.PutStr("user_agent.original", "okhttp/5.1.0")
	return id
}

func (g *generator) spans(service int) ptrace.SpanSlice {
	if known, found := g.of[service]; found {
		return known
	}
	resourceSpans := g.traces.ResourceSpans().AppendEmpty()
	attributes := resourceSpans.Resource().Attributes()
	name := serviceName(service)
	attributes.PutStr("service.name", name)
	attributes.PutStr("service.namespace", "shop")
	attributes.PutStr("service.version", "2.14.0")
	attributes.PutStr("service.instance.id", fmt.Sprintf("%08x-0000-4000-8000-000000000000", service))
	attributes.PutStr("deployment.environment.name", "production")
	attributes.PutStr("k8s.cluster.name", "prod-eu")
	attributes.PutStr("k8s.namespace.name", "shop")
	attributes.PutStr("k8s.deployment.name", name)
	attributes.PutStr("k8s.pod.name", name+"-6c5d8f9b7-q8w4z")
	attributes.PutStr("telemetry.sdk.language", "java")
	scopeSpans := resourceSpans.ScopeSpans().AppendEmpty()
	scopeSpans.Scope().SetName("io.opentelemetry.okhttp-3.0")
	g.of[service] = scopeSpans.Spans()
	return scopeSpans.Spans()
}

func serviceName(service int) string { return fmt.Sprintf("service-%03d", service) }
