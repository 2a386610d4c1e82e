package resolve

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// entityFilter decides on one entity after the other. nil lets everything pass.
type entityFilter struct {
	asked    *gen.EntityFilter
	snapshot *graph.Snapshot
	owners   []catalog.Ref
	systems  []catalog.Ref
	prefix   string
}

func newEntityFilter(snapshot *graph.Snapshot, asked *gen.EntityFilter) (*entityFilter, error) {
	if asked == nil {
		return nil, nil
	}
	for name, listed := range map[string][]string{
		"kinds": asked.Kinds, "namespaces": asked.Namespaces, "owners": asked.Owners, "types": asked.Types,
		"lifecycles": asked.Lifecycles, "tags": asked.Tags, "systems": asked.Systems,
	} {
		if err := atMost(name, listed); err != nil {
			return nil, err
		}
	}
	if err := atMost("tiers", asked.Tiers); err != nil {
		return nil, err
	}
	made := &entityFilter{asked: asked, snapshot: snapshot}
	var err error
	if made.owners, err = parseRefs(asked.Owners, catalog.KindGroup); err != nil {
		return nil, err
	}
	if made.systems, err = parseRefs(asked.Systems, catalog.KindSystem); err != nil {
		return nil, err
	}
	if asked.NamePrefix != nil {
		made.prefix = strings.ToLower(*asked.NamePrefix)
	}
	return made, nil
}

func parseRefs(typed []string, kind string) ([]catalog.Ref, error) {
	if typed == nil {
		return nil, nil
	}
	refs := make([]catalog.Ref, len(typed))
	for i, text := range typed {
		ref, err := catalog.ParseRef(text, kind, "")
		if err != nil {
			return nil, err
		}
		refs[i] = ref
	}
	return refs, nil
}

func (f *entityFilter) of(entities iter.Seq[*catalog.Entity]) iter.Seq[*catalog.Entity] {
	if f == nil {
		return entities
	}
	return func(yield func(*catalog.Entity) bool) {
		for entity := range entities {
			if f.passes(entity) && !yield(entity) {
				return
			}
		}
	}
}

// few gives the entities that pass, where the graph names those that can; false where all would have to be looked at.
func (f *entityFilter) few() ([]*catalog.Entity, bool) {
	var (
		of       []catalog.Ref
		relation catalog.RelationType
	)
	switch {
	case f == nil:
		return nil, false
	case f.asked.Owners != nil:
		of, relation = f.owners, catalog.OwnedBy
	case f.asked.Systems != nil:
		of, relation = f.systems, catalog.PartOf
	default:
		return nil, false
	}
	var passing []*catalog.Entity
	for _, ref := range of {
		_, in := f.snapshot.Relations(ref)
		for edge := range in {
			if edge.Type != relation {
				continue
			}
			if entity, err := f.snapshot.Entity(edge.From); err == nil && f.passes(entity) {
				passing = append(passing, entity)
			}
		}
	}
	slices.SortFunc(passing, func(a, b *catalog.Entity) int { return cmp.Compare(a.Ref, b.Ref) })
	return slices.Compact(passing), true
}

// count is the number of entities that pass.
func (f *entityFilter) count(snapshot *graph.Snapshot) int {
	total := 0
	switch {
	case f == nil:
		return snapshot.Len()
	case f.byTraits():
		for traits, count := range snapshot.Traits() {
			if f.passTraits(traits) {
				total += count
			}
		}
	default:
		for range f.of(snapshot.Entities("")) {
			total++
		}
	}
	return total
}

// byTraits says whether nothing but traits is asked for, of which the snapshot has the counts.
func (f *entityFilter) byTraits() bool {
	asked := f.asked
	return f.prefix == "" && asked.Namespaces == nil && asked.Owners == nil && asked.Types == nil && asked.Lifecycles == nil &&
		asked.Tags == nil && asked.Systems == nil && asked.HasProblems == nil && asked.EntryPoint == nil
}

func (f *entityFilter) passTraits(t graph.Traits) bool {
	asked := f.asked
	return is(asked.Owned, t.Owned) &&
		(asked.Owned == nil || t.IsOwnable()) &&
		is(asked.Discovered, t.Discovered) &&
		is(asked.Placeholder, t.Placeholder) &&
		is(asked.Stale, t.Stale) &&
		oneOf(asked.Kinds, t.Kind) &&
		(asked.Tiers == nil || slices.Contains(asked.Tiers, t.Tier))
}

// passes asks what is cheap first.
func (f *entityFilter) passes(e *catalog.Entity) bool {
	asked := f.asked
	return is(asked.Owned, e.Owner != "") &&
		(asked.Owned == nil || e.IsOwnable()) &&
		is(asked.Discovered, e.Discovered) &&
		is(asked.Placeholder, e.Placeholder) &&
		is(asked.Stale, e.Stale) &&
		(asked.EntryPoint == nil || e.Entry != catalog.EntryUnknown && *asked.EntryPoint == (e.Entry == catalog.EntryPoint)) &&
		oneOf(asked.Types, e.Type) &&
		oneOf(asked.Lifecycles, e.Lifecycle) &&
		(asked.Owners == nil || slices.Contains(f.owners, e.Owner)) &&
		(asked.Kinds == nil || oneOf(asked.Kinds, e.Ref.Kind())) &&
		(asked.Namespaces == nil || oneOf(asked.Namespaces, e.Ref.Namespace())) &&
		(asked.Tags == nil || slices.ContainsFunc(e.Tags, func(tag string) bool { return oneOf(asked.Tags, tag) })) &&
		(asked.Tiers == nil || slices.Contains(asked.Tiers, e.Tier())) &&
		(f.prefix == "" || strings.HasPrefix(e.Ref.Name(), f.prefix)) &&
		(asked.Systems == nil || f.inSystem(e)) &&
		(asked.HasProblems == nil || *asked.HasProblems == f.hasProblems(e))
}

func (f *entityFilter) inSystem(e *catalog.Entity) bool {
	out, _ := f.snapshot.Relations(e.Ref)
	for edge := range out {
		if edge.Type == catalog.PartOf && slices.Contains(f.systems, edge.To) {
			return true
		}
	}
	return false
}

func (f *entityFilter) hasProblems(e *catalog.Entity) bool {
	for range f.snapshot.Problems(e.Ref) {
		return true
	}
	return false
}

// oneOf compares without regard to case; a list that was not given lets everything pass.
func oneOf(asked []string, value string) bool {
	return asked == nil || slices.ContainsFunc(asked, func(one string) bool { return strings.EqualFold(one, value) })
}

func is(asked *bool, value bool) bool { return asked == nil || *asked == value }
