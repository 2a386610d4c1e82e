package pairing_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// answer is what the corpus expects of a case.
type answer struct {
	Edges       []edge              `json:"edges"`
	EntryPoints []string            `json:"entryPoints"`
	Lost        map[string]uint64   `json:"lost"`
	Flows       []delivery          `json:"flows"`
	Aliases     map[string][]string `json:"aliases"`
}

type edge struct {
	From     string  `json:"from"`
	To       string  `json:"to"`
	Kind     string  `json:"kind"`
	Calls    int     `json:"calls"`
	Errors   int     `json:"errors"`
	Async    bool    `json:"async"`
	Strength *string `json:"strengthObserved"`
}

type delivery struct {
	Producer string `json:"producer"`
	Topic    string `json:"topic"`
	Consumer string `json:"consumer"`
	Messages int    `json:"messages"`
}

func TestScenariosOfTheCorpus(t *testing.T) {
	folder := filepath.Join(testenv.Corpora(t), "traces")
	expected, err := filepath.Glob(filepath.Join(folder, "*.expected.json"))
	if err != nil || len(expected) == 0 {
		t.Fatalf("no cases in %s: %v", folder, err)
	}
	for _, file := range expected {
		name := strings.TrimSuffix(filepath.Base(file), ".expected.json")
		t.Run(name, func(t *testing.T) {
			var want answer
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(content, &want); err != nil {
				t.Fatal(err)
			}
			requests, err := filepath.Glob(filepath.Join(folder, name+"*.otlp.json"))
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(requests)
			pairer := pairing.New(pairing.Config{Shards: 4})
			resources := spans.NewResources(1 << 20)
			for _, request := range requests {
				if base := strings.TrimPrefix(filepath.Base(request), name+"."); strings.Count(base, ".") > 2 {
					continue // of a case whose name is longer
				}
				content, err := os.ReadFile(request)
				if err != nil {
					t.Fatal(err)
				}
				if err := spans.ReadJSON(resources, content, pairer.Add); err != nil {
					t.Fatal(err)
				}
			}
			pairer.SettleAll()
			got := answerOf(together(pairer.Drain(0)))
			sorted(&want)
			if want.Flows == nil {
				got.Flows = nil
			}
			if want.Aliases == nil {
				got.Aliases = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("expected (-) and counted (+) differ:\n%s", diff)
			}
		})
	}
}

// together unites the hours.
func together(hours map[traffic.Hour]*traffic.Counts) *traffic.Counts {
	all := &traffic.Counts{}
	for _, counts := range hours {
		all.Merge(counts)
	}
	return all
}

// answerOf writes counts as the corpus does.
func answerOf(counts *traffic.Counts) (a answer) {
	a.Edges, a.EntryPoints, a.Lost = []edge{}, []string{}, map[string]uint64{}
	for key, flow := range counts.Flows {
		e := edge{
			From: name(key.From), To: name(key.To), Kind: kindOf(key, flow), Calls: rounded(flow.Requests),
			Errors: rounded(flow.Errors), Async: key.Way == traffic.Consume || key.Way == traffic.Receive,
		}
		if strength := flow.Together.Behaves(); strength != catalog.Unstated {
			word := strength.String()
			e.Strength = &word
		}
		a.Edges = append(a.Edges, e)
	}
	for key, service := range counts.Services {
		if service.Entries > 0 {
			a.EntryPoints = append(a.EntryPoints, name(key.Alias))
		}
		if a.Aliases == nil {
			a.Aliases = map[string][]string{}
		}
		all := []string{string(key.Alias)}
		for _, alias := range service.Aliases {
			all = append(all, string(alias))
		}
		slices.Sort(all)
		a.Aliases[name(key.Alias)] = all
	}
	a.Flows = []delivery{}
	for key, d := range counts.Deliveries {
		a.Flows = append(a.Flows, delivery{name(key.Producer), name(key.Topic), name(key.Consumer), rounded(d.Messages)})
	}
	for reason, n := range counts.Lost {
		a.Lost[reason] = n
	}
	sorted(&a)
	return a
}

func sorted(a *answer) {
	slices.SortFunc(a.Edges, func(x, y edge) int { return strings.Compare(x.From+" "+x.To, y.From+" "+y.To) })
	slices.Sort(a.EntryPoints)
	slices.SortFunc(a.Flows, func(x, y delivery) int {
		return strings.Compare(x.Producer+" "+x.Topic+" "+x.Consumer, y.Producer+" "+y.Topic+" "+y.Consumer)
	})
}

func rounded(x float64) int { return int(math.Round(x)) }

// name is a node as the corpus writes it.
func name(alias catalog.Alias) string {
	world, rest, _ := strings.Cut(string(alias), ":")
	switch world {
	case catalog.WorldOTel:
		return rest
	case catalog.WorldKubernetes:
		parts := strings.Split(rest, "/")
		return parts[1] + "/" + parts[3]
	}
	return string(alias)
}

func kindOf(key traffic.FlowKey, flow *traffic.Flow) string {
	host, isHost := strings.CutPrefix(string(key.To), catalog.WorldHost+":")
	switch {
	case key.Way != traffic.Call:
		return "messaging"
	case flow.Protocol == "grpc":
		return "grpc"
	case flow.Protocol != "http":
		return "database"
	case isHost && strings.Contains(host, ".") && !strings.HasSuffix(host, ".local") && !strings.HasSuffix(host, ".internal"):
		return "external"
	}
	return "http"
}

