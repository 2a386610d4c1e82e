package githubtest

import (
	"cmp"
	"maps"
	"time"
)

// PullRequest is one pull request.
type PullRequest struct {
	in, from       *Repository // from is a fork, or in itself
	id             int64
	number         int
	settings       Pull
	author         *Account
	head, baseHead string // commits
	open, merged   bool
	mergeCommit    string
	created        time.Time
	updated        time.Time
	comments       []comment
}

// Pull is what a pull request is opened with.
type Pull struct {
	Title, Body string
	Base        string      // the branch it goes to; "" = the default one
	From        *Repository // where the head is; nil = the same repository
	Head        string      // the branch that it brings
	Author      string      // a login; "" = that of the owner of where the head is
	Draft       bool
}

type comment struct {
	id     int64
	author *Account
	body   string
	at     time.Time
}

// OpenPull opens a pull request.
func (r *Repository) OpenPull(p Pull) *PullRequest {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.openPull(p, nil)
}

func (r *Repository) openPull(p Pull, author *Account) *PullRequest {
	if p.From == nil {
		p.From = r
	}
	p.Base = r.branch(p.Base)
	if author == nil {
		author = cmp.Or(r.hub.accounts[lower(p.Author)], p.From.owner)
	}
	r.numbers++
	pull := &PullRequest{
		in: r, from: p.From, id: r.hub.id(), number: r.numbers, settings: p, author: author, open: true,
		created: r.hub.now(), baseHead: r.branches[p.Base],
	}
	r.pulls = append(r.pulls, pull)
	if pull.from != r {
		pull.from.outgoing = append(pull.from.outgoing, pull)
	}
	pull.follow()
	r.hub.emitPull(pull, "opened", nil)
	return pull
}

// follow takes the head that the branch has now; it can be read by way of the base, as refs/pull/N/head.
func (p *PullRequest) follow() {
	p.head, p.updated = p.from.branches[p.settings.Head], p.in.hub.now()
	if p.from != p.in {
		maps.Copy(p.in.objects.blobs, p.from.objects.blobs)
		maps.Copy(p.in.objects.trees, p.from.objects.trees)
		maps.Copy(p.in.objects.commits, p.from.objects.commits)
	}
	p.in.refs["refs/pull/"+number(int64(p.number))+"/head"] = p.head
}

// movePulls takes pull requests to where their branch is now.
func (r *Repository) movePulls(branch string) {
	for _, p := range append(append([]*PullRequest{}, r.pulls...), r.outgoing...) {
		if !p.open || p.from != r || p.settings.Head != branch || p.head == r.branches[branch] {
			continue
		}
		if r.branches[branch] == "" {
			p.close(false)
			continue
		}
		before := p.head
		p.follow()
		r.hub.emitPull(p, "synchronize", object{"before": before, "after": p.head})
	}
}

// Number is its number in the repository.
func (p *PullRequest) Number() int { return p.number }

// Head is the commit that it brings.
func (p *PullRequest) Head() string {
	p.in.hub.mu.Lock()
	defer p.in.hub.mu.Unlock()
	return p.head
}

// Pull is what it says and where it goes.
func (p *PullRequest) Pull() Pull {
	p.in.hub.mu.Lock()
	defer p.in.hub.mu.Unlock()
	return p.settings
}

// Open says whether it is open.
func (p *PullRequest) Open() bool {
	p.in.hub.mu.Lock()
	defer p.in.hub.mu.Unlock()
	return p.open
}

// Close closes it without merging.
func (p *PullRequest) Close() {
	p.in.hub.mu.Lock()
	defer p.in.hub.mu.Unlock()
	p.close(false)
}

// Reopen opens it again.
func (p *PullRequest) Reopen() {
	p.in.hub.mu.Lock()
	defer p.in.hub.mu.Unlock()
	p.open = true
	p.in.hub.emitPull(p, "reopened", nil)
}

func (p *PullRequest) close(merged bool) {
	p.open, p.merged, p.updated = false, merged, p.in.hub.now()
	p.in.hub.emitPull(p, "closed", nil)
}

// Merge brings what it changes to its base, as one commit, and returns that.
func (p *PullRequest) Merge() string {
	r := p.in
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	base, head := r.objects.commits[r.branches[p.settings.Base]], r.objects.commits[p.head]
	if base == nil || head == nil {
		return ""
	}
	changes := make(map[string]leaf)
	for path, both := range r.objects.differ(r.treeOf(p.mergeBase()), head.tree) {
		changes[path] = both[1]
	}
	tree := r.objects.change(base.tree, changes)
	if tree == "" {
		tree = r.objects.putTree(nil)
	}
	p.mergeCommit = r.objects.putCommit(commit{
		tree: tree, message: p.settings.Title, parents: []string{base.oid, head.oid}, author: head.author, at: r.hub.now(),
	})
	r.setBranch(p.settings.Base, p.mergeCommit, false)
	p.close(true)
	return p.mergeCommit
}

func (r *Repository) treeOf(oid string) string {
	if k := r.objects.commits[oid]; k != nil {
		return k.tree
	}
	return ""
}

// mergeBase is the newest commit that base and head both build on.
func (p *PullRequest) mergeBase() string {
	base := cmp.Or(p.in.branches[p.settings.Base], p.baseHead)
	if p.merged {
		base = p.baseHead
	}
	return p.in.objects.mergeBase(base, p.head)
}

func (o *objects) mergeBase(a, b string) string {
	before := map[string]bool{}
	for _, k := range o.ancestors(a) {
		before[k.oid] = true
	}
	for _, k := range o.ancestors(b) {
		if before[k.oid] {
			return k.oid
		}
	}
	return ""
}

// Pulls are the pull requests of the repository, by number.
func (r *Repository) Pulls() []*PullRequest {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return append([]*PullRequest{}, r.pulls...)
}

// Comments are what was written below it.
func (p *PullRequest) Comments() (bodies []string) {
	p.in.hub.mu.Lock()
	defer p.in.hub.mu.Unlock()
	for _, c := range p.comments {
		bodies = append(bodies, c.body)
	}
	return bodies
}

// emitPull tells of a pull request.
func (g *GitHub) emitPull(p *PullRequest, action string, more object) {
	if len(g.hooks) == 0 {
		return
	}
	payload := object{"action": action, "number": p.number, "pull_request": g.renderPull(p, g.api())}
	maps.Copy(payload, more)
	g.emit("pull_request", p.in.owner, p.in, payload)
}
