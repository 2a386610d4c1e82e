package githubtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// permitted refuses an installation that lacks a permission.
func (c *call) permitted(name, access string) *reply {
	if i := c.who.installation; i != nil && i.permissions[name] != "write" && (access == "write" || i.permissions[name] == "") {
		no := refuse(http.StatusForbidden, "Resource not accessible by integration")
		no.header.Set("X-Accepted-GitHub-Permissions", name+"="+access)
		return no
	}
	return nil
}

// writable finds the repository of the path for a change that needs a permission.
func (c *call) writable(permission string) (*Repository, *reply) {
	r, no := c.repository()
	if no != nil {
		return nil, no
	}
	switch {
	case !c.writes(c.who, r) && c.who.installation != nil:
		return nil, refuse(http.StatusForbidden, "Resource not accessible by integration")
	case !c.writes(c.who, r) && r.settings.Visibility != "public":
		return nil, refuse(http.StatusForbidden, "Must have push access to the repository.")
	case !c.writes(c.who, r):
		return nil, notFound()
	case r.settings.Archived:
		return nil, refuse(http.StatusForbidden, "Repository was archived so is read-only.")
	}
	return r, c.permitted(permission, "write")
}

// decode reads the body of the request.
func (c *call) decode(into any) *reply {
	if err := json.Unmarshal(c.body, into); err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	return nil
}

// invalid refuses what a body says.
func invalid(resource, code, what string) *reply {
	no := refuse(http.StatusUnprocessableEntity, "Validation Failed")
	problem := object{"resource": resource, "code": code}
	if code == "custom" {
		problem["message"] = what
	} else {
		problem["field"] = what
	}
	no.body.(object)["errors"] = []object{problem}
	return no
}

// actor is whose name changes go by.
func (c *call) actor() *Account {
	switch {
	case c.who.user != nil:
		return c.who.user
	case c.who.installation != nil:
		app := c.who.installation.app
		return &Account{hub: c.GitHub, id: app.id, login: app.slug + "[bot]", bot: true}
	}
	return &Account{hub: c.GitHub, id: 1, login: "somebody"}
}

func (c *call) createRef() *reply {
	r, no := c.writable("contents")
	if no != nil {
		return no
	}
	var want struct{ Ref, SHA string }
	if no := c.decode(&want); no != nil {
		return no
	}
	switch {
	case len(r.objects.commits) == 0:
		return isEmpty()
	case !strings.HasPrefix(want.Ref, "refs/") || strings.Count(want.Ref, "/") < 2:
		return refuse(http.StatusUnprocessableEntity, "Reference name must start with 'refs/' and contain at least two slashes.")
	case r.ref(want.Ref) != "":
		return refuse(http.StatusUnprocessableEntity, "Reference already exists")
	case r.objects.commits[want.SHA] == nil:
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	}
	r.setRef(want.Ref, want.SHA, false)
	return created(c.renderRef(r, want.Ref, want.SHA))
}

// setRef moves a branch or another ref.
func (r *Repository) setRef(ref, oid string, forced bool) {
	if branch, is := strings.CutPrefix(ref, "refs/heads/"); is {
		r.setBranch(branch, oid, forced)
		return
	}
	if r.refs[ref] = oid; oid == "" {
		delete(r.refs, ref)
	}
}

func (c *call) updateRef() *reply {
	r, no := c.writable("contents")
	if no != nil {
		return no
	}
	var want struct {
		SHA   string
		Force bool
	}
	if no := c.decode(&want); no != nil {
		return no
	}
	ref := full(c.r.PathValue("ref"))
	before := r.ref(ref)
	switch {
	case before == "":
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	case r.objects.commits[want.SHA] == nil:
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	case !want.Force && r.objects.mergeBase(before, want.SHA) != before:
		return refuse(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	r.setRef(ref, want.SHA, want.Force)
	return ok(c.renderRef(r, ref, want.SHA))
}

func (c *call) deleteRef() *reply {
	r, no := c.writable("contents")
	if no != nil {
		return no
	}
	ref := full(c.r.PathValue("ref"))
	if r.ref(ref) == "" {
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	r.setRef(ref, "", false)
	return empty()
}

func (c *call) createBlob() *reply {
	r, no := c.writable("contents")
	if no != nil {
		return no
	}
	var want struct{ Content, Encoding string }
	if no := c.decode(&want); no != nil {
		return no
	}
	content := []byte(want.Content)
	if want.Encoding == "base64" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(want.Content, "\n", "")); err != nil {
			return refuse(http.StatusUnprocessableEntity, "Invalid content encoding")
		}
	}
	if len(r.objects.commits) == 0 {
		return isEmpty()
	}
	oid := r.objects.putBlob(content)
	return created(object{"sha": oid, "url": c.api(r, "/git/blobs/"+oid)})
}

func (c *call) createTree() *reply {
	r, no := c.writable("contents")
	if no != nil {
		return no
	}
	var want struct {
		BaseTree string `json:"base_tree"`
		Tree     []struct {
			Path, Mode, Type string
			SHA              *string
			Content          *string
		}
	}
	if no := c.decode(&want); no != nil {
		return no
	}
	base := want.BaseTree
	if k := r.objects.commits[base]; k != nil {
		base = k.tree
	}
	if _, known := r.objects.trees[base]; base != "" && !known {
		return refuse(http.StatusUnprocessableEntity, "base_tree is not a valid tree oid")
	}
	changes := map[string]leaf{}
	for _, e := range want.Tree {
		switch {
		case e.Path == "" || e.Mode == "":
			return refuse(http.StatusUnprocessableEntity, "tree.path and tree.mode are needed")
		case e.Content != nil:
			changes[e.Path] = leaf{e.Mode, r.objects.putBlob([]byte(*e.Content))}
		case e.SHA != nil:
			if _, known := r.objects.blobs[*e.SHA]; !known && r.objects.trees[*e.SHA] == nil {
				return refuse(http.StatusUnprocessableEntity, "tree.sha "+*e.SHA+" is not a valid blob")
			}
			changes[e.Path] = leaf{e.Mode, *e.SHA}
		default:
			changes[e.Path] = leaf{}
		}
	}
	oid := r.objects.change(base, changes)
	if oid == "" {
		oid = r.objects.putTree(nil)
	}
	return created(c.renderTree(r, oid, false))
}

func (c *call) createCommit() *reply {
	r, no := c.writable("contents")
	if no != nil {
		return no
	}
	var want struct {
		Message, Tree string
		Parents       []string
		Author        *Person
	}
	if no := c.decode(&want); no != nil {
		return no
	}
	if _, known := r.objects.trees[want.Tree]; !known {
		return refuse(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	}
	for _, parent := range want.Parents {
		if r.objects.commits[parent] == nil {
			return refuse(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object")
		}
	}
	k := commit{tree: want.Tree, message: want.Message, parents: want.Parents, at: c.now(), author: c.person(want.Author)}
	return created(c.wholeGitCommit(r, r.objects.commits[r.objects.putCommit(k)]))
}

func (c *call) person(named *Person) Person {
	if named != nil && named.Name != "" {
		return *named
	}
	login := c.actor().login
	return Person{login, login + "@users.noreply." + c.host}
}

// putContents makes or replaces one file by a commit of its own; deleteContents removes one.
func (c *call) putContents() *reply    { return c.changeContents(false) }
func (c *call) deleteContents() *reply { return c.changeContents(true) }

func (c *call) changeContents(away bool) *reply {
	r, no := c.writable("contents")
	if no != nil {
		return no
	}
	var want struct {
		Message, Content, SHA, Branch string
		Author, Committer             *Person
	}
	if no := c.decode(&want); no != nil {
		return no
	}
	content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(want.Content, "\n", ""))
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "content is not valid Base64")
	}
	path, branch := strings.Trim(c.r.PathValue("path"), "/"), r.branch(want.Branch)
	head := r.objects.commits[r.branches[branch]]
	if head == nil && len(r.branches) > 0 {
		return refuse(http.StatusNotFound, "Branch "+branch+" not found")
	}
	var before treeEntry
	if head != nil {
		before, _ = r.objects.find(head.tree, path)
	}
	switch {
	case before.oid != "" && want.SHA == "":
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"sha\" wasn't supplied.")
	case want.SHA != before.oid && want.SHA != "":
		return refuse(http.StatusConflict, path+" does not match "+want.SHA)
	case before.oid == "" && away:
		return notFound()
	}
	p := Push{Branch: branch, Message: want.Message, Author: c.person(cmpPerson(want.Author, want.Committer))}
	if away {
		p.Delete = []string{path}
	} else {
		p.Files = Files{path: string(content)}
	}
	k := r.objects.commits[r.push(p)]
	answer := object{"commit": c.wholeGitCommit(r, k), "content": nil}
	if away {
		return ok(answer)
	}
	e, _ := r.objects.find(k.tree, path)
	answer["content"] = c.renderContent(r, path, e, branch)
	if before.oid != "" {
		return ok(answer)
	}
	return created(answer)
}

func cmpPerson(people ...*Person) *Person {
	if at := slices.IndexFunc(people, func(p *Person) bool { return p != nil }); at >= 0 {
		return people[at]
	}
	return nil
}
