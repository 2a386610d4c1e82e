package webhook

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"
)

const (
	// maxCommits is how many commits GitHub names of a push; of one that has more, not all that it touched is known.
	maxCommits = 2048
	// maxFiles is how many files of a repository are named; where more were touched, all of it is read again.
	maxFiles = 300
)

// names are what was touched of what the target reads, sorted.
func (c content) names(t Target) []string {
	n := &named{target: t}
	switch e := c.event.(type) {
	case *github.PushEvent:
		n.push(e)
	case *github.RepositoryEvent:
		n.changed(e)
	case *github.PublicEvent:
		n.repository(e.GetRepo().GetFullName())
	case *github.InstallationEvent:
		n.owner(e.GetInstallation().GetAccount().GetLogin())
	case *github.InstallationTargetEvent:
		n.owner(e.GetAccount().GetLogin())
		n.owner(c.formerly)
	case *github.InstallationRepositoriesEvent:
		n.installed(e)
	case *github.TeamEvent:
		n.teams(e.GetOrg().GetLogin())
	case *github.MembershipEvent:
		n.teams(e.GetOrg().GetLogin())
	case *github.MemberEvent:
		n.teams(e.GetOrg().GetLogin())
	case *github.OrganizationEvent:
		login := e.GetOrganization().GetLogin()
		n.teams(login)
		if action := e.GetAction(); action == "renamed" || action == "deleted" {
			n.owner(login)
			n.owner(c.formerly)
		}
	}
	slices.Sort(n.list)
	return slices.Compact(n.list)
}

// named gathers names.
type named struct {
	target Target
	list   []string
}

func (n *named) has(owner string) bool {
	return isName(owner) && (n.target.Owners == nil || n.target.Owners(owner))
}

// of says whether the target may have a repository, by its full name.
func (n *named) of(repository string) bool {
	owner, name, _ := strings.Cut(repository, "/")
	return n.has(owner) && isName(name)
}

func (n *named) repository(repository string) {
	if n.of(repository) {
		n.list = append(n.list, n.target.Host+"/"+repository+"/")
	}
}

func (n *named) teams(owner string) {
	if n.has(owner) {
		n.list = append(n.list, "teams/"+n.target.Host+"/"+owner)
	}
}

// owner names all that an organisation or a user has.
func (n *named) owner(owner string) {
	if n.has(owner) {
		n.list = append(n.list, n.target.Host+"/"+owner+"/")
		n.teams(owner)
	}
}

// installed names the repositories that an app may see now, or no more.
func (n *named) installed(e *github.InstallationRepositoriesEvent) {
	repositories := slices.Concat(e.RepositoriesAdded, e.RepositoriesRemoved)
	if len(repositories) == 0 || len(repositories) > maxFiles {
		n.owner(e.GetInstallation().GetAccount().GetLogin())
		return
	}
	for _, repository := range repositories {
		n.repository(repository.GetFullName())
	}
}

// changed names a repository and, where it has another name or owner now, also what it was before.
func (n *named) changed(e *github.RepositoryEvent) {
	full := e.GetRepo().GetFullName()
	n.repository(full)
	owner, name, _ := strings.Cut(full, "/")
	if from := e.GetChanges().GetRepo().GetName().GetFrom(); from != "" {
		n.repository(owner + "/" + from)
	}
	from := e.GetChanges().GetOwner().GetOwnerInfo()
	for _, account := range []*github.User{from.GetUser(), from.GetOrg()} {
		if login := account.GetLogin(); login != "" {
			n.repository(login + "/" + name)
		}
	}
}

// push names the files that a push touched, or the repository where not all of them are known.
func (n *named) push(e *github.PushEvent) {
	repository := e.GetRepo().GetFullName()
	branch, ok := strings.CutPrefix(e.GetRef(), "refs/heads/")
	if !ok || !n.of(repository) || !n.wants(e.GetRepo(), branch, "") {
		return
	}
	whole := e.GetCreated() || e.GetDeleted() || e.GetForced() || len(e.Commits) >= maxCommits || e.GetSize() > len(e.Commits)
	touched := make(map[string]bool)
	for _, commit := range e.Commits {
		if commit == nil {
			continue
		}
		files := 0
		for _, list := range [][]string{commit.Added, commit.Removed, commit.Modified} {
			for _, path := range list {
				touched[path] = true
			}
			files += len(list)
		}
		whole = whole || files >= maxFiles // GitHub may have named no more of them
	}
	if whole || len(touched) == 0 {
		n.repository(repository)
		return
	}
	for path := range touched {
		if fs.ValidPath(path) && n.wants(e.GetRepo(), branch, path) {
			n.list = append(n.list, n.target.Host+"/"+repository+"/"+path)
		}
	}
	if len(n.list) > maxFiles {
		n.list = nil
		n.repository(repository)
	}
}

// wants says whether the target reads a file at the head of a branch or, without a path, that branch.
func (n *named) wants(repository *github.PushEventRepository, branch, path string) bool {
	if branch != cmp.Or(n.target.Branch, repository.GetDefaultBranch(), branch) {
		return false
	}
	return n.target.Wants == nil || n.target.Wants(repository.GetFullName(), branch, path)
}
