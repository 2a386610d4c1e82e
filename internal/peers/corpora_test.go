package peers

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// A fact is what a person found about the probes of one container of a real system.
type fact struct {
	workload, container string
	findings            []string // none = all is well
}

// findings are the words of the facts. Our checks have the same ids.
var findings = []string{"no-probes", "no-readiness", "no-liveness", "identical-liveness-readiness", "probe-port-undeclared"}

// TestCorpora prints, for real systems, how often each peer says of a container what a person found.
func TestCorpora(t *testing.T) {
	systems := systems(t)
	asked := []peer{kubescape}
	if os.Getenv("ORRERY_PEERS") != "" {
		asked = peers
	} else {
		t.Log("ORRERY_PEERS is not set: the programs are not run")
	}
	for _, p := range asked {
		t.Run(p.name, func(t *testing.T) {
			var program string
			if p.find != nil {
				program, _ = p.find(t)
			}
			var total tally
			for _, system := range systems {
				said := p.judge(t, p, program, filepath.Join(system, "manifests"))
				for _, f := range facts(t, system) {
					total.add(f, p.found(f, said))
				}
			}
			t.Log(total.String())
		})
	}
}

func systems(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Corpora(t), "kubernetes", "*", "health.tsv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no systems: %v", err)
	}
	for i, file := range files {
		files[i] = filepath.Dir(file)
	}
	return files
}

// facts are those of one system.
func facts(t *testing.T, system string) []fact {
	t.Helper()
	file, err := os.Open(filepath.Join(system, "health.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table := csv.NewReader(file)
	table.Comma, table.LazyQuotes, table.FieldsPerRecord = '\t', true, -1
	rows, err := table.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	var all []fact
	for _, row := range rows[1:] {
		f := fact{workload: column(row, "workload"), container: column(row, "container")}
		for _, word := range strings.FieldsFunc(column(row, "findings"), func(r rune) bool { return r == ',' || r == ' ' }) {
			if word != "ok" {
				f.findings = append(f.findings, word)
			}
		}
		slices.Sort(f.findings)
		all = append(all, f)
	}
	return all
}

// found are the findings that a peer tells of a container, sorted. What it does not tell by container (kube-score: by pod)
// counts for each of the pod.
func (p peer) found(f fact, said []verdict) []string {
	tells := func(check string) bool {
		return slices.ContainsFunc(said, func(v verdict) bool {
			kind, _, _ := strings.Cut(v.Object, " ")
			if _, pods := kubescapePods[kind]; !pods || v.Outcome != "FAIL" || v.Container != "" && v.Container != f.container {
				return false
			}
			return strings.HasSuffix(v.Object, "/"+f.workload) && slices.ContainsFunc(p.asks[check], func(a ask) bool { return a.reports(v, v.Object) })
		})
	}
	var words []string
	ready, live := tells("no-readiness"), tells("no-liveness")
	switch {
	case ready && (live || slices.Contains(f.findings, "no-probes")): // kube-score tells only the first that is missing
		words = append(words, "no-probes")
	case ready:
		words = append(words, "no-readiness")
	case live:
		words = append(words, "no-liveness")
	}
	if tells("identical-liveness-readiness") {
		words = append(words, "identical-liveness-readiness")
	}
	if tells("probe-port-unresolved") {
		words = append(words, "probe-port-undeclared")
	}
	slices.Sort(words)
	return words
}

// A tally counts containers, and by finding how often it was missed and how often it was told in error.
type tally struct {
	containers, right int
	missed, wrong     map[string]int
}

func (n *tally) add(f fact, found []string) {
	if n.missed == nil {
		n.missed, n.wrong = map[string]int{}, map[string]int{}
	}
	n.containers++
	if slices.Equal(found, f.findings) {
		n.right++
	}
	for _, finding := range findings {
		told, is := slices.Contains(found, finding), slices.Contains(f.findings, finding)
		if is && !told {
			n.missed[finding]++
		}
		if told && !is {
			n.wrong[finding]++
		}
	}
}

func (n *tally) String() string {
	return fmt.Sprintf("%d of %d containers as the facts say; missed %v, told in error %v", n.right, n.containers, n.missed, n.wrong)
}
