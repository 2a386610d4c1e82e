package resolve

import (
	"context"
	"errors"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

var errUnbuilt = errors.New("unbuilt")

type changeResolver struct{}

func (queryResolver) Changes(context.Context, *time.Time, *time.Time, *string, *bool, *int, *string) (*gen.ChangeConnection, error) {
	return nil, errUnbuilt
}

func (entityResolver) Changes(context.Context, *catalog.Entity, *time.Time, *bool, *int, *string) (*gen.ChangeConnection, error) {
	return nil, errUnbuilt
}

func (changeResolver) Entity(context.Context, *graph.Recorded) (*catalog.Entity, error) {
	return nil, errUnbuilt
}

func (changeResolver) Field(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.Field), nil
}

func (changeResolver) Old(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.Old), nil
}

func (changeResolver) New(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.New), nil
}

func (changeResolver) Source(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.Source), nil
}

func (changeResolver) Revision(_ context.Context, c *graph.Recorded) (int, error) {
	return int(c.Revision), nil
}
