package githubtest

import (
	"maps"
	"slices"
)

const nothing = "0000000000000000000000000000000000000000"

// emitPush tells that a ref moved.
func (g *GitHub) emitPush(r *Repository, ref, before, after string, forced bool) {
	if len(g.hooks) == 0 {
		return
	}
	payload := object{
		"ref": ref, "before": orNothing(before), "after": orNothing(after), "created": before == "", "deleted": after == "",
		"forced": forced, "base_ref": nil, "compare": "https://" + g.host + "/" + r.fullName() + "/compare/" + orNothing(before)[:12] + "..." + orNothing(after)[:12],
		"pusher": object{"name": "somebody", "email": "somebody@example.com"}, "head_commit": nil,
	}
	known := map[string]bool{}
	for _, k := range r.objects.ancestors(before) {
		known[k.oid] = true
	}
	commits := []object{}
	for _, k := range r.objects.ancestors(after) {
		if !known[k.oid] && (before != "" || k.oid == after) {
			commits = append(commits, g.pushedCommit(r, k))
		}
	}
	slices.Reverse(commits)
	payload["commits"] = commits
	if len(commits) > 0 {
		payload["head_commit"] = commits[len(commits)-1]
	}
	if len(commits) > 2048 {
		payload["commits"] = commits[len(commits)-2048:] // GitHub sends no more
	}
	g.emit("push", r.owner, r, payload)
}

func orNothing(oid string) string {
	if oid == "" {
		return nothing
	}
	return oid
}

func (g *GitHub) pushedCommit(r *Repository, k *commit) object {
	parent := ""
	if len(k.parents) > 0 {
		parent = r.objects.commits[k.parents[0]].tree
	}
	added, removed, modified := []string{}, []string{}, []string{}
	differ := r.objects.differ(parent, k.tree)
	for _, path := range slices.Sorted(maps.Keys(differ)) {
		switch {
		case differ[path][0].oid == "":
			added = append(added, path)
		case differ[path][1].oid == "":
			removed = append(removed, path)
		default:
			modified = append(modified, path)
		}
	}
	person := object{"name": k.author.Name, "email": k.author.Email}
	return object{
		"id": k.oid, "tree_id": k.tree, "distinct": true, "message": k.message, "timestamp": stamp(k.at),
		"url": "https://" + g.host + "/" + r.fullName() + "/commit/" + k.oid, "author": person, "committer": person,
		"added": added, "removed": removed, "modified": modified,
	}
}

// emitEdited tells of each setting that differs, by an event of its own.
func (r *Repository) emitEdited(old Settings) {
	now := r.settings
	tell := func(action string, changes object) {
		payload := object{"action": action}
		if changes != nil {
			payload["changes"] = changes
		}
		r.hub.emit("repository", r.owner, r, payload)
	}
	edited := object{}
	if old.Description != now.Description {
		edited["description"] = object{"from": orNull(old.Description)}
	}
	if old.DefaultBranch != now.DefaultBranch {
		edited["default_branch"] = object{"from": old.DefaultBranch}
	}
	if !slices.Equal(old.Topics, now.Topics) {
		edited["topics"] = object{"from": append([]string{}, old.Topics...)}
	}
	if len(edited) > 0 {
		tell("edited", edited)
	}
	if old.Archived != now.Archived {
		tell(map[bool]string{true: "archived", false: "unarchived"}[now.Archived], nil)
	}
	if private := now.Visibility != "public"; private != (old.Visibility != "public") {
		tell(map[bool]string{true: "privatized", false: "publicized"}[private], nil)
	}
}

// mention is a repository as lists of installations have it.
func (g *GitHub) mention(r *Repository) object {
	return object{"id": r.id, "node_id": r.nodeID(), "name": r.name, "full_name": r.fullName(), "private": r.settings.Visibility != "public"}
}

// inPassing are the repositories that an installation covers.
func (g *GitHub) inPassing(i *Installation) []object {
	mentioned := []object{}
	for _, r := range g.owned(i.account) {
		if i.covers(r) {
			mentioned = append(mentioned, g.mention(r))
		}
	}
	return mentioned
}
