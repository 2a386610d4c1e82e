package recorded_test

import (
	"bufio"
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
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
)

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

// TestScenarios reads each case of the corpora as files.
func TestScenarios(t *testing.T) {
	dir := filepath.Join(testenv.Corpora(t), "traces")
	cases, err := filepath.Glob(filepath.Join(dir, "*.expected.json"))
	if err != nil || len(cases) == 0 {
		t.Fatal("the corpora have no cases of traces", err)
	}
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".expected.json")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var want expected
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			counts := read(t, recorded.Config{
				Roots: []folder.Root{{Path: dir}}, Include: []string{name + ".otlp.json", name + ".[0-9].otlp.json"},
			}).total()
			if diff := cmp.Diff(want.lines(), linesOf(counts, &want)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

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

// linesOf says the same of counts; of deliveries and aliases only where the case does.
func linesOf(counts *traffic.Counts, want *expected) []string {
	lines := []string{}
	for key, flow := range counts.Flows {
		strength := flow.Together.Behaves().String()
		if flow.Together.Behaves() == catalog.Unstated {
			strength = "null"
		}
		lines = append(lines, edgeLine(named(key.From), named(key.To), kindOf(key, flow), rounded(flow.Requests),
			rounded(flow.Errors), key.Way == traffic.Consume || key.Way == traffic.Receive, strength))
	}
	for key, service := range counts.Services {
		if service.Entries > 0 {
			lines = append(lines, "entry "+named(key.Alias))
		}
		for _, alias := range append(service.Aliases, key.Alias) {
			if slices.Contains(want.Aliases[named(key.Alias)], string(alias)) {
				lines = append(lines, "alias "+named(key.Alias)+" "+string(alias))
			}
		}
	}
	for reason, n := range counts.Lost {
		lines = append(lines, fmt.Sprintf("lost %s %d", reason, n))
	}
	for key, delivery := range counts.Deliveries {
		if want.Flows != nil {
			lines = append(lines, fmt.Sprintf("flow %s > %s > %s %d", named(key.Producer), named(key.Topic), named(key.Consumer),
				rounded(delivery.Messages)))
		}
	}
	slices.Sort(lines)
	return lines
}

func rounded(n float64) int { return int(math.Round(n)) }

// named is an alias as the corpora write nodes.
func named(alias catalog.Alias) string {
	world, name, _ := strings.Cut(string(alias), ":")
	switch world {
	case "otel":
		return name
	case "k8s": // cluster, namespace, kind, name
		parts := strings.Split(name, "/")
		return parts[1] + "/" + parts[3]
	}
	return string(alias)
}

// kindOf is the kind of an edge as the corpora write it.
func kindOf(key traffic.FlowKey, flow *traffic.Flow) string {
	host, third := strings.CutPrefix(string(key.To), "host:")
	switch {
	case key.Way != traffic.Call:
		return "messaging"
	case strings.HasPrefix(string(key.To), "db:"):
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

// TestRealTraces reads what public projects have recorded.
func TestRealTraces(t *testing.T) {
	dir := filepath.Join(testenv.Corpora(t), "traces", "real")
	cases, err := filepath.Glob(filepath.Join(dir, "*.expected.tsv"))
	if err != nil || len(cases) == 0 {
		t.Fatal("the corpora have no real traces", err)
	}
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".expected.tsv")
		t.Run(name, func(t *testing.T) {
			want, lost := table(t, path)
			held := read(t, recorded.Config{Roots: []folder.Root{{Path: filepath.Join(dir, name+".json")}}})
			counts := held.total()
			got := [][]string{}
			for key, flow := range counts.Flows {
				got = append(got, []string{
					named(key.From), named(key.To), kindOf(key, flow), fmt.Sprint(rounded(flow.Requests)), fmt.Sprint(rounded(flow.Errors)),
				})
			}
			byWords := func(a, b []string) int { return slices.Compare(a, b) }
			slices.SortFunc(want, byWords)
			slices.SortFunc(got, byWords)
			for i, row := range want {
				for column, word := range row {
					if word == "-" && i < len(got) {
						row[column] = got[i][column]
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for reason, n := range lost {
				if counts.Lost[reason] != n {
					t.Errorf("lost %s %d, want %d", reason, counts.Lost[reason], n)
				}
			}
			for _, problem := range held.problems() {
				t.Error(problem)
			}
		})
	}
}

// table reads rows of words, and what notes say is lost.
func table(t *testing.T, path string) (rows [][]string, lost map[string]uint64) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, lost = [][]string{}, make(map[string]uint64)
	service := func(name string) string { // aliases of services have no case
		if strings.Contains(name, ":") {
			return name
		}
		return strings.ToLower(name)
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if note, ok := strings.CutPrefix(line, "#"); ok {
			if _, said, ok := strings.Cut(note, "lost "); ok {
				var reason string
				var n uint64
				if _, err := fmt.Sscan(said, &reason, &n); err != nil {
					t.Fatal(err)
				}
				lost[reason] = n
			}
			continue
		}
		if line != "" {
			row := strings.Split(line, "\t")
			row[0], row[1] = service(row[0]), service(row[1])
			rows = append(rows, row)
		}
	}
	return rows, lost
}

// read reads everything once.
func read(t *testing.T, config recorded.Config) *ledger {
	t.Helper()
	reader, err := recorded.New(config)
	if err != nil {
		t.Fatal(err)
	}
	held := newLedger()
	if _, err := reader.ReadTraffic(t.Context(), nil, held); err != nil {
		t.Fatal(err)
	}
	held.end()
	return held
}
