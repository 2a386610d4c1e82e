package facts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// lines are those of a manifest, as far as a test cares: that of the document.
type lines int32

// Line implements inventory.Lines.
func (l lines) Line(string) int32 { return int32(l) }

// read puts the objects of manifests into an inventory, and names them. Where they come from a file they have lines.
func read(t testing.TB, inv *inventory.Inventory, manifests string, fromFile bool) (keys []inventory.Key) {
	t.Helper()
	line := int32(1)
	reader := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(manifests)))
	buffer := make([]byte, 1<<20)
	for number := int32(1); ; number++ {
		n, err := reader.Read(buffer)
		if errors.Is(err, io.EOF) {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := yaml.ToJSON(buffer[:n])
		if err != nil {
			t.Fatalf("document %d: %v", number, err)
		}
		if string(data) == "null" {
			continue
		}
		var head struct {
			APIVersion, Kind string
			Metadata         struct{ Namespace, Name string }
		}
		if err := json.Unmarshal(data, &head); err != nil {
			t.Fatal(err)
		}
		o := &inventory.Object{Key: inventory.Key{Kind: kindOf(t, head.APIVersion, head.Kind), Namespace: head.Metadata.Namespace, Name: head.Metadata.Name}}
		o.Location = filepath.Join("prod", string(o.Kind), o.Namespace, o.Name)
		if fromFile {
			o.Location, o.Lines = "rich.yaml", lines(line)
		}
		if o.Value, err = inventory.Decode(o.Kind, data); err != nil {
			t.Fatalf("document %d: %v", number, err)
		}
		inv.Put(o)
		keys = append(keys, o.Key)
		line += int32(bytes.Count(buffer[:n], []byte("\n"))) + 1
	}
}

func kindOf(t testing.TB, version, kind string) inventory.Kind {
	t.Helper()
	group := ""
	if before, _, ok := strings.Cut(version, "/"); ok {
		group = before
	}
	for _, r := range inventory.Resources() {
		if r.Group == group && r.Singular == kind {
			return r.Kind
		}
	}
	t.Fatalf("no kind %s of %s", kind, version)
	return ""
}

// TestGolden derives what a rich set of manifests says, read from a cluster and from a file.
func TestGolden(t *testing.T) {
	manifests, err := os.ReadFile("testdata/rich.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, evidence := range map[string]catalog.EvidenceKind{"live": catalog.Observed, "files": catalog.Declared} {
		t.Run(name, func(t *testing.T) {
			inv := inventory.New("prod")
			read(t, inv, string(manifests), evidence == catalog.Declared)
			d := facts.NewDeriver(inv, evidence)
			d.Derive()
			said := make(map[string]any)
			for _, scope := range d.Scopes() {
				if strings.HasPrefix(scope, "edges/") {
					continue // they have tests of their own
				}
				documents, _ := d.Scope(scope)
				said[scope] = plain(t, documents)
			}
			got, err := json.MarshalIndent(said, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".golden.json")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); diff != "" {
				t.Errorf("%s (-want +got); if that is meant, run with -update:\n%s", file, diff)
			}
		})
	}
}

// plain is a value as JSON without what is empty.
func plain(t testing.TB, value any) any {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	return filled(decoded)
}

func filled(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			switch inner = filled(inner); inner {
			case nil, "", false, 0.0:
				delete(value, key)
			default:
				value[key] = inner
			}
		}
		if len(value) == 0 {
			return nil
		}
	case []any:
		for i := range value {
			value[i] = filled(value[i])
		}
		if len(value) == 0 {
			return nil
		}
	}
	return value
}
