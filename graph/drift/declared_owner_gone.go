package drift

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// declaredOwnerGone finds what names an owner that nobody describes, where a source tells which teams and people there are:
// a team that was renamed or dissolved, somebody who left, a slip of the pen. Without such a source an owner that nobody
// describes is no surprise.
func (f *finder) declaredOwnerGone(entity *catalog.Entity) {
	kind := entity.Owner.Kind()
	if kind != "group" && kind != "user" || !f.teamsImported() {
		return
	}
	if owner := f.Lookup(entity.Owner); owner != nil && !owner.Placeholder {
		return
	}
	finding := &Finding{
		Kind: DeclaredOwnerGone, Ref: entity.Ref, From: entity.Ref, To: entity.Owner, Confidence: High,
		Message: fmt.Sprintf("%s names %s as its owner, and no team that was imported is that", entity.Ref, entity.Owner),
	}
	if kind == "user" { // an import may see the members of an organisation only in part
		finding.Confidence = Medium
		finding.Message = fmt.Sprintf("%s names %s as its owner, and nobody who was imported is that", entity.Ref, entity.Owner)
	}
	line := entity.Line
	out, _ := f.Relations(entity.Ref)
	for edge := range out {
		if edge.Type != catalog.OwnedBy || edge.To != entity.Owner {
			continue
		}
		finding.Evidence = edge.Evidence
		for _, said := range edge.Evidence { // others may say so as well, elsewhere
			if said.Origin.IsSamePlace(entity.Origin) {
				line = said.Line
			}
		}
	}
	if who := f.suggested(entity); who != nil {
		finding.Message += fmt.Sprintf("; %s suggests %s", placeOf(who), who.Ref)
		finding.Patch = at(entity, line, Change, func() string { return ownerField(string(who.Ref)) })
	}
	f.add(finding)
}

// teamsImported is that of the Snapshot, asked for once.
func (f *finder) teamsImported() bool {
	if f.teams == nil {
		imported := f.TeamsImported()
		f.teams = &imported
	}
	return *f.teams
}

// suggested is the likeliest owner of an entity that the catalog has; nil for none.
func (f *finder) suggested(entity *catalog.Entity) *graph.SuggestedOwner {
	all := f.SuggestedOwners(entity)
	for i := range all {
		if all[i].Ref != "" {
			return &all[i]
		}
	}
	return nil
}

func placeOf(who *graph.SuggestedOwner) string {
	if who.Line > 0 {
		return fmt.Sprintf("%s:%d", who.Location, who.Line)
	}
	if who.Location == "" {
		return who.Name
	}
	return who.Location
}

// ownerField is the YAML that names an owner.
func ownerField(owner string) string {
	return encode(map[string]any{"spec": map[string]any{"owner": owner}})
}
