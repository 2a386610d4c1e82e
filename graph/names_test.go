package graph_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// TestFormerRefs says that the Ref of what was discovered leads to who took it over: as long as nobody else would, and
// nothing has that Ref itself.
func TestFormerRefs(t *testing.T) {
	entity := func(ref catalog.Ref, aliases ...catalog.Alias) *catalog.Entity {
		e := &catalog.Entity{Descriptor: catalog.Descriptor{Ref: ref}}
		for _, alias := range aliases {
			e.Aliases = append(e.Aliases, catalog.EntityAlias{Alias: alias})
		}
		return e
	}
	const old = catalog.Ref("component:shop/pricer")
	s := graph.Build(graph.Input{})
	for i, step := range []struct {
		change catalog.EntityChange
		want   catalog.Ref // "" = it leads nowhere
	}{
		{catalog.EntityChange{Ref: old, Entity: entity(old)}, old},
		{catalog.EntityChange{Ref: "component:default/pricing", Entity: entity("component:default/pricing", "otel:shop/pricer")}, old},
		{catalog.EntityChange{Ref: old}, "component:default/pricing"},
		{catalog.EntityChange{Ref: "component:default/other", Entity: entity("component:default/other", "dns:pricer.shop.svc")}, ""},
		{catalog.EntityChange{Ref: "component:default/pricing", Entity: entity("component:default/pricing")}, "component:default/other"},
		{catalog.EntityChange{Ref: "component:default/other"}, ""},
	} {
		s = s.Apply(&catalog.ModelChange{Entities: []catalog.EntityChange{step.change}}, graph.Revision(i), s.Time(), nil)
		found, err := s.Resolve("Component:Shop/Pricer")
		switch {
		case step.want == "":
			if !errors.Is(err, graph.ErrNotFound) {
				t.Errorf("step %d: got %+v, %v", i, found, err)
			}
			continue
		case err != nil || found.Ref != step.want:
			t.Errorf("step %d: got %+v, %v, want %s", i, found, err, step.want)
			continue
		}
		if has := slices.Contains(s.FormerRefs(step.want), old); has != (step.want != old) {
			t.Errorf("step %d: former Refs of %s: %v", i, step.want, s.FormerRefs(step.want))
		}
	}
}
