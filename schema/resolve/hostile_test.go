package resolve_test

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkHostile measures documents made to keep the validator busy, as large as the limit of tokens lets them be. None
// may take more than a fraction of a second: without a limit of repeated names the first takes five.
func BenchmarkHostile(b *testing.B) {
	documents := map[string]string{
		"the same field":        `{entity(ref:"web"){` + strings.Repeat("ref name kind title tier type tags ", 200) + `}}`,
		"the same field deeper": `{` + strings.Repeat("sources{nodes{id}} problems{edges{cursor}} ", 190) + `}`,
		"other arguments":       `{` + strings.Repeat(`entity(ref:"web"){ref} b:entity(ref:"mail"){name} `, 150) + `}`,
		"fragments": func() string {
			var d strings.Builder
			d.WriteString(`{entity(ref:"web"){...f0}}`)
			for i := range 200 {
				fmt.Fprintf(&d, " fragment f%d on Entity{a:owner{...f%d} b:owner{...f%d}}", i, i+1, i+1)
			}
			d.WriteString(" fragment f200 on Entity{ref}")
			return d.String()
		}(),
		"spreads": func() string {
			var d strings.Builder
			d.WriteString(`{entity(ref:"web"){...f0}}`)
			for i := range 80 {
				fmt.Fprintf(&d, " fragment f%d on Entity{%s ref}", i, strings.Repeat(fmt.Sprintf("...f%d ", i+1), 20))
			}
			d.WriteString(" fragment f80 on Entity{ref}")
			return d.String()
		}(),
		"nested": `{entity(ref:"web"){` + strings.Repeat("owner{", 199) + "ref" + strings.Repeat("}", 199) + "}}",
		"same nested twice": `{entity(ref:"web"){` + strings.Repeat("owner{", 99) + "ref" + strings.Repeat("}", 99) +
			strings.Repeat("owner{", 99) + "ref" + strings.Repeat("}", 99) + "}}",
		"cycle":      `{entity(ref:"web"){...a}} fragment a on Entity{owner{...b}} fragment b on Entity{owner{...a}}`,
		"arguments":  `{entity(ref:"web",` + strings.Repeat("a:1,", 900) + `){ref}}`,
		"directives": `{sources{totalCount` + strings.Repeat(" @a", 1900) + `}}`,
		"deep value": `{entities(filter:` + strings.Repeat("[", 1800) + strings.Repeat("]", 1800) + `){totalCount}}`,
	}
	for name, document := range documents {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			c := newClient(shop().snapshot(1))
			for n := 0; b.Loop(); n++ {
				c.ask(b, fmt.Sprintf("%s # %d", document, n), nil) // past the cache of documents
			}
		})
	}
}
