package descriptor

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nlnwa/whatwg-url/url"
)

// format is a rule for the characters of a value, as a regular expression that the JSON Schema shares.
type format struct {
	pattern  string
	most     int // characters
	expected string
	compiled *regexp.Regexp
}

func newFormat(pattern string, most int, expected string) *format {
	return &format{pattern: pattern, most: most, expected: expected, compiled: regexp.MustCompile(pattern)}
}

func (f *format) matches(s string) bool {
	return s != "" && len(s) <= f.most && f.compiled.MatchString(s)
}

const (
	objectName = `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
	dnsLabel   = `[a-z0-9]+(-+[a-z0-9]+)*`
	subdomain  = dnsLabel + `(\.` + dnsLabel + `)*`
)

// The formats of Backstage's default validators. What its documentation says otherwise (namespaces in upper case, "1.0"
// as an apiVersion) its code refuses.
var (
	nameFormat = newFormat(`^`+objectName+`$`, 63,
		"at most 63 letters, digits, - _ and ., starting and ending with a letter or digit")
	namespaceFormat = newFormat(`^`+dnsLabel+`$`, 63, "at most 63 lower-case letters, digits and - between them")
	kindFormat      = newFormat(`^[a-zA-Z][a-z0-9A-Z]*$`, 63, "at most 63 letters and digits, starting with a letter")
	tagFormat       = newFormat(`^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$`, 63,
		"at most 63 lower-case letters, digits and : + #, with single - between them")
	versionFormat = newFormat(`^(`+subdomain+`/)?[a-zA-Z0-9]+$`, 253+1+63, "group/version, such as backstage.io/v1alpha1")
	keyFormat     = newFormat(`^(`+subdomain+`/)?`+objectName+`$`, 253+1+63,
		"a name, or a lower-case DNS name, / and a name, such as example.com/team")
)

// matchesPrefixed checks formats of the form [prefix/]name, whose parts have lengths of their own.
func (f *format) matchesPrefixed(s string) bool {
	prefix, name, ok := strings.Cut(s, "/")
	if !ok {
		prefix, name = "", s
	}
	for label := range strings.SplitSeq(prefix, ".") {
		if len(label) > 63 {
			return false
		}
	}
	return len(prefix) <= 253 && len(name) <= 63 && f.matches(s)
}

var urls = url.NewParser()

// isURL says whether browsers take the text for an absolute URL, of any scheme.
func isURL(s string) bool {
	_, err := urls.Parse(s)
	return err == nil
}

// isBlank says whether the text is nothing but white space, as JavaScript counts it.
func isBlank(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) && r != 0xFEFF || r == 0x85 {
			return false
		}
	}
	return true
}

// fold makes characters comparable for hints: case, - and _ apart, "dependsOn" and "depends_on" are one name.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == utf8.RuneError {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}
