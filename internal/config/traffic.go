package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// Bytes is an amount of memory, written like 256MiB.
type Bytes int64

// Byte amounts as people write them.
const (
	kib Bytes = 1 << 10
	mib Bytes = 1 << 20
	gib Bytes = 1 << 30
)

// bytesPattern is what an amount of bytes looks like.
const bytesPattern = `^[0-9]{1,9}(B|KiB|MiB|GiB|kB|MB|GB)$`

var wellFormedBytes = regexp.MustCompile(bytesPattern)

// String is the amount as a person would write it.
func (b Bytes) String() string {
	for _, unit := range []struct {
		size Bytes
		name string
	}{{gib, "GiB"}, {mib, "MiB"}, {kib, "KiB"}} {
		if b != 0 && b%unit.size == 0 {
			return fmt.Sprintf("%d%s", b/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%dB", int64(b))
}

func (d *decoder) bytes(node *yaml.Node, at, text string, least, most Bytes) Bytes {
	amount, err := humanize.ParseBytes(text)
	switch value := Bytes(amount); {
	case err != nil || !wellFormedBytes.MatchString(text):
		d.fail(node.Line, at, d.written(at, text)+" is no amount of bytes", "write for example 256MiB")
	case value < least || most > 0 && value > most:
		d.fail(node.Line, at, fmt.Sprintf("must be from %s to %s, not %s", least, most, value), "")
	default:
		return value
	}
	return 0
}

// TLS is what a receiver shows and asks of those that send to it.
type TLS struct {
	Cert, Key string // PEM files; "" = no TLS
	ClientCA  string // PEM file: only clients with a certificate of it may send; "" = any
}

func tlsSettings() []setting[TLS] {
	return []setting[TLS]{
		{
			name: "cert", into: func(t *TLS) any { return &t.Cert }, required: true, isPath: true,
			help: "PEM file of the certificate, with those between it and the root. It is read again when it changes.",
		},
		{
			name: "key", into: func(t *TLS) any { return &t.Key }, required: true, isPath: true,
			help: "PEM file of its key.",
		},
		{
			name: "clientCA", into: func(t *TLS) any { return &t.ClientCA }, isPath: true,
			help: "PEM file of authorities: only clients with a certificate of theirs may send.",
		},
	}
}

// Tracing says where Orrery sends traces of its own work.
type Tracing struct {
	Endpoint string  // URL of an OTLP receiver; "" = nowhere
	Protocol string  // TracingHTTP or TracingGRPC
	Ratio    float64 // of the traces that begin here, from 0 to 1
}

// How own traces are sent.
const (
	TracingHTTP = "http"
	TracingGRPC = "grpc"
)

func tracingSettings() []setting[Tracing] {
	return []setting[Tracing]{
		{
			name: "endpoint", into: func(t *Tracing) any { return &t.Endpoint }, required: true,
			help: "Address of an OTLP receiver, such as http://127.0.0.1:4318.",
		},
		{
			name: "protocol", into: func(t *Tracing) any { return &t.Protocol }, fallback: TracingHTTP,
			choices: []string{TracingHTTP, TracingGRPC},
			help:    "How they are sent.",
		},
		{
			name: "ratio", into: func(t *Tracing) any { return &t.Ratio }, fallback: 1.0,
			help: "The share of requests that are traced, from 0 to 1.",
		},
	}
}

// heard are the kinds of sources that count traffic.
func heard() []string { return []string{KindOTLP, KindPrometheus, KindJaeger, KindZipkin} }

// HearsTraffic says whether the source counts traffic.
func (s Source) HearsTraffic() bool { return slices.Contains(heard(), s.Kind) }

// Listens says whether the source takes what others send to it.
func (s Source) Listens() bool { return s.Kind == KindOTLP && len(s.Paths) == 0 }

func trafficSettings() []setting[Source] {
	return []setting[Source]{
		{
			name: "grpc", into: func(s *Source) any { return &s.GRPC }, only: []string{KindOTLP},
			help: "Address where traces are taken by OTLP/gRPC, such as 127.0.0.1:4317. Other than loopback it needs a token, tls.clientCA or insecure: true.",
		},
		{
			name: "http", into: func(s *Source) any { return &s.HTTP }, only: []string{KindOTLP},
			help: "Address where traces are taken by OTLP/HTTP at /v1/traces, such as 127.0.0.1:4318. The server's own address takes them too, for the first such source.",
		},
		{
			name: "tls", into: func(s *Source) any { return &s.TLS }, only: []string{KindOTLP},
			help: "The certificate by which traces are taken over TLS.",
		},
		{
			name: "settle", into: func(s *Source) any { return &s.Settle }, fallback: 10 * time.Second, only: []string{KindOTLP},
			least: time.Second, most: 10 * time.Minute,
			help: "How long a trace is waited for after its last span came, before its calls are counted.",
		},
		{
			name: "memory", into: func(s *Source) any { return &s.Memory }, fallback: 256 * mib, only: []string{KindOTLP},
			leastBytes: 16 * mib, mostBytes: 64 * gib,
			help: "How much memory spans may take that are waited for, and as much again what was counted. Beyond it the oldest traces are counted as they are, and then senders are told to wait; what is new is not told apart, and counted as lost by reason.",
		},
		{
			name: "maxRequest", into: func(s *Source) any { return &s.MaxRequest }, fallback: 16 * mib, only: []string{KindOTLP},
			leastBytes: 64 * kib, mostBytes: gib,
			help: "The largest request that is taken, uncompressed.",
		},
		{
			name: "multiplier", into: func(s *Source) any { return &s.Multiplier }, fallback: 1, only: []string{KindOTLP},
			help: "How many requests a span stands for whose tracestate does not tell: 10 where one in ten traces is kept.",
		},
		{
			name: "metrics", into: func(s *Source) any { return &s.Metrics }, only: []string{KindPrometheus},
			choices: []string{MetricsServiceGraph, MetricsIstio}, noun: "sort of metrics",
			help: "What is asked for: service-graph (Tempo, the OpenTelemetry connector, Beyla) and istio. Both where it is absent.",
		},
		{
			name: "username", into: func(s *Source) any { return &s.Username }, only: []string{KindPrometheus},
			help: "Who signs in there, with password.",
		},
		{
			name: "password", into: func(s *Source) any { return &s.Password }, secret: true, only: []string{KindPrometheus},
			help: "Best written as ${PROMETHEUS_PASSWORD}.",
		},
		{
			name: "lookback", into: func(s *Source) any { return &s.Lookback }, only: []string{KindPrometheus, KindJaeger, KindZipkin},
			fallbacks: map[string]any{KindPrometheus: 6 * time.Hour, KindJaeger: 2 * day, KindZipkin: 2 * day},
			least:     time.Hour, most: 30 * day,
			help: "How far back is asked, in whole hours (days of Zipkin), each time: what came late is seen then, and nothing counts twice.",
		},
		{
			name: "staleAfter", into: func(s *Source) any { return &s.StaleAfter }, only: heard(), fallback: 14 * day, least: time.Hour, most: 3650 * day,
			help: "Traffic that was not seen for so long, counted from the newest of the source, is stale: it leaves the answers, but for those that ask for it.",
		},
		{
			name: "removeAfter", into: func(s *Source) any { return &s.RemoveAfter }, only: heard(), fallback: 90 * day, least: time.Hour, most: 3650 * day,
			help: "Traffic that was not seen for so long is forgotten. Recorded files do not age while they are there.",
		},
	}
}

// settleTraffic fills in what the settings of traffic give when nothing is written.
func settleTraffic(c *Config) {
	for i := range c.Sources {
		s := &c.Sources[i]
		if s.Kind == KindPrometheus && len(s.Metrics) == 0 {
			s.Metrics = []string{MetricsServiceGraph, MetricsIstio}
		}
		if s.Listens() {
			s.Watch = true
		}
	}
}

// validateTraffic holds the rules between the settings of sources of traffic.
func validateTraffic(d *decoder, at string, s Source, insecure bool) {
	if !s.HearsTraffic() {
		return
	}
	only := func(names []string, of, instead string) {
		for _, name := range names {
			if line := d.lines[at+"."+name]; line > 0 {
				d.fail(line, at+"."+name, "is for "+of, "remove it, or "+instead)
			}
		}
	}
	switch {
	case s.Listens():
		only([]string{"include", "exclude", "schedule", "watch", "timezone", "jitter"}, "recorded traces, and this source takes what is sent to it", "give paths")
		if s.GRPC == "" && s.HTTP == "" {
			d.fail(d.lines[at], at, "says neither where traces are taken nor where recorded ones are", "give grpc, http or paths")
		}
		known := s.Token != "" || s.TLS.ClientCA != ""
		for name, address := range map[string]string{"grpc": s.GRPC, "http": s.HTTP} {
			if address == "" {
				continue
			}
			if err := CheckListen(address, insecure || known); err != nil {
				message := strings.ReplaceAll(err.Error(), quoted(address), d.written(at+"."+name, address))
				d.fail(d.lines[at+"."+name], at+"."+name, strings.Replace(message, "use 127.0.0.1, or", "use 127.0.0.1, give a token or tls.clientCA, or", 1), "")
			}
		}
		if s.GRPC != "" && s.GRPC == s.HTTP && !strings.HasSuffix(s.GRPC, ":0") {
			d.fail(d.lines[at+".http"], at+".http", "is the address of grpc already", "give it another port")
		}
	case s.Kind == KindOTLP:
		only([]string{"grpc", "http", "tls", "token", "maxRequest"}, "traces that are sent, and this source reads recorded ones", "remove paths")
	}
	if s.Kind == KindOTLP && (s.Multiplier < 1 || s.Multiplier > traffic.MaxMultiplier) {
		d.fail(d.lines[at+".multiplier"], at+".multiplier", fmt.Sprintf("must be from 1 to %d, not %d", traffic.MaxMultiplier, s.Multiplier), "")
	}
	if s.Cluster != "" && !wellFormedID.MatchString(s.Cluster) {
		d.fail(d.lines[at+".cluster"], at+".cluster", d.written(at+".cluster", s.Cluster)+" is no name of a cluster", idRule)
	}
	if s.RemoveAfter < s.StaleAfter {
		d.fail(max(d.lines[at+".removeAfter"], d.lines[at+".staleAfter"], d.lines[at]), at+".removeAfter", "is less than staleAfter", "make it longer")
	}
	if (s.Username == "") != (s.Password == "") {
		d.fail(d.lines[at], at, "has only one of username and password", "give both, or a token")
	}
	if s.Username != "" && s.Token != "" {
		d.fail(d.lines[at+".token"], at+".token", "stands beside username", "give one of them")
	}
}

func validateTracing(d *decoder, t Tracing) {
	if t.Endpoint == "" {
		return
	}
	if message, fix := checkURL(t.Endpoint); message != "" {
		d.fail(d.lines["tracing.endpoint"], "tracing.endpoint", message, strings.Replace(fix, "https://backstage.example.com", "http://127.0.0.1:4318", 1))
	}
	if t.Ratio < 0 || t.Ratio > 1 {
		d.fail(d.lines["tracing.ratio"], "tracing.ratio", "must be from 0 to 1", "")
	}
}
