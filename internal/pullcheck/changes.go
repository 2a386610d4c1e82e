package pullcheck

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// changes are what a pull request does to the graph, as far as it is declared.
type changes struct {
	added, removed []standingChange // by Ref
	changed        []fieldChanges   // by Ref
	needs          []needChange     // by From and To
	noOwners       []refs           // owners that nobody describes, with what they own of what comes or changes
	dependents     []refs           // who depends on what is removed, by owner; "" = nobody
}

type standingChange struct {
	ref, owner catalog.Ref
	// other is what it was before, or is afterwards: what the graph calls its standing; "" = nothing.
	other string
}

type fieldChanges struct {
	ref    catalog.Ref
	fields []graph.FieldChange
}

// needChange is a dependency that comes, goes or becomes another.
type needChange struct {
	from, to catalog.Ref
	relation catalog.RelationType
	was, is  string // strengths and the like; "" = it is not there
}

// refs are entities under another one.
type refs struct {
	of   catalog.Ref
	list []catalog.Ref
}

func (c *changes) isEmpty() bool {
	return len(c.added)+len(c.removed)+len(c.changed)+len(c.needs) == 0
}

func changesOf(trial *ingest.Trial) changes {
	var c changes
	for _, field := range trial.Before.FieldChanges(&catalog.ModelChange{Entities: trial.Entities, Edges: trial.Edges}) {
		c.field(trial, field)
	}
	for _, row := range trial.Edges {
		c.row(trial.Before, row)
	}
	c.owners(trial)
	c.dependentsOf(trial)
	return c
}

func (c *changes) field(trial *ingest.Trial, field graph.FieldChange) {
	switch {
	case field.Field == "" && field.New == graph.StandingDescribed:
		c.added = append(c.added, standingChange{field.Ref, trial.After.Lookup(field.Ref).Owner, field.Old})
	case field.Field == "" && field.Old == graph.StandingDescribed:
		c.removed = append(c.removed, standingChange{field.Ref, trial.Before.Lookup(field.Ref).Owner, field.New})
	case field.Field == "", field.Field == "stale", strings.Contains(field.Field, " "): // relations are told by themselves
	case len(c.changed) > 0 && c.changed[len(c.changed)-1].ref == field.Ref:
		last := &c.changed[len(c.changed)-1]
		last.fields = append(last.fields, field)
	default:
		c.changed = append(c.changed, fieldChanges{field.Ref, []graph.FieldChange{field}})
	}
}

// row tells which declared dependencies of one entity differ.
func (c *changes) row(before *graph.Snapshot, row catalog.EdgesChange) {
	type end struct {
		to          catalog.Ref
		relation    catalog.RelationType
		environment string
	}
	both := make(map[end][2]string)
	note := func(edge *catalog.Edge, side int) {
		if edge.Type.IsDependency() && edge.Type != catalog.RunsOn && edge.KindsOfEvidence().Has(catalog.Declared) {
			at := end{edge.To, edge.Type, edge.Environment}
			words := both[at]
			words[side] = needText(edge)
			both[at] = words
		}
	}
	out, _ := before.Relations(row.From)
	for edge := range out {
		note(edge, 0)
	}
	for i := range row.Edges {
		note(&row.Edges[i], 1)
	}
	ends := slices.SortedFunc(maps.Keys(both), func(a, b end) int {
		return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.relation, b.relation), cmp.Compare(a.environment, b.environment))
	})
	for _, at := range ends {
		if words := both[at]; words[0] != words[1] {
			c.needs = append(c.needs, needChange{row.From, at.to, at.relation, words[0], words[1]})
		}
	}
}

func needText(edge *catalog.Edge) string {
	words := []string{edge.Strength.String()}
	if edge.Role != catalog.NoRole {
		words = append(words, edge.Role.String())
	}
	if edge.AnyOf != "" {
		words = append(words, "any of "+edge.AnyOf)
	}
	return strings.Join(words, ", ")
}

// owners are those that nobody describes, of what is described and comes or gets another owner.
func (c *changes) owners(trial *ingest.Trial) {
	owned := make(map[catalog.Ref][]catalog.Ref)
	for _, change := range trial.Entities {
		now, before := change.Entity, trial.Before.Lookup(change.Ref)
		if now == nil || now.Owner == "" || before != nil && before.Owner == now.Owner || isDescribed(trial.After.Lookup(now.Owner)) {
			continue
		}
		owned[now.Owner] = append(owned[now.Owner], change.Ref)
	}
	c.noOwners = grouped(owned)
}

// dependentsOf are those who depend on what is removed and stay themselves.
func (c *changes) dependentsOf(trial *ingest.Trial) {
	gone := make(map[catalog.Ref]bool)
	for _, removed := range c.removed {
		gone[removed.ref] = true
	}
	by := make(map[catalog.Ref][]catalog.Ref)
	for _, removed := range c.removed {
		_, in := trial.Before.Relations(removed.ref)
		for edge := range in {
			from := trial.Before.Lookup(edge.From)
			if edge.Type.IsDependency() && !gone[edge.From] && isDescribed(from) {
				by[from.Owner] = append(by[from.Owner], edge.From)
			}
		}
	}
	c.dependents = grouped(by)
}

// grouped sorts entities under others, each once.
func grouped(by map[catalog.Ref][]catalog.Ref) []refs {
	var all []refs
	for _, of := range slices.Sorted(maps.Keys(by)) {
		list := by[of]
		slices.Sort(list)
		all = append(all, refs{of, slices.Compact(list)})
	}
	return all
}
