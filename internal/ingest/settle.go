package ingest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// settling is the working out of what a source holds after a scan.
type settling struct {
	source  Source
	held    *holding           // what it holds before; not changed
	seen    catalog.Instant    // when its last good scan ended
	scopes  map[string][]entry // what each scope that changes holds afterwards; none = it is gone
	counted int                // entities it had before what went shortly before; 0 = nothing that counts did
	heldOf  int                // how many entities it had of which some are held; 0 = nothing is held
	// missing are the documents with claims that are there before and not found any more, by subject.
	missing map[string][]missed
	// taken are the subjects of documents that stood in a scope of which the source says itself that it was taken away.
	taken map[string]bool
}

type missed struct {
	scope string
	entry entry
}

// settle is the rule by which a scan replaces what its source held: a scope that was read replaces its claims, one that
// could not be read keeps its last good ones, marked stale, and one that is gone goes, unless the brake holds it. A scan of
// parts says nothing of what it was not asked for and did not report.
func (s *scan) settle(source Source, held *holding, seen catalog.Instant, counted int) (*settling, error) {
	w := &settling{
		source: source, held: held, seen: seen, counted: counted, scopes: make(map[string][]entry), missing: make(map[string][]missed),
		taken: make(map[string]bool),
	}
	for name, now := range s.scopes {
		if err := w.take(name, now); err != nil {
			return nil, err
		}
	}
	for name := range s.unreported(held) {
		if err := w.take(name, s.above(name)); err != nil {
			return nil, err
		}
	}
	return w, w.brake()
}

// unreported are the held scopes that the scan was asked for and did not report, and those of which something is missing
// since an earlier scan.
func (s *scan) unreported(held *holding) map[string]struct{} {
	names := make(map[string]struct{})
	add := func(name string) {
		if _, reported := s.scopes[name]; !reported {
			names[name] = struct{}{}
		}
	}
	if s.parts == nil {
		held.scopes.Scan(func(name string, _ []entry) bool { add(name); return true })
		return names
	}
	for _, part := range s.parts {
		if held.scope(part) != nil {
			add(part)
		}
		if strings.HasSuffix(part, "/") {
			held.scopes.Ascend(part, func(name string, _ []entry) bool {
				if !strings.HasPrefix(name, part) {
					return false
				}
				add(name)
				return true
			})
		}
	}
	for id := range held.held {
		add(id.scope)
	}
	return names
}

// above is what a scan says about a scope that it did not report itself: what it said of the nearest folder around it,
// or that it is gone; or nothing, where it was not asked.
func (s *scan) above(name string) statement {
	asked := s.parts == nil || s.asked[name]
	for folder := strings.TrimSuffix(name, "/"); ; {
		slash := strings.LastIndexByte(folder, '/')
		if slash < 0 {
			break
		}
		if now, ok := s.scopes[folder[:slash+1]]; ok {
			return statement{state: now.state, reason: now.reason, around: true}
		}
		asked = asked || s.asked[folder[:slash+1]]
		folder = folder[:slash]
	}
	if asked {
		return statement{state: scanners.Read}
	}
	return statement{state: scanners.Unchanged, silent: true}
}

// take works out one scope. Of one that is unchanged, what the source no longer had is missing still.
func (w *settling) take(name string, now statement) error {
	before := w.held.scope(name)
	after, err := now.after(before, w.seen)
	if err != nil {
		return err
	}
	rest := after
	for _, e := range before { // both are sorted by key
		for len(rest) > 0 && rest[0].key < e.key {
			rest = rest[1:]
		}
		if e.subject != "" && (len(rest) == 0 || rest[0].key != e.key) {
			if now.state == scanners.Gone {
				w.taken[e.subject] = true
				continue
			}
			w.missing[e.subject] = append(w.missing[e.subject], missed{name, e})
		}
	}
	if !equal(before, after) {
		w.scopes[name] = after
	}
	return nil
}

// after is what a scope holds when the statement is made about it. seen is when what it holds was seen last.
func (now statement) after(before []entry, seen catalog.Instant) ([]entry, error) {
	switch now.state {
	case scanners.Unchanged:
		return now.unchanged(before), nil
	case scanners.Gone:
		return nil, nil
	case scanners.Read:
		return now.stated(before), nil
	case scanners.Partly, scanners.Unreadable: // below
	}
	if now.around {
		return now.unreached(before, seen)
	}
	after := now.stated(before)
	restated := make(map[string]bool)
	for _, e := range after {
		restated[e.subject] = true
	}
	for _, e := range before {
		if e.subject == "" || restated[e.subject] {
			continue
		}
		old, err := e.asStale(now.reason, seen)
		if err != nil {
			return nil, err
		}
		after = append(after, old)
	}
	slices.SortFunc(after, compareKeys)
	return after, nil
}

// unchanged are the entries of a scope that is as it was. What nobody could reach for a while is what it was, too; what
// could not be read in the scope itself still cannot.
func (now statement) unchanged(before []entry) []entry {
	again := func(e entry) bool { return e.held() || e.unreached() && !now.silent }
	if !slices.ContainsFunc(before, again) {
		return before
	}
	after := slices.DeleteFunc(slices.Clone(before), entry.held)
	for i, e := range after {
		if again(e) {
			after[i] = e.fresh()
		}
	}
	return after
}

// unreached are the entries of a scope around which something could not be read: all that it says stands, and what was wrong
// with it. What its source no longer had is missing still.
func (now statement) unreached(before []entry, seen catalog.Instant) ([]entry, error) {
	after := make([]entry, 0, len(before))
	for _, e := range before {
		if e.held() {
			continue
		}
		if e.subject != "" {
			var err error
			if e, err = e.asUnreached(now.reason, seen); err != nil {
				return nil, err
			}
		}
		after = append(after, e)
	}
	return after, nil
}

// stated are the entries of the statement, those that say what was said before in the place of which they stand.
func (now statement) stated(before []entry) []entry {
	stated := slices.Clone(now.entries)
	for i, e := range stated {
		if at, found := findKey(before, e.key); found {
			stated[i] = e.like(before[at])
		}
	}
	return stated
}

func compareKeys(a, b entry) int { return strings.Compare(a.key, b.key) }

// restamp gives what was not read anew the priority and the environment of a changed configuration, in place of those
// that it was given.
func (w *settling) restamp(s *scan, was given) error {
	now := givenBy(w.source)
	if was == now || was == (given{}) {
		return nil
	}
	restamped := make(map[string][]entry)
	var failed error
	renew := func(name string, entries []entry) bool {
		statement, reported := s.scopes[name]
		reread := reported && statement.state != scanners.Unchanged
		for i, e := range entries {
			if reread && !e.stale() {
				continue
			}
			document, err := e.document()
			if err != nil {
				failed = err
				return false
			}
			if document.Priority == was.Priority {
				document.Priority = now.Priority
			}
			if document.Environment == was.Environment {
				document.Environment = now.Environment
			}
			renewed, err := newEntry(document)
			if err != nil {
				failed = err
				return false
			}
			if bytes.Equal(renewed.said, e.said) {
				continue
			}
			if restamped[name] == nil {
				restamped[name] = slices.Clone(entries)
			}
			restamped[name][i] = renewed
		}
		return true
	}
	w.held.scopes.Scan(func(name string, entries []entry) bool {
		if changed, ok := w.scopes[name]; ok {
			entries = changed
		}
		return renew(name, entries)
	})
	for name, entries := range restamped {
		w.scopes[name] = entries
	}
	return failed
}
