package graph_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// fullDocument sets every field of every type that is stored; TestCodecKnowsEveryField proves that it does.
func fullDocument() *catalog.Document {
	return &catalog.Document{
		ID:          catalog.DocumentID{Source: "repos", Scope: "shop/catalog-info.yaml", Key: "component:default/cart#2"},
		Ordinal:     2,
		Priority:    -100,
		Environment: "production",
		Location:    "shop/catalog-info.yaml",
		Stale:       true,
		Held:        true,
		LastSeen:    1_700_000_000,
		Version:     fullVersion(),
		Claims: []catalog.Claim{{
			Subject: catalog.Subject{Ref: "component:default/cart", Alias: "otel:shop/cart"},
			Line:    7,
			Descriptor: &catalog.Descriptor{
				Ref: "component:default/cart", Kind: "Component", Namespace: "Default", Name: "Cart", Title: "The cart 🛒",
				Description: "keeps what\x00people \"want\"\n", Labels: map[string]string{"b": "2", "a": "1"},
				Annotations: map[string]string{"orrery.dev/tier": "1", "": ""}, Tags: []string{"go", ""},
				Links: []catalog.Link{{URL: "https://example.com", Title: "t", Icon: "i", Type: "runbook"}},
				Type:  "service", Lifecycle: "production", Owner: "group:default/shop",
				Profile:  &catalog.Profile{DisplayName: "d", Email: "e", Picture: "p"},
				SLO:      &catalog.SLO{Availability: 99.95, Window: 30 * 24 * time.Hour},
				Capacity: &catalog.Capacity{RequestsPerSecond: 800.5},
			},
			Aliases: []catalog.AliasClaim{{Alias: "host:cart.example.com", Line: 9}},
			Edges: []catalog.EdgeClaim{{
				Target: catalog.Subject{Ref: "component:default/psp", Alias: "host:psp.example.com"}, Type: catalog.DependsOn,
				Reverse: true, Strength: catalog.Soft, Role: catalog.Publish, Evidence: catalog.Declared, Line: 11, AnyOf: "psp",
				Fallback: "cached", CallsPerRequest: 2.25, Timeout: 300 * time.Millisecond, Detailed: true,
				FirstSeen: 1_600_000_000, LastSeen: 1_700_000_001, Protocol: "grpc", Flow: 1<<63 + 1, Stale: true,
			}},
			Links:      []catalog.Link{{URL: "u", Title: "t", Icon: "i", Type: "x"}},
			Hints:      []catalog.Hint{{Name: "Cart", Namespace: "shop"}},
			FirstSeen:  1_500_000_000,
			LastSeen:   1_700_000_002,
			Stale:      true,
			Entry:      catalog.EntryPoint,
			Labels:     map[string]string{"app": "cart", "": ""},
			Facts:      fullFacts(),
			Found:      true,
			Yields:     true,
			OwnerHints: []catalog.OwnerHint{{Name: "@acme/shop", Location: "CODEOWNERS", Line: 4, Reason: "*", Version: fullVersion()}},
			Selectors: []catalog.Selector{{
				Requirements: []catalog.Requirement{{Key: "app", Values: []string{"cart"}, Not: true}}, Namespace: "shop", Line: 13,
			}},
		}},
		Problems: []catalog.Problem{{
			Location: "f", Line: 3, Field: "spec.owner", Severity: catalog.Error, Code: "missing-field", Message: "m", Fix: "x",
			Ref: "component:default/cart", Version: fullVersion(),
		}},
	}
}

func fullVersion() *catalog.Version {
	return &catalog.Version{Repository: "github.com/Acme/shop", Path: "catalog-info.yaml", Commit: "c0ffee", Web: "https://x/"}
}

func TestCodecRoundTrip(t *testing.T) {
	tests := map[string]*catalog.Document{
		"empty":        {},
		"every field":  fullDocument(),
		"empty values": {Claims: []catalog.Claim{{Descriptor: &catalog.Descriptor{Profile: &catalog.Profile{}, SLO: &catalog.SLO{}}}}},
		"file name that is no UTF-8": {
			ID: catalog.DocumentID{Source: "repos", Scope: "caf\xe9/\xff\xfe.yaml", Key: "#problems"}, Location: "\x80",
		},
	}
	for name, document := range tests {
		t.Run(name, func(t *testing.T) {
			packed, err := graph.EncodeDocument(document)
			if err != nil {
				t.Fatal(err)
			}
			got, err := graph.DecodeDocument(packed)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(document, got); diff != "" {
				t.Errorf("came back changed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCodecKnowsEveryField fails when somebody adds a field to a stored type without a number, or forgets it here.
func TestCodecKnowsEveryField(t *testing.T) {
	var check func(path string, value reflect.Value)
	check = func(path string, value reflect.Value) {
		switch value.Kind() {
		case reflect.Pointer:
			if value.IsNil() {
				t.Errorf("%s is not set by fullDocument", path)
				return
			}
			check(path, value.Elem())
		case reflect.Slice:
			if value.Len() == 0 {
				t.Errorf("%s is not set by fullDocument", path)
				return
			}
			check(path+"[0]", value.Index(0))
		case reflect.Struct:
			for i := range value.NumField() {
				field := value.Type().Field(i)
				if tag := field.Tag.Get("cbor"); tag == "" {
					t.Errorf("%s.%s has no number for storage", path, field.Name)
				}
				check(path+"."+field.Name, value.Field(i))
			}
		default:
			if value.IsZero() {
				t.Errorf("%s is not set by fullDocument", path)
			}
		}
	}
	check("Document", reflect.ValueOf(*fullDocument()))
}

func TestCodecIsDeterministic(t *testing.T) {
	first, err := graph.EncodeDocument(fullDocument())
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		document := fullDocument()
		document.Claims[0].Descriptor.Labels = maps.Collect(maps.All(document.Claims[0].Descriptor.Labels))
		document.Claims[0].Descriptor.Links = append(make([]catalog.Link, 0, 10), document.Claims[0].Descriptor.Links...)
		again, err := graph.EncodeDocument(document)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("equal documents gave different bytes")
		}
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	packed, err := graph.EncodeDocument(fullDocument())
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, data []byte) {
		t.Helper()
		var corrupt *graph.CorruptError
		if _, err := graph.DecodeDocument(data); !errors.As(err, &corrupt) {
			t.Errorf("%s: got %v, want a *CorruptError", what, err)
		}
	}
	for length := range packed {
		refuse(fmt.Sprintf("cut off after %d bytes", length), packed[:length])
	}
	for i := range packed {
		for bit := range 8 {
			flipped := bytes.Clone(packed)
			flipped[i] ^= 1 << bit
			refuse(fmt.Sprintf("bit %d of byte %d flipped", bit, i), flipped)
		}
	}
	refuse("something behind it", append(bytes.Clone(packed), 0))
}

func TestEncodeRefusesTooLarge(t *testing.T) {
	document := fullDocument()
	document.Claims[0].Descriptor.Description = string(make([]byte, graph.MaxDocumentBytes))
	if _, err := graph.EncodeDocument(document); !errors.Is(err, graph.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

// FuzzDecodeDocument gives the decoder any body under a right header: it must refuse it or read a document that packs and
// reads back as itself.
func FuzzDecodeDocument(f *testing.F) {
	for _, document := range []*catalog.Document{{}, fullDocument()} {
		packed, err := graph.EncodeDocument(document)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		document, err := graph.DecodeDocument(graph.Seal(data))
		if err != nil {
			return
		}
		packed, err := graph.EncodeDocument(document)
		if err != nil {
			t.Fatal(err)
		}
		again, err := graph.DecodeDocument(packed)
		if err != nil {
			t.Fatal(err)
		}
		repacked, err := graph.EncodeDocument(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(packed, repacked) {
			t.Errorf("not stable: %x then %x", packed, repacked)
		}
	})
}

func benchmarkDocuments(n int) []*catalog.Document {
	documents := make([]*catalog.Document, n)
	for i := range documents {
		name := fmt.Sprintf("service-%06d", i)
		ref := catalog.NewRef("component", "", name)
		edges := make([]catalog.EdgeClaim, 10)
		for j := range edges {
			edges[j] = catalog.EdgeClaim{
				Target:   catalog.Subject{Ref: catalog.NewRef("component", "", fmt.Sprintf("service-%06d", (i*7+j*j*131)%n))},
				Type:     catalog.DependsOn,
				Evidence: catalog.Declared, Line: int32(20 + j),
			}
		}
		documents[i] = &catalog.Document{
			ID:       catalog.DocumentID{Source: "repos", Scope: "team/" + name + "/catalog-info.yaml", Key: string(ref)},
			Priority: 100,
			Location: "/srv/repos/team/" + name + "/catalog-info.yaml",
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: ref}, Line: 1, Edges: edges,
				Descriptor: &catalog.Descriptor{
					Ref: ref, Kind: "Component", Namespace: "default", Name: name, Title: "Service " + name,
					Description: "does what services do", Type: "service", Lifecycle: "production", Owner: "group:default/team-1",
					Annotations: map[string]string{"orrery.dev/tier": "2"}, Tags: []string{"go", "grpc"},
				},
			}},
		}
	}
	return documents
}

// BenchmarkDecodeDocument measures one document with 10 edges.
func BenchmarkDecodeDocument(b *testing.B) {
	var rows [][]byte
	size := 0
	for _, document := range benchmarkDocuments(1000) {
		packed, err := graph.EncodeDocument(document)
		if err != nil {
			b.Fatal(err)
		}
		rows, size = append(rows, packed), size+len(packed)
	}
	b.SetBytes(int64(size / len(rows)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := graph.DecodeDocument(rows[i%len(rows)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodeDocument measures one document with 10 edges.
func BenchmarkEncodeDocument(b *testing.B) {
	documents := benchmarkDocuments(1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := graph.EncodeDocument(documents[i%len(documents)]); err != nil {
			b.Fatal(err)
		}
	}
}
