package search

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
)

// Index holds documents so that they are found fast. It is immutable; many goroutines may search it.
type Index struct {
	documents []Document // by standing, then Ref: the number of a document is its rank among equally good ones
	standings []uint64   // of each document
	byRef     []uint32   // documents by Ref
	vocabulary
	start    []int     // the postings of term i are postings[start[i]:start[i+1]]
	postings []posting // of each term, by document
	filters  map[filterKey][]uint32
	scratch  *sync.Pool // of *scratch
}

// posting says that a term is in a document: the number of the document, then the place in 3 bits, the least of the term.
type posting uint32

func (p posting) document() uint32 { return uint32(p >> 3) }
func (p posting) place() place     { return place(p & 7) }

type filterKey struct{ key, value string }

// Build makes the index of documents, of which no two may have the same Ref.
func Build(documents []Document) *Index {
	type ranked struct {
		Document
		standing uint64
	}
	order := make([]ranked, len(documents))
	for i, d := range documents {
		order[i] = ranked{d, d.standing()}
	}
	slices.SortFunc(order, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.standing, b.standing), cmp.Compare(a.Entity.Ref, b.Entity.Ref))
	})
	x := &Index{
		documents: make([]Document, len(order)), standings: make([]uint64, len(order)), byRef: make([]uint32, len(order)),
		filters: map[filterKey][]uint32{},
	}
	for i, d := range order {
		x.documents[i], x.standings[i], x.byRef[i] = d.Document, d.standing, uint32(i)
	}
	slices.SortFunc(x.byRef, func(a, b uint32) int { return cmp.Compare(x.ref(a), x.ref(b)) })
	b := builder{known: map[term]uint32{}}
	for i, d := range x.documents {
		b.add(uint32(i), d.Entity)
		x.addFilters(uint32(i), d.Entity)
	}
	b.finish(x)
	x.scratch = &sync.Pool{New: func() any { return newScratch(x.Len()) }}
	return x
}

// Len is the number of documents.
func (x *Index) Len() int { return len(x.documents) }

func (x *Index) ref(document uint32) catalog.Ref { return x.documents[document].Entity.Ref }

// lookup finds the document of an entity.
func (x *Index) lookup(ref catalog.Ref) (document uint32, ok bool) {
	i := sort.Search(len(x.byRef), func(i int) bool { return x.ref(x.byRef[i]) >= ref })
	if i == len(x.byRef) || x.ref(x.byRef[i]) != ref {
		return 0, false
	}
	return x.byRef[i], true
}

// addFilters notes what a document passes. Documents come in order.
func (x *Index) addFilters(document uint32, e *catalog.Entity) {
	add := func(key, value string) {
		k := filterKey{key, value}
		if list := x.filters[k]; len(list) == 0 || list[len(list)-1] != document {
			x.filters[k] = append(list, document)
		}
	}
	add(KindFilter, e.Ref.Kind())
	add(TierFilter, string(rune('0'+e.Tier())))
	if e.Owner != "" {
		add(OwnerFilter, e.Owner.Name())
	}
	add(LifecycleFilter, strings.ToLower(e.Lifecycle))
	for _, tag := range e.Tags {
		add(TagFilter, strings.ToLower(tag))
	}
}

// passing yields the documents that pass one value of a filter.
func (x *Index) passing(key, value string, yield func(document uint32)) {
	if key != OwnerFilter {
		for _, document := range x.filters[filterKey{key, value}] {
			yield(document)
		}
		return
	}
	kind, namespace, name := "", "", value
	if before, after, ok := strings.Cut(name, ":"); ok && !strings.Contains(before, "/") {
		kind, name = before, after
	}
	if before, after, ok := strings.Cut(name, "/"); ok {
		namespace, name = before, after
	}
	for _, document := range x.filters[filterKey{key, name}] {
		owner := x.documents[document].Entity.Owner
		if (kind == "" || owner.Kind() == kind) && (namespace == "" || owner.Namespace() == namespace) {
			yield(document)
		}
	}
}

// texts yields what can be found of an entity, with the place of its words. Places come in order.
func texts(e *catalog.Entity, yield func(text string, in place)) {
	yield(e.Name, inName)
	yield(e.Title, inTitle)
	if e.Profile != nil {
		yield(e.Profile.DisplayName, inTitle)
	}
	for i := range e.Aliases {
		yield(string(e.Aliases[i].Alias), inAlias)
	}
	for _, tag := range e.Tags {
		yield(tag, inTag)
	}
	yield(e.Description, inDescription)
}

// findable yields the words of one text with their places, the least first.
func (w *words) findable(text string, in place, yield func(s span, in place)) {
	w.split(cutText(text, maxFound))
	if len(w.text) == 0 {
		return
	}
	if in == inName {
		yield(w.whole(), wholeName)
	}
	w.all(in == inTitle, func(s span) { yield(s, in) })
}

// builder gathers the terms of documents.
type builder struct {
	words
	list  []term          // as they were met
	known map[term]uint32 // their numbers
	last  []uint32        // one more than the last document of each
	found []occurrence
}

type occurrence struct {
	term uint32
	posting
}

func (b *builder) add(document uint32, e *catalog.Entity) {
	first := len(b.found)
	texts(e, func(text string, in place) {
		b.findable(text, in, func(s span, in place) {
			word, length := b.of(s), b.lengthOf(s)
			number, ok := b.known[term{string(word), length}]
			if !ok {
				number = uint32(len(b.list))
				made := term{string(word), length}
				b.list, b.last, b.known[made] = append(b.list, made), append(b.last, 0), number
			}
			// Places come in order, so the first is the least.
			if b.last[number] != document+1 && len(b.found)-first < maxFindable {
				b.last[number] = document + 1
				b.found = append(b.found, occurrence{number, posting(document<<3) | posting(in)})
			}
		})
	})
}

// finish sorts the terms and puts the postings in their order.
func (b *builder) finish(x *Index) {
	order := make([]uint32, len(b.list))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(i, j uint32) int { return b.list[i].compare(b.list[j]) })
	sorted, rank := make([]term, len(order)), make([]uint32, len(order))
	for i, number := range order {
		sorted[i], rank[number] = b.list[number], uint32(i)
	}
	x.vocabulary = newVocabulary(sorted)
	x.start = make([]int, len(sorted)+1)
	for _, f := range b.found {
		x.start[rank[f.term]+1]++
	}
	for i := range sorted {
		x.start[i+1] += x.start[i]
	}
	x.postings = make([]posting, len(b.found))
	next := slices.Clone(x.start)
	for _, f := range b.found {
		at := &next[rank[f.term]]
		x.postings[*at] = f.posting
		*at++
	}
}
