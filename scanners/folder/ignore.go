package folder

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// A .gitignore is somebody else's: what is read of it, and how many patterns every name is compared with, is bounded.
const (
	maxIgnoreBytes    = 256 << 10
	maxIgnorePatterns = 2000
)

// ignores are the .gitignore patterns in force in one folder, those of the folders above first.
type ignores []gitignore.Pattern

// with adds the patterns of a folder's .gitignore. One that cannot be read ignores nothing.
func (i ignores) with(t Tree, dir string, parts []string) ignores {
	file, _, err := OpenRegular(t, Join(dir, ".gitignore"))
	if err != nil {
		return i
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxIgnoreBytes))
	if err != nil {
		return i
	}
	patterns := slices.Clip(i)
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		text := strings.TrimRight(string(line), "\r\n")
		if len(patterns) < maxIgnorePatterns && strings.TrimSpace(text) != "" && !strings.HasPrefix(text, "#") {
			patterns = append(patterns, gitignore.ParsePattern(text, parts))
		}
	}
	return patterns
}

// match says whether the last pattern that fits the path ignores it.
func (i ignores) match(parts []string, isDir bool) bool {
	if len(i) == 0 {
		return false
	}
	return gitignore.NewMatcher(i).Match(parts, isDir)
}

// Junk says whether a folder holds what tools put there: copies of other people's code, which may well carry the
// catalog files of those other people.
func Junk(t Tree, dir string) bool {
	switch path.Base(dir) {
	case ".git", ".hg", ".svn", "node_modules", "bower_components", "site-packages", ".terraform", ".venv", ".tox":
		return true
	case "vendor": // only what Go or Composer vendored; a company may call a folder of its own like this
		for _, mark := range []string{"modules.txt", "autoload.php"} {
			if _, err := t.Lstat(dir + "/" + mark); err == nil {
				return true
			}
		}
	}
	return false
}
