package otlp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
)

// dial is a client of the gRPC library.
func dial(t testing.TB, address string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, options...)
	connection, err := grpc.NewClient("passthrough:///"+address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// raw is a codec of messages that are bytes already.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil } //nolint:forcetypeassert // of this test
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = bytes.Clone(data); return nil }
func (raw) Name() string                       { return "proto" }

// zstdCompressor packs as collectors do that are configured so.
type zstdCompressor struct{}

func (zstdCompressor) Do(w io.Writer, p []byte) error {
	packed, err := zstd.NewWriter(nil)
	if err != nil {
		return err
	}
	_, err = w.Write(packed.EncodeAll(p, nil))
	return err
}
func (zstdCompressor) Type() string { return "zstd" }

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// export sends bytes as a request.
func export(t testing.TB, connection *grpc.ClientConn, body []byte, options ...grpc.CallOption) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var answer []byte
	err := connection.Invoke(ctx, exportMethod, &body, &answer, append(options, grpc.ForceCodec(raw{}))...)
	return answer, err
}

func TestGRPCTakesEveryPacking(t *testing.T) {
	r := listen(t, otlp.Config{})
	plain := dial(t, r.grpc)
	packed := dial(t, r.grpc, grpc.WithCompressor(zstdCompressor{})) //nolint:staticcheck // one that is not for all clients
	for i, send := range []func(body []byte) ([]byte, error){
		func(body []byte) ([]byte, error) { return export(t, plain, body) },
		func(body []byte) ([]byte, error) { return export(t, plain, body, grpc.UseCompressor("gzip")) },
		func(body []byte) ([]byte, error) { return export(t, packed, body) },
	} {
		if answer, err := send(inProtobuf(t, call(byte(i+1)))); err != nil || len(answer) != 0 {
			t.Errorf("%d: %q, %v", i, answer, err)
		}
	}
	counts := r.stop()
	if got := calls(counts); got != 3 {
		t.Errorf("%v calls; lost %v", got, counts.Lost)
	}
	if used := r.RequestMemory(); used != 0 {
		t.Errorf("%d bytes of requests are still counted", used)
	}
}

func TestGRPCRefuses(t *testing.T) {
	const limit = 64 << 10
	r := listen(t, otlp.Config{MaxRequestBytes: limit})
	client := dial(t, r.grpc)
	good := inProtobuf(t, call(1))
	for name, test := range map[string]struct {
		body    []byte
		options []grpc.CallOption
		code    codes.Code
	}{
		"truncated": {body: good[:len(good)-3], code: codes.InvalidArgument},
		"text":      {body: []byte("hello"), code: codes.InvalidArgument},
		"too large": {body: make([]byte, limit+1), code: codes.ResourceExhausted},
		"bomb":      {body: make([]byte, 50<<20), options: []grpc.CallOption{grpc.UseCompressor("gzip")}, code: codes.ResourceExhausted},
	} {
		_, err := export(t, client, test.body, test.options...)
		said := status.Convert(err)
		if said.Code() != test.code || said.Message() == "" || len(said.Details()) != 0 {
			t.Errorf("%s: %v %v", name, err, said.Details())
		}
	}
	var none []byte
	ctx := t.Context()
	err := client.Invoke(ctx, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", &none, &none, grpc.ForceCodec(raw{}))
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("metrics: %v", err)
	}
	if _, err := export(t, client, good); err != nil {
		t.Errorf("the connection is of no use any more: %v", err)
	}
	counts := r.stop()
	if calls(counts) != 1 || counts.Lost[traffic.LostRejectedRequest] != 2 || counts.Lost[traffic.LostTooLarge] != 2 {
		t.Errorf("%v calls, lost %v", calls(counts), counts.Lost)
	}
}

// TestGRPCFrames sends what no library would.
func TestGRPCFrames(t *testing.T) {
	r := listen(t, otlp.Config{})
	good := inProtobuf(t, call(1))
	frame := func(flag byte, length int, body []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(length)), body...)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	for name, test := range map[string]struct {
		body     []byte
		encoding string
		status   string
		http     int
		as       string
	}{
		"good":                {body: frame(0, len(good), good), status: "0"},
		"more behind it":      {body: append(frame(0, len(good), good), "more"...), status: "0"},
		"no message":          {body: nil, status: "3"},
		"half a header":       {body: []byte{0, 0}, status: "3"},
		"cut off":             {body: frame(0, len(good)+1, good), status: "3"},
		"an unknown flag":     {body: frame(9, len(good), good), status: "3"},
		"4 GiB promised":      {body: frame(0, 1<<32-1, good), status: "8"},
		"packed by nothing":   {body: frame(1, len(good), good), status: "12"},
		"packed by who knows": {body: frame(1, len(good), good), encoding: "snappy", status: "12"},
		"not packed by it":    {body: frame(1, len(good), good), encoding: "gzip", status: "3"},
		"not packed, may be":  {body: frame(0, len(good), good), encoding: "gzip", status: "0"},
		"no gRPC":             {body: good, as: typeProtobuf, http: 415},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.grpc+exportMethod, bytes.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/grpc+proto")
		if test.as != "" {
			request.Header.Set("Content-Type", test.as)
		}
		if test.encoding != "" {
			request.Header.Set("Grpc-Encoding", test.encoding)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := io.ReadAll(response.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = response.Body.Close()
		if test.http == 0 {
			test.http = http.StatusOK
		}
		got := response.Trailer.Get("Grpc-Status") + response.Header.Get("Grpc-Status")
		if response.StatusCode != test.http || got != test.status {
			t.Errorf("%s: %s, status %q %q", name, response.Status, got, response.Header.Get("Grpc-Message"))
		}
	}
}

func TestGRPCToken(t *testing.T) {
	r := listen(t, otlp.Config{Token: "secret"})
	client := dial(t, r.grpc)
	for given, want := range map[string]codes.Code{"": codes.Unauthenticated, "Bearer wrong": codes.Unauthenticated, "Bearer secret": codes.OK} {
		body, answer := inProtobuf(t, call(1)), []byte(nil)
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", given)
		if err := client.Invoke(ctx, exportMethod, &body, &answer, grpc.ForceCodec(raw{})); status.Code(err) != want {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func TestGRPCPartialSuccess(t *testing.T) {
	traces := call(1)
	traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().AppendEmpty().SetTraceID(pcommon.TraceID{7})
	r := listen(t, otlp.Config{})
	answer, err := ptraceotlp.NewGRPCClient(dial(t, r.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(traces))
	if err != nil || answer.PartialSuccess().RejectedSpans() != 1 || answer.PartialSuccess().ErrorMessage() == "" {
		t.Errorf("%d rejected, %v", answer.PartialSuccess().RejectedSpans(), err)
	}
}

// TestFullMemoryPushesBack fills the memory of pairing: senders are told when to come again, and what they send then is taken.
func TestFullMemoryPushesBack(t *testing.T) {
	now := time.Now()
	r := listen(t, otlp.Config{Pairing: pairing.Config{MaxBytes: 1 << 20, Now: func() time.Time { return now }}})
	client := dial(t, r.grpc)
	var err error
	sent := 0
	for ; err == nil && sent < 1000; sent++ {
		_, err = export(t, client, inProtobuf(t, manyTraces(sent, 500)))
	}
	said := status.Convert(err)
	if said.Code() != codes.ResourceExhausted || len(said.Details()) != 1 {
		t.Fatalf("after %d requests: %v", sent, err)
	}
	if hint, ok := said.Details()[0].(*errdetails.RetryInfo); !ok || hint.GetRetryDelay().AsDuration() <= 0 {
		t.Errorf("the hint is %v", said.Details()[0])
	}
	response, answer := post(t, "http://"+r.http+"/v1/traces", bytes.NewReader(inJSON(t, manyTraces(sent, 500))), "Content-Type", typeJSON)
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" || !strings.Contains(string(answer), "memory") {
		t.Errorf("%s after %q: %s", response.Status, response.Header.Get("Retry-After"), answer)
	}
	if counts := r.stop(); counts.Lost[traffic.LostRefused] < 500 {
		t.Errorf("lost %v", counts.Lost)
	}
}

// TestSlowSenders begin requests that they do not end.
func TestSlowSenders(t *testing.T) {
	receiver, err := otlp.New(otlp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	receiver.Wait(100 * time.Millisecond)
	receiver.Open()
	for name, test := range map[string]struct {
		handler   http.Handler
		url       string
		as        string
		protocols func(*http.Protocols, bool)
		status    int
		grpc      string
	}{
		"http":  {receiver.Handler(), "/v1/traces", typeProtobuf, (*http.Protocols).SetHTTP1, http.StatusRequestTimeout, ""},
		"http2": {receiver.Handler(), "/v1/traces", typeJSON, (*http.Protocols).SetUnencryptedHTTP2, http.StatusRequestTimeout, ""},
		"grpc":  {receiver.GRPCHandler(), exportMethod, "application/grpc", (*http.Protocols).SetUnencryptedHTTP2, http.StatusOK, "4"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(test.handler)
			server.Config.Protocols = new(http.Protocols)
			test.protocols(server.Config.Protocols, true)
			server.Start()
			defer server.Close()
			transport := &http.Transport{Protocols: server.Config.Protocols}
			defer transport.CloseIdleConnections()
			body, never := io.Pipe()
			defer func() { _ = never.Close() }()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+test.url, body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", test.as)
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != test.status || response.Header.Get("Grpc-Status") != test.grpc {
				t.Errorf("%s, %v", response.Status, response.Header)
			}
			if used := receiver.RequestMemory(); used != 0 {
				t.Errorf("%d bytes of requests are still counted", used)
			}
		})
	}
}

// TestStopWithOpenRequests has senders that do not end theirs.
func TestStopWithOpenRequests(t *testing.T) {
	r := listen(t, otlp.Config{})
	for name, address := range map[string]string{"grpc": r.grpc, "http": r.http} {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		if _, err := io.WriteString(connection, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	started := time.Now()
	r.stop()
	if took := time.Since(started); took > 15*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
