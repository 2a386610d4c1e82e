package ingest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
)

// Scanners may say that they have not read everything, and when they want to go on.
const (
	// resumePause is the least time between the end of a scan and the one that goes on with it.
	resumePause = 5 * time.Second
	// resumeSpread is how much later than asked for it may begin, so that not all that wait for the same hour come at once.
	resumeSpread = 5 * time.Second
)

// maxBudgets is how many budgets of a source are kept.
const maxBudgets = 32

// budget is a scanners.Budget as it is stored.
type budget struct {
	Name      string    `json:"name"`
	Limit     int       `json:"limit"`
	Remaining int       `json:"remaining"`
	Reset     time.Time `json:"reset,omitzero"`
	Used      int       `json:"used,omitzero"`
}

// note asks the scanner how much it may still ask, and when it wants to go on.
func (r *reading) note(scanner scanners.Scanner, now time.Time) {
	if budgeted, ok := scanner.(scanners.Budgeted); ok {
		r.budgets = slices.Clone(budgeted.Budgets())
		slices.SortFunc(r.budgets, func(a, b scanners.Budget) int { return strings.Compare(a.Name, b.Name) })
	}
	if resumer, ok := scanner.(scanners.Resumer); ok {
		if at := resumer.ResumeAt(); !at.IsZero() {
			r.resume = later(at, now.Add(resumePause)).Add(rand.N(resumeSpread)).UTC().Truncate(time.Microsecond)
		}
	}
}

// goesOn notes what the scanner said of its budgets, and when the source is to be scanned on: a scan of parts does not end
// what one of the whole left.
func (s *status) goesOn(was status, read reading) {
	s.Resume = read.resume
	if read.scan.parts != nil && !was.Resume.IsZero() && (s.Resume.IsZero() || was.Resume.Before(s.Resume)) {
		s.Resume = was.Resume
	}
	s.Budgets = nil
	for _, b := range read.budgets[:min(len(read.budgets), maxBudgets)] {
		b.Reset = b.Reset.UTC()
		cutText(&b.Name)
		s.Budgets = append(s.Budgets, budget(b))
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
