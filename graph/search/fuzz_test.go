package search_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/search"
)

// Whatever stands in a catalog and whatever is typed, there is an answer: its parts fit together, and an entity is found by
// its own name.
func FuzzFind(f *testing.F) {
	f.Add("payment-gateway", "Payment Gateway", "takes money", "paymnt gat")
	f.Add("HTTPServer2", "", "e\u0301\u0301\u0301", `owner:"a b" kind: tier:9 tag:'`)
	f.Add("日本語", "\x00\xff\xfe", "\ufdfa", "\x00 \xff:\u0301 日本")
	f.Add(strings.Repeat("a-", 100), strings.Repeat("é", 3000), "½ ǅ İ ß", strings.Repeat("a-", 3000))
	f.Add("x", "y", "z", ": :: a:b/c component:default/x")
	others := generator{rand.New(rand.NewPCG(1, 2))}.documents(20)
	f.Fuzz(func(t *testing.T, name, title, description, text string) {
		ref := catalog.NewRef("component", "", name)
		e := &catalog.Entity{Descriptor: catalog.Descriptor{
			Ref: ref, Kind: "Component", Namespace: "default", Name: name, Title: title, Description: description,
			Tags: []string{title, description}, Owner: catalog.Ref(title), Lifecycle: description,
		}}
		documents := []search.Document{{Entity: e}}
		for _, d := range others {
			if d.Entity.Ref != ref {
				documents = append(documents, d)
			}
		}
		view := search.NewView(search.Build(documents), search.Build(nil), nil)
		request := search.Request{Query: search.Parse(text), Limit: 3}
		total := -1
		for count := 0; ; {
			result := view.Find(request)
			if total < 0 {
				total = result.Total
			}
			if result.Total != total || len(result.Hits) > 3 {
				t.Fatalf("%d hits of %d, before of %d", len(result.Hits), result.Total, total)
			}
			for _, hit := range result.Hits {
				if count++; hit.Entity == e && utf8.ValidString(name+title+description) && !utf8.ValidString(hit.Text) {
					t.Fatalf("a cut character in %q", hit.Text)
				}
			}
			if !result.More {
				if count != total {
					t.Fatalf("%d in pages of %d", count, total)
				}
				break
			}
			request.After = &result.Hits[len(result.Hits)-1].Position
		}
		own := view.Find(search.Request{Query: search.Parse(plainly(name)), Limit: 100})
		if own.Total > 0 && len(plainly(name)) < 64 && own.Hits[0].Score > 0 {
			t.Fatalf("%q finds %v first", name, own.Hits[0].Ref)
		}
	})
}

// plainly is a text in which no word filters.
func plainly(text string) string {
	return strings.NewReplacer(":", " ", `"`, " ", "'", " ").Replace(text)
}
