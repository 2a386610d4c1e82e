package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

const (
	// maxVisited bounds the folders that are looked into for mirrors.
	maxVisited = 500_000
	// maxRefBytes bounds a file that holds one reference, maxSteps how many of them may name one another.
	maxRefBytes = 4096
	maxSteps    = 5
)

var (
	errNoRepositories = errors.New("it holds no git repository")
	errElsewhere      = errors.New("it is the working tree of a repository that is elsewhere")
	errLinked         = errors.New("it is a symbolic link that leads out of the folder")
)

// mirrors finds the repositories in a folder. Those that cannot be read are among them, with the reason.
func mirrors(ctx context.Context, dir string) ([]repository, error) {
	dir = filepath.Clean(dir)
	wrong := func(err error) error {
		return fmt.Errorf("read folder %s of mirrors: %w", filepath.ToSlash(dir), folder.Plain(err))
	}
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real) // git works elsewhere
	}
	if err != nil {
		return nil, wrong(err)
	}
	var found []repository
	visited := 0
	for stack := []string{"."}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if visited++; visited > maxVisited {
			return nil, wrong(fmt.Errorf("it has more than %d folders", maxVisited))
		}
		here := repository{scope: shownFolder(filepath.Join(dir, at)), dir: filepath.Join(real, at)}
		entries, err := os.ReadDir(here.dir)
		switch {
		case err != nil && (at == "." || errors.Is(err, fs.ErrNotExist)): // it went away, and nobody knows what was in it
			return nil, wrong(err)
		case err != nil:
			here.err = folder.Plain(err)
			found = append(found, here)
			continue
		}
		kinds := make(map[string]fs.FileMode, len(entries))
		for _, entry := range entries {
			kinds[entry.Name()] = entry.Type()
		}
		if git, is := kinds[".git"]; is {
			if here.dir = filepath.Join(here.dir, ".git"); !git.IsDir() {
				here.err = errElsewhere
			}
			found = append(found, here)
			continue
		}
		if isGitDir(kinds) {
			found = append(found, here)
			continue
		}
		for _, entry := range entries {
			switch name := filepath.Join(at, entry.Name()); {
			case entry.IsDir():
				stack = append(stack, name)
			case entry.Type()&fs.ModeSymlink != 0 && leadsOut(real, filepath.Join(real, name)):
				found = append(found, repository{scope: shownFolder(filepath.Join(dir, name)), err: errLinked})
			}
		}
	}
	if len(found) == 0 {
		return nil, wrong(errNoRepositories)
	}
	return found, nil
}

func isGitDir(entries map[string]fs.FileMode) bool {
	head, has := entries["HEAD"]
	return has && (head.IsRegular() || head&fs.ModeSymlink != 0) && entries["objects"].IsDir() && entries["refs"].IsDir()
}

// leadsOut says whether a link leads to a repository that is not in the folder: somebody will miss it.
func leadsOut(folder, link string) bool {
	target, err := filepath.EvalSymlinks(link)
	if err != nil || target == folder || strings.HasPrefix(target, folder+string(filepath.Separator)) {
		return false
	}
	entries, err := os.ReadDir(target)
	if err != nil {
		return false
	}
	kinds := make(map[string]fs.FileMode, len(entries))
	for _, entry := range entries {
		kinds[entry.Name()] = entry.Type()
	}
	_, is := kinds[".git"]
	return is || isGitDir(kinds)
}

// mirrorHead reads at which commit a mirror is; "" = it is empty.
func (s *scan) mirrorHead(ctx context.Context, dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", folder.Plain(err)
	}
	defer func() { _ = root.Close() }()               // only read from
	if _, err := root.Lstat("reftable"); err == nil { // references are kept in a form that git knows
		return s.askedHead(ctx, dir)
	}
	ref := s.config.ref()
	for range maxSteps {
		text, err := readRef(root, ref)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return s.packedHead(root, ref)
		case err != nil:
			return "", folder.Plain(err)
		case formatOf(text) != "":
			return text, nil
		}
		next, symbolic := strings.CutPrefix(text, "ref:")
		if ref = strings.TrimSpace(next); !symbolic || !isRef(ref) {
			return "", fmt.Errorf("%w: its %s says nothing that can be followed", errBroken, s.config.ref())
		}
	}
	return "", fmt.Errorf("%w: its references name one another", errBroken)
}

// isRef says whether a name is that of a reference below refs/, so that it can be looked up as a file.
func isRef(name string) bool {
	return strings.HasPrefix(name, "refs/") && filepath.IsLocal(filepath.FromSlash(name)) && path.Clean(name) == name && len(name) < maxRefBytes
}

// openRegular opens a file without waiting for the other end of a FIFO. A folder is no file of that name.
func openRegular(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir(): // of branches below this name
		err = fs.ErrNotExist
	case !info.Mode().IsRegular():
		err = folder.ErrIrregular
	default:
		return file, nil
	}
	return nil, errors.Join(err, file.Close())
}

// readRef reads the file of a reference.
func readRef(root *os.Root, ref string) (string, error) {
	file, err := openRegular(root, filepath.FromSlash(ref))
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(file, maxRefBytes))
	return strings.TrimSpace(string(text)), err
}

// packedHead looks a reference up among the packed ones. Where it is not there either, the repository is empty, or lacks
// the branch.
func (s *scan) packedHead(root *os.Root, ref string) (string, error) {
	branches := 0
	file, err := openRegular(root, "packed-refs")
	if err == nil {
		defer func() { _ = file.Close() }() // only read from
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			oid, name, _ := strings.Cut(lines.Text(), " ")
			if name == ref && formatOf(oid) != "" {
				return oid, nil
			}
			if strings.HasPrefix(name, "refs/heads/") {
				branches++
			}
		}
		err = lines.Err()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", folder.Plain(err)
	}
	err = fs.WalkDir(root.FS(), "refs/heads", func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			branches++
			return fs.SkipAll
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", folder.Plain(err)
	}
	if branches > 0 {
		return "", s.noBranch()
	}
	return "", nil
}

// askedHead asks git at which commit a mirror is.
func (s *scan) askedHead(ctx context.Context, dir string) (string, error) {
	answer := &bounded{most: 1 << 10}
	err := call{
		args: []string{"rev-parse", "--quiet", "--verify", "--end-of-options", s.config.ref()}, gitDir: dir, output: answer, timeout: s.config.Timeout,
	}.run(ctx)
	oid := strings.TrimSpace(answer.String())
	switch {
	case err == nil && formatOf(oid) != "":
		return oid, nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	}
	some := &bounded{most: 40}
	err = call{args: []string{"for-each-ref", "--count=1", "refs/heads/"}, gitDir: dir, output: some, timeout: s.config.Timeout}.run(ctx)
	switch {
	case some.Len() > 0:
		return "", s.noBranch()
	case err != nil:
		return "", err
	}
	return "", nil
}

// origin is where a mirror comes from, as its own configuration says; nil = it does not say, or nothing known.
func (s *scan) origin(ctx context.Context, dir string) *address {
	answer := &bounded{most: 8 << 10}
	err := call{
		args: []string{"config", "--file", filepath.Join(dir, "config"), "--no-includes", "--get", "remote.origin.url"}, gitDir: s.plain["sha1"],
		output: answer, timeout: s.config.Timeout,
	}.run(ctx)
	if err != nil {
		return nil
	}
	a, err := parseAddress(strings.TrimSpace(answer.String()))
	if err != nil || a.scheme == "file" {
		return nil
	}
	return a
}
