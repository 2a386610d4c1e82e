package hosts

import "strings"

// word is a part of a text.
type word struct {
	text  string
	glued bool // no blank stands before it
}

// endOfCommand is the word that the signs of a shell become behind which another command begins.
const endOfCommand = "&&"

// signs take words apart, beside blanks.
const signs = "\"'`;|&"

// split takes a text apart at blanks, quotes and the signs of a shell. A URL that is taken apart before its last at sign has
// such a sign in its password: no part of it is returned.
func split(text string) []word {
	if len(text) > maxWords {
		text = text[:maxWords]
	}
	var words []word
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' && string(r) != unknown }) {
		if !strings.ContainsAny(field, signs) {
			words = append(words, word{text: field})
			continue
		}
		words = splitField(words, field)
	}
	return words
}

func splitField(words []word, field string) []word {
	from := len(words)
	for field != "" {
		end := strings.IndexAny(field, signs)
		for end >= 0 && field[end] == '&' && !strings.HasPrefix(field[end:], endOfCommand) { // that of a query
			next := strings.IndexAny(field[end+1:], signs)
			if next < 0 {
				end = -1
				break
			}
			end += 1 + next
		}
		if end < 0 {
			end = len(field)
		}
		part := word{text: field[:end], glued: len(words) > from}
		switch {
		case part.text == "":
		case strings.Contains(part.text, "@") && !strings.Contains(part.text, "://") && part.glued:
			words = withoutURL(words, from, part)
		default:
			words = append(words, part)
		}
		if end == len(field) {
			break
		}
		if strings.IndexByte(";|&", field[end]) >= 0 {
			words = append(words, word{text: endOfCommand, glued: len(words) > from})
		}
		if field[end] == '&' { // the first one of two
			end++
		}
		field = field[end+1:]
	}
	return words
}

// withoutURL takes back the URL that a word with an at sign belongs to, with what stands between. A parameter of SQL Server
// is no part of one.
func withoutURL(words []word, from int, part word) []word {
	for i := len(words) - 1; i >= from; i-- {
		if !strings.Contains(words[i].text, "://") {
			continue
		}
		if strings.Contains(words[i].text, "jdbc:sqlserver://") && strings.Contains(part.text, "=") {
			return words
		}
		return words[:i]
	}
	return append(words, part)
}
