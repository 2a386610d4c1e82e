package otlp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp"
)

const (
	typeJSON     = "application/json"
	typeProtobuf = "application/x-protobuf"
)

// call is a trace of shop, which calls pay.
func call(trace byte) ptrace.Traces {
	traces := ptrace.NewTraces()
	for i, name := range []string{"shop", "pay"} {
		of := traces.ResourceSpans().AppendEmpty()
		of.Resource().Attributes().PutStr("service.name", name)
		spans := of.ScopeSpans().AppendEmpty().Spans()
		for j := range 2 - i {
			span := spans.AppendEmpty()
			span.SetTraceID(pcommon.TraceID{trace, 1})
			span.SetSpanID(pcommon.SpanID{byte(i + j + 1)})
			if i+j > 0 {
				span.SetParentSpanID(pcommon.SpanID{byte(i + j)})
			}
			span.SetKind(ptrace.SpanKindServer)
			if i+j == 1 {
				span.SetKind(ptrace.SpanKindClient)
			}
			span.SetStartTimestamp(1_790_000_000_000_000_000)
			span.SetEndTimestamp(1_790_000_000_100_000_000)
		}
		if i == 1 {
			spans.At(0).SetSpanID(pcommon.SpanID{3})
			spans.At(0).SetParentSpanID(pcommon.SpanID{2})
			spans.At(0).SetKind(ptrace.SpanKindServer)
		}
	}
	return traces
}

func inProtobuf(t testing.TB, traces ptrace.Traces) []byte {
	t.Helper()
	written, err := ptraceotlp.NewExportRequestFromTraces(traces).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func inJSON(t testing.TB, traces ptrace.Traces) []byte {
	t.Helper()
	written, err := ptraceotlp.NewExportRequestFromTraces(traces).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	writer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return writer.EncodeAll(data, nil)
}

// post sends a request. Headers come in pairs.
func post(t testing.TB, url string, body io.Reader, headers ...string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, answer
}

// calls is how many calls of pay by shop were counted.
func calls(counts *traffic.Counts) float64 {
	total := 0.0
	for key, flow := range counts.Flows {
		if key.From == "otel:shop" && key.To == "otel:pay" {
			total += flow.Requests
		}
	}
	return total
}

func TestHTTPTakesEveryWayOfWriting(t *testing.T) {
	r := listen(t, otlp.Config{})
	sent := 0
	for _, format := range []string{typeProtobuf, typeJSON, typeJSON + "; charset=utf-8"} {
		for _, encoding := range []string{"", "identity", "gzip", "zstd"} {
			sent++
			body := inProtobuf(t, call(byte(sent)))
			if strings.HasPrefix(format, typeJSON) {
				body = inJSON(t, call(byte(sent)))
			}
			switch encoding {
			case "gzip":
				body = gzipped(t, body)
			case "zstd":
				body = zstandard(t, body)
			}
			response, answer := post(t, "http://"+r.http+"/v1/traces", bytes.NewReader(body), "Content-Type", format, "Content-Encoding", encoding)
			want, wantType := "", typeProtobuf
			if strings.HasPrefix(format, typeJSON) {
				want, wantType = "{}", typeJSON
			}
			if response.StatusCode != http.StatusOK || string(answer) != want || response.Header.Get("Content-Type") != wantType {
				t.Errorf("%s %q: %s %q as %s", format, encoding, response.Status, answer, response.Header.Get("Content-Type"))
			}
		}
	}
	counts := r.stop()
	if got := calls(counts); got != float64(sent) {
		t.Errorf("%v calls, not %d; lost: %v", got, sent, counts.Lost)
	}
	if used := r.RequestMemory(); used != 0 {
		t.Errorf("%d bytes of requests are still counted", used)
	}
}

func TestHTTPRefuses(t *testing.T) {
	r := listen(t, otlp.Config{MaxRequestBytes: 64 << 10})
	good := inProtobuf(t, call(1))
	wrongID := `{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{"traceId":"01","spanId":"02"}]}]}]}`
	window := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8}, 0x01, 0x00, 0x00) // a frame that wants a window of 2 TiB
	for name, test := range map[string]struct {
		body     string
		chunked  bool // without a length
		headers  []string
		method   string
		path     string
		status   int
		code     int32
		has      string // a header that is there
		rejected string // what it counts as
	}{
		"truncated protobuf":   {body: string(good[:len(good)-3]), status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"text as protobuf":     {body: "hello", status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"truncated JSON":       {body: `{"resourceSpans":[`, headers: []string{"Content-Type", typeJSON}, status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"an id of wrong size":  {body: wrongID, headers: []string{"Content-Type", typeJSON}, status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"no gzip":              {body: string(good), headers: []string{"Content-Encoding", "gzip"}, status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"no zstd":              {body: string(good), headers: []string{"Content-Encoding", "zstd"}, status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"truncated gzip":       {body: string(gzipped(t, good)[:20]), headers: []string{"Content-Encoding", "gzip"}, status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"huge window":          {body: string(window), headers: []string{"Content-Encoding", "zstd"}, status: 400, code: 3, rejected: traffic.LostRejectedRequest},
		"too large":            {body: strings.Repeat("x", 64<<10+1), status: 413, code: 8, rejected: traffic.LostTooLarge},
		"too large, in chunks": {body: strings.Repeat("x", 64<<10+1), chunked: true, status: 413, code: 8, rejected: traffic.LostTooLarge},
		"gzip bomb":            {body: string(gzipped(t, make([]byte, 50<<20))), headers: []string{"Content-Encoding", "gzip"}, status: 413, code: 8, rejected: traffic.LostTooLarge},
		"zstd bomb":            {body: string(zstandard(t, make([]byte, 50<<20))), headers: []string{"Content-Encoding", "zstd"}, status: 413, code: 8, rejected: traffic.LostTooLarge},
		"another encoding":     {body: string(good), headers: []string{"Content-Encoding", "br"}, status: 415, code: 12, has: "Accept-Encoding", rejected: traffic.LostRejectedRequest},
		"another type":         {body: string(good), headers: []string{"Content-Type", "text/plain"}, status: 415, code: 12, rejected: traffic.LostRejectedRequest},
		"no type":              {body: string(good), headers: []string{"Content-Type", ""}, status: 415, code: 12, rejected: traffic.LostRejectedRequest},
		"another method":       {method: http.MethodGet, status: 405, code: 12, has: "Allow"},
		"another path":         {path: "/v1/metrics", status: 404, code: 12},
	} {
		t.Run(name, func(t *testing.T) {
			if test.method == "" {
				test.method = http.MethodPost
			}
			if test.path == "" {
				test.path = "/v1/traces"
			}
			var body io.Reader = strings.NewReader(test.body)
			if test.chunked {
				body = io.MultiReader(body)
			}
			request, err := http.NewRequestWithContext(t.Context(), test.method, "http://"+r.http+test.path, body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", typeProtobuf)
			for i := 0; i < len(test.headers); i += 2 {
				request.Header.Set(test.headers[i], test.headers[i+1])
			}
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			answer, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			var told rpcstatus.Status
			switch as := response.Header.Get("Content-Type"); as {
			case typeJSON:
				err = protojson.Unmarshal(answer, &told)
			case typeProtobuf:
				err = proto.Unmarshal(answer, &told)
			default:
				t.Errorf("an answer in %q", as)
			}
			if sent := request.Header.Get("Content-Type"); sent == typeProtobuf && response.Header.Get("Content-Type") != sent {
				t.Errorf("an answer in %s", response.Header.Get("Content-Type"))
			}
			if err != nil || response.StatusCode != test.status || told.GetCode() != test.code || told.GetMessage() == "" {
				t.Errorf("%s, code %d %q, %v", response.Status, told.GetCode(), told.GetMessage(), err)
			}
			if test.has != "" && response.Header.Get(test.has) == "" {
				t.Errorf("there is no header %s", test.has)
			}
		})
	}
	counts := r.stop()
	if len(counts.Flows) != 0 || counts.Lost[traffic.LostRejectedRequest] != 11 || counts.Lost[traffic.LostTooLarge] != 4 {
		t.Errorf("flows %d, lost %v", len(counts.Flows), counts.Lost)
	}
}

func TestHTTPToken(t *testing.T) {
	r := listen(t, otlp.Config{Token: "secret"})
	for given, want := range map[string]int{
		"": 401, "secret": 401, "Bearer": 401, "Bearer wrong": 401, "Basic secret": 401, "Bearer secret": 200, "bearer secret": 200,
	} {
		response, _ := post(t, "http://"+r.http+"/v1/traces", bytes.NewReader(inProtobuf(t, call(1))), "Content-Type", typeProtobuf,
			"Authorization", given)
		if response.StatusCode != want || want == 401 && response.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %s", given, response.Status)
		}
	}
}

func TestPartialSuccess(t *testing.T) {
	traces := call(1)
	spans := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	spans.AppendEmpty().SetTraceID(pcommon.TraceID{7})
	spans.AppendEmpty().SetSpanID(pcommon.SpanID{7})
	r := listen(t, otlp.Config{})
	url := "http://" + r.http + "/v1/traces"
	response, answer := post(t, url, bytes.NewReader(inProtobuf(t, traces)), "Content-Type", typeProtobuf)
	told := ptraceotlp.NewExportResponse()
	if err := told.UnmarshalProto(answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	if partial := told.PartialSuccess(); partial.RejectedSpans() != 2 || partial.ErrorMessage() == "" {
		t.Errorf("%d rejected: %q", partial.RejectedSpans(), partial.ErrorMessage())
	}
	_, answer = post(t, url, bytes.NewReader(inJSON(t, traces)), "Content-Type", typeJSON)
	var plain struct {
		PartialSuccess struct{ RejectedSpans, ErrorMessage string }
	}
	if err := json.Unmarshal(answer, &plain); err != nil || plain.PartialSuccess.RejectedSpans != "2" {
		t.Errorf("%s: %v", answer, err)
	}
	if told = ptraceotlp.NewExportResponse(); told.UnmarshalJSON(answer) != nil || told.PartialSuccess().RejectedSpans() != 2 {
		t.Errorf("others cannot read %s", answer)
	}
	if counts := r.stop(); counts.Lost[traffic.LostInvalidID] != 4 {
		t.Errorf("lost %v", counts.Lost)
	}
}

func TestHandlerWithoutListener(t *testing.T) {
	receiver, err := otlp.New(otlp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	response := serve(receiver.Handler(), inProtobuf(t, call(1)), "Content-Type", typeProtobuf)
	if response.Code != http.StatusServiceUnavailable || response.Header().Get("Retry-After") == "" {
		t.Errorf("%d, to come again after %q", response.Code, response.Header().Get("Retry-After"))
	}
}

func TestBase64IDs(t *testing.T) {
	r := listen(t, otlp.Config{})
	body := string(inJSON(t, call(1)))
	for _, id := range [][]byte{append([]byte{1, 1}, make([]byte, 14)...), {1, 0, 0, 0, 0, 0, 0, 0}, {2, 0, 0, 0, 0, 0, 0, 0}, {3, 0, 0, 0, 0, 0, 0, 0}} {
		body = strings.ReplaceAll(body, fmt.Sprintf("%x\"", id), base64.StdEncoding.EncodeToString(id)+`"`)
	}
	post(t, "http://"+r.http+"/v1/traces", strings.NewReader(body), "Content-Type", typeJSON)
	if got := calls(r.stop()); got != 1 {
		t.Errorf("%v calls of %s", got, body)
	}
}
