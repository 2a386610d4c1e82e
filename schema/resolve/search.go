package resolve

import (
	"context"
	"time"

	"github.com/orrery-catalog/orrery/schema/gen"
)

func (queryResolver) Search(context.Context, string, *gen.EntityFilter, *int, *string, *time.Time) (*gen.SearchConnection, error) {
	return nil, errUnbuilt
}
