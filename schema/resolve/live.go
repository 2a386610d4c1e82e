package resolve

import (
	"context"

	"github.com/orrery-catalog/orrery/schema/gen"
)

type mutationResolver struct{ *root }

func (mutationResolver) ScanSource(context.Context, string) (*gen.ScanResult, error) {
	return nil, errUnbuilt
}

func (mutationResolver) ApproveScan(context.Context, string, string) (*gen.ScanResult, error) {
	return nil, errUnbuilt
}

type subscriptionResolver struct{ *root }

func (subscriptionResolver) Changes(context.Context, *int, []string) (<-chan *gen.RevisionChanges, error) {
	return nil, errUnbuilt
}

func (subscriptionResolver) ScanProgress(context.Context, *string) (<-chan *gen.ScanProgress, error) {
	return nil, errUnbuilt
}
