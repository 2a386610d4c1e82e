package edges_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// The aims, over all systems and in each.
const (
	wantPrecision = 0.95
	wantRecall    = 0.95
)

// TestSystems judges what is inferred against systems whose dependencies are known: real ones, and our own, which hold what
// is hard to tell apart.
func TestSystems(t *testing.T) {
	t.Run("own", func(t *testing.T) { judgeSystems(t, filepath.Join("testdata", "systems")) })
	t.Run("corpora", func(t *testing.T) { judgeSystems(t, filepath.Join(testenv.Corpora(t), "kubernetes")) })
}

// TestInferAlike infers the same thing several times: what comes of it is stored and compared.
func TestInferAlike(t *testing.T) {
	systems, err := filepath.Glob(filepath.Join("testdata", "systems", "*"))
	if err != nil || len(systems) == 0 {
		t.Fatal(systems, err)
	}
	for _, dir := range systems {
		inv := read(t, dir)
		for _, namespace := range inv.Namespaces() {
			first := edges.Infer(inv, namespace)
			for range 3 {
				if diff := cmp.Diff(first, edges.Infer(inv, namespace)); diff != "" {
					t.Fatal(dir, namespace, diff)
				}
			}
		}
	}
}

func judgeSystems(t *testing.T, root string) {
	systems, err := filepath.Glob(filepath.Join(root, "*", "edges.tsv"))
	if err != nil || len(systems) == 0 {
		t.Fatalf("no systems in %s (%v)", root, err)
	}
	var total score
	for _, file := range systems {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s := judge(t, dir)
			total.add(s)
			s.report(t)
		})
	}
	total.report(t)
}

// pair is an edge by the names that the tables have.
type pair struct{ from, to string }

func (p pair) String() string { return p.from + " -> " + p.to }

// score counts edges: found and true, found, to be found and found, to be found; and the decoys that were taken for edges.
type score struct{ right, found, seen, visible, decoys, pairs int }

func (s *score) add(o score) {
	s.right += o.right
	s.found += o.found
	s.seen += o.seen
	s.visible += o.visible
	s.decoys += o.decoys
	s.pairs += o.pairs
}

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

func (s *score) report(t *testing.T) {
	precision, recall := ratio(s.right, s.found), ratio(s.seen, s.visible)
	t.Logf("precision %.3f (%d of %d), recall %.3f (%d of %d), decoys %d of %d",
		precision, s.right, s.found, recall, s.seen, s.visible, s.decoys, s.pairs)
	if precision < wantPrecision || recall < wantRecall || s.decoys > 0 {
		t.Errorf("the aim is a precision of %.2f, a recall of %.2f and no decoy", wantPrecision, wantRecall)
	}
}

func judge(t *testing.T, dir string) score {
	t.Helper()
	found := inferred(read(t, dir))
	truth, decoys, ignored := make(map[pair]bool), make(map[pair]bool), make(map[pair]bool)
	var s score
	for _, row := range table(t, filepath.Join(dir, "edges.tsv")) {
		p := pair{row[0], row[1]}
		truth[p] = true
		if row[len(row)-1] == "visible=manifest" {
			s.visible++
			if found[p] {
				s.seen++
			} else {
				t.Logf("missed: %s (%s)", p, row[3])
			}
		}
	}
	for _, row := range table(t, filepath.Join(dir, "decoys.tsv")) {
		decoys[pair{row[0], row[1]}] = true
	}
	for _, row := range table(t, filepath.Join(dir, "ignore.tsv")) {
		ignored[pair{row[0], row[1]}] = true
	}
	s.pairs = len(decoys)
	for p := range found {
		switch {
		case ignored[p] || ignored[pair{p.from, "*"}]:
			continue
		case decoys[p]:
			s.decoys++
			t.Logf("decoy: %s", p)
		case !truth[p]:
			t.Logf("wrong: %s", p)
		default:
			s.right++
		}
		s.found++
	}
	return s
}

// table reads the rows of a file of tab-separated values, without its head.
func table(t *testing.T, file string) [][]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows[min(1, len(rows)):]
}

// inferred are the edges of all namespaces.
func inferred(inv *inventory.Inventory) map[pair]bool {
	found := make(map[pair]bool)
	for _, namespace := range inv.Namespaces() {
		for _, i := range edges.Infer(inv, namespace) {
			for _, document := range i.Documents {
				for _, claim := range document.Claims {
					for _, edge := range claim.Edges {
						found[pair{name(claim.Subject.Alias), name(edge.Target.Alias)}] = true
					}
				}
			}
		}
	}
	return found
}

// name is an alias as the tables have it.
func name(alias catalog.Alias) string {
	if host, ok := strings.CutPrefix(string(alias), "host:"); ok {
		return "external:" + host
	}
	return string(alias)[strings.LastIndexByte(string(alias), '/')+1:]
}

// read makes an inventory of the manifests below a folder's manifests.
func read(t *testing.T, dir string) *inventory.Inventory {
	t.Helper()
	inv := inventory.New("test")
	files, err := filepath.Glob(filepath.Join(dir, "manifests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests in %s (%v)", dir, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		put(t, inv, filepath.Base(file), data)
	}
	return inv
}

// put adds the objects of a manifest of which an inventory holds the kind.
func put(t testing.TB, inv *inventory.Inventory, location string, manifest []byte) {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		var object map[string]any
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", location, err)
		}
		group, _, _ := strings.Cut(text(object["apiVersion"]), "/")
		at := slices.IndexFunc(inventory.Resources(), func(r inventory.Resource) bool {
			return r.Singular == object["kind"] && (r.Group == group || r.Group == "" && group == "v1")
		})
		if at < 0 {
			continue
		}
		kind := inventory.Resources()[at].Kind
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		value, err := inventory.Decode(kind, data)
		if err != nil {
			t.Fatalf("%s: %v", location, err)
		}
		namespace := value.GetNamespace()
		if namespace == "" && kind != inventory.Namespaces && kind != inventory.Nodes {
			namespace = "default"
		}
		inv.Put(&inventory.Object{
			Key: inventory.Key{Kind: kind, Namespace: namespace, Name: value.GetName()}, Location: location, Value: value,
			Lines: noLines{},
		})
	}
}

// noLines is a file of one line.
type noLines struct{}

func (noLines) Line(string) int32 { return 1 }

func text(v any) string {
	s, _ := v.(string)
	return s
}
