package folder

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bmatcuk/doublestar/v4"
)

// Root is one place that is read and that nothing leaves.
type Root struct {
	// Path is a folder, or a single file, which is then read whatever its name.
	Path string
	// FS is read instead of Path where it is set. Path may then be empty.
	FS fs.FS
	// Display begins every location in the root; "" = Path as it is written.
	Display string
}

// Progress counts the work of a scanner, for people who wait.
type Progress struct {
	Seen atomic.Int64 // files that were looked at by name
	Read atomic.Int64 // files that were opened
}

// Options say what is found in roots.
type Options struct {
	// Include and Exclude narrow the files that are found, by globs (`*`, `**`, `?`, `[a-z]`, `{a,b}`) on the path inside
	// the root; one without a slash is matched against the last part of the path. No Include means all.
	Include, Exclude []string
	// AnyName: files of every name are found, and what a .gitignore says is of no matter, since people do not keep such files
	// in repositories. Else only YAML and JSON are.
	AnyName bool
	// Anchored: a glob of Include without a slash is matched against the files of the root's own folder, and folders in which
	// no glob can fit are not entered.
	Anchored bool
	MaxDepth int // deeper folders are not entered
	Progress *Progress
}

// CheckRoots is an error where there is no root, or where one has nothing to read.
func CheckRoots(roots []Root) error {
	if len(roots) == 0 {
		return errors.New("no folder to scan is named")
	}
	for i, root := range roots {
		if root.Path == "" && root.FS == nil {
			return fmt.Errorf("folder %d to scan has no path", i+1)
		}
	}
	return nil
}

// CheckGlobs is an error where a pattern is not a glob.
func CheckGlobs(globs ...string) error {
	for _, glob := range globs {
		if !doublestar.ValidatePattern(glob) {
			return fmt.Errorf("%q is not a glob: check its brackets and braces", glob)
		}
	}
	return nil
}

// Opened is a Root that was opened.
type Opened struct {
	Tree
	Base string // display name of the tree; "" = none
	Only string // the one file that the root is; "" = all
}

// Open opens the root. The caller closes it.
func (r Root) Open() (*Opened, error) {
	t, only, err := r.open()
	if err != nil {
		return nil, fmt.Errorf("read folder %s: %w", cmp.Or(r.display(), "."), Plain(err))
	}
	opened := &Opened{Tree: t, Base: r.display(), Only: only}
	if only != "" {
		if opened.Base = path.Dir(opened.Base); opened.Base == "." {
			opened.Base = ""
		}
	}
	return opened, nil
}

func (r Root) open() (t Tree, only string, err error) {
	if r.FS != nil {
		t = embedded{r.FS}
		return t, "", t.Check()
	}
	dir := filepath.Clean(r.Path)
	if info, err := os.Stat(dir); err != nil {
		return nil, "", err
	} else if !info.IsDir() {
		dir, only = filepath.Dir(dir), filepath.Base(dir)
	}
	t, err = openFolder(dir)
	return t, only, err
}

// display is the location of the root in the words of its configuration; "" for the current folder.
func (r Root) display() string {
	name := r.Display
	if name == "" {
		name = filepath.ToSlash(r.Path)
	}
	if name = path.Clean(name); name == "." {
		return ""
	}
	return name
}

// Shown is the location of a file in the root: what people see.
func (o *Opened) Shown(name string) string { return Shown(o.Base, name) }

// Still is an error when the root went away or was replaced by another: what was deleted as a whole looks empty to
// whoever has it open.
func (o *Opened) Still() error {
	if err := o.Check(); err != nil {
		return fmt.Errorf("folder %s vanished while it was read: %w", o.Shown("."), Plain(err))
	}
	return nil
}

// Single finds the one file that the root is. Its path was named by the operator, so a link at its end is followed
// wherever it leads inside the folder.
func (o *Opened) Single() (File, error) {
	real, info, err := Resolve(o, o.Only)
	if err == nil && !info.Mode().IsRegular() {
		err = ErrIrregular
	}
	if err != nil {
		return File{}, fmt.Errorf("read file %s: %w", o.Shown(o.Only), Plain(err))
	}
	return File{Name: o.Only, Real: real}, nil
}

// Shown is the location of a file below a display name.
func Shown(base, name string) string {
	switch {
	case name == "." && base == "":
		return "."
	case name == ".":
		return base
	case base == "/":
		return "/" + name
	default:
		return Join(base, name)
	}
}

// Join joins names inside a tree.
func Join(dir, name string) string {
	if dir == "." || dir == "" {
		return name
	}
	return dir + "/" + name
}

// Below says whether a name is that of the folder or of something in it; "" and "." hold everything that is relative.
func Below(name, folder string) bool {
	switch folder {
	case "", ".":
		return !path.IsAbs(name)
	case "/":
		return path.IsAbs(name)
	}
	return name == folder || strings.HasPrefix(name, folder) && name[len(folder)] == '/'
}

// Name is the name in the tree of what is shown by a name, if that lies in the root.
func (o *Opened) Name(shown string) (name string, inside bool) {
	if !Below(shown, o.Base) {
		return "", false
	}
	if o.Base != "" {
		shown = strings.TrimPrefix(strings.TrimPrefix(shown, o.Base), "/")
	}
	shown = path.Clean(shown)
	return shown, filepath.IsLocal(filepath.FromSlash(shown))
}

// Leads are the names that a symbolic link leads to, step by step or at once.
func (o *Opened) Leads(link string) []string {
	var leads []string
	if target, err := o.ReadLink(link); err == nil && !path.IsAbs(target) {
		leads = append(leads, path.Join(path.Dir(link), target))
	} else if err == nil {
		if name, err := o.Inside(target); err == nil {
			leads = append(leads, name)
		}
	}
	if real, _, err := Resolve(o, link); err == nil {
		leads = append(leads, real)
	}
	return leads
}

// Near says whether one of two names is below the other.
func Near(a, b string) bool { return Below(a, b) || Below(b, a) }

// Matches says whether one of the globs fits the path.
func Matches(globs []string, name string) bool {
	for _, glob := range globs {
		glob = strings.TrimPrefix(strings.TrimPrefix(glob, "./"), "/")
		against := name
		if !strings.Contains(glob, "/") {
			against = path.Base(name)
		}
		if doublestar.MatchUnvalidated(glob, against) {
			return true
		}
	}
	return false
}

// ReadUpTo reads at most limit bytes and one more, which tells that there are more. expected is a guess at how many there
// are.
func ReadUpTo(file fs.File, limit, expected int64) ([]byte, error) {
	data := make([]byte, 0, min(limit, expected)+512)
	reader := io.LimitReader(file, limit+1)
	for {
		n, err := reader.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = slices.Grow(data, len(data))
		}
	}
}
