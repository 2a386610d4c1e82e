package githubtest

import (
	"bytes"
	"path"
	"strconv"
	"strings"
)

// Above this a blob's text is cut off.
const largestText = 512 << 10

// gitFields are those of every git object.
func gitFields[T any](in func(T) *Repository, oid func(T) string, more map[string]resolver) map[string]resolver {
	more["id"] = plain(func(o T) any { return "GO_" + oid(o) })
	more["oid"] = plain(func(o T) any { return oid(o) })
	more["abbreviatedOid"] = plain(func(o T) any { return oid(o)[:7] })
	more["repository"] = plain(func(o T) any { return in(o) })
	more["commitResourcePath"] = plain(func(o T) any { return "/" + in(o).fullName() + "/commit/" + oid(o) })
	more["commitUrl"] = asked(func(x *execution, o T, _ arguments) (any, error) {
		return "https://" + x.host + "/" + in(o).fullName() + "/commit/" + oid(o), nil
	})
	return more
}

var blobShape = shape{
	name: "Blob", interfaces: []string{"Node", "GitObject"},
	fields: gitFields(func(b gitBlob) *Repository { return b.in }, func(b gitBlob) string { return b.oid }, map[string]resolver{
		"byteSize":    plain(func(b gitBlob) any { return len(b.content()) }),
		"isBinary":    plain(func(b gitBlob) any { return b.binary() }),
		"isTruncated": plain(func(b gitBlob) any { return len(b.content()) > largestText }),
		"text": plain(func(b gitBlob) any {
			if b.binary() {
				return nil
			}
			return strings.ToValidUTF8(string(b.content()[:min(len(b.content()), largestText)]), "\uFFFD")
		}),
	}),
}

func (b gitBlob) content() []byte { return b.in.objects.blobs[b.oid] }

func (b gitBlob) binary() bool {
	content := b.content()
	return bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0
}

var treeShape = shape{
	name: "Tree", interfaces: []string{"Node", "GitObject"},
	fields: gitFields(func(t gitTree) *Repository { return t.in }, func(t gitTree) string { return t.oid }, map[string]resolver{
		"entries": plain(func(t gitTree) any {
			entries := []any{}
			for _, e := range t.in.objects.trees[t.oid] {
				entries = append(entries, gitEntry{t.in, e.name, e})
			}
			return entries
		}),
	}),
}

var entryShape = shape{name: "TreeEntry", fields: map[string]resolver{
	"name":        plain(func(e gitEntry) any { return e.name }),
	"path":        plain(func(e gitEntry) any { return e.path }),
	"type":        plain(func(e gitEntry) any { return e.kind() }),
	"oid":         plain(func(e gitEntry) any { return e.oid }),
	"mode":        plain(func(e gitEntry) any { mode, _ := strconv.ParseInt(e.mode, 8, 32); return mode }),
	"extension":   plain(func(e gitEntry) any { return path.Ext(e.name) }),
	"size":        plain(func(e gitEntry) any { return len(e.in.objects.blobs[e.oid]) }),
	"isGenerated": plain(func(gitEntry) any { return false }),
	"repository":  plain(func(e gitEntry) any { return e.in }),
	"object":      asked(func(_ *execution, e gitEntry, _ arguments) (any, error) { return e.in.gitObject(e.oid, "") }),
}}

var commitShape = shape{
	name: "Commit", interfaces: []string{"Node", "GitObject", "UniformResourceLocatable"},
	fields: gitFields(func(c gitCommit) *Repository { return c.in }, func(c gitCommit) string { return c.oid }, map[string]resolver{
		"message":         plain(func(c gitCommit) any { return c.message }),
		"messageHeadline": plain(func(c gitCommit) any { first, _, _ := strings.Cut(c.message, "\n"); return first }),
		"committedDate":   plain(func(c gitCommit) any { return stamp(c.at) }),
		"authoredDate":    plain(func(c gitCommit) any { return stamp(c.at) }),
		"author":          plain(func(c gitCommit) any { return gitActor{c.commit} }),
		"committer":       plain(func(c gitCommit) any { return gitActor{c.commit} }),
		"tree":            plain(func(c gitCommit) any { return gitTree{c.in, c.tree} }),
		"url": asked(func(x *execution, c gitCommit, _ arguments) (any, error) {
			return "https://" + x.host + "/" + c.in.fullName() + "/commit/" + c.oid, nil
		}),
		"file": asked(func(_ *execution, c gitCommit, args arguments) (any, error) {
			e, found := c.in.objects.find(c.tree, args.text("path"))
			if !found {
				return nil, nil
			}
			return gitEntry{c.in, args.text("path"), e}, nil
		}),
		"history": asked(func(_ *execution, c gitCommit, _ arguments) (any, error) {
			var history []any
			for _, k := range c.in.objects.ancestors(c.oid) {
				history = append(history, gitCommit{c.in, k})
			}
			return connection{name: "CommitHistoryConnection", items: history}, nil
		}),
		"parents": asked(func(_ *execution, c gitCommit, _ arguments) (any, error) {
			var parents []any
			for _, oid := range c.parents {
				parents = append(parents, gitCommit{c.in, c.in.objects.commits[oid]})
			}
			return connection{name: "CommitConnection", items: parents}, nil
		}),
	}),
}

var actorShape = shape{name: "GitActor", fields: map[string]resolver{
	"name":  plain(func(a gitActor) any { return a.commit.author.Name }),
	"email": plain(func(a gitActor) any { return a.commit.author.Email }),
	"date":  plain(func(a gitActor) any { return stamp(a.commit.at) }),
	"user":  plain(func(gitActor) any { return nil }),
}}
