package github

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the names of Git's objects; nothing is signed by it
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// isBlob says whether content is what a Git object of that name holds.
func isBlob(content []byte, id string) bool {
	head := "blob " + strconv.Itoa(len(content)) + "\x00"
	switch len(id) {
	case 2 * sha1.Size:
		sum := sha1.New() //nolint:gosec // as above
		_, _ = io.WriteString(sum, head)
		_, _ = sum.Write(content)
		return hex.EncodeToString(sum.Sum(nil)) == id
	case 2 * sha256.Size:
		sum := sha256.New()
		_, _ = io.WriteString(sum, head)
		_, _ = sum.Write(content)
		return hex.EncodeToString(sum.Sum(nil)) == id
	}
	return false
}

// place is a repository that is read, by an asker where there is GraphQL, else by REST alone.
type place struct {
	scanner     *Scanner
	owner, name string
	asker       *asker                   // nil = REST alone
	heavy       bool                     // REST alone, since it is too much for GraphQL
	begin       func(func() error) error // to read it by REST alone
}

func (p *place) path(rest string) string {
	return "repos/" + url.PathEscape(p.owner) + "/" + url.PathEscape(p.name) + "/" + rest
}

// treeEntry is an entry of a tree in an answer.
type treeEntry struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
	Type string `json:"type"`
	SHA  string `json:"sha"`
	Size int64  `json:"size"`
}

// tree lists a tree, or what a commit holds; all below it where recursive, unless that is too much for GitHub.
func (p *place) tree(ctx context.Context, id string, recursive bool) (entries []treeEntry, truncated bool, err error) {
	client, err := p.scanner.config.Connection.REST(ctx, p.owner)
	if err != nil {
		return nil, false, err
	}
	path := p.path("git/trees/" + url.PathEscape(id))
	if recursive {
		path += "?recursive=1"
	}
	body, err := get(ctx, client, path)
	if err != nil {
		return nil, false, err
	}
	var tree struct {
		Tree      []treeEntry `json:"tree"`
		Truncated bool        `json:"truncated"`
	}
	if err := json.Unmarshal(body, &tree); err != nil {
		return nil, false, fmt.Errorf("the list of files cannot be understood: %w", err)
	}
	return tree.Tree, tree.Truncated, nil
}

// head is the commit of a branch and its tree, by REST; "" = there is no such branch.
func (p *place) head(ctx context.Context, branch string) (commit, tree string, err error) {
	client, err := p.scanner.config.Connection.REST(ctx, p.owner)
	if err != nil {
		return "", "", err
	}
	body, err := get(ctx, client, p.path("branches/"+escapePath(branch)))
	switch {
	case status(err) == http.StatusConflict, noBranch(err): // an empty repository has none
		return "", "", nil
	case status(err) == http.StatusNotFound:
		return "", "", errMissing
	case err != nil:
		return "", "", err
	}
	var head struct {
		Commit struct {
			SHA    string `json:"sha"`
			Commit struct {
				Tree struct {
					SHA string `json:"sha"`
				} `json:"tree"`
			} `json:"commit"`
		} `json:"commit"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return "", "", fmt.Errorf("the branch cannot be understood: %w", err)
	}
	if commit, tree = head.Commit.SHA, head.Commit.Commit.Tree.SHA; object(commit) == nil || object(tree) == nil {
		return "", "", errors.New("the branch has no commit")
	}
	return commit, tree, nil
}

// noBranch tells whether a repository is there and the branch is not.
func noBranch(err error) bool {
	var response *github.ErrorResponse
	return errors.As(err, &response) && strings.EqualFold(response.Message, "Branch not found")
}

// escapePath escapes a name with slashes for use in a path.
func escapePath(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// errTooLarge is a file that GitHub does not hand over, or that is larger than anything that is read.
var errTooLarge = errors.New("it is too large to be fetched")

// blob fetches a blob by REST.
func (p *place) blob(ctx context.Context, id string) ([]byte, error) {
	client, err := p.scanner.config.Connection.REST(ctx, p.owner)
	if err != nil {
		return nil, err
	}
	request, err := client.NewRequest(http.MethodGet, p.path("git/blobs/"+url.PathEscape(id)), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/vnd.github.raw+json")
	var body bytes.Buffer
	_, err = client.Do(ctx, request, &body)
	var large *connect.TooLargeError
	var response *github.ErrorResponse
	switch {
	case errors.As(err, &large), errors.As(err, &response) && tooLarge(response):
		return nil, errTooLarge
	case err != nil:
		return nil, err
	case !isBlob(body.Bytes(), id):
		return nil, fmt.Errorf("GitHub answered something else than the object %s", id)
	}
	return body.Bytes(), nil
}

func tooLarge(response *github.ErrorResponse) bool {
	for _, one := range response.Errors {
		if one.Code == "too_large" {
			return true
		}
	}
	return false
}
