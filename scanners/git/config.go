package git

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// Config says what a Scanner reads.
type Config struct {
	// Repositories are URLs (https, http, ssh, git, file) or what ssh takes (git@host:path). One with a user and a password
	// is asked with these; they are shown and stored nowhere.
	Repositories []string
	// Folders hold mirrors: bare repositories or such with a working tree, at any depth, or are one. What is committed there
	// is read, not the working tree. Symbolic links are not followed.
	Folders []string
	Branch  string // that is read; "" = that which the repository calls HEAD
	// CatalogFiles and ExcludeFiles narrow the files that are read, as files.Config says of its Include and Exclude. No
	// CatalogFiles means all YAML and JSON files.
	CatalogFiles, ExcludeFiles []string
	// Cache is a folder for what was fetched; "" = one for this program in the user's cache folder. Several processes and
	// several Scanners may share it. It may be removed at any time when nobody scans.
	Cache    string
	Parallel int // repositories that are read at once; 0 = 8
	// MaxFileBytes bounds a catalog file; a larger one is not read. 0 = 5 MiB.
	MaxFileBytes int64
	// MaxRepositoryBytes bounds what is kept of a remote repository on disk; a larger one is not read. 0 = 4 GiB.
	MaxRepositoryBytes int64
	// Timeout bounds each call of git. 0 = 10 minutes.
	Timeout time.Duration
}

// Scanner reads git repositories. One catalog file is one scope, named by its repository (host and path of a URL without
// ".git", the path of a mirror) and its path in it; it keeps all that it must know in the state.
type Scanner struct {
	config  Config
	remotes []repository
	folders []string
	reading string // tells apart how files are read: what was read in another way is read again
}

var _ scanners.PartScanner = (*Scanner)(nil)

// New checks the configuration. It reaches for nothing: a remote that does not answer is told by the scan.
func New(config Config) (*Scanner, error) {
	if len(config.Repositories)+len(config.Folders) == 0 {
		return nil, errors.New("no git repository and no folder of mirrors is named")
	}
	if err := folder.CheckGlobs(append(config.CatalogFiles, config.ExcludeFiles...)...); err != nil {
		return nil, err
	}
	if config.Branch != "" && !isBranch(config.Branch) {
		return nil, fmt.Errorf("%q is not the name of a branch", config.Branch)
	}
	if err := config.place(); err != nil {
		return nil, err
	}
	if config.Parallel <= 0 {
		config.Parallel = 8
	}
	if config.MaxFileBytes <= 0 {
		config.MaxFileBytes = 5 << 20
	}
	if config.MaxRepositoryBytes <= 0 {
		config.MaxRepositoryBytes = 4 << 30
	}
	if config.Timeout <= 0 {
		config.Timeout = 10 * time.Minute
	}
	s := &Scanner{config: config, reading: reading(&config)}
	var scopes []string
	for _, text := range config.Repositories {
		remote, err := parseAddress(text)
		if err != nil {
			return nil, err
		}
		s.remotes = append(s.remotes, repository{scope: remote.repository + "/", remote: remote})
		scopes = append(scopes, remote.repository+"/")
	}
	for i, dir := range config.Folders {
		if dir == "" {
			return nil, fmt.Errorf("folder %d of mirrors has no path", i+1)
		}
		if filepath.Clean(dir) == "." { // what is in it needs a name to begin with
			absolute, err := filepath.Abs(dir)
			if err != nil {
				return nil, fmt.Errorf("folder %d of mirrors: %w", i+1, err)
			}
			dir = absolute
		}
		s.folders = append(s.folders, dir)
		scopes = append(scopes, shownFolder(dir))
	}
	for i, scope := range scopes {
		for _, other := range scopes[:i] {
			if strings.HasPrefix(scope, other) || strings.HasPrefix(other, scope) {
				return nil, fmt.Errorf("%s and %s are named, which are the same or lie in each other", other, scope)
			}
		}
	}
	return s, nil
}

// place finds the folder of the cache, where there is to be one.
func (c *Config) place() error {
	if len(c.Repositories) == 0 {
		return nil
	}
	if c.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("no folder for the cache of git repositories is named, and the user has none: %w", err)
		}
		c.Cache = filepath.Join(dir, "orrery", "git")
	}
	absolute, err := filepath.Abs(c.Cache) // git works elsewhere
	if err != nil {
		return fmt.Errorf("the folder for the cache of git repositories: %w", err)
	}
	c.Cache = absolute
	return nil
}

// shownFolder is what the scopes of a folder begin with.
func shownFolder(dir string) string {
	return strings.TrimSuffix(path.Clean(filepath.ToSlash(dir)), "/") + "/"
}

// isBranch says whether git may be given the name of a branch: it must not be taken for anything else.
func isBranch(name string) bool {
	if len(name) > 255 || strings.HasPrefix(name, "-") || strings.HasSuffix(name, ".") || strings.ContainsAny(name, " ~^:?*[\\\x7f") ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' })
}
