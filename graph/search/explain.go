package search

import (
	"strings"
	"unicode/utf8"
)

// excerptLength is how much of a long text is shown, in bytes.
const excerptLength = 160

// explain finds what of the entity fits best: the best fit of any word, and the first text with it.
func (h *Hit) explain(q *Query) {
	h.Field, h.Text = Name, h.Entity.Name
	best := noFit
	var w words
	texts(h.Entity, func(text string, in place) {
		w.findable(text, in, func(s span, in place) {
			if best <= fitOf(0, in, false) {
				return // it gets no better
			}
			one := newVocabulary([]term{{string(w.of(s)), w.lengthOf(s)}})
			for i := range q.words {
				typed := q.words[i]
				typed.exact = typed.exact || best <= fitOf(1, in, false)
				one.find(typed, func(_, _ int, edits uint8, beginning bool) {
					if fit := typed.fit(edits, in, beginning); fit < best {
						best = fit
						h.Field, h.Text = in.field(), excerpt(text, s.at)
					}
				})
			}
		})
	})
}

// excerpt is the part of a long text around a place.
func excerpt(text string, at int) string {
	if len(text) <= excerptLength {
		return text
	}
	from := max(0, at-excerptLength/4)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	if space := strings.IndexByte(text[from:at], ' '); from > 0 && space >= 0 {
		from += space + 1
	}
	part := cutText(text[from:], excerptLength)
	if to := from + len(part); to < len(text) {
		if space := strings.LastIndexByte(part, ' '); space > at-from {
			part = part[:space]
		}
		part += "…"
	}
	if from > 0 {
		part = "…" + part
	}
	return part
}
