package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
)

func TestTable(t *testing.T) {
	t.Parallel()
	columns := []column{{title: "NAME"}, {title: "N", numbers: true}, {title: "PATH", shrinks: true}}
	rows := func() [][]cell {
		return [][]cell{
			{text("a"), text("1"), text("checkout → cart → ledger-db")},
			{{"longer", red}, text("1000"), text("")},
			{text("日本"), text("7"), text("tab\there \x1b[31mred\u202e")},
		}
	}
	for name, c := range map[string]struct {
		printer printer
		want    string
	}{
		"plain": {printer{}, "" +
			"NAME       N  PATH\n" +
			"a          1  checkout → cart → ledger-db\n" +
			"longer  1000  -\n" +
			"日本       7  tab here \uFFFD[31mred\uFFFD\n"},
		"narrow": {printer{width: 30}, "" +
			"NAME       N  PATH\n" +
			"a          1  checkout → cart…\n" +
			"longer  1000  -\n" +
			"日本       7  tab here \uFFFD[31mr…\n"},
		"too narrow to be cut more": {printer{width: 5}, "" +
			"NAME       N  PATH\n" +
			"a          1  checkou…\n" +
			"longer  1000  -\n" +
			"日本       7  tab her…\n"},
		"coloured": {printer{color: true}, "" +
			"\x1b[1mNAME\x1b[0m       \x1b[1mN\x1b[0m  \x1b[1mPATH\x1b[0m\n" +
			"a          1  checkout → cart → ledger-db\n" +
			"\x1b[31mlonger\x1b[0m  1000  \x1b[2m-\x1b[0m\n" +
			"日本       7  tab here \uFFFD[31mred\uFFFD\n"},
	} {
		var b strings.Builder
		c.printer.w = &b
		c.printer.table(columns, rows())
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestNarrowTable holds what a terminal of 80 columns shows: refs and paths the short way before anything is cut, and of
// places the end.
func TestNarrowTable(t *testing.T) {
	t.Parallel()
	columns := []column{
		{title: "ENTITY", short: shortRef}, {title: "PATH", shrinks: true, short: restOfChain}, {title: "WHERE", shrinks: true, endings: true},
	}
	rows := func() [][]cell {
		return [][]cell{
			{text("component:default/ledger"), text("ledger → ledger-db"), text("repos/ledger/catalog-info.yaml:12")},
			{text("component:shop/ledger"), text("ledger"), text("")},
		}
	}
	for width, want := range map[int]string{
		0: "ENTITY                    PATH                WHERE\n" +
			"component:default/ledger  ledger → ledger-db  repos/ledger/catalog-info.yaml:12\n" +
			"component:shop/ledger     ledger              -\n",
		79: "ENTITY                    PATH                WHERE\n" +
			"component:default/ledger  ledger → ledger-db  repos/ledger/catalog-info.yaml:12\n" +
			"component:shop/ledger     ledger              -\n",
		78: "ENTITY                 PATH         WHERE\n" +
			"component:ledger       → ledger-db  repos/ledger/catalog-info.yaml:12\n" +
			"component:shop/ledger  ledger       -\n",
		50: "ENTITY                 PATH         WHERE\n" +
			"component:ledger       → ledger-db  …-info.yaml:12\n" +
			"component:shop/ledger  ledger       -\n",
	} {
		var b strings.Builder
		p := printer{w: &b, width: width}
		p.table(columns, rows())
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("in %d columns:\n%s", width, diff)
		}
	}
}

func TestFactsBreakAtWords(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	p := printer{w: &b, width: 20}
	p.facts([]fact{{"Owns", text("ledger, payments, psp")}, {"Link", text("https://a.example/very/long")}, {"Tier", text("")}})
	want := "Owns  ledger,\n      payments, psp\nLink  https://a.example/very/long\nTier  -\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestParagraph(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	p := printer{w: &b, width: 12}
	p.paragraph("one two three averyverylongword four")
	if diff := cmp.Diff("one two\nthree\naveryverylongword\nfour\n", b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestColors(t *testing.T) {
	t.Parallel()
	// No writer of a test is a terminal; the golden files hold that nothing is coloured then.
	p := &program{env: lookup(nil)}
	if p.colors(&strings.Builder{}) || terminalWidth(&strings.Builder{}) != 0 {
		t.Error("a text is taken for a terminal")
	}
}

func FuzzTruncate(f *testing.F) {
	f.Add("checkout → cart", 5)
	f.Add("日本語", 4)
	f.Add("e\u0301👩‍👩‍👧‍👦x", 3)
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = max(1, width%100)
		s = oneLine(s)
		got := truncate(s, width)
		if n := uniseg.StringWidth(got); n > width {
			t.Errorf("%q in %d columns is %q, %d wide", s, width, got, n)
		}
		if uniseg.StringWidth(s) <= width && got != s {
			t.Errorf("%q fits and became %q", s, got)
		}
		got = truncateStart(s, width)
		if n := uniseg.StringWidth(got); n > width || !strings.HasSuffix(s, strings.TrimPrefix(got, "…")) {
			t.Errorf("the end of %q in %d columns is %q, %d wide", s, width, got, n)
		}
	})
}

func TestDrawingsEscape(t *testing.T) {
	t.Parallel()
	odd := `resource:default/"];x{}|<b>#` + "\n\x1b" + `\`
	d := drawing{nodes: nodesOf([]drawnNode{{odd, "FAILED", "#fff"}}, []drawnEdge{{odd, "b:c/d", `"|`, dotted}})}
	d.edges = []drawnEdge{{odd, "b:c/d", `"|`, dotted}}
	quoted := `"resource:default/\"];x{}|<b># ` + "\uFFFD" + `\\"`
	quotedLabel := `"\"];x{}|<b># ` + "\uFFFD" + `\\ FAILED"`
	wantDot := "digraph orrery {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=sans];\n" +
		"  " + quoted + " [label=" + quotedLabel + ", fillcolor=\"#fff\"];\n  \"b:c/d\" [label=\"c/d\"];\n" +
		"  " + quoted + " -> \"b:c/d\" [label=\"\\\"|\", style=dotted];\n}\n"
	if diff := cmp.Diff(wantDot, d.dot()); diff != "" {
		t.Error(diff)
	}
	wantMermaid := "flowchart LR\n  n0[\"#34;#93;#59;x#123;#125;#124;#60;b#62;#35; \uFFFD#92; FAILED\"]\n  n1[\"c/d\"]\n" +
		"  n0 -.->|\"#34;#124;\"| n1\n  style n0 fill:#fff\n"
	if diff := cmp.Diff(wantMermaid, d.mermaid()); diff != "" {
		t.Error(diff)
	}
}

func TestNamesApart(t *testing.T) {
	t.Parallel()
	refs := []string{"api:default/orders", "component:default/orders", "resource:shop/orders", "resource:default/db", "resource:default/db"}
	if diff := cmp.Diff("api:orders → component:orders → shop/orders → db → db", chain(refs)); diff != "" {
		t.Error(diff)
	}
}
