package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
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
	Teams        bool     // whether teams and their members are read, but for what is secret there
	Namespace    string   // of groups and users; "" = default with one organisation, else that of each
	// Program is the version of whoever reads: what another one read is read again. "" = all read alike.
	Program string
	Now     func() time.Time
	Log     zerolog.Logger
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

	mu       sync.Mutex
	last     *state    // that the last good scan left; nil = there was none
	resume   time.Time // when there is more to do
	imported bool      // the connection has what an earlier process kept of answers
}

var (
	_ scanners.PartScanner = (*Scanner)(nil)
	_ scanners.Budgeted    = (*Scanner)(nil)
	_ scanners.Resumer     = (*Scanner)(nil)
)

// New checks the configuration. It asks nothing.
func New(config Config) (*Scanner, error) {
	if config.Connection == nil {
		return nil, errors.New("GitHub is not reached without a connection")
	}
	if len(config.Organizations) == 0 && len(config.Users) == 0 && !config.Connection.IsApp() {
		return nil, errors.New("no organisation or user of GitHub is named")
	}
	for _, name := range slices.Concat(config.Organizations, config.Users) {
		if !isName(name) {
			return nil, fmt.Errorf("%q is no name of an organisation or user of GitHub", name)
		}
	}
	if len(config.CatalogFiles) == 0 {
		config.CatalogFiles = []string{"catalog-info.yaml", "catalog-info.yml"}
	}
	config.CatalogFiles = slices.Clone(config.CatalogFiles)
	for i, file := range config.CatalogFiles {
		if file = path.Clean(strings.TrimPrefix(file, "/")); !fs.ValidPath(file) || file == "." {
			return nil, fmt.Errorf("%q is no path in a repository", config.CatalogFiles[i])
		}
		config.CatalogFiles[i] = file
	}
	if err := folder.CheckGlobs(slices.Concat(config.Include, config.Exclude, config.CatalogFiles, config.ExcludeFiles)...); err != nil {
		return nil, err
	}
	config.Topics, config.Visibility = lower(config.Topics), lower(config.Visibility)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Scanner{config: config}, nil
}

func lower(words []string) []string {
	low := make([]string, len(words))
	for i, word := range words {
		low[i] = strings.ToLower(word)
	}
	return low
}

// Scan lists all repositories and reads those that changed. A repository that cannot be read, or that the limits of GitHub
// leave no room for, is Unreadable as a whole, and read by a later scan; so is an owner with others. Where nothing can be
// listed, the scan fails.
func (s *Scanner) Scan(ctx context.Context, previous []byte, sink scanners.Sink) (next []byte, err error) {
	defer func() { err = connect.Explain(err) }()
	base := s.base(previous)
	s.begin(base)
	r := s.newRun(sink, base)
	owners, err := s.owners(ctx)
	if err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return r.list(ctx, owners) }, r.decide, r.readChanged, r.follow,
		func(ctx context.Context) error { return r.readTeams(ctx, owners) },
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.finish(ctx)
}

// begin prepares for a scan that goes on from what was known before; nil = nothing.
func (s *Scanner) begin(base *state) {
	s.config.Connection.Begin()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume = time.Time{}
	if base != nil && !s.imported && bytes.Equal(base.Listing, s.config.listingDigest()) {
		s.config.Connection.Cache().Import(base.Cache)
	}
	s.imported = true
}

// learn takes over what is known at the good end of a scan.
func (s *Scanner) learn(last *state, resume time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.resume = last, resume
}

// postpone notes when a failed scan may succeed.
func (s *Scanner) postpone(resume time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume = resume
}

// known is what the last good scan left; nil = there was none. Nobody may change it.
func (s *Scanner) known() *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Budgets implements scanners.Budgeted.
func (s *Scanner) Budgets() []scanners.Budget { return s.config.Connection.Budgets() }

// ResumeAt implements scanners.Resumer.
func (s *Scanner) ResumeAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resume
}

// Repositories are those of the last scan, by name; none before the first.
func (s *Scanner) Repositories() []Repository {
	known := s.known()
	if known == nil {
		return nil
	}
	all := make([]Repository, 0, len(known.Repositories))
	for _, r := range known.Repositories {
		owner, name, _ := strings.Cut(r.FullName, "/")
		all = append(all, Repository{
			ID: r.ID, Owner: owner, Name: name, FullName: r.FullName, Branch: r.Branch, Archived: r.Flags&archived != 0,
			Fork: r.Flags&fork != 0, HasCatalog: len(r.Files) > 0,
		})
	}
	slices.SortFunc(all, func(a, b Repository) int { return strings.Compare(a.FullName, b.FullName) })
	return all
}

// Owns says whether repositories of an owner are read, as far as it is known before a scan: an App without configured owners
// reads those of any.
func (s *Scanner) Owns(owner string) bool {
	all := slices.Concat(s.config.Organizations, s.config.Users)
	return len(all) == 0 || slices.ContainsFunc(all, func(name string) bool { return strings.EqualFold(name, owner) })
}

// Wants says whether a push to a branch of a repository (owner/name) that changes the path can change what a scan says. An
// empty branch or path stands for any.
func (s *Scanner) Wants(repository, branch, name string) bool {
	owner, _, _ := strings.Cut(repository, "/")
	if !s.Owns(owner) {
		return false
	}
	known := s.known()
	if known == nil {
		return s.config.Branch == "" || branch == "" || branch == s.config.Branch
	}
	at := slices.IndexFunc(known.Repositories, func(r *record) bool { return strings.EqualFold(r.FullName, repository) })
	if at < 0 { // it may be new
		return s.config.Branch == "" || branch == "" || branch == s.config.Branch
	}
	r := known.Repositories[at]
	if branch != "" && branch != r.Branch {
		return false
	}
	return name == "" || s.wantsFile(r, name)
}

// wantsFile says whether a change of a file can change what a known repository says.
func (s *Scanner) wantsFile(r *record, name string) bool {
	fits := func(glob string) bool { return glob == name || doublestar.MatchUnvalidated(glob, name) }
	return slices.ContainsFunc(r.Files, func(f fileRecord) bool { return !f.Alone || f.Name == name }) ||
		slices.ContainsFunc(s.config.CatalogFiles, fits) || slices.ContainsFunc(r.Extra, fits) || slices.Contains(codeowners, name) ||
		path.Base(name) == ".gitignore"
}
