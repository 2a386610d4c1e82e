package kubernetes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func missing(format, log string, more map[string][]string) []string {
	t := &tally{with: make(map[string]int)}
	newLineJudge(format, more).count(t, []byte(log))
	v := new(verdict)
	v.saw(t)
	return v.missed()
}

// TestLogFormats holds lines as the usual libraries write them.
func TestLogFormats(t *testing.T) {
	none := []string(nil)
	for name, c := range map[string]struct {
		format, line string
		want         []string
	}{
		"zap":           {"json", `{"level":"info","ts":1767323045.123,"caller":"a/b.go:1","msg":"x","trace_id":"4bf9"}`, none},
		"zap, short":    {"json", `{"L":"INFO","T":"2026-01-02T03:04:05Z","M":"x","requestId":"7"}`, none},
		"zerolog":       {"json", `{"level":"warn","time":"2026-01-02T03:04:05Z","message":"x","req_id":"c1"}`, none},
		"slog":          {"json", `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"x","trace":{"id":"4bf9"}}`, none},
		"logrus":        {"json", `{"time":"2026-01-02T03:04:05Z","level":"info","msg":"x","correlation_id":"a"}`, none},
		"logback":       {"json", `{"@timestamp":"2026-01-02T03:04:05Z","@version":"1","message":"x","logger_name":"a","level":"INFO","level_value":20000,"traceId":"4bf9"}`, none},
		"spring":        {"json", `{"timestamp":1767323045123,"level":"INFO","message":"x","mdc":{"traceId":"4bf9","spanId":"1"}}`, none},
		"log4j2":        {"json", `{"instant":{"epochSecond":1,"nanoOfSecond":2},"level":"INFO","message":"x","contextMap":{"trace.id":"4bf9"}}`, none},
		"pino":          {"json", `{"level":30,"time":1767323045123,"pid":1,"hostname":"a","req":{"id":3,"method":"GET"},"msg":"x"}`, none},
		"winston":       {"json", `{"timestamp":"2026-01-02T03:04:05Z","level":"info","message":"x","requestId":"1a"}`, none},
		"structlog":     {"json", `{"event":"x","level":"info","timestamp":"2026-01-02T03:04:05Z","request_id":"1a"}`, none},
		"python":        {"json", `{"asctime":"2026-01-02 03:04:05,123","levelname":"INFO","message":"x","otelTraceID":"4bf9"}`, none},
		"Serilog":       {"json", `{"@t":"2026-01-02T03:04:05Z","@l":"Warning","@mt":"x {A}","TraceId":"4bf9"}`, none},
		"tracing":       {"json", `{"timestamp":"2026-01-02T03:04:05Z","level":"INFO","fields":{"message":"x"},"span":{"trace_id":"4bf9"}}`, none},
		"ECS, flat":     {"json", `{"@timestamp":"2026-01-02T03:04:05Z","log.level":"INFO","message":"x","ecs.version":"1.2.0","trace.id":"4bf9"}`, none},
		"ECS, nested":   {"json", `{"@timestamp":"2026-01-02T03:04:05Z","log":{"level":"INFO"},"message":"x","trace":{"id":"4bf9"}}`, none},
		"OpenTelemetry": {"json", `{"Timestamp":"1767323045","SeverityText":"INFO","Body":"x","TraceId":"4bf92f3577b34da6a3ce929d0e0e4736"}`, none},
		"Google":        {"json", `{"severity":"INFO","timestamp":"2026-01-02T03:04:05Z","message":"x","logging.googleapis.com/trace":"projects/p/traces/4bf9"}`, none},
		"Datadog":       {"json", `{"date":"2026-01-02","level":"INFO","message":"x","dd":{"trace_id":"77"}}`, none},
		"no trace":      {"json", `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"x","trace_id":"","request_id":null}`, []string{"correlation"}},
		"zero trace":    {"json", `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"x","trace_id":"00000000000000000000000000000000"}`, []string{"correlation"}},
		"no level":      {"json", `{"time":"2026-01-02T03:04:05Z","msg":"x","trace_id":"1"}`, []string{"level"}},
		"nothing":       {"json", `{"a":1}`, []string{"correlation", "level", "message", "timestamp"}},
		"text":          {"json", `2026-01-02 03:04:05 INFO x`, []string{"format"}},
		"list":          {"json", `["a"]`, []string{"format"}},
		"string":        {"json", `"a"`, []string{"format"}},
		"half":          {"json", `{"time":"2026-01-02T03:04:05Z","level":`, []string{"format"}},
		"logfmt":        {"logfmt", `time=2026-01-02T03:04:05Z level=info msg="a b" trace_id=4bf9`, none},
		"logfmt, none":  {"logfmt", `ts=1 lvl=info msg="a b"`, []string{"correlation"}},
		"logfmt, text":  {"logfmt", `an error happened in x=1 while reading`, []string{"format"}},
		"logfmt, JSON":  {"logfmt", `{"time":"1","level":"info"}`, []string{"format"}},
	} {
		t.Run(name, func(t *testing.T) {
			log := strings.Repeat(c.line+"\n", 10)
			if diff := cmp.Diff(c.want, missing(c.format, log, nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
	own := `{"wann":"1","wie":"a","was":"b","wer":"c"}`
	more := map[string][]string{"timestamp": {"wann"}, "level": {"wie"}, "message": {"was"}, "correlation": {"wer"}}
	if got := missing("json", own, more); len(got) > 0 {
		t.Errorf("with its own names %q are missing", got)
	}
}

// TestVerdictHolds holds that what is believed does not change with every line.
func TestVerdictHolds(t *testing.T) {
	v := new(verdict)
	see := func(lines, formatted, leveled, traced int) []string {
		v.saw(&tally{lines: lines, with: map[string]int{
			logFormat: formatted, logTimestamp: formatted, logMessage: formatted, logLevel: leveled, logCorrelation: traced,
		}})
		return v.missed()
	}
	for i, step := range []struct {
		lines, formatted, leveled, traced int
		want                              []string
	}{
		{10, 8, 8, 1, nil},
		{10, 7, 7, 0, nil}, // a bit worse, and no request came
		{10, 8, 5, 0, []string{"level"}},
		{10, 10, 8, 0, []string{"correlation", "level"}}, // a bit better, and still no request
		{10, 10, 9, 1, nil},
		{10, 6, 6, 1, []string{"format"}},
		{10, 8, 8, 1, []string{"format"}},
		{10, 9, 9, 1, nil},
		{10, 0, 0, 0, []string{"format"}},
	} {
		if diff := cmp.Diff(step.want, see(step.lines, step.formatted, step.leveled, step.traced)); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
	for attempt, want := range []bool{true, true, false} {
		if v.failed("gone"); v.known != want {
			t.Errorf("after %d failures what was seen stands: %v", attempt+1, v.known)
		}
	}
	first := new(verdict)
	if first.failed("gone"); first.why != "gone" {
		t.Errorf("why nothing is known is %q", first.why)
	}
}

func FuzzLogLine(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":1}}`, `a=b c="d e"`, "{", "\x00", "\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, log string) {
		for _, format := range []string{"json", "logfmt"} {
			all := &tally{with: make(map[string]int)}
			newLineJudge(format, nil).count(all, []byte(log))
			for says, count := range all.with {
				if count > all.with[logFormat] || count > all.lines {
					t.Errorf("%d of %d lines, %d of them of the format, say %s", count, all.lines, all.with[logFormat], says)
				}
			}
		}
	})
}
