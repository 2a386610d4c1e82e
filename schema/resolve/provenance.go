package resolve

import (
	"context"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/drift"
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
	at := versionOf(origin.Version, line)
	return &gen.EntitySource{
		Source: origin.Source, Location: known(origin.Location), Line: known(int(line)),
		Repository: at.repository, Path: at.path, Commit: at.commit, URL: at.url,
	}
}

// versioned is a place in version control; all of it is nil for none.
type versioned struct{ repository, path, commit, url *string }

func versionOf(version *catalog.Version, line int32) versioned {
	if version == nil {
		return versioned{}
	}
	return versioned{known(version.Repository), known(version.Path), known(version.Commit), known(version.URL(line))}
}

func (problemResolver) Repository(_ context.Context, p *catalog.Problem) (*string, error) {
	return versionOf(p.Version, p.Line).repository, nil
}

func (problemResolver) Path(_ context.Context, p *catalog.Problem) (*string, error) {
	return versionOf(p.Version, p.Line).path, nil
}

func (problemResolver) Commit(_ context.Context, p *catalog.Problem) (*string, error) {
	return versionOf(p.Version, p.Line).commit, nil
}

func (problemResolver) URL(_ context.Context, p *catalog.Problem) (*string, error) {
	return versionOf(p.Version, p.Line).url, nil
}

func (driftPatchResolver) Repository(_ context.Context, p *drift.Patch) (*string, error) {
	return versionOf(p.Version, p.Line).repository, nil
}

func (driftPatchResolver) Path(_ context.Context, p *drift.Patch) (*string, error) {
	return versionOf(p.Version, p.Line).path, nil
}

func (driftPatchResolver) Commit(_ context.Context, p *drift.Patch) (*string, error) {
	return versionOf(p.Version, p.Line).commit, nil
}

func (driftPatchResolver) URL(_ context.Context, p *drift.Patch) (*string, error) {
	return versionOf(p.Version, p.Line).url, nil
}

func (entityResolver) SuggestedOwners(ctx context.Context, e *catalog.Entity) ([]*gen.SuggestedOwner, error) {
	suggested := snapshotOf(ctx).SuggestedOwners(e)
	shown := make([]*gen.SuggestedOwner, len(suggested))
	for i, who := range suggested {
		at := versionOf(who.Version, who.Line)
		shown[i] = &gen.SuggestedOwner{
			Name: who.Name, Entity: who.Entity, Reason: known(who.Reason), Location: known(who.Location), Line: known(int(who.Line)),
			Repository: at.repository, Path: at.path, Commit: at.commit, URL: at.url,
		}
	}
	return shown, nil
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
