package github

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-github/v60/github"
	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

const (
	pageSize = 100
	// pagesAtOnce of a listing are asked for together, as far as it is known that there are so many.
	pagesAtOnce = 4
	// maxPages bounds a listing: an owner with more repositories than fit is an error, since a part of a listing would
	// remove the rest.
	maxPages = 2000
	// settles is how old the last push must be before it is believed to be the last one that the listing tells of: its time has
	// whole seconds, and GitHub's parts do not agree at once.
	settles = 10 * time.Second
)

// owner is an account whose repositories are read.
type owner struct {
	name string // as configured
	user bool
	// granted: the list of what an installation may read is asked for instead of what the account has.
	granted bool
	viewer  bool // who asks is that user, and sees what is private
}

// listed is what a listing says of a repository.
type listed struct {
	_        struct{} `cbor:",toarray"`
	ID       int64
	FullName string
	Branch   string // default branch; "" = main
	Pushed   int64  // Unix time; 0 = never
	Flags    flags
	Topics   []string
}

func (l *listed) owner() string {
	owner, _, _ := strings.Cut(l.FullName, "/")
	return owner
}

func (l *listed) name() string {
	_, name, _ := strings.Cut(l.FullName, "/")
	return name
}

// repositoryJSON is what is read of a repository in an answer.
type repositoryJSON struct {
	ID            int64      `json:"id"`
	FullName      string     `json:"full_name"`
	DefaultBranch string     `json:"default_branch"`
	PushedAt      *time.Time `json:"pushed_at"`
	Archived      bool       `json:"archived"`
	Disabled      bool       `json:"disabled"`
	Fork          bool       `json:"fork"`
	Private       bool       `json:"private"`
	Visibility    string     `json:"visibility"`
	Topics        []string   `json:"topics"`
}

func (r *repositoryJSON) listed() (listed, error) {
	owner, name, ok := strings.Cut(r.FullName, "/")
	if r.ID == 0 || !ok || !isName(owner) || !isName(name) {
		return listed{}, fmt.Errorf("the listing holds a repository without a proper name (%q)", r.FullName)
	}
	l := listed{ID: r.ID, FullName: r.FullName, Branch: r.DefaultBranch, Topics: r.Topics}
	if l.Branch == "main" {
		l.Branch = ""
	}
	if r.PushedAt != nil {
		l.Pushed = r.PushedAt.Unix()
	}
	for flag, set := range map[flags]bool{
		archived: r.Archived, fork: r.Fork, disabled: r.Disabled, private: r.Private && r.Visibility != "internal",
		internal: r.Visibility == "internal",
	} {
		if set {
			l.Flags |= flag
		}
	}
	return l, nil
}

// isName says whether a text can be the name of an account or a repository: it is part of the names of scopes.
func isName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsFunc(name, func(c rune) bool {
		return c <= ' ' || c == '/' || c == '\\' || c == 0x7f || c == 0xfffd
	})
}

// reduceListing keeps of a page what is needed of it.
func (c *Config) reduceListing(body []byte) ([]byte, error) {
	var page []repositoryJSON
	if err := json.Unmarshal(body, &page); err != nil {
		var wrapped struct {
			Repositories []repositoryJSON `json:"repositories"`
		}
		if err := json.Unmarshal(body, &wrapped); err != nil {
			return nil, fmt.Errorf("this is no list of repositories: %w", err)
		}
		page = wrapped.Repositories
	}
	if page == nil { // such as the answer of a proxy; an empty list is one
		return nil, errors.New("this is no list of repositories")
	}
	kept := make([]listed, len(page))
	for i := range page {
		var err error
		if kept[i], err = page[i].listed(); err != nil {
			return nil, err
		}
		if len(c.Topics) == 0 {
			kept[i].Topics = nil
		}
	}
	return cbor.Marshal(kept)
}

// owners are those whose repositories are read.
func (s *Scanner) owners(ctx context.Context) ([]owner, error) {
	var owners []owner
	for _, name := range s.config.Organizations {
		owners = append(owners, owner{name: name})
	}
	for _, name := range s.config.Users {
		o := owner{name: name, user: true, granted: s.config.Connection.IsApp()}
		var err error
		if o.viewer, err = s.asks(ctx, o); err != nil {
			return nil, err
		}
		owners = append(owners, o)
	}
	if len(owners) > 0 {
		return owners, nil
	}
	installations, err := s.config.Connection.Installations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list where the App is installed: %w", err)
	}
	for _, at := range installations {
		owners = append(owners, owner{name: at.Account, user: !at.Organization, granted: true})
	}
	if len(owners) == 0 {
		return nil, errors.New("the App is installed nowhere: install it in an organisation")
	}
	slices.SortFunc(owners, func(a, b owner) int { return cmp.Compare(a.name, b.name) })
	return owners, nil
}

// asks says whether the token is that of the user.
func (s *Scanner) asks(ctx context.Context, o owner) (bool, error) {
	if o.granted {
		return false, nil
	}
	client, err := s.config.Connection.REST(ctx, o.name)
	if err != nil {
		return false, err
	}
	body, err := get(connect.Keep(ctx, nil), client, "user")
	var viewer struct {
		Login string `json:"login"`
	}
	switch {
	case status(err) >= http.StatusBadRequest && !unanswered(err): // a token of no user
		return false, nil
	case err != nil:
		return false, fmt.Errorf("ask whose the token is: %w", err)
	}
	if err := json.Unmarshal(body, &viewer); err != nil {
		return false, fmt.Errorf("whose the token is cannot be understood: %w", err)
	}
	return strings.EqualFold(viewer.Login, o.name), nil
}

func (o owner) path(page int) string {
	query := "?per_page=" + strconv.Itoa(pageSize) + "&page=" + strconv.Itoa(page)
	switch {
	case o.granted:
		return "installation/repositories" + query + "&account=" + url.QueryEscape(o.name) // told apart in the cache
	case o.viewer:
		return "user/repos" + query + "&affiliation=owner&sort=created&direction=asc"
	case o.user:
		return "users/" + url.PathEscape(o.name) + "/repos" + query + "&type=owner&sort=created&direction=asc"
	default: // in the order in which they were made, so that a new one changes the last page alone
		return "orgs/" + url.PathEscape(o.name) + "/repos" + query + "&type=all&sort=created&direction=asc"
	}
}

// list lists the repositories of an owner. expected is how many there may be.
func (s *Scanner) list(ctx context.Context, o owner, expected int) ([]listed, error) {
	client, err := s.config.Connection.REST(ctx, o.name)
	if err != nil {
		return nil, err
	}
	var all []listed
	for first, ahead := 1, max(1, (expected+pageSize-1)/pageSize); ; {
		number := max(1, min(pagesAtOnce, ahead-first+1))
		pages, more := make([][]listed, number), make([]bool, number)
		group, ctx := errgroup.WithContext(ctx)
		for i := range pages {
			group.Go(func() (err error) {
				pages[i], more[i], err = s.page(ctx, client, o, first+i)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		all = append(all, slices.Concat(pages...)...)
		if !more[number-1] {
			return all, nil
		}
		if first += number; first > maxPages {
			return nil, fmt.Errorf("it has more than %d repositories", maxPages*pageSize)
		}
	}
}

// page is a page of a listing. There may be more pages after one that is full, since its Link may be old, and after one that
// names a next one, since GitHub may leave out of a page what it finds that we may not see.
func (s *Scanner) page(ctx context.Context, client *github.Client, o owner, number int) (page []listed, more bool, err error) {
	body, answer, err := getWith(connect.Keep(ctx, s.config.reduceListing), client, o.path(number))
	if err != nil {
		return nil, false, err
	}
	if err := cbor.Unmarshal(body, &page); err != nil {
		return nil, false, fmt.Errorf("the list of repositories cannot be understood: %w", err)
	}
	return page, len(page) >= pageSize || answer.NextPage > number, nil
}

// get is the body of an answer.
func get(ctx context.Context, client *github.Client, path string) ([]byte, error) {
	body, _, err := getWith(ctx, client, path)
	return body, err
}

func getWith(ctx context.Context, client *github.Client, path string) ([]byte, *github.Response, error) {
	request, err := client.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, nil, err
	}
	var body bytes.Buffer
	answer, err := client.Do(ctx, request, &body)
	if err != nil {
		return nil, nil, err
	}
	return body.Bytes(), answer, nil
}

// lookUp asks for one repository, by path repos/owner/name or repositories/id. nil = it is not there, or not for us.
func (s *Scanner) lookUp(ctx context.Context, owner, path string) (*listed, error) {
	client, err := s.config.Connection.REST(ctx, owner)
	if err != nil {
		return nil, err
	}
	body, err := get(ctx, client, path)
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found repositoryJSON
	if err := json.Unmarshal(body, &found); err != nil {
		return nil, fmt.Errorf("the repository cannot be understood: %w", err)
	}
	l, err := found.listed()
	return &l, err
}

// byID is the path of a repository whatever its name.
func byID(id int64) string { return "repositories/" + strconv.FormatInt(id, 10) }

// status is that of an answer that was an error; 0 = there was none.
func status(err error) int {
	var response *github.ErrorResponse
	if errors.As(err, &response) && response.Response != nil {
		return response.Response.StatusCode
	}
	return 0
}

// reads says whether a repository is one of those to read.
func (c *Config) reads(l *listed) bool {
	name := l.name()
	fits := func(glob string) bool {
		return doublestar.MatchUnvalidated(strings.ToLower(glob), strings.ToLower(name))
	}
	visibility := "public"
	switch {
	case l.Flags&internal != 0:
		visibility = "internal"
	case l.Flags&private != 0:
		visibility = "private"
	}
	return (len(c.Include) == 0 || slices.ContainsFunc(c.Include, fits)) && !slices.ContainsFunc(c.Exclude, fits) &&
		(c.Archived || l.Flags&archived == 0) && (c.Forks || l.Flags&fork == 0) &&
		(len(c.Visibility) == 0 || slices.Contains(c.Visibility, visibility)) &&
		(len(c.Topics) == 0 || slices.ContainsFunc(c.Topics, func(topic string) bool { return slices.Contains(l.Topics, topic) }))
}

// branch is the branch of a repository that is read.
func (c *Config) branch(l *listed) string { return cmp.Or(c.Branch, l.Branch, "main") }
