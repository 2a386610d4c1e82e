package onboard

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName        = 63
	maxTitle       = 80
	maxDescription = 240
	maxReason      = 200
)

// legal makes a name of a text: at most 63 lower-case letters, digits and single - and _ between them; "" where nothing is
// left. What Backstage allows besides, such as dots, makes names that are hard to type.
func legal(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(text) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	name := strings.Trim(b.String(), "_-")
	if len(name) > maxName {
		name = strings.TrimRight(name[:maxName], "_-")
	}
	return name
}

// legalTag makes a tag, which has no _.
func legalTag(text string) string { return legal(strings.ReplaceAll(text, "_", "-")) }

// oneLine makes text for people safe to stand in one line of YAML: no control characters, no more than so many bytes.
func oneLine(text string, most int) string {
	if len(text) > 8*most { // what follows is cut anyway
		text = text[:8*most]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // among them what turns the direction of writing
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	cut := text[:most]
	for !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	if i := strings.LastIndexByte(cut, ' '); i > most/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,.;:") + " …"
}

// generic are names of folders that say which part something is, and not of what.
var generic = map[string]bool{
	"api": true, "app": true, "apps": true, "backend": true, "frontend": true, "server": true, "client": true, "web": true,
	"website": true, "webapp": true, "ui": true, "gui": true, "service": true, "services": true, "src": true, "source": true,
	"worker": true, "workers": true, "job": true, "jobs": true, "main": true, "core": true, "lib": true, "cmd": true, "site": true,
	"cli": true, "docker": true, "code": true, "admin": true, "gateway": true, "bff": true, "packages": true, "package": true,
	"lambda": true, "function": true, "functions": true, "infra": true, "deploy": true, "helm": true, "chart": true, "charts": true,
}
