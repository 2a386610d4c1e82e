package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// GitHubApp is how a source signs in as a GitHub App.
type GitHubApp struct {
	ID             int
	Installation   int    // 0 = that of each organisation or user is looked up
	PrivateKey     string // PEM; "" = in PrivateKeyFile
	PrivateKeyFile string
}

// IsSet says whether the source signs in as an App.
func (a GitHubApp) IsSet() bool { return a != GitHubApp{} }

func gitHubAppSettings() []setting[GitHubApp] {
	return []setting[GitHubApp]{
		{
			name: "id", into: func(a *GitHubApp) any { return &a.ID }, required: true,
			help: "The App's id, a number.",
		},
		{
			name: "installation", into: func(a *GitHubApp) any { return &a.Installation },
			help: "Id of the one installation that is used. Those of the organizations and users are looked up where it is absent.",
		},
		{
			name: "privateKey", into: func(a *GitHubApp) any { return &a.PrivateKey }, secret: true,
			help: "The App's private key, PEM. Best written as ${GITHUB_APP_KEY}, or kept in privateKeyFile.",
		},
		{
			name: "privateKeyFile", into: func(a *GitHubApp) any { return &a.PrivateKeyFile }, isPath: true,
			help: "PEM file of the App's private key.",
		},
	}
}

// What a source of KindGitHub may be of.
const (
	VisibilityPublic   = "public"
	VisibilityPrivate  = "private"
	VisibilityInternal = "internal"
)

// Which pull requests are checked.
const (
	ChecksChanged = "changed" // those that change catalog files
	ChecksAll     = "all"
)

// repositorySettings are those of sources that read repositories from where they are kept.
func repositorySettings() []setting[Source] {
	gitHub, both := []string{KindGitHub}, []string{KindGitHub, KindGit}
	return []setting[Source]{
		{
			name: "organization", into: func(s *Source) any { return &s.Organization }, only: gitHub,
			help: "The GitHub organisation whose repositories and teams are read.",
		},
		{
			name: "organizations", into: func(s *Source) any { return &s.Organizations }, only: gitHub,
			help: "More than one organisation. With app, all that it is installed in where neither these nor users are named.",
		},
		{
			name: "users", into: func(s *Source) any { return &s.Users }, only: gitHub,
			help: "Users whose repositories are read.",
		},
		{
			name: "apiURL", into: func(s *Source) any { return &s.APIURL }, only: gitHub,
			help: "Address of GitHub's REST API, where it does not follow from url.",
		},
		{
			name: "app", into: func(s *Source) any { return &s.App }, only: gitHub,
			help: "Sign in as a GitHub App, in place of a token.",
		},
		{
			name: "urls", into: func(s *Source) any { return &s.Remotes }, only: []string{KindGit},
			help: "Repositories to read, as git clone takes them: https://git.example.com/shop/cart.git. Credentials are found as git finds them.",
		},
		{
			name: "repositories", into: func(s *Source) any { return &s.Repositories }, only: gitHub,
			help: "Globs on names of repositories: only such are read. All where it is absent.",
		},
		{
			name: "excludeRepositories", into: func(s *Source) any { return &s.ExcludeRepositories }, only: gitHub,
			help: "Globs on names of repositories: such are not read.",
		},
		{
			name: "topics", into: func(s *Source) any { return &s.Topics }, only: gitHub,
			help: "Only repositories with one of these topics.",
		},
		{
			name: "visibility", into: func(s *Source) any { return &s.Visibility }, only: gitHub,
			choices: []string{VisibilityPublic, VisibilityPrivate, VisibilityInternal},
			help:    "Only repositories that are visible so. All where it is absent.",
		},
		{
			name: "archived", into: func(s *Source) any { return &s.Archived }, fallback: false, only: gitHub,
			help: "Archived repositories, too.",
		},
		{
			name: "forks", into: func(s *Source) any { return &s.Forks }, fallback: false, only: gitHub,
			help: "Forks, too: they usually hold the catalog file of what they were forked from.",
		},
		{
			name: "branch", into: func(s *Source) any { return &s.Branch }, only: both,
			help: "The branch that is read; the default branch of each repository where it is absent. Repositories without it are passed over.",
		},
		{
			name: "catalogFiles", into: func(s *Source) any { return &s.CatalogFiles }, only: both,
			help: "Paths and globs (`*`, `**`, `?`, `[a-z]`, `{a,b}`) from the top of a repository: such files are read, and what their Locations name. catalog-info.yaml and catalog-info.yml at the top where it is absent; of a git source every YAML and JSON file. " +
				"On GitHub plain paths cost next to nothing; with globs the tree of each changed repository is listed.",
		},
		{
			name: "teams", into: func(s *Source) any { return &s.Teams }, fallback: true, only: gitHub,
			help: "Read the teams and members of the organisations, as groups and users.",
		},
		{
			name: "namespace", into: func(s *Source) any { return &s.Namespace }, only: gitHub,
			help: "Namespace of those groups and users. default where it is absent; with more than one organisation, the name of each.",
		},
		{
			name: "reserve", into: func(s *Source) any { return &s.Reserve }, fallback: 10, only: gitHub,
			help: "Percent of each rate limit that are left to others, from 0 to 90.",
		},
		{
			name: "webhookSecret", into: func(s *Source) any { return &s.WebhookSecret }, secret: true, only: gitHub,
			help: "The secret of webhooks that GitHub sends to /webhooks/github. Without it none is taken. Best written as ${GITHUB_WEBHOOK_SECRET}.",
		},
		{
			name: "checks", into: func(s *Source) any { return &s.Checks }, only: gitHub, choices: []string{ChecksChanged, ChecksAll},
			help: "Check the catalog files of pull requests against the whole catalog, and report it there: of those that change such files, or of all, so that the check can be required. None where it is absent. Needs webhookSecret, and the permission to write checks.",
		},
		{
			name: "proposals", into: func(s *Source) any { return &s.Proposals }, only: gitHub,
			help: "Propose a catalog file, by a pull request, in repositories that run something which nobody declares: at most so many a day. None where it is absent.",
		},
		{
			name: "cache", into: func(s *Source) any { return &s.Cache }, isPath: true, only: []string{KindGit},
			help: "Folder where what was fetched is kept, so that only what is new is fetched; one in the user's cache folder where it is absent.",
		},
	}
}

// AllOrganizations are the organisations of a source of KindGitHub, in order.
func (s Source) AllOrganizations() []string {
	all := slices.Clone(s.Organizations)
	if s.Organization != "" && !slices.Contains(all, s.Organization) {
		all = append(all, s.Organization)
	}
	slices.Sort(all)
	return all
}

// wellFormedOwner is the name of an organisation or user of GitHub.
var wellFormedOwner = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?$`)

// wellFormedNamespace is the rule of metadata.namespace.
var wellFormedNamespace = regexp.MustCompile(`^[a-z0-9]+(?:-+[a-z0-9]+)*$`)

// proposedFile is the file that is proposed.
const proposedFile = "catalog-info.yaml"

// maxProposals bounds the pull requests that are opened in a day.
const maxProposals = 100

// validateRepositories holds the rules between the settings of sources of repositories.
func validateRepositories(d *decoder, at string, s Source) {
	fail := func(name, message, fix string) { d.fail(d.lines[at+"."+name], at+"."+name, message, fix) }
	for i, glob := range s.CatalogFiles {
		if name := index("catalogFiles", i); !doublestar.ValidatePattern(glob) || !filepath.IsLocal(strings.TrimPrefix(glob, "/")) {
			fail(name, d.written(at+"."+name, glob)+" is no path or glob in a repository", "write it like services/*/catalog-info.yaml")
		}
	}
	switch s.Kind {
	case KindGit:
		if len(s.Remotes)+len(s.Paths) == 0 {
			d.fail(d.lines[at], at, "says neither which repositories to fetch nor where mirrors of them are", "give urls or paths")
		}
	case KindGitHub:
		validateGitHub(d, at, s, fail)
	}
}

func validateGitHub(d *decoder, at string, s Source, fail func(name, message, fix string)) {
	switch {
	case len(s.AllOrganizations())+len(s.Users) == 0 && !s.App.IsSet():
		d.fail(d.lines[at], at, "names no organisation and no user", "give organization, organizations or users")
	case s.Token != "" && s.App.IsSet():
		fail("token", "stands beside app", "give one of them")
	}
	if s.Token == "" && !s.App.IsSet() {
		d.fail(d.lines[at], at, "has nothing to sign in with", "give token or app")
	}
	owner := func(name, login string) {
		if login != "" && !wellFormedOwner.MatchString(login) {
			fail(name, d.written(at+"."+name, login)+" is no name of an organisation or user", "write it as in the address of its page")
		}
	}
	owner("organization", s.Organization)
	for i, login := range s.Organizations {
		owner(index("organizations", i), login)
	}
	for i, login := range s.Users {
		owner(index("users", i), login)
	}
	for name, globs := range map[string][]string{"repositories": s.Repositories, "excludeRepositories": s.ExcludeRepositories} {
		for i, glob := range globs {
			if name := index(name, i); !doublestar.ValidatePattern(glob) {
				fail(name, d.written(at+"."+name, glob)+" is no glob", "check its brackets and braces")
			} else if strings.Contains(glob, "/") {
				fail(name, d.written(at+"."+name, glob)+" matches no name of a repository", "write it without its owner, like shop-*")
			}
		}
	}
	if s.APIURL != "" {
		if parsed, err := url.Parse(s.APIURL); err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil {
			fail("apiURL", "is no address of an API", "write it like https://github.example.com/api/v3")
		}
	}
	if s.App.IsSet() {
		if s.App.ID < 1 {
			fail("app.id", "is no id of an App", "write the number that its settings show")
		}
		if (s.App.PrivateKey == "") == (s.App.PrivateKeyFile == "") {
			fail("app", "needs one of privateKey and privateKeyFile", "")
		}
	}
	if s.Namespace != "" && (!wellFormedNamespace.MatchString(s.Namespace) || len(s.Namespace) > 63) {
		fail("namespace", d.written(at+".namespace", s.Namespace)+" is no namespace", "use lower-case letters, digits and - between them, at most 63")
	}
	if s.Reserve < 0 || s.Reserve > 90 {
		fail("reserve", fmt.Sprintf("must be from 0 to 90, not %d", s.Reserve), "")
	}
	if s.Proposals < 0 || s.Proposals > maxProposals {
		fail("proposals", fmt.Sprintf("must be from 0 to %d, not %d", maxProposals, s.Proposals), "")
	}
	if s.Proposals > 0 && len(s.CatalogFiles) > 0 && !slices.ContainsFunc(s.CatalogFiles, func(glob string) bool {
		return doublestar.MatchUnvalidated(strings.TrimPrefix(glob, "/"), proposedFile)
	}) {
		fail("proposals", "propose "+proposedFile+", which catalogFiles leave out", "add it to them")
	}
	if s.Checks != "" && s.WebhookSecret == "" {
		fail("checks", "needs webhooks, which tell of pull requests", "add webhookSecret")
	}
}
