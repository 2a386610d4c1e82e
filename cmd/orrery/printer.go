package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// printer writes tables for people.
type printer struct {
	w     io.Writer
	color bool
	width int // of the terminal, in columns; 0 = no limit
	err   error
}

func (p *program) printer() *printer {
	return &printer{w: p.stdout, color: p.colors(p.stdout), width: terminalWidth(p.stdout)}
}

// colors says whether to paint: on a terminal, unless NO_COLOR is set to anything.
func (p *program) colors(w io.Writer) bool {
	return isTerminal(w) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func terminalWidth(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// paint is an ANSI colour.
type paint string

const (
	unpainted paint = ""
	bold      paint = "1"
	dim       paint = "2"
	red       paint = "31"
	green     paint = "32"
	yellow    paint = "33"
	blue      paint = "34"
)

func (p *printer) painted(text string, c paint) string {
	if !p.color || c == unpainted || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// line writes one line; the first error is kept and ends all writing.
func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// paragraph writes text broken at words to the width of the terminal.
func (p *printer) paragraph(text string) {
	for _, line := range wrapped(oneLine(text), p.width) {
		p.line("%s", line)
	}
}

// wrapped breaks text at words into lines of at most so many columns, where a word is not longer; 0 or less is no limit.
func wrapped(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(text) {
		columns := uniseg.StringWidth(word)
		switch {
		case used == 0:
			line, used = word, columns
		case used+1+columns > width:
			lines = append(lines, line)
			line, used = word, columns
		default:
			line, used = line+" "+word, used+1+columns
		}
	}
	return append(lines, line)
}

// column heads a column of a table.
type column struct {
	title   string
	numbers bool // aligned to the right
	shrinks bool // may be cut where the terminal is too narrow
	endings bool // is cut at its beginning
	// short says the same in less space, for where the terminal is too narrow; nil = there is no shorter way.
	short func(string) string
}

// cell is one field of a table; an empty text is shown as "-".
type cell struct {
	text  string
	paint paint
}

func text(s string) cell { return cell{text: s} }

const (
	gap         = "  "
	leastColumn = 8 // a column is not cut below this
)

// table writes aligned columns under their titles.
func (p *printer) table(columns []column, rows [][]cell) {
	for _, row := range rows {
		for i := range row {
			row[i].text = oneLine(row[i].text)
			if row[i].text == "" {
				row[i] = cell{text: "-", paint: dim}
			}
		}
	}
	widths := widthsOf(columns, rows)
	if p.width > 0 && tableWidth(widths) > p.width {
		shorten(columns, rows)
		widths = widthsOf(columns, rows)
	}
	p.fit(columns, widths)
	titles := make([]cell, len(columns))
	for i, c := range columns {
		titles[i] = cell{text: c.title, paint: bold}
	}
	p.row(columns, widths, titles)
	for _, row := range rows {
		p.row(columns, widths, row)
	}
}

func widthsOf(columns []column, rows [][]cell) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = uniseg.StringWidth(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], uniseg.StringWidth(row[i].text))
		}
	}
	return widths
}

func tableWidth(widths []int) int {
	total := (len(widths) - 1) * len(gap)
	for _, width := range widths {
		total += width
	}
	return total
}

// shorten writes cells the short way where there is one.
func shorten(columns []column, rows [][]cell) {
	for i, c := range columns {
		if c.short == nil {
			continue
		}
		for _, row := range rows {
			row[i].text = c.short(row[i].text)
		}
	}
}

// fit narrows the widest columns that may shrink until the table fits.
func (p *printer) fit(columns []column, widths []int) {
	if p.width <= 0 {
		return
	}
	for total := tableWidth(widths); total > p.width; total-- {
		widest := -1
		for i, c := range columns {
			if c.shrinks && widths[i] > leastColumn && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func (p *printer) row(columns []column, widths []int, cells []cell) {
	var b strings.Builder
	for i, c := range cells {
		shown := truncate(c.text, widths[i])
		if columns[i].endings {
			shown = truncateStart(c.text, widths[i])
		}
		padding := strings.Repeat(" ", max(0, widths[i]-uniseg.StringWidth(shown)))
		if i > 0 {
			b.WriteString(gap)
		}
		if columns[i].numbers {
			b.WriteString(padding)
		}
		b.WriteString(p.painted(shown, c.paint))
		if !columns[i].numbers && i < len(cells)-1 {
			b.WriteString(padding)
		}
	}
	p.line("%s", b.String())
}

// truncate cuts text to so many columns, between characters as people see them.
func truncate(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	used := 0
	for rest, state := text, -1; rest != ""; {
		var cluster string
		var columns int
		cluster, rest, columns, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+columns > width-1 {
			break
		}
		b.WriteString(cluster)
		used += columns
	}
	return b.String() + "…"
}

// truncateStart cuts the beginning of text, so that so many columns are left.
func truncateStart(text string, width int) string {
	columns := uniseg.StringWidth(text)
	if columns <= width {
		return text
	}
	for state := -1; text != "" && columns > width-1; {
		var cut int
		_, text, cut, state = uniseg.FirstGraphemeClusterInString(text, state)
		columns -= cut
	}
	return "…" + text
}

// printable replaces what could steer a terminal: catalog files are written by anybody.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// fact is one named value.
type fact struct {
	name  string
	value cell
}

// facts writes named values in full, one a line, or broken at words where the terminal is too narrow.
func (p *printer) facts(facts []fact) {
	width := 0
	for _, f := range facts {
		width = max(width, uniseg.StringWidth(f.name))
	}
	for _, f := range facts {
		value := cell{oneLine(f.value.text), f.value.paint}
		if value.text == "" {
			value = cell{"-", dim}
		}
		head := p.painted(f.name, bold) + strings.Repeat(" ", width-uniseg.StringWidth(f.name)) + gap
		for _, line := range wrapped(value.text, p.width-width-len(gap)) {
			p.line("%s%s", head, p.painted(line, value.paint))
			head = strings.Repeat(" ", width) + gap
		}
	}
}
