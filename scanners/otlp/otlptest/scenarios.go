package otlptest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// Scenario is a case of the corpora: requests, and what is to be counted of them.
type Scenario struct {
	Name     string
	Files    []string // of the Requests
	Requests [][]byte // OTLP in JSON, in the order in which they are sent

	want expected
}

// expected is what a case says of itself. Its sets are compared without order.
type expected struct {
	Edges []struct {
		From, To, Kind   string
		Calls, Errors    int
		Async            bool
		StrengthObserved *string
	}
	EntryPoints []string
	Lost        map[string]uint64
	Flows       []struct {
		Producer, Topic, Consumer string
		Messages                  int
	}
	Aliases map[string][]string
}

// Scenarios reads the cases of the corpora (see testenv.Corpora).
func Scenarios(t testing.TB, corpora string) []Scenario {
	t.Helper()
	folder := filepath.Join(corpora, "traces")
	cases, err := filepath.Glob(filepath.Join(folder, "*.expected.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("there are no traces in the corpora: %v", err)
	}
	scenarios := make([]Scenario, len(cases))
	for i, path := range cases {
		s := &scenarios[i]
		s.Name = strings.TrimSuffix(filepath.Base(path), ".expected.json")
		if err := json.Unmarshal(content(t, path), &s.want); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, pattern := range []string{s.Name + ".otlp.json", s.Name + ".[0-9].otlp.json"} {
			files, err := filepath.Glob(filepath.Join(folder, pattern))
			if err != nil {
				t.Fatal(err)
			}
			s.Files = append(s.Files, files...)
		}
		for _, file := range s.Files {
			s.Requests = append(s.Requests, content(t, file))
		}
	}
	return scenarios
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Check fails the test where something else was counted than the case expects.
func (s *Scenario) Check(t testing.TB, counts *traffic.Counts) {
	t.Helper()
	if diff := cmp.Diff(s.want.lines(), s.want.linesOf(counts)); diff != "" {
		t.Errorf("-expected +counted\n%s", diff)
	}
}

// Lines says in words, in order, what was counted, but for deliveries and aliases.
func Lines(counts *traffic.Counts) []string { return new(expected).linesOf(counts) }

func (e *expected) lines() []string {
	lines := []string{}
	for _, edge := range e.Edges {
		strength := "null"
		if edge.StrengthObserved != nil {
			strength = *edge.StrengthObserved
		}
		lines = append(lines, edgeLine(edge.From, edge.To, edge.Kind, edge.Calls, edge.Errors, edge.Async, strength))
	}
	for _, entry := range e.EntryPoints {
		lines = append(lines, "entry "+entry)
	}
	for reason, n := range e.Lost {
		if n > 0 {
			lines = append(lines, fmt.Sprintf("lost %s %d", reason, n))
		}
	}
	for _, flow := range e.Flows {
		lines = append(lines, fmt.Sprintf("flow %s > %s > %s %d", flow.Producer, flow.Topic, flow.Consumer, flow.Messages))
	}
	for service, aliases := range e.Aliases {
		for _, alias := range aliases {
			lines = append(lines, "alias "+service+" "+alias)
		}
	}
	slices.Sort(lines)
	return lines
}

func edgeLine(from, to, kind string, calls, errors int, async bool, strength string) string {
	return fmt.Sprintf("%s > %s %s calls=%d errors=%d async=%t %s", from, to, kind, calls, errors, async, strength)
}

// linesOf says the same of counts; of deliveries and aliases only where the case tells of them.
func (e *expected) linesOf(counts *traffic.Counts) []string {
	lines := []string{}
	for key, flow := range counts.Flows {
		strength := "null"
		if behaves := flow.Together.Behaves(); behaves != catalog.Unstated {
			strength = behaves.String()
		}
		lines = append(lines, edgeLine(Node(key.From), Node(key.To), Kind(key, flow), rounded(flow.Requests),
			rounded(flow.Errors), key.Way == traffic.Consume || key.Way == traffic.Receive, strength))
	}
	for key, service := range counts.Services {
		if service.Entries > 0 {
			lines = append(lines, "entry "+Node(key.Alias))
		}
		if _, told := e.Aliases[Node(key.Alias)]; !told {
			continue
		}
		for _, alias := range append(service.Aliases, key.Alias) {
			lines = append(lines, "alias "+Node(key.Alias)+" "+string(alias))
		}
	}
	for reason, n := range counts.Lost {
		lines = append(lines, fmt.Sprintf("lost %s %d", reason, n))
	}
	if e.Flows != nil {
		for key, delivery := range counts.Deliveries {
			lines = append(lines, fmt.Sprintf("flow %s > %s > %s %d", Node(key.Producer), Node(key.Topic), Node(key.Consumer),
				rounded(delivery.Messages)))
		}
	}
	slices.Sort(lines)
	return lines
}

func rounded(n float64) int { return int(math.Round(n)) }

// Node is an alias as the corpora write nodes.
func Node(alias catalog.Alias) string {
	world, name, _ := strings.Cut(string(alias), ":")
	switch world {
	case catalog.WorldOTel:
		return name
	case catalog.WorldKubernetes: // cluster, namespace, kind, name
		parts := strings.Split(name, "/")
		return parts[1] + "/" + parts[3]
	}
	return string(alias)
}

// Kind is the kind of an edge as the corpora write it.
func Kind(key traffic.FlowKey, flow *traffic.Flow) string {
	host, third := strings.CutPrefix(string(key.To), catalog.WorldHost+":")
	switch {
	case key.Way != traffic.Call:
		return "messaging"
	case strings.HasPrefix(string(key.To), catalog.WorldDatabase+":"):
		return "database"
	case flow.Protocol == "grpc":
		return "grpc"
	case third && public(host):
		return "external"
	case flow.Protocol == "" || flow.Protocol == "http":
		return "http"
	}
	return "database" // by a service of its own
}

func public(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return false
	}
	return !slices.ContainsFunc([]string{".local", ".internal", ".svc", ".lan", ".corp"}, func(end string) bool {
		return strings.HasSuffix(host, end)
	})
}
