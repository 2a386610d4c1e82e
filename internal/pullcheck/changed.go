package pullcheck

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-github/v60/github"
)

const (
	filesPerPage = 100
	// maxFiles is how many files GitHub lists of a pull request.
	maxFiles = 3000
)

// changedPaths are the paths that a pull request touches.
type changedPaths struct {
	paths []string // those that came, changed or went; of a renamed file both
	cut   bool     // there are more than GitHub lists
}

// changedFiles lists what a pull request touches. A page is asked for after each that is full.
func changedFiles(ctx context.Context, client *github.Client, p *pull) (changedPaths, error) {
	var changed changedPaths
	seen := make(map[string]bool)
	add := func(path string) {
		if path != "" && !seen[path] {
			seen[path] = true
			changed.paths = append(changed.paths, path)
		}
	}
	count := 0
	for page := 1; ; page++ {
		options := &github.ListOptions{Page: page, PerPage: filesPerPage}
		files, _, err := client.PullRequests.ListFiles(ctx, p.owner, p.repository, p.number, options)
		if err != nil {
			return changedPaths{}, fmt.Errorf("list the files of the pull request: %w", err)
		}
		for _, file := range files {
			add(file.GetFilename())
			if file.GetStatus() == "renamed" {
				add(file.GetPreviousFilename())
			}
		}
		count += len(files)
		if changed.cut = count >= maxFiles; changed.cut || len(files) < filesPerPage {
			return changed, nil
		}
	}
}

// status is the HTTP status that an error tells; 0 = none.
func status(err error) int {
	var answer *github.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.Response.StatusCode
	}
	return 0
}
