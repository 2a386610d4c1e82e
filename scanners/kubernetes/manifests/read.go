package manifests

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

const (
	// largeFile is the size in bytes from which files are parsed one at a time: what is parsed may be fifty times its size.
	largeFile = 1 << 20
	// headBytes is how much of a file over the limit is read to tell whether anybody will miss it.
	headBytes = 64 << 10
)

// run reads files of one root.
type run struct {
	scanner *Scanner
	before  history // what files had when they were read last
	root    *folder.Opened
	opened  map[string]bool // by location without links; only the walk uses it
	large   chan struct{}   // held while a large file is parsed

	mu    sync.Mutex
	files map[string]parsed   // by location; of a folder that cannot be read with "/" behind
	links map[string][]string // by symbolic link: what it leads to
}

// open opens a root to be read.
func (s *Scanner) open(root folder.Root, before history, opened map[string]bool) (*run, error) {
	tree, err := root.Open()
	if err != nil {
		return nil, err
	}
	return &run{
		scanner: s, before: before, root: tree, opened: opened, large: make(chan struct{}, 1),
		files: make(map[string]parsed), links: make(map[string][]string),
	}, nil
}

// read reads the files that find emits, several at a time, and closes the root.
func (r *run) read(ctx context.Context, find func(context.Context, func(context.Context, folder.File) error) error) error {
	err := folder.Reading[folder.File]{
		Root: r.root.Shown("."), Opened: r.opened, Most: r.scanner.config.MaxFiles,
		Location: func(f folder.File) string { return r.root.Shown(f.Real) }, Read: r.file,
	}.Each(ctx, find)
	if err == nil {
		err = r.root.Still()
	}
	return errors.Join(err, r.root.Close())
}

// all finds the files of the whole root.
func (r *run) all(ctx context.Context, emit func(context.Context, folder.File) error) error {
	if r.root.Only == "" {
		return r.walk(emit).All(ctx)
	}
	r.scanner.config.Progress.Seen.Add(1)
	single, err := r.root.Single()
	if err != nil {
		return err
	}
	return emit(ctx, single)
}

func (r *run) walk(emit func(context.Context, folder.File) error) *folder.Walk {
	return &folder.Walk{
		In: r.root, Options: r.scanner.options(), Emit: emit, Refused: r.refused,
		Linked: func(link string) {
			leads := r.root.Leads(link)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.links[link] = leads
		},
	}
}

// set notes what a file says.
func (r *run) set(location string, file parsed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[location] = file
}

// refused notes what is not read. Of links that lead nowhere, and of what is no file, only those that were manifests before
// are missed.
func (r *run) refused(_ context.Context, at folder.Refusal) error {
	location := r.root.Shown(at.Name)
	if (errors.Is(at.Err, fs.ErrNotExist) || errors.Is(at.Err, folder.ErrIrregular)) && r.before.Files[location] == nil {
		return nil
	}
	if at.Folder {
		location += "/"
	}
	r.set(location, unread(r.root.Shown(at.Name), at.Code, at.Message, at.Fix))
	return nil
}

// unread is what is told of a file or folder that cannot be read.
func unread(location, code, message, fix string) parsed {
	return parsed{lost: true, broken: message, problems: []catalog.Problem{{
		Location: location, Severity: catalog.Error, Code: code, Message: message, Fix: fix,
	}}}
}

// file reads one file.
func (r *run) file(ctx context.Context, f folder.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.scanner.config.Progress.Read.Add(1)
	location := r.root.Shown(f.Name)
	opened, info, err := folder.OpenRegular(r.root, f.Real)
	switch {
	case errors.Is(err, fs.ErrNotExist): // alone it was deleted; with its folder, the listing cannot be trusted
		if _, err := r.root.Lstat(path.Dir(f.Real)); err != nil {
			return r.root.Vanished(path.Dir(f.Name))
		}
		return nil
	case errors.Is(err, folder.ErrIrregular):
		return r.refused(ctx, folder.Irregular(f.Name))
	case err != nil:
		r.set(location, unreadable(location, err))
		return nil
	}
	defer opened.Close()
	if info.Size() >= largeFile {
		select {
		case r.large <- struct{}{}:
			defer func() { <-r.large }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	most := r.scanner.config.MaxFileBytes
	limit := most
	if info.Size() > most {
		limit = headBytes
	}
	data, err := folder.ReadUpTo(opened, limit, info.Size())
	switch {
	case err != nil:
		r.set(location, unreadable(location, err))
	case int64(len(data)) > most || info.Size() > most:
		if p := (&parser{forms: r.scanner.forms}); p.ours(data[:min(len(data), headBytes)]) || r.before.Files[location] != nil {
			r.set(location, unread(location, codeLarge, fmt.Sprintf("this file is larger than %d bytes and was not read", most),
				"split it into several files"))
		}
	default:
		r.parse(location, data)
	}
	return nil
}

func unreadable(location string, err error) parsed {
	return unread(location, codeFile, "this file cannot be read: "+folder.Plain(err).Error(), "mend it, or leave it out by exclude")
}

// parse notes what a file says, if it says anything. One that held manifests and is cut off now may still hold them: to
// delete it is what says that they are gone.
func (r *run) parse(location string, data []byte) {
	file := parse(data, location, r.scanner.forms)
	if len(file.objects) > 0 || len(file.problems) > 0 {
		r.set(location, file)
		return
	}
	if r.before.Files[location] == nil {
		return
	}
	if why := descriptor.Illegible(data); why != "" {
		r.set(location, unread(location, codeYAML, "this file held manifests and cannot be understood any more: "+why,
			"mend it; or delete it, if they are gone"))
	}
}
