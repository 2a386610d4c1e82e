package pullcheck

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// The codes of what only the whole graph shows.
const (
	codeDangling         = "dangling-reference" // somebody refers to what the change removes
	codeUnknownReference = "unknown-reference"  // the change refers to what nobody describes
	codeUnknownOwner     = "unknown-owner"
	codeUnread           = "not-read"
)

// maxGuesses is how many unknown names are compared with those that there are.
const maxGuesses = 20

// maxNamed is how many entities one finding names.
const maxNamed = 5

// finding is one thing that is wrong.
type finding struct {
	severity           catalog.Severity
	code, message, fix string
	place              place
	before             bool // it was wrong before: it does not count
	// Of what is elsewhere:
	location string
	url      string // a link to it; "" = none
	ref      catalog.Ref
	owner    catalog.Ref // of ref
}

// verdict is what a trial says of a pull request. Each judgement is a method that looks at the trial and adds findings and,
// for the summary, what people should know.
type verdict struct {
	*reading
	trial    *ingest.Trial // nil = no catalog file changes
	findings []finding     // sorted: what counts first, then by place
	changes  changes
}

// newVerdict judges by what the change causes. What was wrong before counts for nothing, also where it has another line now.
func newVerdict(r *reading, trial *ingest.Trial) *verdict {
	v := &verdict{reading: r, trial: trial}
	for _, file := range r.unread {
		v.findings = append(v.findings, finding{
			severity: catalog.Warning, code: codeUnread, message: "the file could not be read, so that it was not checked: " + file.why,
			fix: "ask for the check again", place: place{file.path, 0},
		})
	}
	if trial == nil {
		return v
	}
	v.problems()
	v.dangling()
	v.unknown()
	v.changes = changesOf(trial)
	slices.SortStableFunc(v.findings, func(a, b finding) int {
		return cmp.Or(
			compareBools(a.before, b.before), -cmp.Compare(a.severity, b.severity), compareBools(a.place.path == "", b.place.path == ""),
			cmp.Compare(a.place.path, b.place.path), cmp.Compare(a.place.line, b.place.line), cmp.Compare(a.location, b.location),
			cmp.Compare(a.code, b.code), cmp.Compare(a.message, b.message),
		)
	})
	return v
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// problemKey is a problem without what a change of lines elsewhere in a file changes.
type problemKey struct {
	location, field, code, message string
	severity                       catalog.Severity
	ref                            catalog.Ref
}

func keyOf(p *catalog.Problem) problemKey {
	return problemKey{p.Location, p.Field, p.Code, withoutNumbers(p.Message), p.Severity, p.Ref}
}

// withoutNumbers writes # for each number: a message may name lines.
func withoutNumbers(text string) string {
	var b strings.Builder
	digits := false
	for _, r := range text {
		was := digits
		if digits = r >= '0' && r <= '9'; !digits {
			b.WriteRune(r)
		} else if !was {
			b.WriteByte('#')
		}
	}
	return b.String()
}

// problems are those that come, and those of the files that were there before.
func (v *verdict) problems() {
	mended := make(map[problemKey]int)
	for i := range v.trial.Mended {
		mended[keyOf(&v.trial.Mended[i])]++
	}
	came := make(map[problemKey]int)
	conflicts := make(map[string][]*catalog.Problem)
	for i := range v.trial.Came {
		p := &v.trial.Came[i]
		if about := conflictOf(p); about != "" {
			conflicts[about] = append(conflicts[about], p)
		}
	}
	for i := range v.trial.Came {
		p := &v.trial.Came[i]
		key := keyOf(p)
		if mended[key] > 0 { // it has moved
			mended[key]--
			continue
		}
		_, here := v.files[p.Location]
		if (p.Code == ingest.CodeStale || p.Code == ingest.CodeUnreached) && here {
			continue // the file itself says why
		}
		came[key]++
		f := v.finding(p, false)
		f.message += v.others(p, conflicts[conflictOf(p)])
		v.findings = append(v.findings, f)
	}
	for i := range v.reading.problems {
		p := &v.reading.problems[i]
		if key := keyOf(p); came[key] > 0 {
			came[key]--
		} else {
			v.findings = append(v.findings, v.finding(p, true))
		}
	}
}

func (v *verdict) finding(p *catalog.Problem, before bool) finding {
	f := finding{
		severity: p.Severity, code: p.Code, message: p.Message, fix: p.Fix, before: before, ref: p.Ref,
		place: v.at(p.Location, p.Line),
	}
	if p.Field != "" {
		f.message = p.Field + ": " + f.message
	}
	if f.place.path == "" {
		f.location, f.url = located(p.Location, p.Line), p.Version.URL(p.Line)
		if is := v.trial.Before.Lookup(p.Ref); is != nil {
			f.owner = is.Owner
		}
	}
	if p.Code == catalog.CodeConflictingDescriptors {
		f.message += v.describedBefore(p.Ref)
		if said, here := v.said[p.Ref]; here && f.place.path == "" {
			f.place = said // it stands at the other place, and is this one's doing
		}
	}
	return f
}

// conflictOf is what a problem says that several entities claim; "" where it is about something else.
func conflictOf(p *catalog.Problem) string {
	if p.Code != catalog.CodeAliasConflict && p.Code != catalog.CodeSelectorConflict {
		return ""
	}
	about, _, _ := strings.Cut(p.Message, " is also ")
	return about
}

// others names where others claim the same, and whose they are.
func (v *verdict) others(p *catalog.Problem, conflict []*catalog.Problem) string {
	text := ""
	for _, other := range conflict[:min(len(conflict), maxNamed+1)] {
		if other.Ref != p.Ref {
			text += fmt.Sprintf("; %s does at %s and is %s", other.Ref, located(other.Location, other.Line), owned(v.trial.After.Lookup(other.Ref)))
		}
	}
	return text
}

// owned says whose an entity is.
func owned(e *catalog.Entity) string {
	if e == nil || e.Owner == "" {
		return "owned by nobody"
	}
	return "owned by " + string(e.Owner)
}

// describedBefore names who described an entity before, and whose it is.
func (v *verdict) describedBefore(ref catalog.Ref) string {
	is := v.trial.Before.Lookup(ref)
	if is == nil || is.Origin == nil || is.Placeholder {
		return ""
	}
	return fmt.Sprintf("; until now, what counted was %s, %s", located(is.Origin.Location, is.Line), owned(is))
}

func located(location string, line int32) string {
	if line > 0 {
		return fmt.Sprintf("%s:%d", location, line)
	}
	return location
}

// isDescribed says whether something stands behind a Ref: a descriptor, or what a scanner has found.
func isDescribed(e *catalog.Entity) bool { return e != nil && !e.Placeholder }

// dangling are the references to what the change removes.
func (v *verdict) dangling() {
	for _, c := range v.trial.Entities {
		before := v.trial.Before.Lookup(c.Ref)
		if !isDescribed(before) || isDescribed(c.Entity) || c.Entity == nil {
			continue // nobody refers to what is gone altogether
		}
		_, in := v.trial.After.Relations(c.Ref)
		var references []string
		first := place{}
		for edge := range in {
			if text, at := v.reference(edge); text != "" {
				references = append(references, text)
				if first.path == "" {
					first = at
				}
			}
		}
		if len(references) == 0 {
			continue
		}
		f := finding{
			severity: catalog.Error, code: codeDangling, ref: c.Ref, place: first,
			message: fmt.Sprintf("nobody would describe %s any more, and %s to it: %s", c.Ref,
				count(len(references), "place still refers", "places still refer"), named(references)),
			fix: "take the references away first, or keep it", owner: before.Owner,
		}
		if before.Origin != nil {
			f.location = located(before.Origin.Location, before.Line)
			if at := v.at(before.Origin.Location, 0); at.path != "" {
				f.place = at
			}
		}
		v.findings = append(v.findings, f)
	}
}

// reference tells who refers to something by an edge that is declared; "" = nobody declares it.
func (v *verdict) reference(edge *catalog.Edge) (string, place) {
	for i := range edge.Evidence {
		e := &edge.Evidence[i]
		if e.Kind != catalog.Declared {
			continue
		}
		return fmt.Sprintf("%s (%s, %s, %s)", edge.From, edge.Type, owned(v.trial.After.Lookup(edge.From)), located(e.Origin.Location, e.Line)),
			v.at(e.Origin.Location, e.Line)
	}
	return "", place{}
}

// unknown are the references of the change to what nobody describes, now or before. Where nobody describes any owners, the
// names of owners are told by other means.
func (v *verdict) unknown() {
	owners, guesses := hasOwners(v.trial.After), 0
	for _, row := range v.trial.Edges {
		known := make(map[catalog.Ref]bool)
		out, _ := v.trial.Before.Relations(row.From)
		for edge := range out {
			known[edge.To] = true
		}
		for i := range row.Edges {
			edge := &row.Edges[i]
			if known[edge.To] || isDescribed(v.trial.Before.Lookup(edge.To)) || isDescribed(v.trial.After.Lookup(edge.To)) ||
				edge.To.Kind() == "external" || edge.Type == catalog.OwnedBy && !owners {
				continue
			}
			for j := range edge.Evidence {
				e := &edge.Evidence[j]
				at := v.at(e.Origin.Location, e.Line)
				if e.Kind != catalog.Declared || at.path == "" {
					continue
				}
				f := unknownEnd(edge, at)
				if guesses++; guesses <= maxGuesses {
					if meant := candidates(v.trial.Before, edge.To); len(meant) > 0 {
						f.fix += "; maybe meant: " + strings.Join(meant, ", ")
					}
				}
				v.findings = append(v.findings, f)
				known[edge.To] = true
				break
			}
		}
	}
}

// hasOwners says whether any group or user is described.
func hasOwners(s *graph.Snapshot) bool {
	for traits := range s.Traits() {
		if (traits.Kind == "group" || traits.Kind == "user") && !traits.Placeholder {
			return true
		}
	}
	return false
}

func unknownEnd(edge *catalog.Edge, at place) finding {
	f := finding{
		severity: catalog.Warning, code: codeUnknownReference, ref: edge.From, place: at, fix: "mend the name, or describe it",
	}
	f.message = fmt.Sprintf("%s refers to %s (%s), which nobody describes", edge.From, edge.To, edge.Type)
	if edge.Type == catalog.OwnedBy {
		f.code = codeUnknownOwner
		f.message = fmt.Sprintf("%s is owned by %s, which nobody describes", edge.From, edge.To)
	}
	return f
}

// candidates are described entities with nearly that name.
func candidates(s *graph.Snapshot, ref catalog.Ref) []string {
	var missing *graph.NotFoundError
	_, err := s.Entity(ref)
	if !errors.As(err, &missing) {
		return nil
	}
	var names []string
	for _, candidate := range missing.Candidates {
		if isDescribed(s.Lookup(candidate)) && candidate.Kind() == ref.Kind() && len(names) < 3 {
			names = append(names, string(candidate))
		}
	}
	return names
}

func named(list []string) string {
	if more := len(list) - maxNamed; more > 0 {
		return fmt.Sprintf("%s, and %d more", strings.Join(list[:maxNamed], ", "), more)
	}
	return strings.Join(list, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
