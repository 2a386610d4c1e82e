package pullcheck

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzText holds that no text becomes more than text: as code it never closes its fence, and outside of code every sign that
// means something to Markdown is escaped, and nothing is left that GitHub makes links or mentions of.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"", "`", "``` `` `", "@acme/team", "a\nb\r\n# c", "![x](http://y)", "<script>", "\\", "www.www.x", "a://b", "#12", "\u202egnp.exe", "\xff\xfe",
		strings.Repeat("`", 400), strings.Repeat("ü", 400), "$x$ $`x`$", "&#64;team", "|a|b|", "\u200b@\u200bx",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := code(text)
		fence := quoted[:len(quoted)-len(strings.TrimLeft(quoted, "`"))]
		inner := strings.TrimSuffix(strings.TrimPrefix(quoted, fence), fence)
		if fence == "" || len(quoted) != len(inner)+2*len(fence) || strings.Contains(inner, fence) || strings.HasPrefix(inner, "`") || strings.HasSuffix(inner, "`") {
			t.Errorf("code %q", quoted)
		}
		escaped := plain(text)
		for at := 0; at < len(escaped); {
			r, size := utf8.DecodeRuneInString(escaped[at:])
			switch {
			case r == '\\' && at+1 < len(escaped):
				next := escaped[at+1]
				if next >= utf8.RuneSelf || !unicode.IsPunct(rune(next)) && !unicode.IsSymbol(rune(next)) {
					t.Errorf("a backslash before %q in %q", next, escaped)
				}
				if (next == '@' || next == '#') && !strings.HasPrefix(escaped[at+2:], zeroWidth) {
					t.Errorf("%q in %q", escaped[at:], escaped)
				}
				at += 2
				continue
			case r < utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
				t.Errorf("%q is not escaped in %q", r, escaped)
			}
			at += size
		}
		for _, shown := range []string{quoted, escaped, shown(text)} {
			if !utf8.ValidString(shown) || strings.ContainsAny(shown, "\r\u202e\x00") {
				t.Errorf("%q is shown as %q", text, shown)
			}
		}
		if strings.Contains(quoted+escaped, "\n") {
			t.Error("a line ends")
		}
		for _, most := range []int{10, 140, 1000} {
			if cut := cutText(line(text), most); len(cut) > most || !utf8.ValidString(cut) {
				t.Errorf("cut to %q", cut)
			}
		}
	})
}
