package resolve

import (
	"context"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/schema/gen"
)

type aliasResolver struct{}

func (aliasResolver) Source(_ context.Context, a *catalog.EntityAlias) (*gen.EntitySource, error) {
	return placeOf(a.Origin, a.Line), nil
}

func placeOf(origin *catalog.Origin, line int32) *gen.EntitySource {
	if origin == nil {
		return nil
	}
	return &gen.EntitySource{Source: origin.Source, Location: known(origin.Location), Line: known(int(line))}
}

func (entityResolver) FirstSeen(_ context.Context, e *catalog.Entity) (*time.Time, error) {
	return instant(e.FirstSeen.Time()), nil
}

func (entityResolver) LastSeen(ctx context.Context, e *catalog.Entity) (*time.Time, error) {
	return instant(snapshotOf(ctx).EntityLastSeen(e)), nil
}

func (entityResolver) FormerRefs(ctx context.Context, e *catalog.Entity) ([]string, error) {
	former := snapshotOf(ctx).FormerRefs(e.Ref)
	shown := make([]string, len(former))
	for i, ref := range former {
		shown[i] = string(ref)
	}
	return shown, nil
}
