package kubernetes

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/go-logfmt/logfmt"
)

// What a line of a log should say, as [catalog.LogSample] has it.
const (
	logFormat      = "format"
	logTimestamp   = "timestamp"
	logLevel       = "level"
	logMessage     = "message"
	logCorrelation = "correlation"
)

// logNames are the names by which the usual libraries say it, in the form of [plainName]: zap, zerolog, logback and its
// encoders, log4j2, pino, structlog, the JSON formatter of Python, slog, tracing of Rust, Serilog, the Elastic Common Schema,
// GELF, OpenTelemetry and the agents of Google, AWS and Datadog.
func logNames() map[string][]string {
	return map[string][]string{
		logTimestamp: {
			"timestamp", "time", "ts", "t", "datetime", "date", "asctime", "instant", "timemillis", "observedtimestamp", "timeunixnano",
			"eventtime", "timestampseconds", "created",
		},
		logLevel:   {"level", "lvl", "severity", "loglevel", "severitytext", "severitynumber", "levelname", "l"},
		logMessage: {"message", "msg", "body", "event", "m", "mt", "shortmessage", "textpayload", "fieldsmessage"},
		logCorrelation: {
			"trace", "traceparent", "reqid", "transactionid", "logginggoogleapiscomtrace", "operationid", // and see correlates
		},
	}
}

// plainName is a name in lower case, of letters and digits only: trace_id, traceId and trace.id are the same.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
}

// lineJudge tells what lines say.
type lineJudge struct {
	parse func(line []byte) (fields map[string]bool)
	says  map[string]string // what a field says, by its plain name
}

func newLineJudge(format string, more map[string][]string) *lineJudge {
	j := &lineJudge{parse: jsonFields, says: make(map[string]string)}
	if format == "logfmt" {
		j.parse = logfmtFields
	}
	for _, names := range []map[string][]string{logNames(), more} {
		for says, list := range names {
			for _, name := range list {
				j.says[plainName(name)] = says
			}
		}
	}
	return j
}

// tally counts lines, and those of them that say something.
type tally struct {
	lines int
	with  map[string]int
}

// count looks at the lines of a log. Nothing of them is kept.
func (j *lineJudge) count(into *tally, log []byte) {
	for line := range bytes.SplitSeq(log, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		into.lines++
		fields := j.parse(line)
		if fields == nil {
			continue
		}
		into.with[logFormat]++
		said := make(map[string]bool)
		for name := range fields {
			if says := j.says[name]; says != "" {
				said[says] = true
			} else if correlates(name) {
				said[logCorrelation] = true
			}
		}
		for says := range said {
			into.with[says]++
		}
	}
}

// correlates says whether a plain name is that of a correlation id, whatever tool puts its own name before it.
func correlates(name string) bool {
	return strings.HasSuffix(name, "traceid") || strings.HasSuffix(name, "requestid") || strings.HasSuffix(name, "correlationid")
}

// maxLogDepth is how deep the objects in a line of JSON are looked into.
const maxLogDepth = 4

// jsonFields are the plain names of the fields of a JSON object that have a value; nil = it is none. A field in another is
// named by its path and, as correlation ids stand in contexts of any name, by its own name with "id" at its end.
func jsonFields(line []byte) map[string]bool {
	var object map[string]any
	if line[0] != '{' || json.Unmarshal(line, &object) != nil {
		return nil
	}
	fields := make(map[string]bool)
	addFields(fields, "", object, 0)
	return fields
}

func addFields(fields map[string]bool, path string, object map[string]any, depth int) {
	for key, value := range object {
		name := plainName(key)
		if inner, ok := value.(map[string]any); ok {
			if len(inner) > 0 {
				fields[path+name] = true
			}
			if depth < maxLogDepth {
				addFields(fields, path+name, inner, depth+1)
			}
			continue
		}
		if emptyValue(value) {
			continue
		}
		fields[path+name] = true
		if depth > 0 && strings.HasSuffix(name, "id") {
			fields[name] = true
		}
	}
}

func emptyValue(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return strings.Trim(value, "0- ") == ""
	}
	return false
}

// logfmtFields are the plain names of the fields of a line of key=value pairs; nil = it is none.
func logfmtFields(line []byte) map[string]bool {
	fields := make(map[string]bool)
	words := 0
	decoder := logfmt.NewDecoder(bytes.NewReader(line))
	for decoder.ScanRecord() {
		for decoder.ScanKeyval() {
			if decoder.Value() == nil {
				words++
			} else if !emptyValue(string(decoder.Value())) {
				fields[plainName(string(decoder.Key()))] = true
			}
		}
	}
	if decoder.Err() != nil || len(fields) == 0 || words > len(fields) {
		return nil
	}
	return fields
}

// The shares of lines in percent that must say something, so that a container is taken to say it. Once it is, or is not,
// more is needed to change that: what is seen of a log differs each time.
const (
	shareAtFirst  = 80
	shareToGain   = 90
	shareToLose   = 70
	missesToLose  = 3 // samples in a row without any correlation id, which only lines about requests have
	failuresToSay = 3 // in a row, after which what was seen of a log no longer stands
)

// verdict is what is believed of the log of a container.
type verdict struct {
	known    bool
	missing  map[string]bool
	misses   int    // samples in a row without a correlation id
	why      string // why nothing is known; "" = something is
	failures int    // in a row
}

// saw takes in a sample with lines.
func (v *verdict) saw(t *tally) {
	now := make(map[string]bool)
	formatted := t.with[logFormat]
	for says, of := range map[string]int{logFormat: t.lines, logTimestamp: formatted, logLevel: formatted, logMessage: formatted} {
		need := shareAtFirst
		switch {
		case v.known && v.missing[says]:
			need = shareToGain
		case v.known:
			need = shareToLose
		}
		if of == 0 || t.with[says]*100 < need*of {
			now[says] = true
		}
	}
	if t.with[logCorrelation] > 0 {
		v.misses = 0
	} else if v.misses++; !v.known || v.missing[logCorrelation] || v.misses >= missesToLose {
		now[logCorrelation] = true
	}
	if now[logFormat] && formatted == 0 {
		now = map[string]bool{logFormat: true} // the rest cannot be told
	}
	v.known, v.missing, v.why, v.failures = true, now, "", 0
}

// failed takes in that nothing was seen.
func (v *verdict) failed(why string) {
	if v.failures++; v.known && v.failures < failuresToSay {
		return
	}
	v.known, v.missing, v.why = false, nil, why
}

// missed are what is missing, sorted.
func (v *verdict) missed() []string { return slices.Sorted(maps.Keys(v.missing)) }
