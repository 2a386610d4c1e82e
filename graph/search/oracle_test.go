package search_test

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/search"
)

// The oracle says what the package documentation says, by looking at everything and saving nothing.

// answer is what the oracle expects: an entity with all that it is ranked by, the weightiest first.
type answer struct {
	rank   []int // missing words, sum of fits; placeholder, tier, dependents (fewer is greater)
	entity *catalog.Entity
	field  search.Field
	text   string
}

func compareAnswers(a, b answer) int {
	return cmp.Or(slices.Compare(a.rank, b.rank), cmp.Compare(a.entity.Ref, b.entity.Ref))
}

// found is one word of an entity.
type found struct {
	word   string
	length int    // for what is tolerated
	grade  [2]int // of the whole word, and of its beginning
	field  search.Field
	text   string
}

func oracle(documents []search.Document, text string, keep func(*catalog.Entity) bool) []answer {
	plain, filters := lex(text)
	ref, _ := catalog.ParseRef(strings.Join(plain, " "), "", "")
	if !strings.Contains(strings.Join(plain, " "), ":") {
		ref = ""
	}
	var readings [][]typedWord
	tokens, chunks := split(strings.Join(plain, " "))
	for i, words := range [][]string{tokens, chunks, {strings.Join(tokens, "")}} {
		if len(tokens) == 0 {
			break
		}
		var reading []typedWord
		for _, word := range words[:min(len(words), 8)] {
			reading = append(reading, typedWord{word: word, length: len([]rune(word))})
		}
		reading[len(reading)-1].last = true
		if i == 2 && len(chunks) > 1 {
			reading[0].joined = true
			reading[0].length = written(strings.Join(plain, " "))
		}
		readings = append(readings, reading)
	}
	if len(plain) > 0 && len(readings) == 0 && ref == "" {
		return nil
	}
	var all []answer
	for _, d := range documents {
		if !passes(d.Entity, filters) || keep != nil && !keep(d.Entity) {
			continue
		}
		if a, ok := fits(d, readings, len(plain) == 0 || d.Entity.Ref == ref); ok {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, compareAnswers)
	for i := range all {
		if all[i].rank[0] != all[0].rank[0] {
			return all[:i]
		}
	}
	return all
}

// fits ranks one entity.
func fits(d search.Document, readings [][]typedWord, anyway bool) (answer, bool) {
	e := d.Entity
	a := answer{entity: e, field: search.Name, text: e.Name}
	words := wordsOf(e)
	var best []int
	if anyway {
		best = []int{0, 0}
	}
	bestWord := []int{none}
	for i, reading := range readings {
		rank := []int{0, 0}
		for _, typed := range distinct(reading) {
			least := none
			for at, w := range words {
				fit := fitOf(typed, w)
				if first := []int{fit, at}; fit < none && slices.Compare(first, bestWord) < 0 {
					bestWord, a.field, a.text = first, w.field, w.text
				}
				least = min(least, fit)
			}
			if least == none {
				rank[0]++
				continue
			}
			rank[1] += least
		}
		all, some := rank[0] == 0, rank[0] < len(distinct(reading))
		if (all || i == 0 && some) && (best == nil || slices.Compare(rank, best) < 0) {
			best = rank
		}
	}
	if best == nil {
		return a, false
	}
	tier := e.Tier()
	if tier == 0 {
		tier = 5
	}
	placeholder := 0
	if e.Placeholder {
		placeholder = 1
	}
	a.rank = append(best, placeholder, tier, -d.Dependents)
	return a, true
}

type typedWord struct {
	word   string
	length int // for what is tolerated
	last   bool
	joined bool
}

func distinct(reading []typedWord) (words []typedWord) {
	for _, word := range reading {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

const none = math.MaxInt

// fitOf adds edits and grade.
func fitOf(typed typedWord, w found) int {
	tolerates := func(n int) int {
		if strings.Trim(typed.word, "0123456789") == "" || n < 4 {
			return 0
		} else if n < 8 {
			return 1
		}
		return 2
	}
	best := none
	a, b := []rune(typed.word), []rune(w.word)
	if edits := distance(a, b); edits <= tolerates(max(typed.length, w.length)) {
		best = 8*edits + w.grade[0]
		if typed.joined && edits > 0 && w.grade[0] > 0 {
			best = none
		}
	}
	for n := range len(b) + 1 {
		if edits := distance(a, b[:n]); typed.last && edits <= tolerates(typed.length) && (!typed.joined || edits == 0 || w.grade[0] == 0) {
			best = min(best, 8*edits+w.grade[1])
		}
	}
	return best
}

// distance counts edits by the whole table: insertions, deletions, substitutions, transpositions of neighbours.
func distance(a, b []rune) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := range table[i] {
			switch {
			case i == 0 || j == 0:
				table[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				table[i][j] = table[i-1][j-1]
			default:
				table[i][j] = 1 + min(table[i-1][j-1], table[i-1][j], table[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				table[i][j] = min(table[i][j], 1+table[i-2][j-2])
			}
		}
	}
	return table[len(a)][len(b)]
}

func wordsOf(e *catalog.Entity) (words []found) {
	add := func(text string, field search.Field, exact, beginning int, joined bool) {
		tokens, chunks := split(text)
		if whole := strings.Join(tokens, ""); whole != "" && field == search.Name {
			words = append(words, found{whole, written(text), [2]int{0, 2}, field, text})
		} else if whole != "" && joined {
			words = append(words, found{whole, written(text), [2]int{exact, beginning}, field, text})
		}
		for _, word := range append(chunks, tokens...) {
			words = append(words, found{word, len([]rune(word)), [2]int{exact, beginning}, field, text})
		}
	}
	add(e.Name, search.Name, 1, 3, false)
	add(e.Title, search.Title, 4, 5, true)
	if e.Profile != nil {
		add(e.Profile.DisplayName, search.Title, 4, 5, true)
	}
	for _, alias := range e.Aliases {
		add(string(alias.Alias), search.Alias, 6, 7, false)
	}
	for _, tag := range e.Tags {
		add(tag, search.Tag, 8, 9, false)
	}
	add(e.Description, search.Description, 10, 11, false)
	return words
}

// written is how long a text is, with the separators in it.
func written(text string) int {
	return len([]rune(strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })))
}

// split gives the finest words, and what stands between separators.
func split(text string) (tokens, chunks []string) {
	for _, chunk := range strings.FieldsFunc(accentless(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		chunks = append(chunks, strings.ToLower(chunk))
		r := []rune(chunk)
		from := 0
		for i := 1; i < len(r); i++ {
			capital := unicode.IsUpper(r[i])
			newWord := capital && unicode.IsLetter(r[i-1]) && !unicode.IsUpper(r[i-1]) ||
				capital && unicode.IsUpper(r[i-1]) && i+1 < len(r) && unicode.IsLetter(r[i+1]) && !unicode.IsUpper(r[i+1])
			if newWord || unicode.IsNumber(r[i]) != unicode.IsNumber(r[i-1]) {
				tokens, from = append(tokens, strings.ToLower(string(r[from:i]))), i
			}
		}
		tokens = append(tokens, strings.ToLower(string(r[from:])))
	}
	return tokens, chunks
}

func accentless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(text))
}

// lex reads what was typed, where nothing is quoted.
func lex(text string) (plain []string, filters map[string][]string) {
	filters = map[string][]string{}
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, ":")
		switch key {
		case "owner", "kind", "tag", "lifecycle", "tier":
			if strings.Contains(word, ":") {
				if value != "" {
					filters[key] = append(filters[key], strings.ToLower(value))
				}
				continue
			}
		}
		plain = append(plain, word)
	}
	return plain, filters
}

func passes(e *catalog.Entity, filters map[string][]string) bool {
	for key, values := range filters {
		if !slices.ContainsFunc(values, func(value string) bool {
			switch key {
			case "owner":
				return string(e.Owner) == value || e.Owner.Name() == value || e.Owner.Kind()+":"+e.Owner.Name() == value
			case "kind":
				return e.Ref.Kind() == value
			case "tag":
				return slices.ContainsFunc(e.Tags, func(tag string) bool { return strings.EqualFold(tag, value) })
			case "lifecycle":
				return strings.EqualFold(e.Lifecycle, value)
			}
			return string(rune('0'+e.Tier())) == value
		}) {
			return false
		}
	}
	return true
}
