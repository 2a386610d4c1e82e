package githubtest

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// isEmpty is what endpoints of git objects answer where nothing was ever pushed.
func isEmpty() *reply { return refuse(http.StatusConflict, "Git Repository is empty.") }

// readable finds the repository of the path with at least one commit.
func (c *call) readable() (*Repository, *reply) {
	r, no := c.repository()
	if no == nil && len(r.objects.commits) == 0 {
		no = isEmpty()
	}
	if no == nil {
		no = c.permitted("contents", "read")
	}
	if no == nil && r.settings.Disabled {
		no = refuse(http.StatusForbidden, "Repository access disabled")
	}
	return r, no
}

func (c *call) renderGitCommit(r *Repository, k *commit) object {
	person := object{"name": k.author.Name, "email": k.author.Email, "date": stamp(k.at)}
	o := object{
		"author": person, "committer": person, "message": k.message,
		"tree":         object{"sha": k.tree, "url": c.api(r, "/git/trees/"+k.tree)},
		"url":          c.api(r, "/git/commits/"+k.oid),
		"verification": object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil},
	}
	return o
}

func (c *call) renderParents(r *Repository, k *commit, below string) []object {
	parents := []object{}
	for _, parent := range k.parents {
		parents = append(parents, object{"sha": parent, "url": c.api(r, below+parent), "html_url": c.web(r, "/commit/"+parent)})
	}
	return parents
}

func (c *call) web(r *Repository, path string) string {
	return "https://" + c.host + "/" + r.fullName() + path
}

func (c *call) renderCommit(r *Repository, k *commit) object {
	inner := c.renderGitCommit(r, k)
	inner["comment_count"] = 0
	return object{
		"sha": k.oid, "node_id": "C_" + k.oid, "commit": inner, "url": c.api(r, "/commits/"+k.oid),
		"html_url": c.web(r, "/commit/"+k.oid), "comments_url": c.api(r, "/commits/"+k.oid+"/comments"),
		"author": nil, "committer": nil, "parents": c.renderParents(r, k, "/commits/"),
	}
}

func (c *call) listCommits() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	query := c.r.URL.Query()
	head := r.commitAt(query.Get("sha"))
	if head == nil {
		return notFound()
	}
	all := r.objects.ancestors(head.oid)
	if path := query.Get("path"); path != "" {
		all = slices.DeleteFunc(all, func(k *commit) bool {
			now, _ := r.objects.find(k.tree, path)
			var before treeEntry
			if len(k.parents) > 0 {
				before, _ = r.objects.find(r.objects.commits[k.parents[0]].tree, path)
			}
			return now.oid == before.oid
		})
	}
	return paged(c, all, func(k *commit) object { return c.renderCommit(r, k) })
}

// getCommit answers a commit, or what belongs to it: check runs and statuses.
func (c *call) getCommit() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	k := r.commitAt(c.r.PathValue("ref"))
	if k == nil {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.r.PathValue("ref"))
	}
	if strings.Contains(c.r.Header.Get("Accept"), "vnd.github.sha") || strings.Contains(c.r.Header.Get("Accept"), ".sha") {
		a := &reply{status: http.StatusOK, raw: []byte(k.oid), header: http.Header{}}
		a.header.Set("Content-Type", "application/vnd.github.sha; charset=utf-8")
		return a
	}
	o := c.renderCommit(r, k)
	parent := ""
	if len(k.parents) > 0 {
		parent = r.objects.commits[k.parents[0]].tree
	}
	files := c.renderFiles(r, parent, k)
	o["files"], o["stats"] = files, object{"additions": 0, "deletions": 0, "total": 0}
	return ok(o)
}

// renderFiles are the files in which a commit differs from a tree. What went from one path to another unchanged is renamed.
func (c *call) renderFiles(r *Repository, from string, to *commit) []object {
	files := []object{}
	differ := r.objects.differ(from, to.tree)
	removed, appeared := make(map[string]string), make(map[string]bool) // by what the paths held, and hold
	for path, both := range differ {
		if both[1].oid == "" {
			removed[both[0].oid] = max(path, removed[both[0].oid]) // one of equal ones
		} else if both[0].oid == "" {
			appeared[both[1].oid] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(differ)) {
		before, after := differ[path][0].oid, differ[path][1].oid
		o := object{"filename": path, "status": "modified"}
		if old, moved := removed[after]; moved && before == "" {
			o["status"], o["previous_filename"], before = "renamed", old, after
		} else if before == "" {
			o["status"] = "added"
		} else if after == "" {
			if appeared[before] && removed[before] == path {
				continue // told with its new path
			}
			o["status"] = "removed"
		}
		added, deleted := lineChanges(r.objects.blobs[before], r.objects.blobs[after])
		o["sha"], o["additions"], o["deletions"], o["changes"] = cmp.Or(after, before), added, deleted, added+deleted
		o["blob_url"], o["raw_url"] = c.web(r, "/blob/"+to.oid+"/"+path), c.web(r, "/raw/"+to.oid+"/"+path)
		o["contents_url"] = c.api(r, "/contents/"+path+"?ref="+to.oid)
		files = append(files, o)
	}
	return files
}

// lineChanges counts the lines that came and went, wherever they are.
func lineChanges(before, after []byte) (added, deleted int) {
	lines := make(map[string]int)
	for line := range strings.Lines(string(before)) {
		lines[line]++
	}
	for line := range strings.Lines(string(after)) {
		if lines[line]--; lines[line] < 0 {
			added++
		}
	}
	for _, left := range lines {
		deleted += max(0, left)
	}
	return added, deleted
}

func (c *call) compareCommits() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	from, to, found := strings.Cut(c.r.PathValue("basehead"), "...")
	base, head := r.commitAt(from), r.commitAt(to)
	if !found || base == nil || head == nil {
		return notFound()
	}
	behind, ahead := r.objects.ancestors(base.oid), r.objects.ancestors(head.oid)
	common := r.objects.commits[r.objects.mergeBase(base.oid, head.oid)]
	if common == nil {
		return refuse(http.StatusNotFound, "No common ancestor between "+from+" and "+to+".")
	}
	shared := r.objects.ancestors(common.oid)
	only := func(all []*commit) []*commit {
		return slices.DeleteFunc(slices.Clone(all), func(k *commit) bool { return slices.Contains(shared, k) })
	}
	ahead, behind = only(ahead), only(behind)
	status := "identical"
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		status = "diverged"
	case len(ahead) > 0:
		status = "ahead"
	case len(behind) > 0:
		status = "behind"
	}
	slices.Reverse(ahead)
	commits := []object{}
	for _, k := range ahead {
		commits = append(commits, c.renderCommit(r, k))
	}
	link := c.web(r, "/compare/"+from+"..."+to)
	return ok(object{
		"url": c.api(r, "/compare/"+from+"..."+to), "html_url": link, "permalink_url": link, "diff_url": link + ".diff",
		"patch_url": link + ".patch", "base_commit": c.renderCommit(r, base), "merge_base_commit": c.renderCommit(r, common),
		"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "commits": commits,
		"files": c.renderFiles(r, common.tree, head),
	})
}

func (c *call) renderRef(r *Repository, name, oid string) object {
	return object{
		"ref": name, "node_id": "REF_" + base64.RawURLEncoding.EncodeToString([]byte(name)), "url": c.api(r, "/git/"+name),
		"object": object{"sha": oid, "type": "commit", "url": c.api(r, "/git/commits/"+oid)},
	}
}

func (c *call) getRef() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	name := full(c.r.PathValue("ref"))
	if oid := r.ref(name); oid != "" {
		return ok(c.renderRef(r, name, oid))
	}
	return notFound()
}

func (c *call) matchingRefs() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	prefix := full(c.r.PathValue("ref"))
	var names []string
	for branch := range r.branches {
		names = append(names, "refs/heads/"+branch)
	}
	for name := range r.refs {
		names = append(names, name)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
	slices.Sort(names)
	return paged(c, names, func(name string) object { return c.renderRef(r, name, r.ref(name)) })
}

func (c *call) getGitCommit() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	k := r.objects.commits[c.r.PathValue("commit_sha")]
	if k == nil {
		return notFound()
	}
	return ok(c.wholeGitCommit(r, k))
}

func (c *call) wholeGitCommit(r *Repository, k *commit) object {
	o := c.renderGitCommit(r, k)
	o["sha"], o["node_id"], o["html_url"] = k.oid, "C_"+k.oid, c.web(r, "/commit/"+k.oid)
	o["parents"] = c.renderParents(r, k, "/git/commits/")
	return o
}

func (c *call) getTree() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	id := c.r.PathValue("tree_sha")
	tree := id
	if k := r.commitAt(id); k != nil {
		id, tree = k.oid, k.tree
	}
	if _, known := r.objects.trees[tree]; !known {
		return notFound()
	}
	o := c.renderTree(r, tree, c.r.URL.Query().Has("recursive")) // with any value, as at GitHub
	o["sha"], o["url"] = id, c.api(r, "/git/trees/"+id)          // of the commit, where that was asked for
	return ok(o)
}

func (c *call) renderTree(r *Repository, tree string, recursive bool) object {
	entries, truncated := []object{}, false
	add := func(path string, e treeEntry) bool {
		if len(entries) >= c.Limits.TreeItems {
			truncated = true
			return false
		}
		o := object{"path": path, "mode": e.mode, "type": e.kind(), "sha": e.oid}
		switch e.kind() {
		case "blob":
			o["size"], o["url"] = len(r.objects.blobs[e.oid]), c.api(r, "/git/blobs/"+e.oid)
		case "tree":
			o["url"] = c.api(r, "/git/trees/"+e.oid)
		}
		entries = append(entries, o)
		return true
	}
	if recursive {
		r.objects.each(tree, "", add)
	} else {
		for _, e := range r.objects.trees[tree] {
			if !add(e.name, e) {
				break
			}
		}
	}
	return object{"sha": tree, "url": c.api(r, "/git/trees/"+tree), "tree": entries, "truncated": truncated}
}

func (c *call) getBlob() *reply {
	r, no := c.readable()
	if no != nil {
		return no
	}
	oid := c.r.PathValue("file_sha")
	content, known := r.objects.blobs[oid]
	if !known {
		return notFound()
	}
	if isRaw(c.r) {
		return raw(c.r, content)
	}
	return ok(object{
		"sha": oid, "node_id": "B_" + oid, "size": len(content), "url": c.api(r, "/git/blobs/"+oid),
		"content": wrapped(content), "encoding": "base64",
	})
}

// wrapped is base64 in lines of 60, as GitHub writes it.
func wrapped(content []byte) string {
	text := base64.StdEncoding.EncodeToString(content)
	var lines strings.Builder
	for len(text) > 60 {
		lines.WriteString(text[:60] + "\n")
		text = text[60:]
	}
	return lines.String() + text + "\n"
}
