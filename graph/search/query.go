package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/catalog"
)

// Query is what a person typed, read. The zero value passes everything.
type Query struct {
	readings []reading
	words    []typed // of all readings, each once
	ref      catalog.Ref
	nothing  bool // something was typed, and no word is in it
	filters  []filter
}

// reading is one way to read what was typed: numbers of words.
type reading []int

// filter passes the entities with any of the values.
type filter struct {
	key    string // one of filterKeys
	values []string
}

// The words that filter.
const (
	OwnerFilter     = "owner"
	KindFilter      = "kind"
	TagFilter       = "tag"
	LifecycleFilter = "lifecycle"
	TierFilter      = "tier"
)

func isFilterKey(word string) bool {
	switch word {
	case OwnerFilter, KindFilter, TagFilter, LifecycleFilter, TierFilter:
		return true
	}
	return false
}

// Parse reads what a person typed. Everything can be read.
//
// `owner:`, `kind:`, `tag:`, `lifecycle:` and `tier:` before a word filter; of the values of one, any must hold. An owner
// is a Ref or a part of one; tier 0 stands for none. A value is quoted by " or ' where it has spaces. A filter without a
// value is one that is still being typed, and does nothing. Any other word before a colon is a plain word.
func Parse(text string) Query {
	text = cutText(text, maxText)
	var q Query
	var plain []string
	for rest := text; ; {
		var piece, key string
		if key, piece, rest = cutPiece(rest); key == "" && piece == "" {
			break
		}
		if key == "" {
			plain = append(plain, piece)
		} else if piece != "" {
			q.addFilter(key, strings.ToLower(piece))
		}
	}
	joined := strings.Join(plain, " ")
	if strings.Contains(joined, ":") {
		q.ref, _ = catalog.ParseRef(joined, "", "") // no Ref is fine
	}
	q.read(joined)
	q.nothing = joined != "" && len(q.readings) == 0
	return q
}

// Restrict keeps only entities with any of the values, besides what was typed. key is one of the words that filter.
func (q *Query) Restrict(key string, values ...string) {
	made := filter{key: key}
	for _, value := range values {
		made.values = append(made.values, strings.ToLower(value))
	}
	q.filters = append(q.filters, made)
}

func (q *Query) addFilter(key, value string) {
	i := slices.IndexFunc(q.filters, func(f filter) bool { return f.key == key })
	if i < 0 {
		i = len(q.filters)
		q.filters = append(q.filters, filter{key: key})
	}
	if !slices.Contains(q.filters[i].values, value) {
		q.filters[i].values = append(q.filters[i].values, value)
	}
}

// cutPiece takes the next piece off a text: a plain word, or the value of a filter. Both are "" at the end.
func cutPiece(text string) (key, piece, rest string) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if before, after, ok := strings.Cut(text, ":"); ok && isFilterKey(strings.ToLower(before)) {
		piece, rest = cutValue(after)
		return strings.ToLower(before), piece, rest
	}
	piece, rest = cutValue(text)
	if piece == "" && rest != "" {
		return cutPiece(rest) // empty quotes
	}
	return "", piece, rest
}

// cutValue takes a word or quoted words off a text. A quote that is not closed goes to the end.
func cutValue(text string) (value, rest string) {
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		value, rest, _ = strings.Cut(text[1:], text[:1])
		return strings.TrimSpace(value), rest
	}
	if end := strings.IndexFunc(text, unicode.IsSpace); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}

// read finds the readings of the plain words.
func (q *Query) read(text string) {
	var w words
	w.split(text)
	if len(w.tokens) == 0 {
		return
	}
	for _, spans := range [][]span{w.tokens, w.chunks} {
		var made []typed
		for _, s := range spans[:min(len(spans), maxWords)] {
			made = append(made, newTyped(string(w.of(s)), false))
		}
		made[len(made)-1].unfinished = true
		q.addReading(made...)
	}
	if len(w.chunks) > 1 && utf8.RuneCount(w.text) <= maxWord {
		joined := newTyped(string(w.text), true)
		joined.joined, joined.length = true, w.length
		q.addReading(joined)
	}
}

func (q *Query) addReading(words ...typed) {
	var made reading
	for _, word := range words {
		number := slices.IndexFunc(q.words, word.equal)
		if number < 0 {
			number = len(q.words)
			q.words = append(q.words, word)
		}
		if !slices.Contains(made, number) {
			made = append(made, number)
		}
	}
	if !slices.ContainsFunc(q.readings, func(known reading) bool { return slices.Equal(known, made) }) {
		q.readings = append(q.readings, made)
	}
}

func (w typed) equal(other typed) bool {
	return w.text == other.text && w.unfinished == other.unfinished && w.joined == other.joined
}
