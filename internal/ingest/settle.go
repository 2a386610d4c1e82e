package ingest

import (
	"errors"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

// settle is the rule by which a scan replaces what its source held: a scope that was read replaces its claims, one that
// could not be read keeps its last good ones, marked stale, and one that is gone goes. It returns the scopes that differ.
// held is not changed. A scan of parts says nothing of what it was not asked for.
func (s *scan) settle(held map[string][]entry) (map[string][]entry, error) {
	scopes := make(map[string][]entry)
	for name, now := range s.scopes {
		after, err := now.after(held[name])
		if err != nil {
			return nil, err
		}
		if !equal(held[name], after) {
			scopes[name] = after
		}
	}
	for name, before := range held {
		if _, reported := s.scopes[name]; reported || !s.covers(name) {
			continue
		}
		after, err := s.above(name).after(before)
		if err != nil {
			return nil, err
		}
		if !equal(before, after) {
			scopes[name] = after
		}
	}
	return scopes, nil
}

// covers says whether a scope that is not reported is gone: a whole scan tells of all, one of parts of those that were
// named and of what lies below the named folders.
func (s *scan) covers(name string) bool {
	return s.parts == nil || slices.ContainsFunc(s.parts, func(part string) bool {
		return part == name || strings.HasSuffix(part, "/") && strings.HasPrefix(name, part)
	})
}

// above is what a scan says about a scope that it did not report itself: what it said of the nearest folder around it,
// or that it is gone.
func (s *scan) above(name string) statement {
	for name = strings.TrimSuffix(name, "/"); ; {
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 {
			return statement{state: scanners.Read}
		}
		if folder, ok := s.scopes[name[:slash+1]]; ok {
			return statement{state: folder.state, reason: folder.reason}
		}
		name = name[:slash]
	}
}

// after is what a scope holds when the statement is made about it.
func (now statement) after(before []entry) ([]entry, error) {
	switch now.state {
	case scanners.Unchanged:
		return before, nil
	case scanners.Read:
		return now.entries, nil
	case scanners.Partly, scanners.Unreadable: // below
	}
	restated := make(map[string]bool)
	for _, e := range now.entries {
		subject, err := e.subject()
		if err != nil {
			return nil, err
		}
		restated[subject] = true
	}
	var kept []entry
	for _, e := range before {
		if !e.claims {
			continue
		}
		if subject, err := e.subject(); err != nil {
			return nil, err
		} else if restated[subject] {
			continue
		}
		old, err := e.asStale(now.reason)
		if err != nil {
			return nil, err
		}
		if _, found := findKey(now.entries, old.key); !found {
			kept = append(kept, old)
		}
	}
	return slices.SortedFunc(slices.Values(slices.Concat(now.entries, kept)), func(a, b entry) int {
		return strings.Compare(a.key, b.key)
	}), nil
}

// subject is whom the first claim is about; "" without claims.
func (e entry) subject() (string, error) {
	if !e.claims {
		return "", nil
	}
	document, err := e.document()
	if err != nil {
		return "", err
	}
	return subjectOf(document.Claims[0].Subject), nil
}

// codeStale is the code of the problem that tells why a document is stale.
const codeStale = "stale"

func (e entry) asStale(reason string) (entry, error) {
	document, err := e.document()
	if err != nil {
		return entry{}, err
	}
	document.Stale = true
	document.Problems = slices.DeleteFunc(document.Problems, func(p catalog.Problem) bool { return p.Code == codeStale })
	document.Problems = append(document.Problems, catalog.Problem{
		Location: document.Location, Line: document.Claims[0].Line, Severity: catalog.Warning, Code: codeStale,
		Message: "what was read last stands, as it could not be read again: " + reason,
		Fix:     "mend the file, or what keeps it from being read", Ref: document.Claims[0].Subject.Ref,
	})
	cutTexts(document.Problems)
	packed, err := newEntry(document)
	if errors.Is(err, graph.ErrTooLarge) { // what it says goes before why it is stale
		document.Problems = document.Problems[:len(document.Problems)-1]
		packed, err = newEntry(document)
	}
	return packed, err
}

func equal(a, b []entry) bool {
	return slices.EqualFunc(a, b, func(a, b entry) bool { return string(a.packed) == string(b.packed) })
}
