package search

import (
	"math"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// words are those of one text, folded. They lie one after the other, so that words that stand together are a part of text.
type words struct {
	text   []byte // all of them, without what separated them
	tokens []span // the finest words
	chunks []span // what stood between separators; a chunk is one token or several
	length int    // characters from the first word to the last, with what separates them
}

// span is a part of words.text.
type span struct {
	from, to int
	at       int // where it begins in what was split
}

// Kinds of characters, by which tokens end.
const (
	separator = iota
	lower
	upper
	digit
)

// split replaces the words by those of a text.
func (w *words) split(text string) {
	w.text, w.tokens, w.chunks, w.length = w.text[:0], w.tokens[:0], w.chunks[:0], 0
	token, chunk := -1, -1 // where the present ones begin in w.text
	tokenAt, chunkAt := 0, 0
	before, lastStart, lastAt := separator, 0, 0 // of the last letter
	endToken := func(to int) {
		if token >= 0 && to > token {
			w.tokens = append(w.tokens, span{token, to, tokenAt})
		}
		token = -1
	}
	for at, r := range text {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		kind := kindOf(r)
		if kind == separator {
			endToken(len(w.text))
			if chunk >= 0 {
				w.chunks = append(w.chunks, span{chunk, len(w.text), chunkAt})
				chunk = -1
			}
			before = separator
			continue
		}
		start := len(w.text)
		w.fold(r)
		if len(w.text) == start {
			continue
		}
		switch {
		case before == separator:
			chunk, chunkAt = start, at
			token, tokenAt = start, at
		case before == lower && kind == upper, (before == digit) != (kind == digit):
			endToken(start)
			token, tokenAt = start, at
		case before == upper && kind == lower && lastStart > token: // the S of HTTPServer
			endToken(lastStart)
			token, tokenAt = lastStart, lastAt
		}
		before, lastStart, lastAt = kind, start, at
	}
	endToken(len(w.text))
	if chunk >= 0 {
		w.chunks = append(w.chunks, span{chunk, len(w.text), chunkAt})
	}
	if len(w.tokens) > 0 {
		_, size := utf8.DecodeRuneInString(text[lastAt:])
		w.length = utf8.RuneCountInString(text[w.tokens[0].at : lastAt+size])
	}
}

func kindOf(r rune) int {
	switch {
	case 'a' <= r && r <= 'z':
		return lower
	case 'A' <= r && r <= 'Z':
		return upper
	case '0' <= r && r <= '9':
		return digit
	case r < utf8.RuneSelf:
		return separator
	case unicode.IsUpper(r), unicode.IsTitle(r):
		return upper
	case unicode.IsNumber(r):
		return digit
	case unicode.IsLetter(r), unicode.IsMark(r):
		return lower
	}
	return separator
}

// fold appends a letter or digit without regard to case and accents.
func (w *words) fold(r rune) {
	if r < utf8.RuneSelf {
		w.text = append(w.text, byte(unicode.ToLower(r)))
		return
	}
	for _, r := range norm.NFKD.String(string(r)) {
		if !unicode.Is(unicode.Mn, r) && kindOf(r) != separator {
			w.text = utf8.AppendRune(w.text, unicode.ToLower(r))
		}
	}
}

// of is the word of a span, cut to [maxWord] characters.
func (w *words) of(s span) []byte { return cutWord(w.text[s.from:s.to]) }

// lengthOf is that of the term of a span.
func (w *words) lengthOf(s span) uint8 {
	if s.from == 0 && s.to == len(w.text) {
		return uint8(min(w.length, math.MaxUint8))
	}
	return uint8(utf8.RuneCount(w.of(s)))
}

// whole is all words as one.
func (w *words) whole() span {
	s := span{to: len(w.text)}
	if len(w.tokens) > 0 {
		s.at = w.tokens[0].at
	}
	return s
}

// all yields the whole where it counts as one word, then chunks, then tokens. Equal spans may come twice.
func (w *words) all(joined bool, yield func(s span)) {
	if joined && len(w.text) > 0 {
		yield(w.whole())
	}
	for _, chunk := range w.chunks {
		yield(chunk)
	}
	if len(w.tokens) > len(w.chunks) {
		for _, token := range w.tokens {
			yield(token)
		}
	}
}

func cutWord(word []byte) []byte {
	if len(word) <= maxWord {
		return word
	}
	characters := 0
	for i := range string(word) {
		if characters == maxWord {
			return word[:i]
		}
		characters++
	}
	return word
}

// cutText leaves at most so many bytes, and whole characters.
func cutText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
