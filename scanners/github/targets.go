package github

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

const (
	// maxLocationSteps is how many Locations may lead, from one repository to the next, to a file.
	maxLocationSteps = 32
	// maxExtra is how many files of one repository Locations of others may name, and maxTargets how many one repository may
	// name elsewhere.
	maxExtra   = 1000
	maxTargets = 5000
	// maxResolved is how many names of repositories that are not listed are asked for in one scan.
	maxResolved = 50
)

// elsewhere takes a target of a Location that is the URL of a file, or of several by a glob, in a repository that this source
// reads. What others say of other places is left alone.
func (s *said) elsewhere(_, target string) *catalog.Problem {
	owner, name, rest, ok := s.fileURL(target)
	if !ok || !s.Owns(owner) {
		return nil
	}
	refuse := func(why, fix string) *catalog.Problem {
		return &catalog.Problem{Code: "refused-target", Message: fmt.Sprintf("the target %q is not read: %s", target, why), Fix: fix}
	}
	repository := strings.ToLower(owner + "/" + name)
	id, err := s.resolve(s.tree.ctx, owner, name)
	if err != nil {
		s.tree.fails(err)
		return nil
	}
	if id == 0 {
		s.aim(repository + ":") // when there is one of that name, the Location is read again
		return refuse("the repository is not read by this source, or does not exist", "correct the name, or let the source read the repository")
	}
	branch := s.config.branch(s.listed[id])
	file, here := strings.CutPrefix(rest, branch+"/")
	if !here {
		file, here = strings.CutPrefix(rest, "HEAD/")
	}
	if !here {
		return refuse("this source reads the branch "+branch+" of it", "name that branch")
	}
	if file = path.Clean(file); !fs.ValidPath(file) || file == "." || len(file) > 1024 || strings.Count(file, "{")+strings.Count(file, ",") > 16 {
		return refuse("it is not the path of a file", "name a file, or files by a glob")
	}
	if !s.aim(strconv.FormatInt(id, 10) + ":" + file) {
		return refuse(fmt.Sprintf("the Locations of this repository name more than %d files elsewhere", maxTargets), "name fewer")
	}
	return nil
}

// aim remembers a target; false = there are too many.
func (s *said) aim(target string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.targets) >= maxTargets {
		return false
	}
	s.targets = append(s.targets, target)
	return true
}

// byName is the repository of a name, in lower case; 0 = none of those to read has it.
func (r *run) byName(full string) int64 {
	if id := r.names[full]; r.listed[id] != nil {
		return id
	}
	return 0
}

// resolve finds a repository of this source by its name, or one that it had; 0 = there is none.
func (r *run) resolve(ctx context.Context, owner, name string) (int64, error) {
	full := strings.ToLower(owner + "/" + name)
	if id := r.byName(full); id != 0 {
		return id, nil
	}
	r.mu.Lock()
	id, known := r.resolved[full]
	if !known && len(r.resolved) >= maxResolved {
		known = true
	}
	r.mu.Unlock()
	if known {
		return id, nil
	}
	found, err := r.lookUp(ctx, owner, "repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name))
	var refused *connect.AuthError // an App may not be installed there
	if errors.As(err, &refused) {
		found, err = nil, nil
	}
	if err != nil && (status(err) == 0 || unanswered(err)) {
		return 0, fmt.Errorf("look for the repository %s: %w", full, err)
	}
	if err == nil && found != nil && r.listed[found.ID] != nil {
		id = found.ID
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resolved[full] = id
	return id, nil
}

// lost says whether Locations of a repository name others that are no longer there, or that are there now, so that they must be
// read again.
func (r *run) lost(by *record) bool {
	return slices.ContainsFunc(by.Targets, func(target string) bool {
		repository, _, _ := strings.Cut(target, ":")
		id, err := strconv.ParseInt(repository, 10, 64)
		if err != nil {
			return r.byName(repository) != 0
		}
		if r.listed[id] != nil {
			return false
		}
		was := r.base.find(id)
		return was == nil || r.broken[strings.ToLower(was.owner())] == nil
	})
}

// fileURL takes the address of a file apart: what stands behind the repository's name begins with a branch.
func (r *run) fileURL(target string) (owner, name, rest string, ok bool) {
	at, err := url.Parse(target)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" {
		return "", "", "", false
	}
	web, err := url.Parse(r.config.Connection.WebURL())
	if err != nil {
		return "", "", "", false
	}
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimPrefix(at.Path, web.Path), "/"), "/", 4)
	switch {
	case strings.EqualFold(at.Host, web.Host) && len(parts) == 4:
		switch parts[2] {
		case "blob", "tree", "raw", "edit":
			return parts[0], parts[1], parts[3], isName(parts[0]) && isName(parts[1])
		}
	case strings.EqualFold(web.Host, "github.com") && strings.EqualFold(at.Host, "raw.githubusercontent.com") && len(parts) == 4:
		return parts[0], parts[1], parts[2] + "/" + parts[3], isName(parts[0]) && isName(parts[1])
	}
	return "", "", "", false
}

// named is what Locations want of repositories besides what is read of them in any case.
func (r *run) named() map[int64][]string {
	named := make(map[int64][]string)
	add := func(by *record) {
		for _, target := range by.Targets {
			repository, file, _ := strings.Cut(target, ":")
			id, err := strconv.ParseInt(repository, 10, 64)
			if err != nil || r.listed[id] == nil || len(named[id]) >= maxExtra || r.config.readsFile(file) {
				continue
			}
			named[id] = append(named[id], file)
		}
	}
	for _, known := range r.base.Repositories {
		if r.next[known.ID] == nil && r.listed[known.ID] != nil {
			add(known)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.next)) {
		add(r.next[id])
	}
	for id, files := range named {
		slices.Sort(files)
		named[id] = slices.Compact(files)
	}
	return named
}

// readsFile says whether a file is read, if it is there, whoever names it; a glob is only where it is one of those configured.
func (c *Config) readsFile(name string) bool {
	return slices.ContainsFunc(c.CatalogFiles, func(file string) bool {
		return file == name || !strings.ContainsAny(name, "*?[{") && wanted(name) && doublestar.MatchUnvalidated(file, name)
	})
}

// wanted says whether a glob finds files of that name.
func wanted(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// follow reads what Locations in other repositories name, until nothing more comes of it, and reports what waited for that.
func (r *run) follow(ctx context.Context) error {
	for range maxLocationSteps {
		todo := r.unfollowed()
		if len(todo) == 0 {
			break
		}
		if err := r.readAll(ctx, todo); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.works)) {
		w := r.works[id]
		if !w.deferred || w.err != nil {
			continue
		}
		if err := r.tellDeferred(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// unfollowed are the repositories that were not read, or not for all that is wanted of them.
func (r *run) unfollowed() []*work {
	named := r.named()
	var todo []*work
	for _, id := range slices.Sorted(maps.Keys(r.works)) {
		w := r.works[id]
		known := r.next[id]
		lost := known != nil && r.lost(known)
		if w.err != nil || known != nil && !lost && slices.Equal(known.Extra, named[id]) {
			continue
		}
		w.force = lost
		if w.extra, w.deferred = named[id], true; w.told {
			w.was, w.stands = known, true
		}
		todo = append(todo, w)
	}
	return todo
}

// tellDeferred reports a repository at the end, as far as that was not done.
func (r *run) tellDeferred(ctx context.Context, w *work) error {
	if w.result == nil { // it is as it was
		return r.tell(ctx, w, &result{same: true})
	}
	return r.tell(ctx, w, w.result)
}

// missingExtra tells of files that Locations elsewhere name and that are not there.
func (s *said) missingExtra(extra []string) {
	for _, name := range extra {
		if strings.ContainsAny(name, "*?[{") || folder.Matches(s.config.ExcludeFiles, name) || s.tree.oid(name) != "" {
			continue
		}
		scope := s.prefix + name
		if slices.ContainsFunc(s.scopes, func(told scanners.Scope) bool { return told.Name == scope }) {
			continue
		}
		s.scopes = append(s.scopes, scanners.Scope{Name: scope, Documents: []*catalog.Document{{
			Location: scope, Problems: []catalog.Problem{{
				Location: scope, Severity: catalog.Warning, Code: "missing-target",
				Message: "a Location in another repository names this file, and it does not exist",
				Fix:     "correct the Location, or put the file here",
			}},
		}}})
	}
}
