package descriptor_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/descriptor"
)

// hostile are texts that are meant to do harm. head makes each of them look like an entity.
func hostile(size int) map[string]string {
	const head = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\nspec:\n  owner: o\n  x:\n"
	fill := func(s string) string { return strings.Repeat(s, max(1, size/len(s))) }
	var bomb strings.Builder
	bomb.WriteString(head + "    a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c <= 'z'; c++ {
		fmt.Fprintf(&bomb, "    %c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+", ", 10), ", "))
	}
	var stairs strings.Builder
	stairs.WriteString(head)
	for depth := 4; stairs.Len() < size; depth++ {
		stairs.WriteString(strings.Repeat(" ", depth) + "a:\n")
	}
	numbered := func(head, line string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, line, i)
		}
		return b.String()
	}
	return map[string]string{
		"alias bomb":       bomb.String(),
		"stairs":           stairs.String(),
		"brackets":         head + fill("["),
		"braces":           head + fill("{"),
		"dashes":           head + fill("- "),
		"question marks":   head + fill("? "),
		"quotes":           head + fill(`"`),
		"backslashes":      head + `    a: "` + fill(`\`),
		"markers":          head + fill("---\n"),
		"scalars":          head + fill("--- a\n"),
		"ends":             head + fill("...\n"),
		"NULs":             head + fill("\x00"),
		"control":          head + fill("\x01"),
		"no UTF-8":         head + fill("\xff\xfe"),
		"byte order marks": head + fill("\ufeff"),
		"tabs":             head + fill("\t"),
		"percents":         head + fill("%\n"),
		"aliases":          head + "    a: &a 1\n    b: [" + fill("*a,") + "]\n",
		"keys":             numbered(head, "    k%d: v\n"),
		"anchors":          numbered(head, "    k%[1]d: &a%[1]d v\n"),
		"strange fields":   numbered(head, "  ownr%d: x\n"),
		"dependencies":     numbered(strings.Replace(head, "x:", "dependencies:", 1), "  - component:k%d\n"),
		"one dependency":   strings.Replace(head, "x:", "dependencies:", 1) + fill("  - component:a\n"),
		"marks":            fill("backstage.io/v1"),
	}
}

func TestHostileFiles(t *testing.T) {
	const size = 1 << 18
	for name, text := range hostile(size) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			result := descriptor.Parse([]byte(text), descriptor.Options{Location: "x.yaml"})
			runtime.ReadMemStats(&after)
			// A tree costs about 200 bytes for each of the shortest values.
			if used := after.TotalAlloc - before.TotalAlloc; used > 4000*size {
				t.Errorf("%d bytes were used for %d", used, size)
			}
			checkShape(t, result, "x.yaml")
		})
	}
}

func TestRefusedWhole(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"alias bomb", hostile(1)["alias bomb"], "10 ERROR yaml-alias"},
		{"NUL", component("") + "\x00", "5 ERROR nul-byte"},
		{"too deep", component("x: " + strings.Repeat("[", 200) + strings.Repeat("]", 200)), "4 ERROR too-deep"},
		{"far too deep", component("x: " + strings.Repeat("[", 100_000)), "4 ERROR yaml-syntax"},
		{"no UTF-8", withMetadata("title: caf\xe9"), "0 WARNING invalid-utf8"},
		{"too large", component("") + strings.Repeat("#\n", 1000), "0 ERROR too-large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := descriptor.Options{Location: "x.yaml"}
			if test.name == "too large" {
				options.MaxBytes = 1000
			}
			result := descriptor.Parse([]byte(test.text), options)
			if len(result.Documents) != 1 {
				t.Fatalf("%+v", result)
			}
			if diff := cmp.Diff([]string{test.want}, problemsOf(result.Documents[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if !descriptor.Parse(make([]byte, 64<<20), descriptor.Options{Location: "data.json"}).NotCatalog {
		t.Error("64 MB of nothing are taken for a catalog file")
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range rules {
		f.Add([]byte(test.text))
	}
	for _, text := range hostile(200) {
		f.Add([]byte(text))
	}
	f.Add([]byte(component("") + "---\r\n" + component("dependsOn: [&a component:b, *a]") + "...\n%YAML 1.2\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		options := descriptor.Options{Location: "catalog-info.yaml", Read: func(string) ([]byte, error) { return data, nil }}
		result := descriptor.Parse(data, options)
		checkShape(t, result, options.Location)
		if diff := cmp.Diff(result, descriptor.Parse(data, options)); diff != "" {
			t.Errorf("the second reading differs:\n%s", diff)
		}
		last := int32(strings.Count(string(data), "\n") + 1 + strings.Count(string(data), "\r"))
		for _, parsed := range result.Documents {
			for _, p := range parsed.Problems {
				if p.Line > last {
					t.Errorf("line %d of %d: %v", p.Line, last, p)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	entity := `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  title: Checkout
  description: Takes the money for what is in the cart.
  annotations:
    github.com/project-slug: acme/checkout
    backstage.io/techdocs-ref: dir:.
    pagerduty.com/service-id: P012345
    orrery.dev/tier: "1"
  tags: [go, payments]
  links:
    - {url: "https://runbooks.example.com/checkout", title: Runbook, type: runbook}
spec:
  type: service
  lifecycle: production
  owner: group:payments
  system: shop
  dependsOn: [resource:orders-db, component:cart, component:fraud]
  consumesApis: [pricing]
  dependencies:
    - {ref: component:fraud, strength: soft, fallback: small sums pass}
`
	manifest := strings.Repeat("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  annotations: {backstage.io/kubernetes-id: a}\n---\n", 20)
	for _, bench := range []struct {
		name, text string
		documents  int
	}{
		{"entity", entity, 1},
		{"1000 entities", strings.Repeat("---\n"+entity, 1000), 1000},
		{"manifests", manifest, 0},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for b.Loop() {
				result := descriptor.Parse([]byte(bench.text), descriptor.Options{Location: "x.yaml"})
				if len(result.Documents) != bench.documents {
					b.Fatalf("%d documents", len(result.Documents))
				}
			}
			b.ReportMetric(float64(b.N*bench.documents)/b.Elapsed().Seconds(), "documents/s")
		})
	}
}
