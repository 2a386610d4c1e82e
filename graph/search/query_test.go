package search_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/search"
)

// shop is a small catalog, from the one that counts most to the one that counts least.
func shop() *search.View {
	var documents []search.Document
	add := func(name string, dependents int, more func(e *catalog.Entity)) {
		e := &catalog.Entity{Descriptor: catalog.Descriptor{
			Ref: catalog.NewRef("component", "", name), Kind: "Component", Namespace: "default", Name: name,
			Owner: "group:default/payments", Lifecycle: "production", Annotations: map[string]string{catalog.AnnotationTier: "1"},
		}}
		if more != nil {
			more(e)
		}
		documents = append(documents, search.Document{Entity: e, Dependents: dependents})
	}
	add("payment-gateway", 9, func(e *catalog.Entity) { e.Tags = []string{"Big Data", "go"} })
	add("paymentGatewayEU2", 8, func(e *catalog.Entity) { e.Owner = "user:shop/ada.b" })
	add("payments", 7, nil)
	add("acme-pay", 6, func(e *catalog.Entity) { e.Lifecycle = "in review" })
	add("billing", 5, func(e *catalog.Entity) { e.Title = "Payment runs" })
	add("zürich", 4, func(e *catalog.Entity) {
		e.Aliases = []catalog.EntityAlias{{Alias: "host:api.stripe.com"}}
		e.Description = strings.Repeat("long and winding ", 20) + "road to payments " + strings.Repeat("and no end ", 20)
	})
	add("pay", 3, func(e *catalog.Entity) { e.Annotations, e.Placeholder, e.Owner, e.Lifecycle = nil, true, "", "" })
	return search.NewView(search.Build(documents), search.Build(nil), nil)
}

func names(result search.Result) (names []string) {
	for _, hit := range result.Hits {
		names = append(names, hit.Entity.Name)
	}
	return names
}

func TestQueries(t *testing.T) {
	view := shop()
	for _, c := range []struct{ text, want string }{
		// Words, joined and apart.
		{"payment-gateway", "payment-gateway paymentGatewayEU2"},
		{"Payment Gateway", "payment-gateway paymentGatewayEU2"},
		{"paymentgateway", "payment-gateway paymentGatewayEU2"},
		{"gateway payment", "payment-gateway paymentGatewayEU2"},
		{"eu 2", "paymentGatewayEU2"},
		{"EU2", "paymentGatewayEU2"},
		{"Zurich", "zürich"},
		{"ZU\u0308RICH", "zürich"},
		// The last word may be unfinished, others not.
		{"gate", "payment-gateway paymentGatewayEU2"},
		{"payment gatew", "payment-gateway paymentGatewayEU2"},
		// Exact name, exact word, beginnings, other places.
		{"pay", "pay acme-pay payment-gateway paymentGatewayEU2 payments billing zürich"},
		// Typos.
		{"paymnet", "payment-gateway paymentGatewayEU2 payments billing zürich"},
		{"ziruch", ""},       // two edits in 6 characters
		{"zruich", "zürich"}, // a transposition
		{"biling", "billing"},
		{"pya", ""},
		{"gatewqy pyament", "payment-gateway paymentGatewayEU2"},
		// Where nothing has all words.
		{"payment nonsense", "payment-gateway paymentGatewayEU2 billing payments zürich"},
		{"nonsense", ""},
		// Aliases and descriptions.
		{"stripe", "zürich"},
		{"host:api.stripe.com", "zürich"},
		{"winding road", "zürich"},
		{"component:default/pay", "pay"},
		{"Component:payments", "payments"},
		// Filters.
		{"owner:payments", "payment-gateway payments acme-pay billing zürich"},
		{"OWNER:group:default/Payments", "payment-gateway payments acme-pay billing zürich"},
		{"owner:ada.b owner:nobody", "paymentGatewayEU2"},
		{"owner:shop/ada.b", "paymentGatewayEU2"},
		{"owner:group:ada.b", ""},
		{`tag:"big data" payment`, "payment-gateway"},
		{`tag:'big data' tag:go`, "payment-gateway"},
		{`lifecycle:"In Review`, "acme-pay"},
		{"tier:0", "pay"},
		{"tier:1 gateway eu", "paymentGatewayEU2"},
		{"tier:0 tier:1 kind:component gateway", "payment-gateway paymentGatewayEU2"},
		{"tier:one", ""},
		{"kind:api pay", ""},
		{"owner: eu pay", "paymentGatewayEU2"}, // nearly typed
		{"colour:red gateway", "payment-gateway paymentGatewayEU2"},
		{`"payment gateway"`, "payment-gateway paymentGatewayEU2"},
		{`"" gateway ''`, "payment-gateway paymentGatewayEU2"},
		// Nothing that could be searched.
		{"", "payment-gateway paymentGatewayEU2 payments acme-pay billing zürich pay"},
		{"-- ..", ""},
		{"\x00", ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			got := view.Find(search.Request{Query: search.Parse(c.text), Limit: 100})
			if diff := cmp.Diff(c.want, strings.Join(names(got), " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHits(t *testing.T) {
	for _, c := range []struct {
		text  string
		field search.Field
		want  string
	}{
		{"paymnt gateway", search.Name, "payment-gateway"},
		{"payment runs", search.Title, "Payment runs"},
		{"stripe", search.Alias, "host:api.stripe.com"},
		{"big", search.Tag, "Big Data"},
		{"road", search.Description, "…long and winding long and winding road to payments and no end and no end and no end and no end and no end and no end and no end and no end and no end and no…"},
	} {
		got := shop().Find(search.Request{Query: search.Parse(c.text), Limit: 1})
		if len(got.Hits) != 1 || got.Hits[0].Field != c.field || got.Hits[0].Text != c.want {
			t.Errorf("%s: %+v", c.text, got.Hits)
		}
	}
}

// A page begins behind a position, whatever came or went there.
func TestPositionStands(t *testing.T) {
	view := shop()
	query := search.Parse("pay")
	all := view.Find(search.Request{Query: query, Limit: 100})
	for i := range all.Hits {
		without := view.Find(search.Request{
			Query: query, Limit: 100, After: &all.Hits[i].Position,
			Keep: func(e *catalog.Entity) bool { return e != all.Hits[i].Entity },
		})
		if diff := cmp.Diff(names(all)[i+1:], names(without), cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("behind %s (-want +got):\n%s", all.Hits[i].Entity.Name, diff)
		}
	}
	nowhere := view.Find(search.Request{Query: query, Limit: 5, After: &search.Position{Score: 1 << 31}})
	if len(nowhere.Hits) > 0 || nowhere.More || nowhere.Total != all.Total {
		t.Errorf("behind the end: %+v", nowhere)
	}
	none := view.Find(search.Request{Query: query})
	if len(none.Hits) > 0 || !none.More || none.Total != all.Total {
		t.Errorf("a page of none: %+v", none)
	}
}

// What is typed is bounded in what it costs, however long it is.
func TestHostileText(t *testing.T) {
	view := shop()
	for name, text := range map[string]string{
		"words":    strings.Repeat("payment ", 10_000),
		"distinct": strings.Join(strings.Split(strings.Repeat("abcdefgh", 1000), "d"), " pay"),
		"megabyte": strings.Repeat("p", 1<<20),
		"marks":    "p" + strings.Repeat("\u0301", 1<<20),
		"filters":  strings.Repeat("owner:payments ", 10_000),
		"quotes":   strings.Repeat(`"`, 1<<16),
		"colons":   strings.Repeat(":", 1<<16),
		"bytes":    strings.Repeat("\xff\x00", 1<<16),
	} {
		result := view.Find(search.Request{Query: search.Parse(text), Limit: 10})
		for _, hit := range result.Hits {
			if !utf8.ValidString(hit.Text) {
				t.Errorf("%s: %q", name, hit.Text)
			}
		}
	}
}
