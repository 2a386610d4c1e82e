package graph

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/catalog"
)

// MaxRecordedBytes is how much of one value, and of the name of one field, the history keeps. What is cut ends in "…".
const MaxRecordedBytes = 1000

// The standings of an entity, as the history tells them.
const (
	StandingDescribed   = "DESCRIBED"   // a descriptor says what it is
	StandingDiscovered  = "DISCOVERED"  // it runs and nobody declares it
	StandingFound       = "FOUND"       // a cluster has it: what something declared runs on, a node, a zone
	StandingPlaceholder = "PLACEHOLDER" // others refer to it and nobody describes it
)

// FieldChanges lists what a change does to the entities of the snapshot, for the history, by Ref. s may be nil, as one
// without entities.
//
// An entity that comes, goes, or gets another standing is one record with the Field "" and the standings as values: it
// stands for all fields of the entity, and for the relations that come or go with the entity or with its description.
// Otherwise each changed field is a record, and each changed relation of the entity one whose Field is its type and target.
// Where something runs makes no history, nor do numbers of replicas, lines and times.
func (s *Snapshot) FieldChanges(change *catalog.ModelChange) []FieldChange {
	if change == nil {
		return nil
	}
	var r recorder
	entities, rows := change.Entities, change.Edges
	for len(entities)+len(rows) > 0 {
		var ref catalog.Ref
		switch {
		case len(entities) == 0 || len(rows) > 0 && rows[0].From < entities[0].Ref:
			ref = rows[0].From
		default:
			ref = entities[0].Ref
		}
		old := s.Lookup(ref)
		now := old
		if len(entities) > 0 && entities[0].Ref == ref {
			now, entities = entities[0].Entity, entities[1:]
		}
		r.entity(ref, old, now)
		if len(rows) > 0 && rows[0].From == ref {
			r.relations(old, now, s.outgoing(ref), rows[0].Edges)
			rows = rows[1:]
		}
	}
	return r.records
}

// Lookup is an entity or placeholder, without the search of [Snapshot.Entity] for what else may have been meant; nil where
// there is none. s may be nil.
func (s *Snapshot) Lookup(ref catalog.Ref) *catalog.Entity {
	if s == nil {
		return nil
	}
	if a := s.find(ref); a >= 0 {
		return s.entity(a)
	}
	return nil
}

func (s *Snapshot) outgoing(ref catalog.Ref) iter.Seq[*catalog.Edge] {
	if s == nil {
		return func(func(*catalog.Edge) bool) {}
	}
	out, _ := s.Relations(ref)
	return out
}

// recorder gathers the records of one entity after the other.
type recorder struct {
	records []FieldChange
	ref     catalog.Ref
	source  string // that describes the entity
}

func (r *recorder) add(field, old, now string) {
	if old != now {
		r.records = append(r.records, FieldChange{r.ref, cutValue(field), cutValue(old), cutValue(now), r.source})
	}
}

func (r *recorder) entity(ref catalog.Ref, old, now *catalog.Entity) {
	r.ref, r.source = ref, sourceOf(cmp.Or(now, old))
	if before, after := standing(old), standing(now); before != after {
		r.add("", before, after)
		return
	}
	if old == nil || old == now {
		return
	}
	r.add("kind", old.Kind, now.Kind)
	r.add("namespace", old.Namespace, now.Namespace)
	r.add("name", old.Name, now.Name)
	r.add("title", old.Title, now.Title)
	r.add("description", old.Description, now.Description)
	r.add("owner", string(old.Owner), string(now.Owner))
	r.add("suggestedOwners", hintsText(old.OwnerHints), hintsText(now.OwnerHints))
	r.add("lifecycle", old.Lifecycle, now.Lifecycle)
	r.add("type", old.Type, now.Type)
	r.add("tags", strings.Join(old.Tags, ", "), strings.Join(now.Tags, ", "))
	r.add("links", linksText(old.Links), linksText(now.Links))
	r.values("labels.", old.Labels, now.Labels)
	r.values("annotations.", old.Annotations, now.Annotations)
	r.aliases(old.Aliases, now.Aliases)
	was, is := profileOf(old), profileOf(now)
	r.add("profile.displayName", was.DisplayName, is.DisplayName)
	r.add("profile.email", was.Email, is.Email)
	r.add("profile.picture", was.Picture, is.Picture)
	r.add("slo", sloText(old.SLO), sloText(now.SLO))
	r.add("capacity", capacityText(old.Capacity), capacityText(now.Capacity))
	if old.Facts != now.Facts {
		r.values("", factTexts(old.Facts), factTexts(now.Facts))
	}
	r.add("stale", strconv.FormatBool(old.Stale), strconv.FormatBool(now.Stale))
	r.add("entryPoint", entryText(old), entryText(now))
	r.add("source", placeText(old.Origin), placeText(now.Origin))
}

// values records the changed ones of two maps. One that is there and empty is told by a pair of quotes.
func (r *recorder) values(prefix string, old, now map[string]string) {
	keys := make([]string, 0, len(old)+len(now))
	for key := range old {
		keys = append(keys, key)
	}
	for key := range now {
		if _, both := old[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	text := func(values map[string]string, key string) string {
		value, ok := values[key]
		if ok && value == "" {
			return `""`
		}
		return value
	}
	for _, key := range keys {
		r.add(prefix+key, text(old, key), text(now, key))
	}
}

// aliases records each alias that came, went, or was matched by another rule. Both lists are sorted.
func (r *recorder) aliases(old, now []catalog.EntityAlias) {
	for len(old)+len(now) > 0 {
		var was, is string
		order := 0
		switch {
		case len(old) == 0:
			order = 1
		case len(now) == 0:
			order = -1
		default:
			order = cmp.Compare(old[0].Alias, now[0].Alias)
		}
		if order <= 0 {
			was, old = aliasText(old[0]), old[1:]
		}
		if order >= 0 {
			is, now = aliasText(now[0]), now[1:]
		}
		r.add("aliases", was, is)
	}
}

// relations records the relations that differ between two rows in the order of the Model.
func (r *recorder) relations(old, now *catalog.Entity, before iter.Seq[*catalog.Edge], after []catalog.Edge) {
	was, is := standing(old), standing(now)
	if was == "" || is == "" {
		return
	}
	// What comes with a description is told by it, and so is what goes with it.
	births := was == is || is != StandingDescribed
	ends := was == is || was != StandingDescribed
	next, stop := iter.Pull(before)
	defer stop()
	edge, more := next()
	for more || len(after) > 0 {
		order := 0
		switch {
		case !more:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = compareEnds(edge, &after[0])
		}
		var gone, came *catalog.Edge
		if order <= 0 {
			gone = edge
			edge, more = next()
		}
		if order >= 0 {
			came, after = &after[0], after[1:]
		}
		if gone == nil && !births || came == nil && !ends {
			continue
		}
		r.relation(old, now, gone, came)
	}
}

func (r *recorder) relation(old, now *catalog.Entity, gone, came *catalog.Edge) {
	any := cmp.Or(came, gone)
	switch {
	case any.Type == catalog.RunsOn:
		return
	case any.Type == catalog.OwnedBy && (old != nil && old.Owner == any.To || now != nil && now.Owner == any.To):
		return // the field owner tells it
	}
	r.source = ""
	if len(any.Evidence) > 0 {
		r.source = any.Evidence[0].Origin.Source
	}
	told := gone != nil && came != nil && gone.Stale == old.Stale && came.Stale == now.Stale // by the entity
	r.add(any.Type.String()+" "+string(any.To), edgeText(gone, !told), edgeText(came, !told))
}

// compareEnds is the order of edges from one entity in the Model.
func compareEnds(a, b *catalog.Edge) int {
	return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Environment, b.Environment))
}

func standing(e *catalog.Entity) string {
	switch {
	case e == nil:
		return ""
	case e.Placeholder:
		return StandingPlaceholder
	case e.Discovered:
		return StandingDiscovered
	case e.Found:
		return StandingFound
	default:
		return StandingDescribed
	}
}

// sourceOf is the source that describes an entity, or else the first that an alias of it comes from.
func sourceOf(e *catalog.Entity) string {
	if e == nil {
		return ""
	}
	if e.Origin != nil {
		return e.Origin.Source
	}
	for _, alias := range e.Aliases {
		if alias.Origin != nil {
			return alias.Origin.Source
		}
	}
	return ""
}

func aliasText(a catalog.EntityAlias) string {
	return string(a.Alias) + " (" + string(a.MatchedBy) + ")"
}

func linksText(links []catalog.Link) string {
	texts := make([]string, len(links))
	for i, link := range links {
		texts[i] = link.URL
		for _, more := range []struct{ name, value string }{{"title", link.Title}, {"type", link.Type}, {"icon", link.Icon}} {
			if more.value != "" {
				texts[i] += " " + more.name + "=" + strconv.Quote(more.value)
			}
		}
	}
	return strings.Join(texts, ", ")
}

// hintsText names who is suggested; the places and reasons make no history.
func hintsText(hints []catalog.OwnerHint) string {
	names := make([]string, len(hints))
	for i, hint := range hints {
		names[i] = hint.Name
	}
	return strings.Join(names, ", ")
}

func profileOf(e *catalog.Entity) catalog.Profile {
	if e.Profile == nil {
		return catalog.Profile{}
	}
	return *e.Profile
}

func sloText(slo *catalog.SLO) string {
	if slo == nil {
		return ""
	}
	text := number(slo.Availability) + "%"
	const day = 24 * time.Hour
	switch {
	case slo.Window == 0:
	case slo.Window%day == 0:
		text += " in " + strconv.FormatInt(int64(slo.Window/day), 10) + "d"
	default:
		text += " in " + slo.Window.String()
	}
	return text
}

func capacityText(capacity *catalog.Capacity) string {
	if capacity == nil {
		return ""
	}
	return number(capacity.RequestsPerSecond) + " requests/s"
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// placeText names the place that describes an entity: source and location.
func placeText(origin *catalog.Origin) string {
	if origin == nil {
		return ""
	}
	return strings.TrimSuffix(origin.Source+" "+origin.Location, " ")
}

// entryText is "" where it is not known whether requests enter at an entity.
func entryText(e *catalog.Entity) string {
	if is := IsEntryPoint(e); is != nil {
		return strconv.FormatBool(*is)
	}
	return ""
}

// edgeText is what the history tells of a relation; "" of none.
func edgeText(e *catalog.Edge, stale bool) string {
	if e == nil {
		return ""
	}
	words := make([]string, 0, 8)
	add := func(prefix, word string) {
		if word != "" {
			words = append(words, prefix+word)
		}
	}
	add("", cmp.Or(e.Strength.String(), "stated")) // ownership and membership have none
	add("", e.Role.String())
	add("any of ", e.AnyOf)
	add("in ", e.Environment)
	if e.Stale && stale {
		add("", "stale")
	}
	if d := e.Details; d != nil {
		if d.CallsPerRequest != 0 {
			add("calls ", number(d.CallsPerRequest))
		}
		if d.Timeout != 0 {
			add("timeout ", d.Timeout.String())
		}
		add("protocol ", d.Protocol)
		add("fallback: ", d.Fallback)
	}
	return strings.Join(words, ", ")
}

// cutValue keeps the beginning of a text, up to a whole character.
func cutValue(text string) string {
	if len(text) <= MaxRecordedBytes {
		return text
	}
	end := MaxRecordedBytes - len("…")
	for end > MaxRecordedBytes-len("…")-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
