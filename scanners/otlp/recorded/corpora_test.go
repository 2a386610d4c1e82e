package recorded_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
)

// TestScenarios reads each case of the corpora as files.
func TestScenarios(t *testing.T) {
	for _, scenario := range otlptest.Scenarios(t, testenv.Corpora(t)) {
		t.Run(scenario.Name, func(t *testing.T) {
			var roots []folder.Root
			for _, path := range scenario.Files {
				roots = append(roots, folder.Root{Path: path})
			}
			scenario.Check(t, read(t, recorded.Config{Roots: roots}).total())
		})
	}
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
					otlptest.Node(key.From), otlptest.Node(key.To), otlptest.Kind(key, flow),
					fmt.Sprintf("%.0f", flow.Requests), fmt.Sprintf("%.0f", flow.Errors),
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
