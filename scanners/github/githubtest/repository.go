package githubtest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Repository is one repository.
type Repository struct {
	hub *GitHub

	id               int64
	owner            *Account
	name             string
	settings         Settings
	parent           *Repository // of a fork
	created, updated time.Time
	pushed           time.Time         // zero: never
	branches         map[string]string // the commit of each
	refs             map[string]string // other refs, by full name
	gone             bool
	objects          *objects
	numbers          int                       // the last of a pull request
	pulls            []*PullRequest            // by number
	outgoing         []*PullRequest            // of a fork: to others
	checks           []*CheckRun               // oldest first
	statuses         map[string][]CommitStatus // of a commit, oldest first
	teams            map[*Team]string          // permission
	collaborators    map[int64]string          // collaborators by id, with their permission
}

// Settings are what can be edited of a repository.
type Settings struct {
	Description   string
	Visibility    string // public, private or internal; "" = public
	DefaultBranch string // "" = main
	Topics        []string
	Archived      bool
	Disabled      bool   // by GitHub: 403 for what lies in it
	Blocked       string // why its content is not shown: "dmca" (451), "tos" (403); "" = it is
	Template      bool
}

// Files are contents by path.
type Files map[string]string

// Push is one commit on one branch.
type Push struct {
	Branch  string // "" = the default branch; made where it is not there
	Files   Files  // what the files hold from now on
	Delete  []string
	Modes   map[string]string // of files: "100755", "120000", "160000" (content: a commit's id); else "100644"
	Message string
	Author  Person
	Force   bool // the commit stands alone, without a parent and without the files that were there
}

// AddRepository makes a repository of the account in the name ("acme/checkout"), with one commit of these files on main;
// without files it is empty. The account is made an organisation where there is none.
func (g *GitHub) AddRepository(fullName string, files Files, s Settings) *Repository {
	owner, name, _ := strings.Cut(fullName, "/")
	account := g.AddOrganization(owner)
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.addRepository(account, name, s)
	g.emit("repository", account, r, object{"action": "created"})
	if len(files) > 0 {
		r.push(Push{Files: files, Message: "Start"})
	}
	return r
}

func (g *GitHub) addRepository(owner *Account, name string, s Settings) *Repository {
	if s.Visibility == "" {
		s.Visibility = "public"
	}
	if s.DefaultBranch == "" {
		s.DefaultBranch = "main"
	}
	s.Topics = slices.Clone(s.Topics)
	r := &Repository{
		hub: g, id: g.id(), owner: owner, name: name, settings: s, created: g.now(), updated: g.now(),
		pushed: g.now(), // as GitHub says of empty ones too

		branches: map[string]string{}, refs: map[string]string{}, objects: newObjects(), statuses: map[string][]CommitStatus{},
		teams: map[*Team]string{}, collaborators: map[int64]string{},
	}
	g.repositories[r.id] = r
	g.byName[lower(r.fullName())] = r
	delete(g.moved, lower(r.fullName())) // a new repository ends the redirect of an old name
	return r
}

// Repository is the one of that name, nil where there is none. Names that it had before do not count.
func (g *GitHub) Repository(fullName string) *Repository {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.byName[lower(fullName)]
}

// Repositories are all of an account, by id.
func (g *GitHub) Repositories(owner string) []*Repository {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.owned(g.accounts[lower(owner)])
}

func (g *GitHub) owned(owner *Account) (owned []*Repository) {
	for _, id := range slices.Sorted(maps.Keys(g.repositories)) {
		if r := g.repositories[id]; r.owner == owner {
			owned = append(owned, r)
		}
	}
	return owned
}

func (r *Repository) fullName() string { return r.owner.login + "/" + r.name }

func (r *Repository) nodeID() string { return nodeID("R", r.id) }

// ID is the number that stays through renames.
func (r *Repository) ID() int64 { return r.id }

// FullName is owner and name, as they are now.
func (r *Repository) FullName() string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.fullName()
}

// Head is the commit of a branch ("" = the default one), "" where there is none.
func (r *Repository) Head(branch string) string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.branches[r.branch(branch)]
}

func (r *Repository) branch(name string) string {
	if name == "" {
		return r.settings.DefaultBranch
	}
	return name
}

// Files are all files of a branch, commit or tag ("" = the default branch).
func (r *Repository) Files(at string) Files {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	files := Files{}
	if c := r.commitAt(at); c != nil {
		r.objects.each(c.tree, "", func(path string, e treeEntry) bool {
			if e.kind() == "blob" {
				files[path] = string(r.objects.blobs[e.oid])
			}
			return true
		})
	}
	return files
}

// commitAt is the commit that a name means: a branch, a full ref, a tag or a commit; nil where there is none.
func (r *Repository) commitAt(name string) *commit {
	name = r.branch(name)
	for _, oid := range []string{r.branches[name], r.ref(name), r.refs["refs/tags/"+name], r.refs["refs/"+name], name} {
		if c := r.objects.commits[oid]; c != nil {
			return c
		}
	}
	if strings.EqualFold(name, "HEAD") {
		return r.objects.commits[r.branches[r.settings.DefaultBranch]]
	}
	return nil
}

// ref is the commit of a full ref ("refs/heads/main").
func (r *Repository) ref(full string) string {
	if branch, ok := strings.CutPrefix(full, "refs/heads/"); ok {
		return r.branches[branch]
	}
	return r.refs[full]
}

// Push commits to a branch and returns the commit's id.
func (r *Repository) Push(p Push) string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.push(p)
}

func (r *Repository) push(p Push) string {
	branch := r.branch(p.Branch)
	before := r.branches[branch]
	var parents []string
	tree := ""
	if base := r.objects.commits[before]; base != nil && !p.Force {
		parents, tree = []string{base.oid}, base.tree
	} else if base := r.objects.commits[r.branches[r.settings.DefaultBranch]]; base != nil && !p.Force {
		parents, tree = []string{base.oid}, base.tree // a new branch starts at the default one
	}
	changes := make(map[string]leaf, len(p.Files)+len(p.Delete))
	for path, content := range p.Files {
		switch mode := p.Modes[path]; mode {
		case "":
			changes[path] = leaf{modeFile, r.objects.putBlob([]byte(content))}
		case modeSubmodule:
			changes[path] = leaf{modeSubmodule, content}
		default:
			changes[path] = leaf{mode, r.objects.putBlob([]byte(content))}
		}
	}
	for _, path := range p.Delete {
		changes[path] = leaf{}
	}
	c := commit{message: p.Message, parents: parents, author: p.Author, at: r.hub.now()}
	if c.tree = r.objects.change(tree, changes); c.tree == "" {
		c.tree = r.objects.putTree(nil)
	}
	if c.message == "" {
		c.message = "Change"
	}
	if c.author == (Person{}) {
		c.author = Person{"Alex", "alex@example.com"}
	}
	oid := r.objects.putCommit(c)
	r.setBranch(branch, oid, p.Force)
	return oid
}

// setBranch moves a branch to a commit ("" = away) and tells of the push.
func (r *Repository) setBranch(branch, oid string, forced bool) {
	before := r.branches[branch]
	if oid == "" {
		delete(r.branches, branch)
	} else {
		r.branches[branch] = oid
	}
	r.pushed, r.updated = r.hub.now(), r.hub.now()
	r.hub.emitPush(r, "refs/heads/"+branch, before, oid, forced)
	r.movePulls(branch)
}

// SetBranch makes or moves a branch to a commit; "" deletes it.
func (r *Repository) SetBranch(branch, commit string) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.setBranch(branch, commit, false)
}

// Tag makes a tag of a commit.
func (r *Repository) Tag(name, commit string) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.refs["refs/tags/"+name] = commit
	r.pushed = r.hub.now()
	r.hub.emitPush(r, "refs/tags/"+name, "", commit, false)
}

// Edit changes the settings, and tells of each change as GitHub does.
func (r *Repository) Edit(edit func(*Settings)) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	old := r.settings
	old.Topics = slices.Clone(old.Topics)
	edit(&r.settings)
	r.updated = r.hub.now()
	r.emitEdited(old)
}

// Rename gives it another name; the old one redirects.
func (r *Repository) Rename(name string) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	old := r.name
	r.move(r.owner, name)
	r.hub.emit("repository", r.owner, r, object{
		"action": "renamed", "changes": object{"repository": object{"name": object{"from": old}}},
	})
}

// Transfer gives it to another account; the old name redirects.
func (r *Repository) Transfer(to *Account) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	from := r.owner
	r.move(to, r.name)
	r.hub.emit("repository", to, r, object{
		"action": "transferred", "changes": object{"owner": object{"from": object{lower(from.kind()): r.hub.simpleUser(from, r.hub.api())}}},
	})
}

func (r *Repository) move(to *Account, name string) {
	old := lower(r.fullName())
	delete(r.hub.byName, old)
	r.owner, r.name, r.updated = to, name, r.hub.now()
	r.hub.byName[lower(r.fullName())] = r
	delete(r.hub.moved, lower(r.fullName()))
	if old != lower(r.fullName()) {
		r.hub.moved[old] = r.id
	}
}

// Delete removes it.
func (r *Repository) Delete() {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.gone = true
	delete(r.hub.byName, lower(r.fullName()))
	delete(r.hub.repositories, r.id)
	for _, app := range r.hub.apps {
		for _, i := range app.installations {
			delete(i.selected, r.id)
		}
	}
	r.hub.emit("repository", r.owner, r, object{"action": "deleted"})
}

// Fork makes a fork of it for another account, with all branches.
func (r *Repository) Fork(to *Account) *Repository {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	fork := r.hub.addRepository(to, r.name, r.settings)
	fork.parent, fork.objects, fork.branches = r, r.objects.clone(), maps.Clone(r.branches)
	fork.pushed = r.pushed
	return fork
}

// AddCollaborator lets a user in: "pull", "push" or "admin".
func (r *Repository) AddCollaborator(u *Account, permission string) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.collaborators[u.id] = permission
}

// Tree is the id of the tree of a branch, tag or commit ("" = the default branch), "" where there is none.
func (r *Repository) Tree(at string) string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if c := r.commitAt(at); c != nil {
		return c.tree
	}
	return ""
}
