package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

// problemsKey is the key of the document that only holds what was wrong with a scope.
const problemsKey = "#problems"

// maxScopeProblems is how many problems the document of problems keeps: enough to see what is wrong, and bounded.
const maxScopeProblems = 1000

// tellEvery is how many scopes go by between two steps of progress.
const tellEvery = 256

// scan is the sink of one scan of one source. It keeps what is reported in packed form.
type scan struct {
	source Source
	parts  []string        // that it is asked for; nil = everything
	asked  map[string]bool // the parts
	tell   func(graph.ScanProgress)
	share  func(source, scope string, entries []entry)
	held   func(read func(*holding)) // lets what is held of the source be read; it may be nil

	mu        sync.Mutex
	closed    bool
	scopes    map[string]statement
	documents int
}

// statement is what one scope says now.
type statement struct {
	state   scanners.ScopeState
	entries []entry // sorted by key
	reason  string  // why not all of it could be read, in one line, by the first error in it
	failure string  // the same in the words of the scanner; "" = it was read
	around  bool    // it was made about a folder around the scope
	silent  bool    // nothing was said
}

// newScan is the sink of a scan of the named parts, or of everything. It tells how far it is and shares the memory of
// what is held already.
func (c *Catalog) newScan(source Source, parts []string) *scan {
	asked := make(map[string]bool, len(parts))
	for _, part := range parts {
		asked[part] = true
	}
	held := func(read func(*holding)) {
		c.mu.RLock()
		defer c.mu.RUnlock()
		read(c.state.sources[source.ID])
	}
	return &scan{
		source: source, parts: parts, asked: asked, tell: c.progress.tell, share: c.share, held: held,
		scopes: make(map[string]statement),
	}
}

var _ scanners.Memory = (*scan)(nil)

// Said implements scanners.Memory.
func (s *scan) Said(scope string) []string {
	var subjects []string
	s.held(func(h *holding) {
		for _, e := range h.scope(scope) {
			if e.subject != "" {
				subjects = append(subjects, e.subject)
			}
		}
	})
	return subjects
}

// Scopes implements scanners.Memory.
func (s *scan) Scopes() []string {
	var names []string
	s.held(func(h *holding) {
		if h != nil {
			names = h.scopes.Keys()
		}
	})
	return names
}

// errScanEnded is what a scanner gets that goes on reporting when it has returned.
var errScanEnded = errors.New("the scan has ended")

// Report implements scanners.Sink.
func (s *scan) Report(ctx context.Context, scope scanners.Scope) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	entries, err := s.pack(scope)
	if err != nil {
		return err
	}
	s.share(s.source.ID, scope.Name, entries)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errScanEnded
	}
	if _, twice := s.scopes[scope.Name]; twice {
		s.mu.Unlock()
		return fmt.Errorf("the scanner reported scope %q twice", scope.Name)
	}
	s.scopes[scope.Name] = statement{state: scope.State, entries: entries, reason: reasonOf(scope), failure: oneLine(scope.Error)}
	s.documents += len(scope.Documents)
	progress := s.progressLocked()
	s.mu.Unlock()
	if progress.Scopes%tellEvery == 0 {
		s.tell(progress)
	}
	return nil
}

// progress is how far the scan is.
func (s *scan) progress() graph.ScanProgress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progressLocked()
}

func (s *scan) progressLocked() graph.ScanProgress {
	return graph.ScanProgress{Source: s.source.ID, Scopes: len(s.scopes), Documents: s.documents}
}

// reasonOf says why not all of a scope could be read: by the first error in it, where there is one.
func reasonOf(scope scanners.Scope) string {
	var first *catalog.Problem
	for _, document := range scope.Documents {
		for i := range document.Problems {
			problem := &document.Problems[i]
			if len(document.Claims) == 0 && problem.Severity == catalog.Error && (first == nil || problem.Line < first.Line) {
				first = problem
			}
		}
	}
	switch {
	case first == nil:
		return oneLine(scope.Error)
	case first.Line > 0:
		return oneLine(fmt.Sprintf("line %d: %s", first.Line, first.Message))
	}
	return oneLine(first.Message)
}

// close refuses what comes later: it would change a scan that is being committed.
func (s *scan) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// pack gives each document of a scope its place and packs it. Documents without claims become one, and so does what is
// wrong with a document that no store would take.
func (s *scan) pack(scope scanners.Scope) ([]entry, error) {
	problems := &catalog.Document{
		ID:       catalog.DocumentID{Source: s.source.ID, Scope: scope.Name, Key: problemsKey},
		Priority: givenBy(s.source).Priority,
	}
	ordered := slices.Clone(scope.Documents)
	slices.SortStableFunc(ordered, func(a, b *catalog.Document) int { return a.Ordinal - b.Ordinal })
	entries := make([]entry, 0, len(ordered))
	taken := make(map[string]bool, len(ordered))
	for _, document := range ordered {
		cutTexts(document.Problems)
		if len(document.Claims) == 0 {
			if problems.Location == "" {
				problems.Location, problems.Version = document.Location, document.Version
			}
			problems.Problems = append(problems.Problems, document.Problems...)
			continue
		}
		document.ID = catalog.DocumentID{Source: s.source.ID, Scope: scope.Name, Key: keyOf(document.Claims[0].Subject, taken)}
		if document.Priority == 0 {
			document.Priority = givenBy(s.source).Priority
		}
		if document.Environment == "" {
			document.Environment = s.source.Environment
		}
		packed, err := packSaid(document)
		switch {
		case errors.Is(err, graph.ErrTooLarge):
			problems.Location, problems.Version = document.Location, document.Version
			problems.Problems = append(problems.Problems, catalog.Problem{
				Location: document.Location, Line: document.Claims[0].Line, Severity: catalog.Error, Code: "too-large",
				Message: fmt.Sprintf("the document says more than %d bytes can hold", graph.MaxDocumentBytes),
				Fix:     "split it, or shorten its lists", Ref: document.Claims[0].Subject.Ref,
			})
			continue
		case err != nil:
			return nil, fmt.Errorf("scope %s: %w", scope.Name, err)
		}
		entries = append(entries, packed)
	}
	if len(problems.Problems) > 0 {
		packed, err := packSaid(boundProblems(problems))
		if err != nil {
			return nil, fmt.Errorf("scope %s: %w", scope.Name, err)
		}
		entries = append(entries, packed)
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return entries, nil
}

// packSaid packs what a scanner says; the rest is not the scanner's to say. The error wraps [graph.ErrTooLarge] also where
// there is no room for the rest.
func packSaid(document *catalog.Document) (entry, error) {
	takeMarks(document)
	e, size, err := pack(document)
	if err == nil && size+room(document) > graph.MaxDocumentBytes {
		err = graph.ErrTooLarge
	}
	return e, err
}

// keyOf is the subject, with "#2" and so on for a repetition.
func keyOf(subject catalog.Subject, taken map[string]bool) string {
	base := subjectOf(subject)
	key := base
	for n := 2; taken[key]; n++ {
		key = base + "#" + strconv.Itoa(n)
	}
	taken[key] = true
	return key
}

func subjectOf(subject catalog.Subject) string {
	if subject.Ref != "" {
		return string(subject.Ref)
	}
	return string(subject.Alias)
}

// maxProblemText is how many bytes a text of a problem keeps: a field's name may be as long as its file.
const maxProblemText = 1000

func cutTexts(problems []catalog.Problem) {
	for i := range problems {
		for _, text := range []*string{&problems[i].Field, &problems[i].Message, &problems[i].Fix} {
			cutText(text)
		}
	}
}

func cutText(text *string) {
	if len(*text) > maxProblemText {
		*text = strings.ToValidUTF8((*text)[:maxProblemText], "") + "…"
	}
}

func boundProblems(document *catalog.Document) *catalog.Document {
	slices.SortFunc(document.Problems, catalog.CompareProblems)
	if more := len(document.Problems) - maxScopeProblems; more > 0 {
		document.Problems = append(document.Problems[:maxScopeProblems:maxScopeProblems], catalog.Problem{
			Location: document.Location, Severity: catalog.Warning, Code: "more-problems",
			Message: fmt.Sprintf("%d more problems are not listed", more), Fix: "mend those that are",
		})
	}
	return document
}
