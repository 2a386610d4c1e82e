package pullcheck

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// maxListed is how many lines one list of a summary has.
const maxListed = 50

// maxUnder is how many entities one line of a summary names.
const maxUnder = 10

// result is the verdict as it is told.
func (v *verdict) result(config Config) *result {
	errors, warnings, before := 0, 0, 0
	for i := range v.findings {
		switch f := &v.findings[i]; {
		case f.before:
			before++
		case f.severity == catalog.Error:
			errors++
		default:
			warnings++
		}
	}
	r := &result{conclusion: conclusionSuccess}
	switch {
	case errors > 0:
		r.conclusion = conclusionFailure
	case warnings > 0 || v.cut:
		r.conclusion = conclusionNeutral
	}
	r.title = v.title(errors, warnings)
	w := &writer{base: config.BaseURL}
	v.write(w, config, before)
	r.summary = w.cut(maxSummary)
	r.annotations = v.annotations()
	r.link = v.firstLink(config)
	return r
}

func (v *verdict) title(errors, warnings int) string {
	var parts []string
	if errors > 0 {
		parts = append(parts, count(errors, "error", "errors"))
	}
	if warnings > 0 {
		parts = append(parts, count(warnings, "warning", "warnings"))
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case v.cut:
		return "Too many files: not all could be checked"
	case v.trial == nil:
		return "No catalog file changes"
	case v.changes.isEmpty():
		return "Nothing changes in the catalog"
	}
	for _, of := range []struct {
		n    int
		word string
	}{{len(v.changes.added), "added"}, {len(v.changes.changed), "changed"}, {len(v.changes.removed), "removed"}} {
		if of.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", of.n, of.word))
		}
	}
	if len(parts) == 0 {
		return "Dependencies change"
	}
	return "Entities: " + strings.Join(parts, ", ")
}

// firstLink is what a commit status, which has no room for more, leads to: the first thing that is wrong, or the first entity.
func (v *verdict) firstLink(config Config) string {
	for i := range v.findings {
		if f := &v.findings[i]; !f.before && f.place.path != "" {
			return v.link(f.place.path, f.place.line)
		}
	}
	for _, added := range v.changes.added {
		return entityLink(config.BaseURL, added.ref)
	}
	for _, changed := range v.changes.changed {
		return entityLink(config.BaseURL, changed.ref)
	}
	return config.BaseURL
}

// annotations are the findings that have a place in a file at the head, those first that count.
func (v *verdict) annotations() []annotation {
	var all []annotation
	for i := range v.findings {
		f := &v.findings[i]
		if f.place.path == "" {
			continue
		}
		a := annotation{path: f.place.path, line: int(f.place.line), title: shown(f.code), message: shown(f.message), level: "failure"}
		switch {
		case f.before:
			a.level, a.title = "notice", a.title+" (not of this change)"
		case f.severity != catalog.Error:
			a.level = "warning"
		}
		if f.fix != "" {
			a.message += "\nFix: " + shown(f.fix)
		}
		all = append(all, a)
	}
	return all
}

func (v *verdict) write(w *writer, config Config, before int) {
	switch {
	case v.cut:
		w.line("GitHub lists only the first %d files of this pull request, so that others were not checked.", maxFiles)
		w.line("")
	case v.trial == nil && len(v.findings) == 0:
		w.line("This pull request changes no catalog file of %s.", code(config.Source))
		return
	}
	fresh := v.findings[:len(v.findings)-before]
	if len(fresh) > 0 {
		w.line("### Problems that this change causes")
		w.line("")
		list(w, fresh, func(f finding) string { return v.findingLine(w, &f) })
		w.line("")
	}
	if annotated := len(v.annotations()); annotated > maxAnnotations {
		w.line("Only the first %d of %d annotations are shown.", maxAnnotations, annotated)
		w.line("")
	}
	list(w, v.both, func(path string) string {
		return "- " + link(path, v.link(path, 0)) + " has changed on " + code(v.pull.base) + ", too: it was checked as a merge would make it, entity by entity."
	})
	if len(v.both) > 0 {
		w.line("")
	}
	if before > 0 {
		w.line("%s in these files before, and not counted.", count(before, "more problem was", "more problems were"))
		w.line("")
	}
	if v.trial == nil {
		return
	}
	v.changes.write(w)
	w.line("<sub>Tried against revision %d of the whole catalog, as source %s at %s.</sub>", v.trial.Before.Revision(), code(config.Source), code(v.pull.head))
}

func (v *verdict) findingLine(w *writer, f *finding) string {
	severity := "Warning"
	if f.severity == catalog.Error {
		severity = "Error"
	}
	text := "- **" + severity + "** "
	switch {
	case f.place.path != "":
		text += link(located(f.place.path, f.place.line), v.link(f.place.path, f.place.line)) + " "
	case f.location != "":
		text += link(f.location, f.url) + " "
		if f.ref != "" {
			owner := "nobody"
			if f.owner != "" {
				owner = w.ref(f.owner)
			}
			text += "(" + w.ref(f.ref) + ", owned by " + owner + ") "
		}
	}
	text += plain(f.message)
	if f.fix != "" {
		text += ". *Fix*: " + plain(f.fix)
	}
	return text + " (" + code(f.code) + ")"
}

func (c *changes) write(w *writer) {
	if c.isEmpty() {
		w.line("Nothing changes in the catalog.")
		w.line("")
		return
	}
	if len(c.added)+len(c.changed)+len(c.removed) > 0 {
		w.line("### Entities")
		w.line("")
		list(w, c.added, func(s standingChange) string {
			return "- **Added** " + w.ref(s.ref) + w.owned(s.owner) + addedNote[s.other]
		})
		list(w, c.changed, func(f fieldChanges) string { return "- **Changed** " + w.ref(f.ref) + ": " + fieldsText(f.fields) })
		list(w, c.removed, func(s standingChange) string {
			return "- **Removed** " + w.ref(s.ref) + w.owned(s.owner) + removedNote[s.other]
		})
		w.line("")
	}
	if len(c.needs) > 0 {
		w.line("### Dependencies")
		w.line("")
		list(w, c.needs, func(n needChange) string { return needLine(w, n) })
		w.line("")
	}
	w.refs("### Owners that do not exist", "of", c.noOwners)
	w.refs("### Who depends on what is removed", "with", c.dependents)
}

// addedNote and removedNote tell what an entity was before, or is afterwards.
var (
	addedNote = map[string]string{
		graph.StandingDiscovered:  ": it runs already",
		graph.StandingPlaceholder: ": others refer to it already",
	}
	removedNote = map[string]string{
		graph.StandingDiscovered:  ": it still runs, and nobody declares it",
		graph.StandingPlaceholder: ": others still refer to it",
	}
)

func fieldsText(fields []graph.FieldChange) string {
	const most = 5
	var texts []string
	for _, f := range fields[:min(len(fields), most)] {
		switch {
		case f.Old == "":
			texts = append(texts, code(f.Field)+" set to "+code(cutText(f.New, 80)))
		case f.New == "":
			texts = append(texts, code(f.Field)+" taken away")
		default:
			texts = append(texts, code(f.Field)+" from "+code(cutText(f.Old, 80))+" to "+code(cutText(f.New, 80)))
		}
	}
	if more := len(fields) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

func needLine(w *writer, n needChange) string {
	ends := w.ref(n.from) + " → " + w.ref(n.to) + " (" + n.relation.String() + ", "
	switch {
	case n.was == "":
		return "- **Added** " + ends + plain(n.is) + ")"
	case n.is == "":
		return "- **Removed** " + ends + plain(n.was) + ")"
	}
	return "- **Changed** " + ends + "from " + plain(n.was) + " to " + plain(n.is) + ")"
}

// writer writes a summary.
type writer struct {
	strings.Builder
	base string // of the UI; "" = no links to it
}

func (w *writer) line(format string, arguments ...any) {
	_, _ = fmt.Fprintf(w, format, arguments...) // a Builder takes everything
	w.WriteByte('\n')
}

// cut is what was written, of at most so many bytes, cut between two lines.
func (w *writer) cut(most int) string {
	text := w.String()
	if len(text) <= most {
		return text
	}
	const more = "\nThis is cut: there is more than GitHub shows.\n"
	text = text[:most-len(more)]
	return text[:strings.LastIndexByte(text, '\n')+1] + more
}

func (w *writer) ref(ref catalog.Ref) string { return link(string(ref), entityLink(w.base, ref)) }

func (w *writer) owned(owner catalog.Ref) string {
	if owner == "" {
		return ", owned by nobody"
	}
	return ", owned by " + w.ref(owner)
}

func (w *writer) refs(title, join string, all []refs) {
	if len(all) == 0 {
		return
	}
	w.line("%s", title)
	w.line("")
	list(w, all, func(r refs) string {
		of := "nobody"
		if r.of != "" {
			of = w.ref(r.of)
		}
		var names []string
		for _, ref := range r.list[:min(len(r.list), maxUnder)] {
			names = append(names, w.ref(ref))
		}
		if more := len(r.list) - maxUnder; more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		return "- " + of + " " + join + " " + strings.Join(names, ", ")
	})
	w.line("")
}

// list writes a line each, up to maxListed.
func list[T any](w *writer, all []T, text func(T) string) {
	for _, one := range all[:min(len(all), maxListed)] {
		w.line("%s", text(one))
	}
	if more := len(all) - maxListed; more > 0 {
		w.line("- and %d more", more)
	}
}

// link shows a text as code, and leads to an address; "" = nowhere.
func link(text, address string) string {
	if address == "" {
		return code(text)
	}
	return "[" + code(text) + "](<" + safeAddress.Replace(address) + ">)"
}

// safeAddress keeps an address within its brackets.
var safeAddress = strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "%0A", "\r", "%0D", " ", "%20", "\\", "%5C")

// entityLink is the page of an entity in the UI.
func entityLink(base string, ref catalog.Ref) string {
	if base == "" {
		return ""
	}
	parts := []string{ref.Kind(), ref.Namespace(), ref.Name()}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return base + "/entity/" + strings.Join(parts, "/")
}
