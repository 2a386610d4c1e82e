package files

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/codeowners"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// maxOwnersKept is how many CODEOWNERS files are kept parsed: a scan goes through the repositories one after the other.
const maxOwnersKept = 64

// owners finds who answers for what lies in folders.
type owners struct {
	mu     sync.Mutex
	listed map[string]landmarks     // folders that the walk came through
	of     map[string]*ownersFile   // by folder; nil = nobody says
	kept   map[*ownersFile]struct{} // those in of
}

// ownersFile is the CODEOWNERS of a repository.
type ownersFile struct {
	repository string
	name       string // of the file itself
	shown      string
	rules      *codeowners.File
}

// landmarks are what a folder has of the names that tell of a repository.
type landmarks uint8

const (
	hasGit landmarks = 1 << iota
	hasOwners
	hasGitHub
	hasDocs
	hasGitLab
)

// landmark is what must be in a folder that has the file in a place.
func landmark(place string) landmarks {
	switch path.Dir(place) {
	case ".github":
		return hasGitHub
	case "docs":
		return hasDocs
	case ".gitlab":
		return hasGitLab
	}
	return hasOwners
}

// noteListed remembers what of a folder tells of a repository, so that no more has to be asked of the many that have
// nothing.
func (r *run) noteListed(dir string, entries []fs.DirEntry) {
	has := landmarks(0)
	for i, name := range []string{".git", "CODEOWNERS", ".github", "docs", ".gitlab"} {
		if _, found := slices.BinarySearchFunc(entries, name, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) }); found {
			has |= 1 << i
		}
	}
	r.owners.mu.Lock()
	defer r.owners.mu.Unlock()
	r.owners.listed[dir] = has
}

// hint adds who answers for what lies beside a file to what is said of the entities in it.
func (r *run) hint(ctx context.Context, f file, scope *scanners.Scope) error {
	file, err := r.ownersOf(ctx, path.Dir(f.real))
	if err != nil || file == nil {
		return err
	}
	hints := file.rules.Hints(within(file.repository, path.Dir(f.real)), file.shown)
	if len(hints) == 0 {
		return nil
	}
	if version := r.config.Repository.Version; version != nil {
		at := version(file.name, file.name)
		for i := range hints {
			hints[i].Version = at
		}
	}
	for _, document := range scope.Documents {
		for i := range document.Claims {
			claim := &document.Claims[i]
			if claim.Descriptor != nil && catalog.IsOwnable(claim.Subject.Ref.Kind()) {
				claim.OwnerHints = slices.Clone(hints)
			}
		}
		for i := range document.Problems {
			if problem := &document.Problems[i]; problem.Code == descriptor.CodeMissingField && problem.Field == "spec.owner" {
				problem.Fix += "; CODEOWNERS names " + namesOf(hints)
			}
		}
	}
	return nil
}

// namesOf lists who is hinted at, for people.
func namesOf(hints []catalog.OwnerHint) string {
	names := make([]string, len(hints))
	for i, hint := range hints {
		names[i] = hint.Name
	}
	return strings.Join(names, ", ")
}

// within is the name in a folder of what is in it.
func within(outer, name string) string {
	if outer == "." || name == outer {
		if name == outer {
			return "."
		}
		return name
	}
	return strings.TrimPrefix(name, outer+"/")
}

// ownersOf is the file that states the owners of a folder: that of the nearest folder with one, at most of the nearest with
// a .git; nil = there is none.
func (r *run) ownersOf(ctx context.Context, dir string) (*ownersFile, error) {
	r.owners.mu.Lock()
	defer r.owners.mu.Unlock()
	var below []string
	var found *ownersFile
	for {
		known, ok := r.owners.of[dir]
		if ok {
			found = known
			break
		}
		below = append(below, dir)
		file, last, err := r.ownersIn(ctx, dir)
		if err != nil {
			return nil, err
		}
		if found = file; file != nil || last {
			break
		}
		dir = path.Dir(dir)
	}
	if found != nil {
		r.owners.kept[found] = struct{}{}
	}
	if len(r.owners.kept) > maxOwnersKept {
		clear(r.owners.of)
		clear(r.owners.kept)
		r.owners.kept[found] = struct{}{}
	}
	for _, dir := range below {
		r.owners.of[dir] = found
	}
	return found, nil
}

// ownersIn is the CODEOWNERS file of a folder; last = no folder above it counts.
func (r *run) ownersIn(ctx context.Context, dir string) (file *ownersFile, last bool, err error) {
	places := r.config.Repository.Owners
	if places != nil {
		if dir != "." {
			return nil, false, nil
		}
	} else {
		places = codeowners.Places()
	}
	has, listed := r.owners.listed[dir]
	for _, place := range places {
		if listed && has&landmark(place) == 0 {
			continue
		}
		name := folder.Join(dir, place)
		if _, err := r.tree.Lstat(name); err != nil {
			continue
		}
		real, info, err := folder.Resolve(r.tree, name)
		if err != nil || real != name || !info.Mode().IsRegular() { // hosts follow no links there
			continue
		}
		file, err := r.readOwners(ctx, dir, name)
		return file, true, err
	}
	if dir == "." {
		return nil, true, nil
	}
	if listed {
		return nil, has&hasGit != 0, nil
	}
	_, err = r.tree.Lstat(dir + "/.git")
	return nil, err == nil, nil
}

// readOwners reads a CODEOWNERS file, and tells what is wrong with it.
func (r *run) readOwners(ctx context.Context, repository, name string) (*ownersFile, error) {
	r.noteOwners(name)
	file := &ownersFile{repository: repository, name: name, shown: r.shown(name)}
	rules, problems, err := r.parseOwners(ctx, name)
	if file.rules = rules; err != nil {
		return nil, err
	}
	if len(problems) == 0 {
		return file, nil
	}
	for i := range problems {
		problems[i].Location = file.shown
	}
	return file, r.report(ctx, scanners.Scope{
		Name: file.shown, Documents: []*catalog.Document{{Location: file.shown, Problems: problems}},
	})
}

func (r *run) parseOwners(ctx context.Context, name string) (*codeowners.File, []catalog.Problem, error) {
	if err := r.tree.Fetch(ctx, []string{name}); err != nil {
		return nil, nil, err
	}
	data, err := r.ownersBytes(name)
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if err != nil {
		empty, _ := codeowners.Parse(nil)
		return empty, []catalog.Problem{{
			Severity: catalog.Warning, Code: "unreadable-file", Message: "this file cannot be read: " + folder.Plain(err).Error(),
			Fix: "mend it, so that owners can be suggested",
		}}, nil
	}
	rules, problems := codeowners.Parse(data)
	return rules, problems, nil
}

// ownersBytes is what the file holds, and a byte more than there may be where there is more.
func (r *run) ownersBytes(name string) ([]byte, error) {
	opened, info, err := folder.OpenRegular(r.tree, name)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	if info.Size() > codeowners.MaxBytes {
		return make([]byte, codeowners.MaxBytes+1), nil
	}
	return folder.ReadUpTo(opened, codeowners.MaxBytes, info.Size())
}

// noteOwners remembers that a file states owners.
func (r *run) noteOwners(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.owners[name] = true
}

// decides is the name whose change a change of the name is: that of the whole repository, where owners in it are stated or
// were, or where something was wrong with that, which is told as long as anything there is read.
func (k *knownRoot) decides(tree *folder.Opened, name string) string {
	for dir := name; len(k.owners) > 0 && dir != "."; {
		dir = path.Dir(dir)
		for _, place := range codeowners.Places() {
			if k.scopes.Contains(tree.Shown(folder.Join(dir, place))) {
				return dir
			}
		}
	}
	if repository, ok := codeowners.Repository(name); ok {
		return repository
	}
	inside := folder.Join(name, "CODEOWNERS")
	if repository, ok := codeowners.Repository(inside); ok && repository != name {
		if _, err := tree.Lstat(inside); err == nil || k.owners[inside] {
			return repository
		}
	}
	return name
}
