package search

import (
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// Request is a question.
type Request struct {
	Query Query
	Keep  func(*catalog.Entity) bool // which entities count besides; nil = all
	After *Position                  // only what comes behind it; nil = from the beginning
	Limit int                        // how many at most
}

// Result is one page of an answer.
type Result struct {
	Hits  []Hit
	More  bool // others follow
	Total int  // of the whole answer
}

// Hit is an entity that fits.
type Hit struct {
	Position
	Entity *catalog.Entity
	Field  Field  // what of it fits best
	Text   string // the text that fits; of a long one the part around the word
}

// View is a set of documents to be searched: those of a large index, except some, and those of a small one.
type View struct {
	main, recent *Index
	gone         bits // of main
}

// NewView searches recent in place of the documents of main that are named, which may be more than recent has.
func NewView(main, recent *Index, replaced []catalog.Ref) *View {
	v := &View{main: main, recent: recent, gone: newBits(main.Len())}
	for _, ref := range replaced {
		if document, ok := main.lookup(ref); ok {
			v.gone.set(document)
		}
	}
	return v
}

// Find answers a question. Its cost is bounded, whatever was typed.
func (v *View) Find(r Request) Result {
	if r.Query.nothing && r.Query.ref == "" {
		return Result{}
	}
	parts := []*matches{v.main.match(&r, v.gone), v.recent.match(&r, nil)}
	defer func() {
		for _, p := range parts {
			p.index.scratch.Put(p.scratch)
		}
	}()
	result := Result{}
	// What has all words, else what has the most of them.
	for missing := range max(1, len(r.Query.words)) {
		for _, p := range parts {
			result.Total += p.count(missing)
		}
		if result.Total > 0 {
			for _, p := range parts {
				result.Hits = p.best(result.Hits, missing, r.After, r.Limit+1)
			}
			break
		}
	}
	slices.SortFunc(result.Hits, func(a, b Hit) int { return a.compare(b.Position) })
	if result.More = len(result.Hits) > r.Limit; result.More {
		result.Hits = result.Hits[:r.Limit]
	}
	for i := range result.Hits {
		result.Hits[i].explain(&r.Query)
	}
	return result
}

// scratch is the memory of one search in one index.
type scratch struct {
	fits   []fit   // of one word, by document
	sums   []score // of one reading
	scores []score // the best reading
	passes bits    // what passes the filters
	one    bits
}

func newScratch(documents int) *scratch {
	return &scratch{
		fits: make([]fit, documents), sums: make([]score, documents), scores: make([]score, documents),
		passes: newBits(documents), one: newBits(documents),
	}
}

// matches are the documents of one index that fit.
type matches struct {
	index *Index
	*scratch
	keep   func(*catalog.Entity) bool
	levels uint32 // bit n: some fit with n words missing
	counts []int  // of the documents that count, by score, for the level counted last
}

// match computes the scores of all documents.
func (x *Index) match(r *Request, gone bits) *matches {
	m := &matches{index: x, scratch: x.scratch.Get().(*scratch), keep: r.Keep}
	m.filter(r.Query.filters, gone)
	fill(m.scores, noScore)
	if len(r.Query.readings) == 0 && !r.Query.nothing {
		fill(m.scores, 0)
		m.levels = 1
	}
	for i, reading := range r.Query.readings {
		m.read(r.Query.words, reading, i == 0)
	}
	if document, ok := x.lookup(r.Query.ref); ok {
		m.scores[document] = 0
		m.levels |= 1
	}
	return m
}

// filter finds what passes all filters.
func (m *matches) filter(filters []filter, gone bits) {
	m.passes.fill()
	m.passes.without(gone)
	for _, f := range filters {
		m.one.clear()
		for _, value := range f.values {
			m.index.passing(f.key, value, m.one.set)
		}
		m.passes.and(m.one)
	}
}

// read adds one reading. Only in the first one words may be missing.
func (m *matches) read(words []typed, reading reading, first bool) {
	x := m.index
	count := len(reading)
	fill(m.sums, score(count)<<16)
	for _, number := range reading {
		fill(m.fits, noFit)
		x.find(words[number], func(from, to int, edits uint8, beginning bool) {
			var byPlace [8]fit
			for p := range byPlace {
				byPlace[p] = words[number].fit(edits, place(p), beginning)
			}
			for _, p := range x.postings[x.start[from]:x.start[to]] {
				if fit := byPlace[p.place()]; fit < m.fits[p.document()] {
					m.fits[p.document()] = fit
				}
			}
		})
		for document, fit := range m.fits {
			if fit != noFit {
				m.sums[document] += score(fit) - 1<<16
			}
		}
	}
	for document, sum := range m.sums {
		missing := sum.missing()
		if missing == 0 || first && missing < count {
			m.levels |= 1 << missing
			m.scores[document] = min(m.scores[document], sum)
		}
	}
}

// Scores of one level are less than this.
const maxScores = maxWords * int(noFit)

// count counts the documents with so many words missing that pass, and takes out those that do not.
func (m *matches) count(missing int) (total int) {
	if m.levels&(1<<missing) == 0 {
		return 0
	}
	m.counts = make([]int, maxScores)
	for document, s := range m.scores {
		if s == noScore || s.missing() != missing {
			continue
		}
		if !m.passes.has(uint32(document)) || m.keep != nil && !m.keep(m.index.documents[document].Entity) {
			m.scores[document] = noScore
			continue
		}
		m.counts[s&0xffff]++
		total++
	}
	return total
}

// best appends the first documents of a level behind a position.
func (m *matches) best(hits []Hit, missing int, after *Position, limit int) []Hit {
	if m.counts == nil {
		return hits
	}
	from, afterScore := m.behind(after)
	// Which scores make the page: all less than last, and some of last.
	left, last := limit, score(0)
	counts := m.counts
	if after != nil {
		counts = m.countBehind(missing, from, afterScore)
	}
	for int(last) < maxScores-1 && counts[last] <= left {
		left -= counts[last]
		last++
	}
	last |= score(missing) << 16
	for document, s := range m.scores {
		if s > last || s < afterScore || s.missing() != missing || s == afterScore && after != nil && document < from {
			continue
		}
		if s == last {
			if left == 0 {
				continue
			}
			left--
		}
		d := &m.index.documents[document]
		hits = append(hits, Hit{
			Position: Position{Score: uint32(s), Standing: m.index.standings[document], Ref: d.Entity.Ref}, Entity: d.Entity,
		})
	}
	return hits
}

// behind gives the first document behind a position, among those of its score.
func (m *matches) behind(after *Position) (from int, s score) {
	if after == nil {
		return 0, 0
	}
	x := m.index
	from, _ = slices.BinarySearchFunc(x.standings, after.Standing, func(standing, target uint64) int {
		if standing < target {
			return -1
		}
		return 1
	})
	for from < len(x.standings) && x.standings[from] == after.Standing && x.ref(uint32(from)) <= after.Ref {
		from++
	}
	return from, score(after.Score)
}

func (m *matches) countBehind(missing, from int, after score) []int {
	counts := make([]int, maxScores)
	for document, s := range m.scores {
		if s != noScore && s.missing() == missing && (s > after || s == after && document >= from) {
			counts[s&0xffff]++
		}
	}
	return counts
}

func fill[T any](list []T, value T) {
	for i := range list {
		list[i] = value
	}
}
