package pullcheck

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxQuoted is how many bytes of one value are quoted in a summary.
const maxQuoted = 300

// zeroWidth is a space of no width, which ends what GitHub would take for a mention, a reference or an address.
const zeroWidth = "\u200b"

// breaks keeps GitHub from making more of a text than it is.
var breaks = strings.NewReplacer("@", "@"+zeroWidth, "#", "#"+zeroWidth, "://", ":"+zeroWidth+"//", "www.", "www"+zeroWidth+".")

// line is a text in one line, without what cannot be seen or turns the direction of what follows.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// plain is a text that Markdown shows as it is, in one line: nothing in it becomes markup, a link, a reference or a mention.
func plain(text string) string {
	var b strings.Builder
	for _, r := range breaks.Replace(cutText(line(text), maxQuoted*4)) {
		if r < utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// code is a text as inline code, in which nothing means anything.
func code(text string) string {
	text = cutText(line(text), maxQuoted)
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	if text == "" {
		return "` `"
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}

// shown is a text of an annotation, which is no Markdown and may have several lines.
func shown(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = line(lines[i])
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), "@", "@"+zeroWidth)
}

// cutText keeps the beginning of a text, of at most so many bytes.
func cutText(text string, most int) string {
	const more = "…"
	if len(text) <= most {
		return text
	}
	end := most - len(more)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}
