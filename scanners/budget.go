package scanners

import "time"

// Budget is how much a place lets itself be asked in a time.
type Budget struct {
	Name      string    // of what is counted apart, such as core or graphql
	Limit     int       // requests in a period
	Remaining int       // of them
	Reset     time.Time // when the period ends; zero = unknown
	Used      int       // by the last scan
}

// Budgeted is a Scanner of a place that limits how much it is asked.
type Budgeted interface {
	Scanner
	// Budgets are as the last answers told them, by name; none = nothing is known. It returns at once, from any goroutine.
	Budgets() []Budget
}

// Resumer is a Scanner that may end before it has read everything, having reported what it did not come to as Unreadable.
type Resumer interface {
	Scanner
	// ResumeAt is when the last scan is to be gone on with; zero = there is nothing left to do. It returns at once, from any
	// goroutine.
	ResumeAt() time.Time
}
