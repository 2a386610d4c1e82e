package hosts

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// setting is one value in a file or variable, under the path of its names.
type setting struct {
	path, value string
	upstream    bool // value is a name that the file itself gives to a group of hosts
}

// walk gives the settings of a value: it is one itself, or a file that has many. Files are read line by line, whatever
// their format, since most are templates or half of one; comments are passed over.
func walk(name, value string, emit func(setting)) {
	if len(value) > maxBytes {
		value = value[:maxBytes]
	}
	value = mask(strings.TrimSpace(value))
	if value == "" || forReaders(name) || isDashboard(value) {
		return
	}
	if value[0] == '{' || value[0] == '[' {
		var v any
		if json.Unmarshal([]byte(strings.ReplaceAll(value, unknown, `\u0001`)), &v) == nil {
			walkJSON(fileless(name), v, emit)
			return
		}
	}
	if !strings.Contains(value, "\n") {
		if key, rest, ok := cutSetting(value); ok && strings.HasSuffix(name, ".properties") {
			name, value = key, rest
		}
		emit(setting{path: fileless(name), value: value})
		return
	}
	l := lines{emit: emit, root: fileless(name)}
	for line := range strings.Lines(value) {
		l.line(strings.TrimRight(line, " \t\r\n"))
	}
}

// forReaders says whether a file is for people or browsers, by its name.
func forReaders(name string) bool {
	_, extension := cutExtension(name)
	return slices.Contains([]string{"html", "htm", "css", "svg", "md", "js", "mjs", "pem", "crt", "xsd", "xsl"}, extension)
}

// isDashboard says whether a file is one of Grafana, which shows what others have measured.
func isDashboard(value string) bool {
	return value[0] == '{' && strings.Contains(value, `"panels"`) && strings.Contains(value, `"schemaVersion"`)
}

// fileless is a name but for that of a file, which says nothing of what is in it.
func fileless(name string) string {
	if _, extension := cutExtension(name); extensions[extension] {
		return ""
	}
	return name
}

func cutExtension(name string) (stem, extension string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return name, ""
	}
	return name[:i], strings.ToLower(name[i+1:])
}

func walkJSON(path string, v any, emit func(setting)) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walkJSON(join(path, key), v[key], emit)
		}
	case []any:
		for i, item := range v {
			walkJSON(join(path, strconv.Itoa(i)), item, emit) // an item may be switched off alone
		}
	case string:
		if strings.Contains(v, "\n") {
			walk(path, v, emit)
			return
		}
		emit(setting{path: path, value: v})
	case bool:
		if !v {
			emit(setting{path: path, value: "false"})
		} else {
			emit(setting{path: path, value: "true"})
		}
	}
}

// maxPath is the length of the longest path, in bytes, so that deep files cost no more than long ones.
const maxPath = 512

func join(path, key string) string {
	if path == "" {
		return key
	}
	if len(path)+len(key) > maxPath {
		return key
	}
	return path + "." + key
}

// lines reads a file in which indents, sections or braces give settings their paths.
type lines struct {
	emit    func(setting)
	root    string
	stack   []level
	items   int    // of lists, so far
	comment string // ends the comment that the file is in; "" = in none
}

type level struct {
	indent int
	path   string
	item   bool // of a list; such a one may stand as deep as the key that it belongs to
}

const maxLevels = 64

func (l *lines) line(line string) {
	text := strings.TrimLeft(line, " \t")
	indent := len(line) - len(text)
	if l.comment != "" {
		_, rest, ended := strings.Cut(text, l.comment)
		if !ended {
			return
		}
		l.comment, text = "", strings.TrimSpace(rest)
	}
	for _, c := range [][2]string{{"/*", "*/"}, {"<!--", "-->"}} {
		if before, rest, ok := strings.Cut(text, c[0]); ok && (before == "" || strings.HasSuffix(before, " ")) {
			_, after, ended := strings.Cut(rest, c[1])
			switch {
			case ended:
			case before == "":
				l.comment = c[1]
			default:
				continue // within a value: a path with any ending
			}
			text = strings.TrimSpace(before + " " + after)
		}
	}
	if text = uncomment(text); text == "" || text == "---" {
		return
	}
	for strings.HasPrefix(text, "- ") {
		l.pop(func(v level) bool { return v.indent > indent || v.indent == indent && v.item })
		l.push(level{indent: indent, path: join(l.parent(), strconv.Itoa(l.items)), item: true})
		l.items++
		text = strings.TrimLeft(text[2:], " ")
		indent += 2
	}
	if section, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(section, "]") && !strings.ContainsAny(section, `,"':/ `) {
		l.stack = []level{{indent: -1, path: join(l.root, strings.Trim(section, "[]"))}}
		return
	}
	l.pop(func(v level) bool { return v.indent >= indent })
	parent := l.parent()
	key, value, ok := cutSetting(text)
	switch {
	case !ok:
		l.directive(parent, text, indent)
	case opens(value):
		l.push(level{indent: indent, path: join(parent, key)})
	default:
		if !flow(join(parent, key), value, l.emit) {
			l.emit(setting{path: join(parent, key), value: value})
		}
	}
}

// pop leaves the levels that have ended.
func (l *lines) pop(ended func(level) bool) {
	for len(l.stack) > 0 && ended(l.stack[len(l.stack)-1]) {
		l.stack = l.stack[:len(l.stack)-1]
	}
}

// parent is the path of the level that a line stands in.
func (l *lines) parent() string {
	if len(l.stack) == 0 {
		return l.root
	}
	return l.stack[len(l.stack)-1].path
}

func (l *lines) push(v level) {
	if len(l.stack) < maxLevels {
		l.stack = append(l.stack, v)
	}
}

// directive is a line without a key and a sign after it: of nginx, HAProxy, a script or a list.
func (l *lines) directive(parent, text string, indent int) {
	if flow(parent, text, l.emit) {
		return
	}
	if at := strings.IndexByte(text, '{'); at > 0 && strings.HasSuffix(text, "}") { // a block in one line
		for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("{};", r) }) {
			l.directive(parent, strings.TrimSpace(part)+";", indent)
		}
		return
	}
	body := strings.TrimRight(text, "; {")
	first, rest := body, ""
	if at := strings.IndexAny(body, " \t"); at >= 0 {
		first, rest = body[:at], strings.TrimLeft(body[at:], " \t")
	}
	switch {
	case strings.HasSuffix(text, "{") || first == "backend" || first == "frontend":
		if first == "upstream" || first == "backend" {
			l.emit(setting{value: strings.TrimSpace(rest), upstream: true})
		}
		if !strings.HasSuffix(first, "()") { // a function of a script
			parent = join(parent, first)
		}
		l.push(level{indent: indent, path: parent})
	case strings.HasSuffix(text, ";") && first == "upstream":
		l.emit(setting{value: strings.TrimSpace(rest), upstream: true})
	case plainKey(first) && rest != "" && (strings.HasSuffix(text, ";") || !strings.Contains(rest, " ") && Judge(first) == NamesHost):
		l.emit(setting{path: first, value: strings.TrimSpace(rest)})
	default:
		l.emit(setting{path: parent, value: text})
	}
}

// uncomment takes the comment off a line; "" is a line that is only a comment.
func uncomment(text string) string {
	for _, sign := range []string{"#", "//", ";", "-- ", "* ", "%"} {
		if strings.HasPrefix(text, sign) {
			return ""
		}
	}
	for _, sign := range []string{" #", " // ", "\t#"} {
		if before, _, ok := strings.Cut(text, sign); ok {
			text = before
		}
	}
	return strings.TrimSpace(text)
}

// opens says whether a value only begins what the following lines hold.
func opens(value string) bool {
	switch value {
	case "", "{", "[", "|", ">", "|-", ">-", "|+", ">+", "\\":
		return true
	}
	return false
}

// cutSetting takes a line of the form key: value, key = value or "key": value apart.
func cutSetting(text string) (key, value string, ok bool) {
	rest := text
	for _, word := range []string{"export ", "set ", "ENV ", "local "} {
		rest = strings.TrimPrefix(rest, word)
	}
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return "", "", false
		}
		key, rest = rest[1:1+end], rest[end+2:]
	} else {
		end := 0
		for end < len(rest) && isKeyByte(rest[end]) {
			end++
		}
		key, rest = rest[:end], rest[end:]
	}
	if key == "" || len(key) > maxPath || !plainKey(key) {
		return "", "", false
	}
	rest = strings.TrimLeft(rest, " \t")
	switch {
	case rest == "":
		return "", "", false
	case rest[0] == ':' && (len(rest) == 1 || strings.ContainsAny(rest[1:2], " \t\"'[{")):
		rest = rest[1:]
	case rest[0] == '=':
		rest = strings.TrimPrefix(rest[1:], ">")
	case strings.HasPrefix(rest, ":="):
		rest = rest[2:]
	default:
		return "", "", false
	}
	return key, strings.TrimRight(strings.TrimSpace(rest), ","), true
}

func plainKey(key string) bool {
	return key != "" && strings.IndexFunc(key, func(r rune) bool { return r >= 0x80 || !isKeyByte(byte(r)) }) < 0
}

func isKeyByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.' || b == '$'
}

// flow gives the settings of a value like {address: orders, port: 80} or [a:1, b:2].
func flow(path, value string, emit func(setting)) bool {
	braced := strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}")
	if !braced && (!strings.HasPrefix(value, "[") || !strings.HasSuffix(value, "]")) {
		return false
	}
	parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("{}[],", r) })
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if key, rest, ok := cutSetting(part); ok {
			if rest != "" {
				emit(setting{path: join(path, key), value: rest})
			}
		} else if part != "" {
			emit(setting{path: path, value: part})
		}
	}
	return true
}
