package search_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/search"
)

// Answers on random catalogs are those of the oracle, page by page, whether entities are in the large index or replace
// those of it.
func TestFindLikeTheOracle(t *testing.T) {
	asked, found, catalogs := 0, 0, uint64(60)
	if testing.Short() {
		catalogs = 15
	}
	for seed := range catalogs {
		random := rand.New(rand.NewPCG(seed, 1))
		g := generator{random}
		before, now := g.documents(5+random.IntN(20)), g.documents(5+random.IntN(20))
		view := searchable(before, now)
		for range 20 {
			text := g.query(now)
			var keep func(*catalog.Entity) bool
			if random.IntN(5) == 0 {
				keep = func(e *catalog.Entity) bool { return len(e.Name)%2 == 0 }
			}
			want := oracle(now, text, keep)
			asked++
			found += min(1, len(want))
			if diff := cmp.Diff(lines(want), ask(t, view, text, keep, 1+random.IntN(12))); diff != "" {
				t.Fatalf("seed %d, %q (-want +got):\n%s", seed, text, diff)
			}
		}
	}
	if found < asked/2 || found == asked {
		t.Errorf("%d of %d questions have an answer", found, asked)
	}
}

// searchable searches the documents, where the large index still has others.
func searchable(before, now []search.Document) *search.View {
	old := map[catalog.Ref]search.Document{}
	var replaced []catalog.Ref
	for _, d := range before {
		old[d.Entity.Ref] = d
		replaced = append(replaced, d.Entity.Ref)
	}
	var main, recent []search.Document
	for i, d := range now {
		if _, both := old[d.Entity.Ref]; both || i%2 == 0 {
			recent = append(recent, d)
		} else {
			main = append(main, d)
		}
	}
	return search.NewView(search.Build(append(main, before...)), search.Build(recent), append(replaced, "component:default/unknown"))
}

// ask gathers the whole answer from pages.
func ask(t *testing.T, view *search.View, text string, keep func(*catalog.Entity) bool, limit int) (got []string) {
	t.Helper()
	request := search.Request{Query: search.Parse(text), Keep: keep, Limit: limit}
	for {
		result := view.Find(request)
		for _, hit := range result.Hits {
			got = append(got, fmt.Sprint(hit.Entity.Ref, " ", hit.Field, " ", hit.Text))
		}
		switch {
		case len(result.Hits) > limit:
			t.Fatalf("%q: a page of %d", text, len(result.Hits))
		case !result.More:
			if len(got) != result.Total {
				t.Fatalf("%q: %d in all, and pages of %d", text, result.Total, len(got))
			}
			return got
		}
		request.After = &result.Hits[len(result.Hits)-1].Position
	}
}

func lines(answers []answer) (lines []string) {
	for _, a := range answers {
		lines = append(lines, fmt.Sprint(a.entity.Ref, " ", a.field, " ", a.text))
	}
	return lines
}

// generator makes catalogs of few words, all alike, and questions about them.
type generator struct{ *rand.Rand }

var stock = []string{
	"pay", "payment", "payments", "paymant", "api", "gateway", "gatway", "getaway", "checkout", "chekcout", "v2", "eu", "db",
	"ledger", "leger", "Zürich", "zurich", "HTTP", "http2", "2", "20", "日本", "日本語", "a", "recommendation", "recomendations",
}

func (g generator) word() string {
	word := stock[g.IntN(len(stock))]
	if g.IntN(4) == 0 {
		word = g.edited(word)
	}
	return word
}

func (g generator) edited(word string) string {
	r := []rune(word)
	at := g.IntN(len(r))
	switch g.IntN(4) {
	case 0:
		r[at] = rune('a' + g.IntN(6))
	case 1:
		r = append(r[:at], append([]rune{'e'}, r[at:]...)...)
	case 2:
		if len(r) > 1 {
			r = append(r[:at], r[at+1:]...)
		}
	default:
		r[at], r[0] = r[0], r[at]
	}
	return string(r)
}

// phrase joins some words by separators, or by capitals.
func (g generator) phrase(most int, separators ...string) string {
	var b strings.Builder
	for i := range g.IntN(most) + 1 {
		word := g.word()
		if separator := separators[g.IntN(len(separators))]; separator == "" {
			word = strings.ToUpper(word[:1]) + word[1:]
		} else if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(word)
	}
	return strings.ToValidUTF8(b.String(), "")
}

func (g generator) documents(n int) (documents []search.Document) {
	known := map[catalog.Ref]bool{}
	for range n {
		name := g.phrase(3, "-", "-", "_", ".", "")
		ref := catalog.NewRef([]string{"component", "api"}[g.IntN(2)], []string{"", "shop"}[g.IntN(2)], name)
		if known[ref] {
			continue
		}
		known[ref] = true
		e := &catalog.Entity{Descriptor: catalog.Descriptor{Ref: ref, Kind: ref.Kind(), Namespace: ref.Namespace(), Name: name}}
		documents = append(documents, search.Document{Entity: e, Dependents: g.IntN(3)})
		if e.Placeholder = g.IntN(6) == 0; e.Placeholder {
			continue
		}
		e.Annotations = map[string]string{catalog.AnnotationTier: fmt.Sprint(g.IntN(6))}
		e.Lifecycle = []string{"", "production", "Experimental"}[g.IntN(3)]
		e.Owner = []catalog.Ref{"", "group:default/payments", "user:default/ada", "group:shop/payments"}[g.IntN(4)]
		if g.IntN(2) == 0 {
			e.Title = g.phrase(3, " ")
		}
		if g.IntN(2) == 0 {
			e.Description = g.phrase(6, " ", " ", ", ")
		}
		if g.IntN(4) == 0 {
			e.Profile = &catalog.Profile{DisplayName: g.phrase(2, " ")}
		}
		for range g.IntN(3) {
			e.Tags = append(e.Tags, []string{"go", "Java", g.word()}[g.IntN(3)])
		}
		for range g.IntN(2) {
			e.Aliases = append(e.Aliases, catalog.EntityAlias{Alias: catalog.Alias("dns:" + g.phrase(3, "."))})
		}
	}
	return documents
}

func (g generator) query(documents []search.Document) string {
	var words []string
	for range g.IntN(3) {
		words = append(words, g.word())
	}
	e := documents[g.IntN(len(documents))].Entity
	switch g.IntN(4) {
	case 0:
		words = append(words, g.edited(e.Name))
	case 1:
		name := []rune(e.Name)
		words = append(words, string(name[:g.IntN(len(name))+1]))
	case 2:
		words = append(words, string(e.Ref))
	}
	if g.IntN(4) == 0 {
		words = append(words, []string{
			"owner:payments", "owner:ada", "owner:group:payments", "kind:api", "kind:component", "tag:GO", "tag:java",
			"lifecycle:production", "tier:1", "tier:0", "owner:", "kind:none", "other:go",
		}[g.IntN(13)])
	}
	g.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	return strings.Join(words, " ")
}
