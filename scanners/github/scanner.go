package github

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// Config says what a Scanner reads.
type Config struct {
	Connection *connect.Connection
	// Organizations and Users own the repositories; with neither, all that the App is installed in do.
	Organizations, Users []string
	// Include and Exclude narrow the repositories by globs on their names, without the owner. No Include means all.
	Include, Exclude []string
	Topics           []string // a repository must have one of them; none = any will do
	Visibility       []string // public, private, internal; none = any will do
	Archived, Forks  bool     // whether those are read, too
	Branch           string   // "" = the default branch of each repository; one without it has nothing to read
	// CatalogFiles are what is read of a repository besides what its Locations name: paths, and globs on paths. None =
	// catalog-info.yaml and catalog-info.yml in its root.
	CatalogFiles []string
	ExcludeFiles []string // globs on paths, or on names where there is no slash, of files that are never read
	Teams        bool     // whether teams and their members are read
	Namespace    string   // of groups and users; "" = default with one organisation, else that of each
	Now          func() time.Time
	Log          zerolog.Logger
}

// Repository is one that was listed by the last scan.
type Repository struct {
	ID         int64
	Owner      string // as GitHub spells it
	Name       string
	FullName   string // owner/name
	Branch     string // that is read
	Archived   bool
	Fork       bool
	HasCatalog bool // a file of it says something
}

// Scanner reads one GitHub. Catalog files are scopes, named like their locations: host, owner, name, path.
type Scanner struct {
	config Config
}

var (
	_ scanners.PartScanner = (*Scanner)(nil)
	_ scanners.Budgeted    = (*Scanner)(nil)
	_ scanners.Resumer     = (*Scanner)(nil)
)

// New checks the configuration. It asks nothing.
func New(config Config) (*Scanner, error) {
	return &Scanner{config: config}, nil
}

// Scan lists all repositories and reads those that changed.
func (s *Scanner) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	return nil, errors.New("nothing is read yet")
}

// ScanParts reads repositories again: by their own names (`github.com/acme/checkout/`, the old or the new one after a
// rename) or those of files in them; those of an owner that changed, by its name (`github.com/acme/`); and teams
// (`teams/github.com/acme`).
func (s *Scanner) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) ([]byte, error) {
	return nil, scanners.ErrWhole
}

// Budgets implements scanners.Budgeted.
func (s *Scanner) Budgets() []scanners.Budget { return s.config.Connection.Budgets() }

// ResumeAt implements scanners.Resumer.
func (s *Scanner) ResumeAt() time.Time { return time.Time{} }

// ReadAt reads files of a repository (owner/name) at a commit, by their paths; nil = all that a scan would read. It tells what
// a scan would say of them if the commit were the head of the branch: of a path that a scan would not read, nothing; of one
// that it read and that is not there, that it is gone.
func (s *Scanner) ReadAt(ctx context.Context, repository, commit string, paths []string) ([]scanners.Scope, error) {
	return nil, errors.New("nothing is read yet")
}

// Files is what a repository (owner/name) holds at a commit; "" = at the head of the branch that is read. Files are fetched when they
// are opened, and for as long as ctx lasts.
func (s *Scanner) Files(ctx context.Context, repository, commit string) (fs.FS, error) {
	return nil, errors.New("nothing is read yet")
}

// Repositories are those of the last scan, by name; none before the first.
func (s *Scanner) Repositories() []Repository { return nil }

// Owns says whether repositories of an owner are read, as far as it is known before a scan.
func (s *Scanner) Owns(owner string) bool { return false }

// Wants says whether a push to a branch of a repository (owner/name) that changes the path can change what a scan says. An
// empty branch or path stands for any.
func (s *Scanner) Wants(repository, branch, path string) bool { return true }
