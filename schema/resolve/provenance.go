package resolve

import (
	"context"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/schema/gen"
)

type aliasResolver struct{}

func (aliasResolver) Source(_ context.Context, a *catalog.EntityAlias) (*gen.EntitySource, error) {
	return nil, nil
}

func (entityResolver) FirstSeen(_ context.Context, e *catalog.Entity) (*time.Time, error) {
	return instant(e.FirstSeen.Time()), nil
}

func (entityResolver) LastSeen(_ context.Context, e *catalog.Entity) (*time.Time, error) {
	return instant(e.LastSeen.Time()), nil
}

func (entityResolver) FormerRefs(_ context.Context, _ *catalog.Entity) ([]string, error) {
	return []string{}, nil
}
