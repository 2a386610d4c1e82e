package onboard

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog/codeowners"
)

// fetcher is a file system whose files lie elsewhere, so that it is worth while to get many at once.
type fetcher interface {
	// Fetch gets what is about to be opened; what is not there is no error.
	Fetch(ctx context.Context, names []string) error
}

// fetched is how many files are got at once.
const fetched = 50

// prepare gets what is going to be read, what tells most first, as far as it may be read.
func (t *tree) prepare() error {
	afar, ok := t.fs.(fetcher)
	if !ok {
		return nil
	}
	names := t.wanted()
	for chunk := range slices.Chunk(names[:min(len(names), t.reads)], fetched) {
		if err := afar.Fetch(t.ctx, chunk); err != nil {
			return err
		}
		for _, name := range chunk { // before it is let go of again
			t.content(name)
		}
	}
	return nil
}

// wanted are the files that are read for a draft, what tells most first.
func (t *tree) wanted() []string {
	ranks := make(map[string]int)
	for _, file := range t.files {
		base := path.Base(file)
		switch {
		case slices.Contains(codeowners.Places(), file):
			ranks[file] = 1
		case builderOf(base) != nil && path.Ext(base) != ".tf" && !strings.HasPrefix(file, ".github/"):
			ranks[file] = 2
		case composeFile.MatchString(base) && depth(path.Dir(file)) <= 2, exampleEnv.MatchString(base), valuesFile.MatchString(base):
			ranks[file] = 3
		case apiFile.MatchString(base) || protoFile.MatchString(base) || graphFile.MatchString(base):
			if !ofOthers.MatchString(path.Dir(file)) {
				ranks[file] = 5
			}
		case slices.Contains(readmes, base):
			ranks[file] = 4 + min(depth(path.Dir(file)), 3)
		}
	}
	for i, file := range t.manifests() {
		if ranks[file] == 0 && i < maxManifests {
			ranks[file] = 6
		}
	}
	names := make([]string, 0, len(ranks))
	for file := range ranks {
		names = append(names, file)
	}
	slices.SortFunc(names, func(a, b string) int {
		if ranks[a] != ranks[b] {
			return ranks[a] - ranks[b]
		}
		if deep := depth(a) - depth(b); deep != 0 {
			return deep
		}
		return strings.Compare(a, b)
	})
	return names
}
