package githubtest

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the ids of git are what they are
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The modes of entries of a tree.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeLink       = "120000" // its blob holds the target
	modeFolder     = "040000"
	modeSubmodule  = "160000" // its id is a commit of another repository
)

// objects are the objects of one repository, by the id that git computes.
type objects struct {
	blobs   map[string][]byte
	trees   map[string][]treeEntry
	commits map[string]*commit
	size    int // of all blobs, in bytes
}

// treeEntry is what a folder holds under one name.
type treeEntry struct {
	name, mode, oid string
	files           int // how many entries lie below a folder
}

func (e treeEntry) kind() string {
	switch e.mode {
	case modeFolder:
		return "tree"
	case modeSubmodule:
		return "commit"
	}
	return "blob"
}

type commit struct {
	oid, tree, message string
	parents            []string
	author             Person
	at                 time.Time
}

// Person is who made a commit.
type Person struct{ Name, Email string }

func newObjects() *objects {
	return &objects{blobs: map[string][]byte{}, trees: map[string][]treeEntry{}, commits: map[string]*commit{}}
}

// clone is the same objects for a fork, which may gain others.
func (o *objects) clone() *objects {
	return &objects{blobs: maps.Clone(o.blobs), trees: maps.Clone(o.trees), commits: maps.Clone(o.commits), size: o.size}
}

// objectID is the id that git gives to an object.
func objectID(kind string, content []byte) string {
	digest := sha1.New() //nolint:gosec // as above
	_, _ = fmt.Fprintf(digest, "%s %d\x00", kind, len(content))
	_, _ = digest.Write(content)
	return hex.EncodeToString(digest.Sum(nil))
}

// BlobID is the id that git gives to a file of that content.
func BlobID(content string) string { return objectID("blob", []byte(content)) }

func (o *objects) putBlob(content []byte) string {
	oid := objectID("blob", content)
	if _, known := o.blobs[oid]; !known {
		o.blobs[oid] = content
		o.size += len(content)
	}
	return oid
}

// putTree keeps a tree of these entries, in the order of git: a folder sorts as if its name ended in a slash.
func (o *objects) putTree(entries []treeEntry) string {
	sorted := func(e treeEntry) string {
		if e.mode == modeFolder {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(entries, func(a, b treeEntry) int { return strings.Compare(sorted(a), sorted(b)) })
	var content bytes.Buffer
	for _, e := range entries {
		raw, _ := hex.DecodeString(e.oid) // ids are made by us, or checked when they came in
		fmt.Fprintf(&content, "%s %s\x00%s", strings.TrimPrefix(e.mode, "0"), e.name, raw)
	}
	oid := objectID("tree", content.Bytes())
	o.trees[oid] = entries
	return oid
}

func (o *objects) putCommit(c commit) string {
	var content bytes.Buffer
	fmt.Fprintf(&content, "tree %s\n", c.tree)
	for _, parent := range c.parents {
		fmt.Fprintf(&content, "parent %s\n", parent)
	}
	stamp := fmt.Sprintf("%s <%s> %d +0000", c.author.Name, c.author.Email, c.at.Unix())
	fmt.Fprintf(&content, "author %s\ncommitter %s\n\n%s", stamp, stamp, c.message)
	c.oid = objectID("commit", content.Bytes())
	o.commits[c.oid] = &c
	return c.oid
}

// leaf is what a path is to hold; without an oid nothing.
type leaf struct{ mode, oid string }

// change is the id of the tree with the changes applied, "" where nothing is left: git knows no empty folder.
func (o *objects) change(tree string, changes map[string]leaf) string {
	entries := make(map[string]treeEntry)
	for _, e := range o.trees[tree] {
		entries[e.name] = e
	}
	below := make(map[string]map[string]leaf)
	for path, what := range changes {
		first, rest, deeper := strings.Cut(path, "/")
		switch {
		case deeper:
			if below[first] == nil {
				below[first] = make(map[string]leaf)
			}
			below[first][rest] = what
		case what.oid == "":
			delete(entries, first)
		default:
			entries[first] = treeEntry{name: first, mode: what.mode, oid: what.oid}
		}
	}
	for name, changes := range below {
		within := ""
		if e := entries[name]; e.mode == modeFolder {
			within = e.oid
		}
		if oid := o.change(within, changes); oid == "" {
			delete(entries, name)
		} else {
			entries[name] = treeEntry{name: name, mode: modeFolder, oid: oid, files: o.count(oid)}
		}
	}
	if len(entries) == 0 {
		return ""
	}
	return o.putTree(slices.Collect(maps.Values(entries)))
}

// count is how many entries a recursive listing of the tree has.
func (o *objects) count(tree string) (n int) {
	for _, e := range o.trees[tree] {
		n += 1 + e.files
	}
	return n
}

// find is the entry at a path below a tree; "" is the tree itself.
func (o *objects) find(tree, path string) (treeEntry, bool) {
	at := treeEntry{mode: modeFolder, oid: tree}
	if _, known := o.trees[tree]; !known {
		return treeEntry{}, false
	}
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' }) {
		if at.mode != modeFolder {
			return treeEntry{}, false
		}
		i := slices.IndexFunc(o.trees[at.oid], func(e treeEntry) bool { return e.name == name })
		if i < 0 {
			return treeEntry{}, false
		}
		at = o.trees[at.oid][i]
	}
	return at, true
}

// each yields all entries below a tree with their paths, in the order of git, folders before what is in them.
func (o *objects) each(tree, below string, yield func(path string, e treeEntry) bool) bool {
	for _, e := range o.trees[tree] {
		if !yield(below+e.name, e) || e.mode == modeFolder && !o.each(e.oid, below+e.name+"/", yield) {
			return false
		}
	}
	return true
}

// differ yields the paths of files in which two trees differ, with what they hold on both sides.
func (o *objects) differ(from, to string) map[string][2]leaf {
	found := make(map[string][2]leaf)
	for side, tree := range []string{from, to} {
		o.each(tree, "", func(path string, e treeEntry) bool {
			if e.mode != modeFolder {
				both := found[path]
				both[side] = leaf{e.mode, e.oid}
				found[path] = both
			}
			return true
		})
	}
	maps.DeleteFunc(found, func(_ string, both [2]leaf) bool { return both[0] == both[1] })
	return found
}

// ancestors are the commits that a commit builds on, itself first, nearest first.
func (o *objects) ancestors(oid string) (chain []*commit) {
	seen := map[string]bool{}
	for next := []string{oid}; len(next) > 0; next = next[1:] {
		c := o.commits[next[0]]
		if c == nil || seen[c.oid] {
			continue
		}
		seen[c.oid] = true
		chain = append(chain, c)
		next = append(next, c.parents...)
	}
	return chain
}
