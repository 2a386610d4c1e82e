package pairing_test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// A script writes one span a line:
//
//	trace/span<parent kind namespace/service [ERROR] [OK] [remote] [start=MS] [ms=MS] [ot=…] [link=trace/span …] name=…  attribute=value …
//
// The parent is left out where there is none. Names of resources stand between braces: {k8s.pod.name=x}. Underscores in values
// stand for themselves, + for a space.

// noon is when scripts happen.
var noon = time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)

var kinds = map[string]spans.Kind{
	"none": spans.KindUnspecified, "internal": spans.KindInternal, "server": spans.KindServer, "client": spans.KindClient,
	"producer": spans.KindProducer, "consumer": spans.KindConsumer,
}

var resources = spans.NewResources(1 << 20)

// scripted reads a script.
func scripted(t testing.TB, script string) (all []*spans.Span) {
	t.Helper()
	for _, line := range strings.Split(script, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, scriptedSpan(t, line, len(all)))
		}
	}
	return all
}

func scriptedSpan(t testing.TB, line string, number int) *spans.Span {
	t.Helper()
	words := strings.Fields(line)
	ids, parent, _ := strings.Cut(words[0], "<")
	trace, id, ok := strings.Cut(ids, "/")
	kind, known := kinds[words[1]]
	if !ok || !known {
		t.Fatalf("%q is no span", line)
	}
	span := &spans.Span{TraceID: traceID(trace), ID: spanID(id), Parent: spanID(parent), Kind: kind, Name: []byte("work")}
	start, length := noon.Add(time.Duration(number)*time.Millisecond), 20*time.Millisecond
	var setter spans.Setter
	setter.Begin(&span.Attributes)
	var resource spans.ResourceSetter
	if namespace, service, ok := strings.Cut(words[2], "/"); ok {
		resource.Set("service.namespace", spans.Text([]byte(namespace)))
		resource.Set("service.name", spans.Text([]byte(service)))
	} else if words[2] != "-" {
		resource.Set("service.name", spans.Text([]byte(words[2])))
	}
	for _, word := range words[3:] {
		key, value, hasValue := strings.Cut(word, "=")
		value = strings.ReplaceAll(value, "+", " ")
		switch {
		case word == "ERROR":
			span.Status = spans.StatusError
		case word == "OK":
			span.Status = spans.StatusOK
		case word == "remote":
			span.HasRemoteParent, span.IsRemoteParent = true, true
		case key == "start":
			start = noon.Add(milliseconds(t, value))
		case key == "ms":
			length = milliseconds(t, value)
		case key == "ot":
			span.TraceState = []byte("ot=" + value)
		case key == "weight":
			span.Weight, _ = strconv.ParseFloat(value, 64)
		case key == "origin":
			n, _ := strconv.Atoi(value)
			span.Origin = uint32(n)
		case key == "link":
			trace, id, _ := strings.Cut(value, "/")
			span.Links = append(span.Links, spans.Link{TraceID: traceID(trace), ID: spanID(id)})
		case key == "name":
			span.Name = []byte(value)
		case strings.HasPrefix(word, "{"):
			resource.Set(key[1:], spans.Text([]byte(strings.TrimSuffix(value, "}"))))
		case hasValue:
			setter.Set(key, spans.Text([]byte(value)))
		default:
			t.Fatalf("%q in %q is no attribute", word, line)
		}
	}
	span.Resource = resources.Intern(resource.Resource())
	span.Start = uint64(start.UnixNano())
	span.End = uint64(start.Add(length).UnixNano())
	return span
}

func milliseconds(t testing.TB, s string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Millisecond
}

func traceID(word string) (id spans.TraceID) {
	if word != "0" && word != "" {
		copy(id[:], "trace "+word)
	}
	return id
}

func spanID(word string) (id spans.SpanID) {
	if word != "0" && word != "" {
		hash := fnv.New64a()
		hash.Write([]byte(word))
		binary.BigEndian.PutUint64(id[:], hash.Sum64())
	}
	return id
}

// lines writes counts as scripts expect them: of reach, protocols and aliases only what is asked for.
func lines(counts *traffic.Counts, of ...string) []string {
	all := []string{}
	for key, flow := range counts.Flows {
		line := fmt.Sprintf("%s %s %s %s %d/%d", otlptest.Node(key.From), arrows[key.Way], otlptest.Node(key.To), flow.Protocol,
			int(math.Round(flow.Requests)), int(math.Round(flow.Errors)))
		if strength := flow.Together.Behaves(); strength != catalog.Unstated {
			line += " " + strength.String()
		}
		all = append(all, strings.ReplaceAll(line, "  ", " - "))
	}
	for key, service := range counts.Services {
		if service.Entries > 0 {
			all = append(all, fmt.Sprintf("entry %s %g", otlptest.Node(key.Alias), math.Round(service.Entries)))
		}
		if slices.Contains(of, "services") {
			all = append(all, fmt.Sprintf("service %s %g/%g %s", otlptest.Node(key.Alias), service.Requests, service.Errors, service.Aliases))
		}
	}
	for key, d := range counts.Deliveries {
		topic := otlptest.Node(key.Topic)
		if topic == "" {
			topic = "-"
		}
		all = append(all, fmt.Sprintf("flow %s > %s > %s %g", otlptest.Node(key.Producer), topic, otlptest.Node(key.Consumer), d.Messages))
	}
	for reason, n := range counts.Lost {
		all = append(all, fmt.Sprintf("lost %s %d", reason, n))
	}
	if slices.Contains(of, "reach") {
		for key, n := range counts.Reach {
			all = append(all, fmt.Sprintf("reach %s %s %g", otlptest.Node(key.Entry), otlptest.Node(key.Touched), n))
		}
	}
	slices.Sort(all)
	return all
}

var arrows = map[traffic.Way]string{traffic.Call: ">", traffic.Publish: "=>", traffic.Consume: "<=", traffic.Receive: "<-"}
