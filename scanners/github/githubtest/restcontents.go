package githubtest

import (
	"net/http"
	"strings"
)

// The largest file that contents answers with its content, and that it answers at all.
const (
	inlineFile = 1 << 20
	rawFile    = 100 << 20
)

func (c *call) getContents() *reply {
	r, no := c.repository()
	if no != nil {
		return no
	}
	if len(r.objects.commits) == 0 {
		return refuse(http.StatusNotFound, "This repository is empty.")
	}
	ref := c.r.URL.Query().Get("ref")
	k := r.commitAt(ref)
	if k == nil {
		return refuse(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	path := strings.Trim(c.r.PathValue("path"), "/")
	e, found := r.objects.find(k.tree, path)
	if !found {
		return notFound()
	}
	if ref == "" {
		ref = r.settings.DefaultBranch
	}
	if e.kind() == "tree" {
		items := []object{}
		for _, within := range r.objects.trees[e.oid] {
			items = append(items, c.renderContent(r, strings.TrimPrefix(path+"/"+within.name, "/"), within, ref))
		}
		return ok(items)
	}
	content := r.objects.blobs[e.oid]
	switch {
	case isRaw(c.r):
		return raw(c.r, content)
	case len(content) > rawFile:
		return refuse(http.StatusForbidden, "This API returns blobs up to 100 MB in size.")
	}
	o := c.renderContent(r, path, e, ref)
	switch {
	case e.mode == modeLink:
		o["target"] = string(content)
	case e.mode == modeSubmodule:
		o["submodule_git_url"] = "https://" + c.host + "/" + r.owner.login + "/" + e.name + ".git"
	case e.kind() == "blob" && len(content) > inlineFile:
		o["content"], o["encoding"] = "", "none"
	case e.kind() == "blob":
		o["content"], o["encoding"] = wrapped(content), "base64"
	}
	return ok(o)
}

func (c *call) renderContent(r *Repository, path string, e treeEntry, ref string) object {
	kind := map[string]string{modeFolder: "dir", modeLink: "symlink", modeSubmodule: "submodule"}[e.mode]
	if kind == "" {
		kind = "file"
	}
	self, git, html := c.api(r, "/contents/"+path+"?ref="+ref), c.api(r, "/git/"+e.kind()+"s/"+e.oid), c.web(r, "/"+e.kind()+"/"+ref+"/"+path)
	o := object{
		"type": kind, "size": len(r.objects.blobs[e.oid]), "name": e.name, "path": path, "sha": e.oid, "url": self, "git_url": git,
		"html_url": html, "download_url": nil, "_links": object{"self": self, "git": git, "html": html},
	}
	if e.kind() == "blob" {
		o["download_url"] = "https://raw.githubusercontent.com/" + r.fullName() + "/" + ref + "/" + path
	}
	return o
}

func isRaw(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/vnd.github") && strings.Contains(r.Header.Get("Accept"), "raw")
}

// raw answers with the content itself, of the type that was asked for.
func raw(r *http.Request, content []byte) *reply {
	a := &reply{status: http.StatusOK, raw: append([]byte{}, content...), header: http.Header{}}
	accepted, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	a.header.Set("Content-Type", strings.TrimSpace(accepted)+"; charset=utf-8")
	return a
}
