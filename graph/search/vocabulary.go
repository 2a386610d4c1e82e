package search

import (
	"cmp"
	"sort"
	"strings"
	"unicode/utf8"
)

// vocabulary is a sorted list of different terms.
type vocabulary struct {
	words   []string
	lengths []uint8 // of the terms
	shared  []uint8 // how many characters each word begins with like the one before it
}

// term is a word that can be found. length, in characters, is what edits are tolerated by: whole names have the one with
// their separators, so that equal words may have several.
type term struct {
	word   string
	length uint8
}

func (t term) compare(other term) int {
	return cmp.Or(strings.Compare(t.word, other.word), cmp.Compare(t.length, other.length))
}

func newVocabulary(sorted []term) vocabulary {
	v := vocabulary{
		words: make([]string, len(sorted)), lengths: make([]uint8, len(sorted)), shared: make([]uint8, len(sorted)),
	}
	for i, t := range sorted {
		v.words[i], v.lengths[i] = t.word, t.length
		if i > 0 {
			v.shared[i] = sharedCharacters(sorted[i-1].word, t.word)
		}
	}
	return v
}

func sharedCharacters(a, b string) (n uint8) {
	for a != "" && b != "" {
		ra, size := utf8.DecodeRuneInString(a)
		rb, _ := utf8.DecodeRuneInString(b)
		if ra != rb {
			break
		}
		a, b = a[size:], b[size:]
		n++
	}
	return n
}

// typed is a word that was typed.
type typed struct {
	text       string
	characters []rune
	length     int  // by which edits are tolerated: of several words joined, with what separated them
	unfinished bool // it may be the beginning of a word
	joined     bool // from several
	exact      bool // a number, which tolerates nothing
}

func newTyped(word string, unfinished bool) typed {
	w := typed{text: word, characters: []rune(word), unfinished: unfinished, exact: true}
	w.length = len(w.characters)
	for _, r := range w.characters {
		if kindOf(r) != digit {
			w.exact = false
		}
	}
	return w
}

const maxEdits = 2

// tolerated is how many edits a word of so many characters may have.
func tolerated(characters int) uint8 {
	switch {
	case characters >= 8:
		return 2
	case characters >= 4:
		return 1
	}
	return 0
}

// found takes the words from a number up to another one, and how they fit. Words may come more than once, the better fit at
// any time.
type found func(from, to int, edits uint8, beginning bool)

// find gives all words that fit what was typed.
func (v *vocabulary) find(w typed, found found) {
	first := sort.SearchStrings(v.words, w.text)
	next := first
	for next < len(v.words) && v.words[next] == w.text {
		next++
	}
	if next > first {
		found(first, next, 0, false)
	}
	if w.unfinished {
		count := sort.Search(len(v.words)-first, func(i int) bool { return !strings.HasPrefix(v.words[first+i], w.text) })
		if count > 0 {
			found(first, first+count, 0, true)
		}
	}
	if !w.exact {
		v.misspelt(w, found)
	}
}

// band is a row of the table of distances, for one beginning of a word of the vocabulary: how many edits lead from it to
// each beginning of what was typed whose length differs by at most 2. Entry 2 is that of equal length.
type band [5]uint8

const tooFar = 9

// misspelt walks the vocabulary like a tree, row by row of the table of distances, and leaves out branches from which
// nothing leads to what was typed.
func (v *vocabulary) misspelt(w typed, found found) {
	length := len(w.characters)
	begun := tolerated(w.length)           // edits that a beginning may have
	most := tolerated(w.length + maxEdits) // a whole word may be longer
	if w.length+1 < 4 {
		return // what it could be meant for is too short as well
	}
	if !w.unfinished {
		begun = 0
	}
	var (
		rows    [maxWord + 1]band
		letters [maxWord + 1]rune
		ends    [maxWord + 1]int   // where each character ends in the present word
		least   [maxWord + 1]uint8 // edits of the best beginning so far
	)
	rows[0], least[0] = band{tooFar, tooFar, 0, 1, 2}, tooFar
	for i := 0; i < len(v.words); {
		word, depth := v.words[i], int(v.shared[i])
		over := false // nothing better comes further down
		for at := ends[depth]; at < len(word) && !over; {
			r, size := rune(word[at]), 1
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRuneInString(word[at:])
			}
			at += size
			depth++
			letters[depth], ends[depth] = r, at
			before := &rows[0]
			if depth > 1 {
				before = &rows[depth-2]
			}
			nearest := rows[depth].fill(&rows[depth-1], before, w.characters, depth, r, letters[depth-1])
			least[depth] = min(least[depth-1], rows[depth].distance(length, depth))
			over = nearest > most || w.unfinished && nearest > least[depth]
		}
		next := i + 1
		if over {
			for next < len(v.words) && int(v.shared[next]) >= depth {
				next++
			}
		} else if edits := rows[depth].distance(length, depth); edits <= tolerated(max(w.length, int(v.lengths[i]))) {
			found(i, next, edits, false)
		}
		if edits := least[depth]; w.unfinished && edits <= begun {
			found(i, next, edits, true)
		}
		i = next
	}
}

// fill computes the row of one more character from the two rows before it, and gives its least entry.
func (b *band) fill(above, before *band, typed []rune, depth int, r, last rune) (nearest uint8) {
	nearest = tooFar
	left := uint8(tooFar)
	for x := range b {
		at := depth + x - 2 // characters typed
		edits := uint8(tooFar)
		switch {
		case at == 0:
			edits = uint8(depth)
		case at > 0 && at <= len(typed):
			edits = left + 1
			if x < len(b)-1 {
				edits = min(edits, above[x+1]+1)
			}
			c := typed[at-1]
			if c == r {
				edits = min(edits, above[x])
			} else {
				edits = min(edits, above[x]+1)
				if at > 1 && depth > 1 && c == last && typed[at-2] == r {
					edits = min(edits, before[x]+1)
				}
			}
			edits = min(edits, tooFar)
		}
		b[x], left = edits, edits
		nearest = min(nearest, edits)
	}
	return nearest
}

// distance is the entry for all that was typed.
func (b *band) distance(length, depth int) uint8 {
	if x := length - depth + 2; x >= 0 && x < len(b) {
		return b[x]
	}
	return tooFar
}
