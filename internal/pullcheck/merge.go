package pullcheck

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// maxCompared is how many files GitHub names that differ between two commits.
const maxCompared = 300

// behind is what a branch has gained since a pull request left it.
type behind struct {
	left, tip string   // commits: where it left, and the newest
	paths     []string // of the files that both have changed
}

// behind tells whether the branch has changed files, too, that the pull request changes; nil = it has not.
func (c *Checker) behind(ctx context.Context, client *github.Client, p *pull, paths []string) (*behind, error) {
	one := &github.ListOptions{Page: 1, PerPage: 1} // of the commits; files come with the first page
	against, _, err := client.Repositories.CompareCommits(ctx, p.owner, p.repository, p.base, p.head, one)
	if status(err) == http.StatusNotFound { // they have no history in common
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("compare the head with %s: %w", p.base, err)
	}
	b := &behind{left: against.GetMergeBaseCommit().GetSHA(), tip: against.GetBaseCommit().GetSHA()}
	if against.GetBehindBy() == 0 || b.left == "" || b.tip == "" {
		return nil, nil
	}
	since, _, err := client.Repositories.CompareCommits(ctx, p.owner, p.repository, b.left, b.tip, one)
	if err != nil {
		return nil, fmt.Errorf("compare %s with where the pull request left it: %w", p.base, err)
	}
	if len(since.Files) >= maxCompared { // maybe more
		b.paths = paths
		return b, nil
	}
	for _, file := range since.Files {
		if slices.Contains(paths, file.GetFilename()) {
			b.paths = append(b.paths, file.GetFilename())
		}
	}
	if len(b.paths) == 0 {
		return nil, nil
	}
	return b, nil
}

// merge makes of scopes at the head what they would be after a merge, where the branch has changed the same files: each
// document is that of the side which has changed it, the head's where both have.
func (c *Checker) merge(ctx context.Context, client *github.Client, read *reading) error {
	p := read.pull
	b, err := c.behind(ctx, client, p, read.paths())
	if b == nil || err != nil {
		return err
	}
	left, err := c.config.Reader.ReadAt(ctx, p.fullName(), b.left, b.paths)
	if err != nil {
		return fmt.Errorf("read the catalog files where the pull request left %s: %w", p.base, err)
	}
	tip, err := c.config.Reader.ReadAt(ctx, p.fullName(), b.tip, b.paths)
	if err != nil {
		return fmt.Errorf("read the catalog files of %s: %w", p.base, err)
	}
	was, is := byName(left), byName(tip)
	for i := range read.scopes {
		scope := &read.scopes[i]
		before, now := was[scope.Name], is[scope.Name]
		if now != nil && now.State == scanners.Read && scope.State == scanners.Read && (before == nil || before.State == scanners.Read) {
			var old []*catalog.Document
			if before != nil {
				old = before.Documents
			}
			scope.Documents = mergeDocuments(old, scope.Documents, now.Documents)
		}
	}
	read.both = b.paths
	return nil
}

func byName(scopes []scanners.Scope) map[string]*scanners.Scope {
	named := make(map[string]*scanners.Scope, len(scopes))
	for i := range scopes {
		named[scopes[i].Name] = &scopes[i]
	}
	return named
}

// subjectKey tells the documents of a file apart.
type subjectKey struct {
	subject catalog.Subject
	again   int // which of several about one subject
}

func bySubject(documents []*catalog.Document) (map[subjectKey]*catalog.Document, []subjectKey) {
	of, keys := make(map[subjectKey]*catalog.Document, len(documents)), make([]subjectKey, len(documents))
	for i, document := range documents {
		if len(document.Claims) == 0 {
			continue
		}
		key := subjectKey{subject: document.Claims[0].Subject}
		for of[key] != nil {
			key.again++
		}
		of[key], keys[i] = document, key
	}
	return of, keys
}

// mergeDocuments merges two versions of a file that had another one in common. What says nothing of anybody stays as it is at
// the head.
func mergeDocuments(before, head, now []*catalog.Document) []*catalog.Document {
	was, _ := bySubject(before)
	ours, ourKeys := bySubject(head)
	theirs, theirKeys := bySubject(now)
	var merged []*catalog.Document
	for i, document := range head {
		old, other := was[ourKeys[i]], theirs[ourKeys[i]]
		switch {
		case len(document.Claims) == 0 || old == nil || !saysTheSame(old, document):
			merged = append(merged, document)
		case other != nil && !saysTheSame(old, other):
			merged = append(merged, other)
		case other != nil:
			merged = append(merged, document)
		} // or else the branch has removed it
	}
	for i, document := range now {
		if key := theirKeys[i]; len(document.Claims) > 0 && ours[key] == nil && was[key] == nil {
			merged = append(merged, document)
		}
	}
	return merged
}

// saysTheSame compares documents, wherever in their files they stand.
func saysTheSame(a, b *catalog.Document) bool {
	return reflect.DeepEqual(claimsOf(a), claimsOf(b))
}

func claimsOf(document *catalog.Document) []catalog.Claim {
	claims := slices.Clone(document.Claims)
	for i := range claims {
		claim := &claims[i]
		claim.Line = 0
		claim.Aliases, claim.Edges, claim.Selectors = slices.Clone(claim.Aliases), slices.Clone(claim.Edges), slices.Clone(claim.Selectors)
		for j := range claim.Aliases {
			claim.Aliases[j].Line = 0
		}
		for j := range claim.Edges {
			claim.Edges[j].Line = 0
		}
		for j := range claim.Selectors {
			claim.Selectors[j].Line = 0
		}
	}
	return claims
}
