package hosts

import "strings"

// unknown stands in a value for what is put in only later: a variable, a secret, an expression of a template.
const unknown = "\x01"

// mask puts unknown in place of ${NAME}, $(NAME), $NAME, #{…}, {{…}}, <%…%>, <NAME> and %NAME%, so that it ends up neither
// in a host nor takes a value apart. A default, as in ${NAME:-redis}, is put in its place instead. What holds a URL is left as it is.
func mask(value string) string {
	if !strings.ContainsAny(value, "$#{<%") {
		return value
	}
	var b strings.Builder
	b.Grow(len(value))
	for value != "" {
		i := strings.IndexAny(value, "$#{<%")
		if i < 0 {
			break
		}
		b.WriteString(value[:i])
		value = value[i:]
		size, put := variable(value)
		if size == 0 {
			size, put = 1, value[:1]
		}
		b.WriteString(put)
		value = value[size:]
	}
	b.WriteString(value)
	return b.String()
}

// variable is the length of what a value begins with, if that is a variable, and what to put in its place.
func variable(value string) (size int, put string) {
	for _, sign := range [][2]string{{"${", "}"}, {"$(", ")"}, {"#{", "}"}, {"{{", "}}"}, {"<%", "%>"}} {
		if !strings.HasPrefix(value, sign[0]) {
			continue
		}
		inner, _, ok := strings.Cut(value[2:min(len(value), maxVariable)], sign[1])
		if !ok || strings.Contains(inner, "://") || strings.Contains(inner, "\n") {
			return 0, ""
		}
		size = 2 + len(inner) + len(sign[1])
		if sign[0] == "${" {
			if _, fallback, ok := strings.Cut(inner, ":"); ok {
				return size, strings.TrimPrefix(fallback, "-")
			}
		}
		return size, unknown
	}
	end := 1
	for end < len(value) && end < maxVariable && (isNameByte(value[end]) || value[0] == '<' && value[end] == '-') {
		end++
	}
	switch {
	case value[0] == '<':
		if name := value[1:end]; end == 1 || end == len(value) || value[end] != '>' || strings.ToUpper(name) != name {
			return 0, "" // a tag
		}
		return end + 1, unknown
	case end == 1 || value[1] >= '0' && value[1] <= '9':
		return 0, ""
	case value[0] == '$':
		return end, unknown
	case value[0] == '%' && end < len(value) && value[end] == '%':
		return end + 1, unknown
	}
	return 0, ""
}

// maxVariable is the length of the longest variable, in bytes: looking for the end of one costs no more.
const maxVariable = 256

func isNameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}
