package recorded_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// said is what a file was read as: its spans in short, then what was lost and told.
func said(t *testing.T, data []byte, held int) []string {
	t.Helper()
	lines := []string{}
	names := make(map[spans.TraceID]string)
	lost, problems, found, err := recorded.ReadSpans(t.Context(), "traces/file", data, held, func(s *spans.Span) error {
		if names[s.TraceID] == "" {
			names[s.TraceID] = fmt.Sprintf("t%d", len(names)+1)
		}
		lines = append(lines, names[s.TraceID]+" "+short(s))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range slices.Sorted(maps.Keys(lost)) {
		lines = append(lines, fmt.Sprintf("lost %s %d", reason, lost[reason]))
	}
	for _, problem := range problems {
		lines = append(lines, strings.TrimPrefix(problem.String(), "traces/file"))
	}
	if !found && len(problems) == 0 {
		lines = append(lines, "nothing found")
	}
	return lines
}

func short(s *spans.Span) string {
	text := fmt.Sprintf("%x<%x %s %s", trimmed(s.ID), trimmed(s.Parent), s.Resource.Service, s.Name)
	for _, part := range []struct {
		name  string
		value any
		there bool
	}{
		{"kind", s.Kind, s.Kind != 0},
		{"status", s.Status, s.Status != 0},
		{"error", s.ErrorTag, s.ErrorTag},
		{"start", s.Start, s.Start != 0},
		{"end", s.End, s.End != 0},
		{"state", string(s.TraceState), len(s.TraceState) > 0},
		{"peer", string(s.PeerService), len(s.PeerService) > 0},
		{"server", string(s.ServerAddress), len(s.ServerAddress) > 0},
		{"net", string(s.NetworkAddress), len(s.NetworkAddress) > 0},
		{"port", s.ServerPort, s.ServerPort != 0},
		{"netport", s.NetworkPort, s.NetworkPort != 0},
		{"url", string(s.URL), len(s.URL) > 0},
		{"db", string(s.DBSystem), len(s.DBSystem) > 0},
		{"dbname", string(s.DBNamespace), len(s.DBNamespace) > 0},
		{"rpc", string(s.RPCSystem), len(s.RPCSystem) > 0},
		{"http", s.HTTPStatus, s.HTTPStatus != 0},
		{"mq", string(s.MessagingSystem), len(s.MessagingSystem) > 0},
		{"topic", string(s.MessagingDestination), len(s.MessagingDestination) > 0},
		{"key", string(s.MessagingRoutingKey), len(s.MessagingRoutingKey) > 0},
		{"badtrace", s.BadTraceID, s.BadTraceID},
		{"badid", s.BadID, s.BadID},
		{"links", len(s.Links), len(s.Links) > 0},
		{"ns", s.Resource.Namespace, s.Resource.Namespace != ""},
		{"env", s.Resource.Environment, s.Resource.Environment != ""},
	} {
		if part.there {
			text += fmt.Sprintf(" %s=%v", part.name, part.value)
		}
	}
	return text
}

func trimmed(id spans.SpanID) []byte {
	rest := bytes.TrimLeft(id[:], "\x00")
	if len(rest) > 2 {
		return rest[:2]
	}
	return rest
}

const (
	trace1 = "5b8efff798038103d269b633813fc60c"
	long   = 1 << 20
)

// otlp is a request with one span, in OTLP JSON.
func otlp(id string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},` +
		`"scopeSpans":[{"spans":[{"traceId":"` + trace1 + `","spanId":"` + id + `","name":"GET","kind":2}]}]}]}`
}

const (
	id1  = "eee19b7ec3c1b174"
	id2  = "ffe19b7ec3c1b174"
	got1 = "t1 eee1< shop GET kind=2"
	got2 = "t1 ffe1< shop GET kind=2"
)

func proto(t *testing.T, document string) []byte {
	t.Helper()
	traces, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	data, err := new(ptrace.ProtoMarshaler).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func framed(messages ...[]byte) []byte {
	var data []byte
	for _, message := range messages {
		data = binary.BigEndian.AppendUint32(data, uint32(len(message)))
		data = append(data, message...)
	}
	return data
}

func delimited(messages ...[]byte) []byte {
	var data []byte
	for _, message := range messages {
		data = binary.AppendUvarint(data, uint64(len(message)))
		data = append(data, message...)
	}
	return data
}

func zipped(t *testing.T, data []byte) []byte {
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

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	writer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	return writer.EncodeAll(data, nil)
}

func indented(document string) string {
	return strings.NewReplacer("{", "{\n  ", "}", "\n}", ",", ",\n  ").Replace(document)
}

// brokenLines are what is told of lines that are no JSON.
func brokenLines(from, to int) (told []string) {
	for line := from; line <= to; line++ {
		told = append(told, fmt.Sprintf(":%d: error: this line is malformed: invalid character 'x' at start of value "+
			"(write it again, or take it out) [malformed-traces]", line))
	}
	return told
}

func TestFormsOfOTLP(t *testing.T) {
	one, two := proto(t, otlp(id1)), proto(t, otlp(id2))
	both := []string{got1, got2}
	twoResources := strings.TrimSuffix(otlp(id1), "]}") + "," + strings.TrimPrefix(otlp(id2), `{"resourceSpans":[`)
	for name, c := range map[string]struct {
		data []byte
		held int
		want []string
	}{
		"a request":                      {[]byte(otlp(id1)), long, []string{got1}},
		"with a byte order mark":         {[]byte("\ufeff" + otlp(id1)), long, []string{got1}},
		"two resources":                  {[]byte(twoResources), long, both},
		"longer than memory":             {[]byte(twoResources), 250, both},
		"an indented request":            {[]byte(indented(otlp(id1))), long, []string{got1}},
		"indented ones":                  {[]byte(indented(otlp(id1)) + "\n" + indented(otlp(id2))), long, both},
		"lines":                          {[]byte(otlp(id1) + "\n" + otlp(id2) + "\n"), long, both},
		"lines of windows":               {[]byte(otlp(id1) + "\r\n\r\n" + otlp(id2) + "\r\n"), long, both},
		"lines without an end":           {[]byte(otlp(id1) + "\n" + otlp(id2)), long, both},
		"lines in small memory":          {[]byte(otlp(id1) + "\n" + otlp(id2) + "\n"), 300, both},
		"a list of requests":             {[]byte("[" + otlp(id1) + ",\n" + otlp(id2) + "]"), long, both},
		"field names of the proto files": {[]byte(strings.NewReplacer("resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "traceId", "trace_id", "spanId", "span_id").Replace(otlp(id1))), long, []string{got1}},
		"older scopes":                   {[]byte(strings.ReplaceAll(otlp(id1), "scopeSpans", "instrumentationLibrarySpans")), long, []string{got1}},
		"a resource alone":               {[]byte(strings.TrimSuffix(strings.TrimPrefix(otlp(id1), `{"resourceSpans":[`), "]}")), long, []string{got1}},
		"ids in base64":                  {[]byte(strings.NewReplacer(trace1, "W47/95gDgQPSabYzgT/GDA==", id1, "7uGbfsPBsXQ=").Replace(otlp(id1))), long, []string{got1}},
		"Tempo's answer":                 {[]byte(strings.ReplaceAll(otlp(id1), "resourceSpans", "batches")), long, []string{got1}},
		"Tempo's answer of version 2":    {[]byte(`{"trace":` + otlp(id1) + `,"metrics":{}}`), long, []string{got1}},
		"Jaeger's answer of version 3":   {[]byte(`{"result":` + otlp(id1) + `}`), long, []string{got1}},
		"Grafana's data":                 {[]byte(`{"data":{"x":1,"batches":` + strings.TrimPrefix(otlp(id1), `{"resourceSpans":`) + `}`), long, []string{got1}},
		"wrapped, longer than memory":    {[]byte(`{"x":[` + strings.Repeat(`"y",`, 200) + `1],"trace":` + twoResources + `}`), 300, both},
		"no spans":                       {[]byte(`{"resourceSpans":[]}`), long, []string{}},
		"metrics and logs":               {[]byte(`{"resourceMetrics":[]}` + "\n" + otlp(id1) + "\n" + `{"resourceLogs":[]}` + "\n"), long, []string{got1}},

		"a line is broken": {[]byte(otlp(id1) + "\n" + otlp(id2)[:90] + "\n" + otlp(id2) + "\n"), long, []string{
			got1, got2, "lost rejected_request 1",
			":2: error: this request is malformed: the input ends in the middle (write it again, or take it out) [malformed-traces]",
		}},
		"the first line is broken": {[]byte(otlp(id2)[:90] + "\n" + otlp(id1) + "\n"), long, []string{
			got1, "lost rejected_request 1",
			":1: error: this request is malformed: the input ends in the middle (write it again, or take it out) [malformed-traces]",
		}},
		"the last line is half written": {[]byte(otlp(id1) + "\n" + otlp(id2)[:90]), long, []string{
			got1, ":2: warning: the last line is not whole yet (nothing, if it is still being written; else take it out) [unfinished-traces]",
		}},
		"a line is too long": {[]byte(otlp(id1) + "\n" + strings.Replace(otlp(id2), "GET", strings.Repeat("G", 300), 1) + "\n" + otlp(id2) + "\n"), 300, []string{
			got1, got2, "lost too_large 1",
			":2: error: this line is longer than can be read (write smaller requests, or one request a line) [too-large]",
		}},
		"an id of another length": {[]byte(otlp(id1) + "\n" + otlp("abcd") + "\n"), long, []string{
			got1, "lost rejected_request 1",
			":2: error: this request is malformed: an id of 8 bytes is expected here, in hex (write it again, or take it out) [malformed-traces]",
		}},
		"a malformed request counts for nothing": {[]byte(strings.Replace(twoResources, id2, "abcd", 1)), long, []string{
			"lost rejected_request 1",
			":1: error: this request is malformed: an id of 8 bytes is expected here, in hex (write it again, or take it out) [malformed-traces]",
		}},
		"half a document": {[]byte(indented(otlp(id1))[:100]), long, []string{
			"lost rejected_request 1",
			":7: error: this document is malformed: it ends in the middle (write it again, or take it out) [malformed-traces]",
		}},
		"half a document, longer than memory": {[]byte(twoResources[:len(twoResources)-6]), 250, []string{
			got1, got2, "lost rejected_request 1",
			": error: this document is malformed: the input ends in the middle: what stands before counts (write it again, or take it out) [malformed-traces]",
		}},

		"protobuf":                     {one, long, []string{got1}},
		"protobuf, longer than memory": {slices.Concat(one, two), len(one) + 1, both},
		"framed":                       {framed(one, nil, two), long, both},
		"framed, each packed":          {framed(zstandard(t, one), zstandard(t, two)), long, both},
		"JSON framed, each packed":     {framed(zstandard(t, []byte(otlp(id1))), zstandard(t, []byte(otlp(id2)))), long, both},
		"JSON framed":                  {framed([]byte(otlp(id1)), []byte(otlp(id2))), long, both},
		"delimited":                    {delimited(one, two), long, both},
		"gzip of lines":                {zipped(t, []byte(otlp(id1)+"\n"+otlp(id2)+"\n")), long, both},
		"gzip of several":              {slices.Concat(zipped(t, []byte(otlp(id1)+"\n")), zipped(t, []byte(otlp(id2)+"\n"))), long, both},
		"zstd of lines":                {zstandard(t, []byte(otlp(id1)+"\n"+otlp(id2)+"\n")), long, both},
		"zstd of several":              {slices.Concat(zstandard(t, []byte(otlp(id1)+"\n")), zstandard(t, []byte(otlp(id2)+"\n"))), long, both},
		"zstd of protobuf":             {zstandard(t, one), long, []string{got1}},
		"gzip of zstd of frames":       {zipped(t, zstandard(t, framed(one, two))), long, both},
		"the last frame is cut off": {framed(one, two)[:len(one)+20], long, []string{
			got1, ": warning: message 2: the last message is not whole yet (nothing, if it is still being written; else take it out) [unfinished-traces]",
		}},
		"a length is cut off": {append(framed(one), 0, 0), long, []string{
			got1, ": warning: message 2: the last message is not whole yet (nothing, if it is still being written; else take it out) [unfinished-traces]",
		}},
		"a frame claims a gigabyte": {append(framed(one), 0x40, 0, 0, 0, 1), long, []string{
			got1, ": warning: message 2: the last message is not whole yet (nothing, if it is still being written; else take it out) [unfinished-traces]",
		}},
		"a frame is too large": {framed(one, two, one), len(one) - 1, []string{
			"lost too_large 3",
			": error: message 1: this message of 73 bytes is larger than can be read (write smaller requests, or one request a line) [too-large]",
			": error: message 2: this message of 73 bytes is larger than can be read (write smaller requests, or one request a line) [too-large]",
			": error: message 3: this message of 73 bytes is larger than can be read (write smaller requests, or one request a line) [too-large]",
		}},
		"a packed frame is too large": {framed(zstandard(t, bytes.Repeat([]byte(" "), 1<<16))), 1 << 12, []string{
			"lost too_large 1",
			": error: message 1: this message is larger than can be read (write smaller requests, or one request a line) [too-large]",
		}},
		"a frame is malformed": {framed(one, one[:len(one)-7], two), long, []string{
			got1, got2, "lost rejected_request 1",
			": error: message 2: this request is malformed: a field is not complete, or longer than what it stands in (write it again, or take it out) [malformed-traces]",
		}},
		"gzip that is cut off": {zipped(t, []byte(otlp(id1)+"\n"+otlp(id2)+"\n"))[:100], long, nil},
		"a bomb": {zipped(t, bytes.Repeat([]byte("{}\n"), 1<<18)), 1 << 10, []string{
			"lost unreadable 1",
			": error: it unpacks to far more than traces do: the rest was not read (look at what it is, or leave it out by exclude) [too-large]",
		}},
		"a line of something else": {[]byte(`{"traceID":"1","spans":[],"processes":{}}` + "\n{\"data\":[}\n" + otlp(id1) + " 1\n" + otlp(id2) + "\n"), long, []string{
			got2[:2] + " ffe1< shop GET kind=2", "lost rejected_request 2",
			":2: error: this line is malformed: invalid character '}' at start of value (write it again, or take it out) [malformed-traces]",
			":3: error: this request is malformed: something follows the request (write it again, or take it out) [malformed-traces]",
		}},
		"many broken lines": {[]byte(otlp(id1) + "\n" + strings.Repeat("x\n", 30)), long, append(append([]string{got1, "lost rejected_request 30"},
			brokenLines(2, 21)...), ": error: 10 more parts of it cannot be read (write it again, or take it out) [malformed-traces]")},
		"a long message with another field": {slices.Concat(one, []byte{0x12, 0}), len(one) + 1, []string{
			got1, "lost rejected_request 1",
			": error: resourceSpans[1]: this request is malformed: it has another field than those of a request (write it again, or take it out) [malformed-traces]",
		}},
		"a long message that is cut off": {slices.Concat(one, two[:len(two)-3]), len(one) + 1, []string{
			got1, ": warning: resourceSpans[1]: the last message is not whole yet (nothing, if it is still being written; else take it out) [unfinished-traces]",
		}},
		"a packed frame that is broken": {framed(zstandard(t, one)[:20], []byte("{]"), two), long, []string{
			"t1 ffe1< shop GET kind=2", "lost rejected_request 2",
			": error: message 1: this message is malformed: it cannot be unpacked: unexpected EOF (write it again, or take it out) [malformed-traces]",
			": error: message 2: this message is malformed: invalid character ']' at start of value (write it again, or take it out) [malformed-traces]",
		}},
		"gzip of nothing": {[]byte("\x1f\x8b\x08"), long, []string{
			"lost unreadable 1",
			": error: it cannot be read to its end: it cannot be unpacked: unexpected EOF (write it again, or leave it out by exclude) [malformed-traces]",
		}},
		"empty":         {nil, long, []string{}},
		"blank":         {[]byte(" \n\n"), long, []string{"nothing found"}},
		"other JSON":    {[]byte(`{"edges":[{"from":"a"}]}`), long, []string{"nothing found"}},
		"a table":       {[]byte("caller\tcallee\n"), long, []string{"nothing found"}},
		"a picture":     {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), long, []string{"nothing found"}},
		"only zeros":    {make([]byte, 1000), long, []string{"nothing found"}},
		"deeply nested": {[]byte(strings.Repeat("[", 100_000)), long, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := said(t, c.data, c.held)
			if c.want == nil { // only that it ends, and says so
				if len(got) == 0 || !strings.Contains(got[len(got)-1], "error:") {
					t.Errorf("said %q", got)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
