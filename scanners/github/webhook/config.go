package webhook

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Config says to whom deliveries go.
type Config struct {
	Targets  []Target
	MaxBytes int64 // of a delivery; 0 = DefaultMaxBytes
	Log      zerolog.Logger
	Metrics  prometheus.Registerer // nil = nobody looks at them
}

// DefaultMaxBytes is the most that GitHub delivers at once.
const DefaultMaxBytes = 25 << 20

// Target is a source that wants to hear. Its functions may be called from several goroutines, and must return soon: GitHub
// waits ten seconds for the answer.
type Target struct {
	Source string // its id, for the log
	Secret string // that deliveries are signed with; "" = it takes none
	// Host is where its repositories are, such as github.com: names begin with it. It decides where the secrets of targets
	// of several hosts are the same.
	Host string
	// Owners says whether the source may have repositories or teams of an organisation or user; nil = of any.
	Owners func(owner string) bool
	// Branch is the one that the source reads; "" = the default branch of each repository, which GitHub tells.
	Branch string
	// Wants says whether the source reads a file of a repository ("acme/checkout") at the head of that branch, or, where path
	// is "", whether it reads the branch at all; nil = every file.
	Wants func(repository, branch, path string) bool
	// Changed takes what was touched, by names as [scanners.PartScanner] takes them: sorted, at least one. An error that wraps
	// [scanners.ErrHeardBefore] refuses the delivery as a replay, any other one as something that GitHub may deliver again.
	Changed func(ctx context.Context, delivery string, names []string) error
	// PullRequest takes what happened to a pull request, whatever it was; nil = the source does not want to know. It is called
	// at most once for a delivery that it took without an error, as long as the process remembers it.
	PullRequest func(ctx context.Context, event PullRequest) error
}

// PullRequest is what happened to a pull request.
type PullRequest struct {
	Delivery   string
	Action     string // as GitHub names it: opened, synchronize, reopened, edited, closed ...; or ActionRerequested
	Host       string // of the target
	Repository string // that it is to be merged into, "acme/checkout"
	// Number is 0 where GitHub does not tell which pull request a check was of, as for one from a fork.
	Number       int
	Base         string // the branch that it is to be merged into
	BaseCommit   string // the newest of that branch as GitHub knew it
	Head         string // the branch that is to be merged
	HeadCommit   string
	HeadFrom     string // the repository of that branch, "someone/checkout"; "" = it is gone
	Draft        bool
	Merged       bool  // with the action closed
	BaseChanged  bool  // with the action edited: Base was another branch before
	Installation int64 // of the app that was told; 0 = unknown
}

// ActionRerequested is the action of a PullRequest of which somebody asked for the checks again, by the events check_run and
// check_suite. It tells Repository, HeadCommit and maybe Number, and perhaps no more.
const ActionRerequested = "rerequested"
