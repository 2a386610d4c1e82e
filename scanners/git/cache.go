package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	// fetchedRef is where a fetched commit is kept in a cache.
	fetchedRef = "refs/orrery/head"
	// modeFile says how a cache is fetched; it is written last, so that a cache without it is no cache yet.
	modeFile = "orrery"
	// maxPacks is how many packs gather before what they hold of older commits is thrown away.
	maxPacks = 12
	// forgotten is how long a cache is kept that no scan asked for.
	forgotten = 30 * 24 * time.Hour
	// lockWait is how often a cache that another process works in is asked for.
	lockWait = 100 * time.Millisecond
)

// mode is how much of a repository is fetched. Each costs more than the one before, and asks less of the remote.
type mode string

const (
	contents mode = "contents" // the newest commit without contents, then those that are read
	newest   mode = "newest"   // the newest commit
	all      mode = "all"      // all that is reachable from it
)

// cache is what was fetched of one remote repository. While it is open, no other process works in it.
type cache struct {
	dir    string
	format string // of its objects: sha1 or sha256
	mode   mode   // "" = there is nothing yet
	lock   *flock.Flock
}

// cacheName is the name of a cache: readable, and of this URL and this kind of hash alone.
func cacheName(a *address, format string) string {
	readable := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, a.repository)
	sum := sha256.Sum256([]byte(format + " " + a.url))
	return strings.TrimLeft(readable[max(0, len(readable)-80):], ".-") + "-" + hex.EncodeToString(sum[:8])
}

// openCache waits until nobody else works in the cache of a repository, but not longer than patience. The caller closes it.
func openCache(ctx context.Context, folder string, a *address, format string, patience time.Duration) (*cache, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the cache of git repositories cannot be written: %w", err)
	}
	base := filepath.Join(folder, cacheName(a, format))
	c := &cache{dir: base + ".git", format: format, lock: flock.New(base+".lock", flock.SetPermissions(0o600))}
	waiting, cancel := context.WithTimeoutCause(ctx, patience, errors.New("another process works in its cache for too long"))
	defer cancel()
	if _, err := c.lock.TryLockContext(waiting, lockWait); err != nil {
		if waiting.Err() != nil {
			return nil, context.Cause(waiting)
		}
		return nil, fmt.Errorf("the cache of git repositories cannot be written: %w", err)
	}
	if said, err := os.ReadFile(filepath.Join(c.dir, modeFile)); err == nil {
		switch m := mode(said); m {
		case contents, newest, all:
			c.mode = m
		}
	}
	if err := c.tidy(); err != nil {
		c.mode = ""
	}
	return c, nil
}

func (c *cache) close() error {
	if err := c.lock.Close(); err != nil {
		return fmt.Errorf("the lock of a cache of git repositories: %w", err)
	}
	return nil
}

func (c *cache) objects() string { return filepath.Join(c.dir, "objects") }

// tidy removes what a killed process left: locks that would keep the next from its work, and packs that did not become any.
func (c *cache) tidy() error {
	err := filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && (strings.HasSuffix(path, ".lock") || strings.Contains(entry.Name(), "tmp_")) {
			return os.Remove(path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// clear makes an empty repository in place of what is there.
func (c *cache) clear(m mode) error {
	c.mode = ""
	config := ""
	if m == contents {
		config = fmt.Sprintf("\tpartialClone = %s\n[remote \"%s\"]\n\tpromisor = true\n\tpartialCloneFilter = blob:none\n", remoteName, remoteName)
	}
	err := os.RemoveAll(c.dir)
	if err == nil {
		err = makeRepository(c.dir, c.format, config)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, modeFile), []byte(m), 0o600)
	}
	if err != nil {
		return fmt.Errorf("the cache of a git repository cannot be written: %w", err)
	}
	c.mode = m
	return nil
}

// makeRepository makes an empty bare repository, without the hooks and settings that a template could bring.
func makeRepository(dir, format, extensions string) error {
	for _, folder := range []string{"objects/pack", "refs/heads"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(folder)), 0o700); err != nil {
			return err
		}
	}
	settings := "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n\tlogAllRefUpdates = false\n[extensions]\n\tobjectFormat = " + format + "\n" + extensions
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(settings), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/none\n"), 0o600)
}

// commit is what was fetched last; "" = nothing.
func (c *cache) commit() string {
	if c.mode == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(fetchedRef)))
	if oid := strings.TrimSpace(string(text)); err == nil && formatOf(oid) == c.format {
		return oid
	}
	return ""
}

// bytes is what the cache takes on disk.
func (c *cache) bytes() int64 {
	var sum int64
	_ = filepath.WalkDir(c.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what went away while git works takes nothing
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// compact throws away what only older commits need, once it has gathered. What was fetched of the commit stays.
func (c *cache) compact(ctx context.Context, reading call, commit string) error {
	packs, err := filepath.Glob(filepath.Join(c.objects(), "pack", "pack-*.pack"))
	if err != nil || len(packs) <= maxPacks {
		return err
	}
	wanted := &wantedObjects{}
	list := reading
	list.args = []string{"rev-list", "--objects", "--missing=print", "--no-object-names", commit + "^{tree}"}
	list.output = wanted
	if err := list.run(ctx); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	name := &bounded{most: 1 << 10}
	pack := reading
	pack.args = []string{"pack-objects", "--quiet", filepath.Join(c.objects(), "pack", "pack")}
	pack.input, pack.output = strings.NewReader(commit+"\n"+wanted.found.String()), name
	if err := pack.run(ctx); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	kept := filepath.Join(c.objects(), "pack", "pack-"+strings.TrimSpace(name.String()))
	if c.mode == contents {
		if err := os.WriteFile(kept+".promisor", nil, 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(c.dir, "shallow"), []byte(commit+"\n"), 0o600); err != nil {
		return err
	}
	for _, old := range packs {
		if old = strings.TrimSuffix(old, ".pack"); old == kept {
			continue
		}
		for _, ending := range []string{".idx", ".rev", ".bitmap", ".mtimes", ".promisor", ".keep", ".pack"} { // without its index a pack is none
			if err := os.Remove(old + ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// wantedObjects takes the output of `git rev-list --objects --missing=print`: the objects that are there.
type wantedObjects struct {
	found strings.Builder
	rest  []byte
}

func (w *wantedObjects) Write(data []byte) (int, error) {
	for _, b := range data {
		if w.rest = append(w.rest, b); b == '\n' {
			if w.rest[0] != '?' {
				w.found.Write(w.rest)
			}
			w.rest = w.rest[:0]
		}
	}
	return len(data), nil
}

// touch marks a cache as needed, also where nothing was fetched.
func touch(folder string, a *address, format string) {
	now := time.Now()
	_ = os.Chtimes(filepath.Join(folder, cacheName(a, format)+".lock"), now, now) // where there is none, nothing is to be kept
}

// sweep removes the caches that no scan has asked for in a long time. One that cannot be removed waits for the next scan.
func sweep(folder string) {
	locks, err := filepath.Glob(filepath.Join(folder, "*.lock"))
	if err != nil {
		return
	}
	for _, name := range locks {
		if info, err := os.Stat(name); err != nil || time.Since(info.ModTime()) < forgotten {
			continue
		}
		dir := strings.TrimSuffix(name, ".lock") + ".git"
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		lock := flock.New(name, flock.SetPermissions(0o600))
		if held, err := lock.TryLock(); err == nil && held {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}
