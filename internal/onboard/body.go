package onboard

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// maxBody is the size of the text of a pull request, in bytes; GitHub takes 65,536 characters.
const maxBody = 60_000

// body is the text of the pull request: why it comes, what runs, what was guessed and why, and how to refuse.
func (p *proposal) body(draft *Draft) string {
	var b strings.Builder
	fmt.Fprintf(&b, "This repository runs something that no catalog file describes, so nobody can tell who answers for it, and what breaks when it fails:\n\n")
	for _, u := range p.candidate.runs {
		fmt.Fprintf(&b, "- %s: %s\n", p.linked(u.ref), inline(u.reason))
	}
	fmt.Fprintf(&b, "\nThis pull request adds a draft of `%s`. It is made from the files of the repository and from what was seen running, "+
		"and it changes nothing else.\n", FileName)
	if questions := draft.Questions(); len(questions) > 0 {
		b.WriteString("\n### Please say\n\n")
		for _, question := range questions {
			fmt.Fprintf(&b, "- [ ] %s\n", inline(question))
		}
	}
	b.WriteString("\n### What was guessed, and why\n")
	for i := range draft.Documents {
		d := &draft.Documents[i]
		if b.Len() > maxBody/2 {
			fmt.Fprintf(&b, "\nand %d more entities: the reasons are comments in the file.\n", len(draft.Documents)-i)
			break
		}
		fmt.Fprintf(&b, "\n**%s** %s\n\n| field | value | why |\n|---|---|---|\n", d.Kind, inline(d.Name.Text))
		for field, v := range d.Values() {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", inline(field), cell(v.Text), cell(v.Reason))
		}
	}
	for _, note := range draft.Notes {
		fmt.Fprintf(&b, "\n> %s\n", inline(note))
	}
	b.WriteString("\n### What to do\n\n" +
		"- **It is right, or nearly**: correct it on this branch, and merge.\n" +
		"- **It is described elsewhere, or should not be described**: close this pull request. Orrery takes that for a no and never opens another one here.\n")
	fmt.Fprintf(&b, "\n<sub>Proposed by Orrery for the source %s.</sub>\n", inline(p.config.Source))
	if b.Len() > maxBody {
		return b.String()[:strings.LastIndexByte(b.String()[:maxBody], '\n')+1]
	}
	return b.String()
}

// linked is a ref, with a link to where people look at it.
func (p *proposal) linked(ref catalog.Ref) string {
	if p.config.Web == "" {
		return inline(string(ref))
	}
	return fmt.Sprintf("[%s](%s/entity/%s/%s/%s)", inline(string(ref)), strings.TrimSuffix(p.config.Web, "/"),
		url.PathEscape(ref.Kind()), url.PathEscape(ref.Namespace()), url.PathEscape(ref.Name()))
}

// inline writes text as code in Markdown, where it can do nothing: neither mention people nor link.
func inline(text string) string {
	text = strings.ReplaceAll(oneLine(text, 2*maxReason), "`", "'")
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// cell is the same in a table.
func cell(text string) string { return strings.ReplaceAll(inline(text), "|", `\|`) }
