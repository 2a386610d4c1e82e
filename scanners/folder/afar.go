package folder

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Fetcher is a file system whose content lies elsewhere, so that it is worth while to get much of it at once.
type Fetcher interface {
	fs.FS
	// Fetch gets what is about to be opened, or followed where it is a symbolic link. What is not there is no error; an error
	// ends whoever reads.
	Fetch(ctx context.Context, names []string) error
}

// Afar says whether the root is a [Fetcher].
func (o *Opened) Afar() bool { return o.fetcher() != nil }

// Fetch tells a [Fetcher] what is about to be read; other roots need no word.
func (o *Opened) Fetch(ctx context.Context, names []string) error {
	if from := o.fetcher(); from != nil && len(names) > 0 {
		return from.Fetch(ctx, names)
	}
	return nil
}

func (o *Opened) fetcher() Fetcher {
	if tree, ok := o.Tree.(embedded); ok {
		if from, ok := tree.fsys.(Fetcher); ok {
			return from
		}
	}
	return nil
}

func (w *Walk) fetchLinks(ctx context.Context) error {
	if !w.In.Afar() {
		return nil
	}
	names := make([]string, len(w.Links))
	for i, link := range w.Links {
		names[i] = link.Real
	}
	return w.In.Fetch(ctx, names)
}

// Named emits a file whose name is known, whatever its extension, unless it is excluded. What is not there, or is a folder, is
// passed over.
func (w *Walk) Named(ctx context.Context, name string) error {
	if Matches(w.Options.Exclude, name) {
		return nil
	}
	info, err := w.In.Lstat(name)
	if Gone(err) || err == nil && info.IsDir() {
		return nil
	}
	w.Options.Progress.Seen.Add(1)
	real := name
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		real, info, err = Resolve(w.In, name)
	}
	switch {
	case err != nil:
		return w.Refused(ctx, unfollowed(name, err))
	case info.IsDir():
		return nil
	case !info.Mode().IsRegular():
		return w.Refused(ctx, Irregular(name))
	}
	return w.Emit(ctx, File{Name: name, Real: real})
}

func unfollowed(name string, err error) Refusal {
	return Refusal{
		Name: name, Err: err, Code: "refused-link", Message: "the symbolic link is not followed: " + Plain(err).Error(),
		Fix: "replace it by the file it leads to, or scan a folder that holds both",
	}
}

// Leads says whether a path below the folder of that name can fit the glob.
func Leads(glob, name string) bool {
	if name == "." {
		return true
	}
	if group := strings.IndexByte(glob, '{'); group >= 0 && strings.Contains(glob[group:], "/") {
		return true // alternatives may have folders of their own
	}
	folders, wanted := strings.Split(name, "/"), strings.Split(glob, "/")
	if deep := slices.Index(wanted, "**"); deep >= 0 {
		wanted = wanted[:deep]
	} else if len(folders) >= len(wanted) {
		return false
	}
	for i := range min(len(folders), len(wanted)) {
		if !doublestar.MatchUnvalidated(wanted[i], folders[i]) {
			return false
		}
	}
	return true
}
