package resolve

import (
	"context"
	"reflect"
	"strconv"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/search"
	"github.com/orrery-catalog/orrery/schema/gen"
)

func (queryResolver) Search(ctx context.Context, text string, filter *gen.EntityFilter, first *int, after *string, _ *time.Time,
) (*gen.SearchConnection, error) {
	limit, position, err := pageArguments[search.Position](searchList, first, after)
	if err != nil {
		return nil, err
	}
	snapshot := snapshotOf(ctx)
	keep, err := newEntityFilter(snapshot, filter)
	if err != nil {
		return nil, err
	}
	request := search.Request{Query: search.Parse(text), After: position, Limit: limit}
	if keep = keep.restrict(&request.Query); keep != nil {
		request.Keep = keep.passes
	}
	result := snapshot.Search(request)

	found := &page[*gen.SearchHit]{
		cursor: func(i int) string { return encodeCursor(searchList, result.Hits[i].Position) },
		after:  position != nil, more: result.More, total: result.Total,
	}
	for _, hit := range result.Hits {
		found.nodes = append(found.nodes, &gen.SearchHit{Entity: hit.Entity, Field: searchFields[hit.Field], Text: hit.Text})
	}
	return &gen.SearchConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *gen.SearchHit, cursor string) *gen.SearchEdge {
			return &gen.SearchEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

// searchList is the name of the list in its cursors.
const searchList = "search"

var searchFields = [...]gen.SearchField{
	search.Name: gen.SearchFieldName, search.Title: gen.SearchFieldTitle, search.Alias: gen.SearchFieldAlias,
	search.Tag: gen.SearchFieldTag, search.Description: gen.SearchFieldDescription,
}

// restrict lets the index keep what it can, and gives the filter that is left to be asked of each entity; nil = none.
func (f *entityFilter) restrict(query *search.Query) *entityFilter {
	if f == nil {
		return nil
	}
	left := *f
	asked := *f.asked
	left.asked = &asked
	take := func(key string, values *[]string) {
		if *values != nil {
			query.Restrict(key, *values...)
			*values = nil
		}
	}
	take(search.KindFilter, &asked.Kinds)
	take(search.TagFilter, &asked.Tags)
	take(search.LifecycleFilter, &asked.Lifecycles)
	if asked.Owners != nil {
		query.Restrict(search.OwnerFilter, texts(f.owners)...)
		asked.Owners = nil
	}
	if asked.Tiers != nil {
		tiers := make([]string, len(asked.Tiers))
		for i, tier := range asked.Tiers {
			tiers[i] = strconv.Itoa(tier)
		}
		query.Restrict(search.TierFilter, tiers...)
		asked.Tiers = nil
	}
	if reflect.ValueOf(asked).IsZero() {
		return nil
	}
	return &left
}

func texts(refs []catalog.Ref) []string {
	made := make([]string, len(refs))
	for i, ref := range refs {
		made[i] = string(ref)
	}
	return made
}
