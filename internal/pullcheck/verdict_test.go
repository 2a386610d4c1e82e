package pullcheck_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/pullcheck"
	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

var update = flag.Bool("update", false, "write the golden files")

// company is what the repositories hold before.
func company() tree {
	return tree{
		"acme/checkout/catalog-info.yaml":        component("checkout", "group:payments", "pricing"),
		"acme/checkout/cart/catalog-info.yaml":   component("cart", "group:payments") + "---\n" + component("basket", "group:payments"),
		"acme/checkout/broken/catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: half\nspec:\n  type: service\n  lifecycle: production\n",
		"acme/pricing/catalog-info.yaml":         component("pricing", "group:prices", "cart", "checkout"),
		"acme/shop/catalog-info.yaml":            component("storefront", "group:shop", "cart", "basket"),
		"acme/shop/mobile/catalog-info.yaml": component("mobile", "group:shop", "cart") + "---\n" +
			strings.Replace(component("native", "group:shop"), "spec:", "  annotations:\n    orrery.dev/aliases: otel:native\nspec:", 1),
		"acme/people/catalog-info.yaml": group("payments") + "---\n" + group("prices") + "---\n" + group("shop"),
	}
}

// TestVerdicts checks pull requests from the event to the check run, with a real catalog between.
func TestVerdicts(t *testing.T) {
	checkout := company()["acme/checkout/catalog-info.yaml"]
	hostile := "`@acme/everyone` <img src=x> [click](https://evil.example) #1 **bold** | www.evil.example $x$"
	for name, test := range map[string]struct {
		head       map[string]string // by path; "" = removed
		renamed    [2]string
		conclusion string
	}{
		"added":    {map[string]string{"refunds/catalog-info.yaml": component("refunds", "group:payments", "pricing")}, [2]string{}, "success"},
		"comments": {map[string]string{"catalog-info.yaml": "# nothing new\n" + checkout}, [2]string{}, "success"},
		"changed": {
			map[string]string{"catalog-info.yaml": strings.ReplaceAll(component("checkout", "group:shop", "cart"), "production", "deprecated")},
			[2]string{},
			"success",
		},
		"broken":  {map[string]string{"catalog-info.yaml": strings.Replace(checkout, "  name: checkout\n", "  name: 'check out'\n", 1)}, [2]string{}, "failure"},
		"removed": {map[string]string{"cart/catalog-info.yaml": ""}, [2]string{}, "failure"},
		"one of two removed": {
			map[string]string{"cart/catalog-info.yaml": component("basket", "group:payments")},
			[2]string{},
			"failure",
		},
		"renamed file": {
			map[string]string{"basket/catalog-info.yaml": company()["acme/checkout/cart/catalog-info.yaml"]},
			[2]string{"cart/catalog-info.yaml", "basket/catalog-info.yaml"},
			"success",
		},
		"unknown names": {map[string]string{"catalog-info.yaml": component("checkout", "group:paymnets", "pricng")}, [2]string{}, "neutral"},
		"described twice": {
			map[string]string{"mine/catalog-info.yaml": component("storefront", "group:payments")},
			[2]string{},
			"neutral",
		},
		"alias twice": {
			map[string]string{"catalog-info.yaml": strings.Replace(checkout, "spec:", "  annotations:\n    orrery.dev/aliases: otel:native\nspec:", 1)},
			[2]string{},
			"neutral",
		},
		"mended": {map[string]string{"broken/catalog-info.yaml": component("half", "group:payments")}, [2]string{}, "success"},
		"wrong before": {
			map[string]string{"broken/catalog-info.yaml": "# one line more\n" + company()["acme/checkout/broken/catalog-info.yaml"]},
			[2]string{},
			"success",
		},
		"hostile": {map[string]string{"catalog-info.yaml": strings.Replace(checkout, "spec:", "  title: '"+hostile+"'\nspec:", 1) +
			"  dependencies:\n    - {ref: 'component:a', strength: '" + hostile + "'}\n"}, [2]string{}, "neutral"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				repositories := company()
				h := newHub()
				var touched []*github.CommitFile
				for _, path := range slices.Sorted(maps.Keys(test.head)) {
					status := "modified"
					if test.head[path] == "" {
						status = "removed"
					} else {
						repositories["c1:"+path] = test.head[path]
					}
					touched = append(touched, file(path, status))
				}
				if test.renamed[0] != "" {
					touched = []*github.CommitFile{file(test.renamed[1], "renamed")}
					touched[0].PreviousFilename = &test.renamed[0]
				}
				touched = append(touched, file("main.go", "modified"))
				h.opens(7, "c1", "main", touched...)
				s := &source{tree: repositories}
				c := newCatalog(t, s)
				before := graph.Digest(c.Snapshot())
				checker := pullcheck.New(pullcheck.Config{
					Catalog: c, Source: "acme", Reader: s, Connection: h, BaseURL: "https://orrery.example/",
				})
				defer runs(t, checker)()
				if err := checker.Handle(t.Context(), webhook.PullRequest{Action: "opened", Repository: "acme/checkout", Number: 7, Base: "main"}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				made := h.made()
				if len(made) != 1 {
					t.Fatalf("%d check runs", len(made))
				}
				if made[0].Conclusion != test.conclusion || made[0].Status != "completed" {
					t.Errorf("%s, %s instead of %s", made[0].Status, made[0].Conclusion, test.conclusion)
				}
				golden(t, strings.ReplaceAll(name, " ", "-"), shown(&made[0]))
				if graph.Digest(c.Snapshot()) != before {
					t.Error("the catalog is another one")
				}
			})
		})
	}
}

// shown is a check run as it is read.
func shown(c *run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", c.Conclusion, c.Title)
	for _, a := range c.Annotations {
		fmt.Fprintf(&b, "%s:%d: %s: %s: %s\n", a.GetPath(), a.GetStartLine(), a.GetAnnotationLevel(), a.GetTitle(), a.GetMessage())
	}
	return b.String() + "\n" + c.Summary
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".md")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
