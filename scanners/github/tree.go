package github

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

const (
	// maxTreeRequests and maxTreeEntries bound what is asked and kept of the files of one repository.
	maxTreeRequests = 200
	maxTreeEntries  = 500_000
	// maxBlobRequests bounds what is fetched of one repository one by one, so that a file which reads a thousand others
	// cannot use up the limits of everybody.
	maxBlobRequests = 500
	// maxLinks is how many symbolic links of a repository are followed.
	maxLinks = 1000
	// keptContent is how many bytes of fetched files are kept until they are read, and largestFetched the largest of which
	// many are fetched at once.
	keptContent    = 4 << 20
	largestFetched = 128 << 10
	// maxPath is how many bytes the name of a file may have, as on Linux.
	maxPath = 4096
	// maxAskedByName is how many files are asked for by name; for more, all names are listed first.
	maxAskedByName = 30
)

// Modes of Git.
const (
	modeTree   = 0o040000
	modeLink   = 0o120000
	modeModule = 0o160000
	modeKind   = 0o170000
)

// node is a file, folder, link or submodule of a tree.
type node struct {
	mode     int64
	oid      string
	size     int64               // of a blob; -1 = unknown
	children map[string]struct{} // of a folder that was listed; nil = it was not
}

// tree is what a repository holds at a commit. What is known by name is there at once, the rest is asked for when
// somebody wants to know. It is an fs.FS with links, and a folder.Fetcher.
type tree struct {
	ctx          context.Context //nolint:containedctx // fs.FS has no other way to be called off
	place        *place
	commit, root string // root is the tree of the commit

	mu       sync.Mutex
	nodes    map[string]*node
	absent   map[string]bool // known by name not to be there
	asked    map[string]bool // by name, without an answer that tells
	complete bool            // all names are known
	hidden   func(name string) bool
	content  map[string][]byte // by object
	order    []string          // of content
	bytes    int
	entries  int
	requests int // of trees
	blobs    int // one by one
	links    int
	failed   error // the first reason why something could not be asked; nobody knows then what the repository says
}

var (
	_ folder.Fetcher = (*tree)(nil)
	_ fs.ReadLinkFS  = (*tree)(nil)
	_ fs.ReadDirFS   = (*tree)(nil)
	_ fs.StatFS      = (*tree)(nil)
)

func newTree(ctx context.Context, p *place, commit, root string) *tree {
	return &tree{
		ctx: ctx, place: p, commit: commit, root: root, nodes: map[string]*node{".": {mode: modeTree, oid: root}},
		absent: make(map[string]bool), asked: make(map[string]bool), content: make(map[string][]byte),
	}
}

// know takes what was answered about names; what is not there is known to be absent.
func (f *tree) know(names []string, answers []fileAnswer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, name := range names {
		if i >= len(answers) || answers[i].mode == 0 {
			f.absent[name] = true
			continue
		}
		f.addLocked(name, answers[i])
	}
}

func (f *tree) addLocked(name string, found fileAnswer) {
	for above := path.Dir(name); f.nodes[above] == nil; above = path.Dir(above) {
		f.nodes[above] = &node{mode: modeTree}
	}
	size := found.blob.size
	if !found.blob.whole && size == 0 {
		size = -1
	}
	f.nodes[name] = &node{mode: found.mode, oid: found.oid, size: size}
	if found.blob.whole {
		f.keepLocked(found.oid, []byte(found.blob.text))
	}
}

// keepLocked keeps content for a while, and lets go of what was kept longest.
func (f *tree) keepLocked(oid string, content []byte) {
	if _, known := f.content[oid]; known {
		return
	}
	f.content[oid] = content
	f.order = append(f.order, oid)
	for f.bytes += len(content); f.bytes > keptContent && len(f.order) > 1; {
		f.bytes -= len(f.content[f.order[0]])
		delete(f.content, f.order[0])
		f.order = f.order[1:]
	}
}

// oid is the object of a name; "" = it is not there, or not known.
func (f *tree) oid(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.nodes[name]; n != nil {
		return n.oid
	}
	return ""
}

// fail remembers the first reason why something could not be asked.
func (f *tree) fail(err error) error {
	err = connect.Explain(err)
	if err != nil && f.failed == nil {
		f.failed = err
	}
	return err
}

// fails remembers a reason from elsewhere.
func (f *tree) fails(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.fail(err)
}

func (f *tree) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

var (
	errManyFolders = errors.New("the repository is too large to be looked through: name the catalog files, or folders that hold them, in the configuration")
	errManyLinks   = fmt.Errorf("the repository has more than %d symbolic links", maxLinks)
	errManyBlobs   = fmt.Errorf("more than %d files of this repository would have to be fetched one by one", maxBlobRequests)
)

// nodeLocked finds what has a name, without following links.
func (f *tree) nodeLocked(name string) (*node, error) {
	if len(name) > maxPath {
		return nil, syscall.ENAMETOOLONG
	}
	if n := f.nodes[name]; n != nil {
		return n, nil
	}
	if f.absent[name] || name == ".git" || strings.HasSuffix(name, "/.git") {
		return nil, syscall.ENOENT // what a folder on a disk says
	}
	above, err := f.nodeLocked(path.Dir(name))
	if err != nil {
		return nil, err
	}
	if above.mode&modeKind != modeTree {
		return nil, syscall.ENOENT
	}
	if err := f.listLocked(path.Dir(name), above); err != nil {
		return nil, err
	}
	if n := f.nodes[name]; n != nil {
		return n, nil
	}
	return nil, syscall.ENOENT
}

// listLocked asks what is in a folder, and below it where that is not too much.
func (f *tree) listLocked(name string, at *node) error {
	if at.children != nil {
		return nil
	}
	if at.oid == "" && name != "." { // known by what is in it
		if err := f.listLocked(path.Dir(name), f.nodes[path.Dir(name)]); err != nil {
			return err
		}
		if at.children != nil {
			return nil
		}
	}
	if object(at.oid) == nil {
		return f.fail(fmt.Errorf("list the files of %s/%s: GitHub did not say which", f.place.owner, f.place.name))
	}
	for _, recursive := range []bool{true, false} {
		if f.requests++; f.requests > maxTreeRequests || f.entries > maxTreeEntries {
			return errManyFolders
		}
		entries, truncated, err := f.place.tree(f.ctx, at.oid, recursive)
		if err != nil {
			return f.fail(fmt.Errorf("list the files of %s/%s: %w", f.place.owner, f.place.name, err))
		}
		if truncated && recursive {
			continue
		}
		if truncated {
			return errManyFolders
		}
		f.takeLocked(name, at, entries, recursive)
		f.complete = f.complete || recursive && name == "."
		return nil
	}
	return nil
}

func (f *tree) takeLocked(name string, at *node, entries []treeEntry, recursive bool) {
	at.children = make(map[string]struct{})
	f.entries += len(entries)
	for _, e := range entries {
		full := folder.Join(name, e.Path)
		if e.Path == "" || len(full) > maxPath || !fs.ValidPath(full) || slices.Contains(strings.Split(e.Path, "/"), ".git") {
			continue
		}
		mode := modeOf(e)
		n := f.nodes[full]
		if n == nil {
			n = &node{size: e.Size}
			f.nodes[full] = n
		}
		n.mode, n.oid = mode, e.SHA
		if n.size < 0 {
			n.size = e.Size
		}
		switch mode & modeKind {
		case modeTree:
			if recursive && n.children == nil {
				n.children = make(map[string]struct{})
			}
		case modeModule:
			n.children = make(map[string]struct{})
		case modeLink:
			f.links++
		}
	}
	for _, e := range entries { // also where a folder comes after what is in it
		full := folder.Join(name, e.Path)
		if above := f.nodes[path.Dir(full)]; above != nil && above.children != nil && f.nodes[full] != nil {
			above.children[path.Base(full)] = struct{}{}
		}
	}
}

func modeOf(e treeEntry) int64 {
	var mode int64
	if _, err := fmt.Sscanf(e.Mode, "%o", &mode); err != nil || mode&modeKind == 0 {
		switch e.Type {
		case "tree":
			return modeTree
		case "commit":
			return modeModule
		}
		return 0o100644
	}
	return mode
}

// Fetch gets the content of files that are about to be read, all in few questions. Of names that are not known it asks.
func (f *tree) Fetch(ctx context.Context, names []string) error {
	if f.place.asker == nil {
		return nil
	}
	var questions []*question
	var unknown []string
	f.mu.Lock()
	size := int64(0)
	wanted := make(map[string]bool)
	for _, name := range names {
		n := f.nodes[name]
		switch {
		case n == nil:
			if !f.absent[name] && !f.asked[name] && len(name) <= maxPath && fs.ValidPath(name) && f.nodes["."].children == nil {
				unknown = append(unknown, name)
			}
		case n.mode&modeKind == modeTree || n.mode&modeKind == modeModule || wanted[n.oid]:
		case n.size > largestFetched || size+n.size > keptContent:
		default:
			if _, known := f.content[n.oid]; !known {
				wanted[n.oid] = true
				size += n.size
				questions = append(questions, &question{owner: f.place.owner, name: f.place.name, blob: n.oid, size: n.size})
			}
		}
	}
	if len(unknown) > maxAskedByName {
		unknown = nil
	}
	for _, name := range unknown {
		f.asked[name] = true
	}
	f.mu.Unlock()
	blobs := len(questions)
	for some := range slices.Chunk(unknown, 10) {
		questions = append(questions, &question{owner: f.place.owner, name: f.place.name, commit: f.commit, files: some})
	}
	f.place.asker.ask(ctx, questions...)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, q := range questions {
		if noGraphQL(q.err) {
			return nil // they are fetched one by one
		}
		if q.err != nil {
			return f.fail(q.err)
		}
		if i < blobs {
			if found := q.answer.blob; found != nil && found.whole {
				f.keepLocked(q.blob, []byte(found.text))
			}
			continue
		}
		for j, name := range q.files {
			if j < len(q.answer.files) && q.answer.files[j].mode != 0 && f.nodes[name] == nil {
				f.addLocked(name, q.answer.files[j])
			}
		}
	}
	return nil
}

// contentLocked is what a file or link holds.
func (f *tree) contentLocked(n *node) ([]byte, error) {
	if content, known := f.content[n.oid]; known {
		return content, nil
	}
	most := maxBlobRequests
	if f.place.asker == nil {
		most *= 10 // there is no other way
	}
	if f.blobs++; f.blobs > most {
		return nil, errManyBlobs
	}
	content, err := f.place.blob(f.ctx, n.oid)
	if err != nil {
		if errors.Is(err, errTooLarge) {
			return nil, err
		}
		return nil, f.fail(fmt.Errorf("fetch a file of %s/%s: %w", f.place.owner, f.place.name, err))
	}
	n.size = int64(len(content))
	if len(content) <= largestFetched {
		f.keepLocked(n.oid, content)
	}
	return content, nil
}

func noGraphQL(err error) bool { return errors.Is(err, connect.ErrNoGraphQL) }
