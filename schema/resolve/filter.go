package resolve

import (
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

// passes asks what is cheap first.
func (f *entityFilter) passes(e *catalog.Entity) bool {
	asked := f.asked
	return is(asked.Owned, e.Owner != "") &&
		(asked.Owned == nil || catalog.IsOwnable(e.Kind)) &&
		is(asked.Discovered, e.Discovered) &&
		is(asked.Placeholder, e.Placeholder) &&
		is(asked.Stale, e.Stale) &&
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
