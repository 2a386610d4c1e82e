package githubtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

var repositoryShape = shape{
	name: "Repository", interfaces: []string{"Node", "RepositoryInfo", "UniformResourceLocatable", "RepositoryNode"},
	fields: map[string]resolver{
		"id":            plain(func(r *Repository) any { return r.nodeID() }),
		"databaseId":    plain(func(r *Repository) any { return r.id }),
		"name":          plain(func(r *Repository) any { return r.name }),
		"nameWithOwner": plain(func(r *Repository) any { return r.fullName() }),
		"owner":         plain(func(r *Repository) any { return r.owner }),
		"description":   plain(func(r *Repository) any { return orNull(r.settings.Description) }),
		"url": asked(func(x *execution, r *Repository, _ arguments) (any, error) {
			return "https://" + x.host + "/" + r.fullName(), nil
		}),
		"homepageUrl":         plain(func(*Repository) any { return nil }),
		"visibility":          plain(func(r *Repository) any { return strings.ToUpper(r.settings.Visibility) }),
		"isPrivate":           plain(func(r *Repository) any { return r.settings.Visibility != "public" }),
		"isArchived":          plain(func(r *Repository) any { return r.settings.Archived }),
		"isDisabled":          plain(func(r *Repository) any { return r.settings.Disabled }),
		"isEmpty":             plain(func(r *Repository) any { return len(r.branches) == 0 }),
		"isFork":              plain(func(r *Repository) any { return r.parent != nil }),
		"isLocked":            plain(func(*Repository) any { return false }),
		"isMirror":            plain(func(*Repository) any { return false }),
		"isTemplate":          plain(func(r *Repository) any { return r.settings.Template }),
		"diskUsage":           plain(func(r *Repository) any { return r.objects.size / 1024 }),
		"createdAt":           plain(func(r *Repository) any { return stamp(r.created) }),
		"updatedAt":           plain(func(r *Repository) any { return stamp(r.updated) }),
		"pushedAt":            plain(func(r *Repository) any { return stampOrNull(r.pushed) }),
		"archivedAt":          plain(func(*Repository) any { return nil }),
		"parent":              plain(func(r *Repository) any { return objectOrNull(r.parent) }),
		"viewerCanAdminister": asked(func(x *execution, r *Repository, _ arguments) (any, error) { return x.writes(x.who, r), nil }),
		"defaultBranchRef":    plain(func(r *Repository) any { return r.refOrNull("refs/heads/" + r.settings.DefaultBranch) }),
		"ref": asked(func(_ *execution, r *Repository, args arguments) (any, error) {
			name := args.text("qualifiedName")
			for _, full := range []string{name, "refs/heads/" + name, "refs/tags/" + name, "refs/" + name} {
				if found := r.refOrNull(full); found != nil {
					return found, nil
				}
			}
			return nil, nil
		}),
		"refs": asked(func(_ *execution, r *Repository, args arguments) (any, error) {
			prefix := args.text("refPrefix")
			var refs []any
			for _, name := range slices.Sorted(maps.Keys(r.branches)) {
				if strings.HasPrefix("refs/heads/"+name, prefix) {
					refs = append(refs, gitRef{r, "refs/heads/" + name, r.branches[name]})
				}
			}
			for _, name := range slices.Sorted(maps.Keys(r.refs)) {
				if strings.HasPrefix(name, prefix) {
					refs = append(refs, gitRef{r, name, r.refs[name]})
				}
			}
			return connection{name: "RefConnection", items: refs}, nil
		}),
		"object": asked(func(_ *execution, r *Repository, args arguments) (any, error) {
			return r.gitObject(args.text("oid"), args.text("expression"))
		}),
		"repositoryTopics": asked(func(_ *execution, r *Repository, _ arguments) (any, error) {
			var topics []any
			for _, name := range r.settings.Topics {
				topics = append(topics, topic{r, name})
			}
			return connection{name: "RepositoryTopicConnection", items: topics}, nil
		}),
	},
}

// objectOrNull is null for a pointer that points nowhere.
func objectOrNull(r *Repository) any {
	if r == nil {
		return nil
	}
	return r
}

func (r *Repository) refOrNull(name string) any {
	if oid := r.ref(name); oid != "" {
		return gitRef{r, name, oid}
	}
	return nil
}

// gitObject is the object of an id, or that an expression like "main:docs/index.md" means; null where there is none.
func (r *Repository) gitObject(oid, expression string) (any, error) {
	if expression != "" {
		revision, path, within := strings.Cut(expression, ":")
		k := r.commitAt(cmp.Or(revision, "HEAD"))
		if k == nil {
			return nil, nil
		}
		if !within {
			return gitCommit{r, k}, nil
		}
		e, found := r.objects.find(k.tree, path)
		if !found {
			return nil, nil
		}
		oid = e.oid
	}
	if _, is := r.objects.blobs[oid]; is {
		return gitBlob{r, oid}, nil
	}
	if _, is := r.objects.trees[oid]; is {
		return gitTree{r, oid}, nil
	}
	if k := r.objects.commits[oid]; k != nil {
		return gitCommit{r, k}, nil
	}
	return nil, nil
}

var refShape = shape{name: "Ref", interfaces: []string{"Node"}, fields: map[string]resolver{
	"id":   plain(func(r gitRef) any { return "REF_" + r.name }),
	"name": plain(func(r gitRef) any { return strings.TrimPrefix(strings.TrimPrefix(r.name, "refs/heads/"), "refs/tags/") }),
	"prefix": plain(func(r gitRef) any {
		return r.name[:len(r.name)-len(strings.TrimPrefix(strings.TrimPrefix(r.name, "refs/heads/"), "refs/tags/"))]
	}),
	"repository": plain(func(r gitRef) any { return r.in }),
	"target":     asked(func(_ *execution, r gitRef, _ arguments) (any, error) { return r.in.gitObject(r.oid, "") }),
}}

var topicShape = shape{name: "RepositoryTopic", interfaces: []string{"Node", "UniformResourceLocatable"}, fields: map[string]resolver{
	"id":    plain(func(t topic) any { return "RT_" + t.name }),
	"topic": plain(func(t topic) any { return topicName{t.name} }),
	"url": asked(func(x *execution, t topic, _ arguments) (any, error) {
		return "https://" + x.host + "/topics/" + t.name, nil
	}),
}}

var topicNameShape = shape{name: "Topic", interfaces: []string{"Node"}, fields: map[string]resolver{
	"id":   plain(func(t topicName) any { return "T_" + t.name }),
	"name": plain(func(t topicName) any { return t.name }),
}}
