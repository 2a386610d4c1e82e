package recorded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// file is one that was found.
type file struct {
	root    *folder.Opened
	name    string // in the root, without links
	writer  string // its display path
	size    int64
	changed time.Time
}

// found is what the roots have.
type found struct {
	files   []*file // by writer
	refused []catalog.Problem
	roots   []*folder.Opened
}

// find lists the files of all roots. The caller closes it. A root that cannot be read is an error.
func (r *Reader) find(ctx context.Context) (*found, error) {
	all := &found{}
	seen := make(map[string]bool) // by location without links: roots may overlap
	for _, root := range r.config.Roots {
		if err := all.add(ctx, r, root, seen); err != nil {
			all.close()
			return nil, err
		}
	}
	slices.SortFunc(all.files, func(a, b *file) int { return cmp.Compare(a.writer, b.writer) })
	return all, nil
}

func (a *found) close() {
	for _, root := range a.roots {
		_ = root.Close() // it was only read
	}
}

func (a *found) add(ctx context.Context, r *Reader, root folder.Root, seen map[string]bool) error {
	opened, err := root.Open()
	if err != nil {
		return err
	}
	a.roots = append(a.roots, opened)
	emit := func(_ context.Context, f folder.File) error {
		location := opened.Shown(f.Real)
		if seen[location] {
			return nil
		}
		if len(seen) >= r.config.MaxFiles {
			return fmt.Errorf("folder %s has more than %d files of traces: narrow it by include or exclude", opened.Shown("."), r.config.MaxFiles)
		}
		seen[location] = true
		info, err := opened.Lstat(f.Real)
		if err != nil {
			return nil //nolint:nilerr // it went away just now
		}
		a.files = append(a.files, &file{
			root: opened, name: f.Real, writer: opened.Shown(f.Name), size: info.Size(), changed: info.ModTime(),
		})
		return nil
	}
	if opened.Only != "" {
		single, err := opened.Single()
		if err != nil {
			return err
		}
		return emit(ctx, single)
	}
	visible := func(ctx context.Context, f folder.File) error {
		if strings.HasPrefix(path.Base(f.Name), ".") { // what tools keep there, and write before they rename it
			return nil
		}
		return emit(ctx, f)
	}
	walk := &folder.Walk{In: opened, Options: r.options(), Emit: visible, Refused: a.refuse(opened)}
	if err := walk.All(ctx); err != nil {
		return err
	}
	return opened.Still()
}

// refuse notes what is there and cannot be read. A link that leads nowhere, and what is no file, holds no traces.
func (a *found) refuse(root *folder.Opened) func(context.Context, folder.Refusal) error {
	return func(_ context.Context, at folder.Refusal) error {
		if errors.Is(at.Err, fs.ErrNotExist) || errors.Is(at.Err, folder.ErrIrregular) {
			return nil
		}
		if at.Folder {
			return fmt.Errorf("folder %s: %s: %s", root.Shown(at.Name), at.Message, at.Fix)
		}
		a.refused = append(a.refused, catalog.Problem{
			Location: root.Shown(at.Name), Severity: catalog.Error, Code: at.Code, Message: at.Message, Fix: at.Fix,
		})
		return nil
	}
}
