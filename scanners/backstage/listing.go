package backstage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

const (
	// maxPasses is how often a catalog is listed that changes meanwhile.
	maxPasses = 3
	// minSlowPage is the number of entities below which a slow page is not split: it is not the entities that take long.
	minSlowPage = 25
)

// listing asks for the entities that some filters fit, page by page.
type listing struct {
	part
	config *Config
	client *client
	limit  int // entities to ask for; shrinks where they are large or slow
}

// list gives every entity to take at least once, in any order.
func list(ctx context.Context, config *Config, client *client, take take) error {
	parts, err := partsOf(ctx, client, config.Filter)
	if err != nil {
		return err
	}
	sum := 0
	for _, part := range parts {
		listed, counted, err := (&listing{part, config, client, config.PageSize}).all(ctx, take)
		if err != nil {
			return err
		}
		if len(parts) == 1 || !counted {
			continue
		}
		sum += listed
	}
	if sum == 0 {
		return nil // in one piece, or there is nothing to compare with
	}
	// The kinds come from an index of the backend. Were it not complete, what it lacks would be lost.
	whole := &listing{part{filters: config.Filter}, config, client, config.PageSize}
	if total, err := whole.total(ctx); err != nil || sum >= total {
		return err
	}
	_, _, err = whole.all(ctx, take)
	return err
}

// take gets a page; nothing else uses it from then on.
type take func(page []*entity) error

// maxPageItems is how many entities one answer may hold: a small text can stand for many.
const maxPageItems = 10_000

// items are the entities of one answer.
type items []*entity

// UnmarshalJSON reads a list of entities.
func (i *items) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		return errors.New("a list of entities is missing")
	}
	for decoder.More() {
		if len(*i) == maxPageItems {
			return fmt.Errorf("one answer has more than %d entities", maxPageItems)
		}
		var e *entity
		if err := decoder.Decode(&e); err != nil {
			return err
		}
		*i = append(*i, e)
	}
	return nil
}

// all lists the part. listed is how many entities there are, where the backend counts them, too.
func (l *listing) all(ctx context.Context, take take) (listed int, counted bool, err error) {
	for pass := 1; ; pass++ {
		listed, before, counted, err := l.byQuery(ctx, take)
		if pass == 1 && errors.Is(err, errNoRoute) {
			return 0, false, l.byOffset(ctx, take)
		}
		if err != nil || !counted {
			return 0, false, err
		}
		after, err := l.total(ctx)
		if err != nil {
			return 0, false, err
		}
		// The pages follow the ids of entities. One that is registered anew while they are read gets another id, and is
		// missed when that belongs to a page already read; then fewer are listed than there are.
		if listed >= max(before, after) || pass == maxPasses {
			return listed, true, nil
		}
	}
}

// queryAnswer is a page of entities/by-query.
type queryAnswer struct {
	Items      *items `json:"items"`
	TotalItems *int   `json:"totalItems"`
	PageInfo   struct {
		NextCursor string `json:"nextCursor"`
	} `json:"pageInfo"`
}

// byQuery lists by cursors. listed counts the different entities and total is how many the backend says there are; both
// only where counted is true.
func (l *listing) byQuery(ctx context.Context, take take) (listed, total int, counted bool, err error) {
	ids, cursors := make(map[string]bool), make(map[string]bool)
	for query := l.query(); ; {
		var answer queryAnswer
		if err := l.ask(ctx, "entities/by-query", query, 0, &answer); err != nil {
			return 0, 0, false, err
		}
		if answer.Items == nil {
			return 0, 0, false, l.noCatalog()
		}
		if answer.TotalItems != nil && len(cursors) == 0 {
			total, counted = *answer.TotalItems, true
		}
		page := *answer.Items
		if err := l.pass(page, ids, take); err != nil {
			return 0, 0, false, err
		}
		next := answer.PageInfo.NextCursor
		switch {
		case next == "":
			return len(ids), total, counted, nil
		case cursors[next] || len(page) == 0:
			return 0, 0, false, l.endless()
		}
		cursors[next] = true
		query = l.query()
		query.Del("filter") // it is in the cursor
		query.Set("cursor", next)
	}
}

// byOffset lists as backends without entities/by-query do. Each page begins with the last entity of the one before; where
// it begins with another, entities have moved between the pages.
func (l *listing) byOffset(ctx context.Context, take take) error {
	for pass := 1; ; pass++ {
		moved, err := l.offsetPass(ctx, take)
		if errors.Is(err, errNoRoute) {
			return fmt.Errorf("there is no catalog of Backstage at %s (404): the url must be that of the backend (backend.baseUrl)",
				l.client.base)
		}
		if err != nil || !moved || pass == maxPasses {
			return err
		}
	}
}

func (l *listing) offsetPass(ctx context.Context, take take) (moved bool, err error) {
	ids := make(map[string]bool)
	last, overlap := "", 0
	for offset := 0; ; {
		query := l.query()
		query.Set("offset", strconv.Itoa(offset-overlap))
		var answer *items
		if err := l.ask(ctx, "entities", query, overlap, &answer); err != nil {
			return false, err
		}
		if answer == nil {
			return false, l.noCatalog()
		}
		page, known := *answer, len(ids)
		if err := l.pass(page, ids, take); err != nil {
			return false, err
		}
		if overlap > 0 && (len(page) == 0 || page[0].id() != last) {
			moved = true
		}
		switch {
		case len(page) < l.limit+overlap:
			return moved, nil
		case len(ids) == known:
			return false, l.endless()
		}
		last = page[len(page)-1].id()
		offset += len(page) - overlap
		overlap = 1
	}
}

// pass takes a page, counting different entities.
func (l *listing) pass(page []*entity, ids map[string]bool, take take) error {
	for _, e := range page {
		if e == nil || e.id() == "" {
			return l.noCatalog()
		}
		ids[e.id()] = true
	}
	if len(ids) > l.config.MaxEntities {
		return fmt.Errorf("%s has more than %d entities: narrow the import by filter", l.client.base, l.config.MaxEntities)
	}
	return take(page)
}

// total is how many entities there are now.
func (l *listing) total(ctx context.Context) (int, error) {
	query := l.query()
	query.Set("limit", "0")
	var answer queryAnswer
	if err := l.client.get(ctx, "entities/by-query", query, &answer); err != nil {
		return 0, err
	}
	if answer.TotalItems == nil {
		return 0, l.noCatalog()
	}
	return *answer.TotalItems, nil
}

// ask asks for one page, of limit entities and some more: for a smaller one where it is too large or takes too long.
func (l *listing) ask(ctx context.Context, path string, query url.Values, more int, into any) error {
	for {
		query.Set("limit", strconv.Itoa(l.limit+more))
		err := l.client.get(ctx, path, query, into)
		switch {
		case errors.Is(err, errTooLarge) && l.limit > 1, errors.Is(err, errSlow) && l.limit > minSlowPage:
			l.limit /= 2
		default:
			return err
		}
	}
}

func (l *listing) noCatalog() error {
	return fmt.Errorf("%s does not answer as the catalog of Backstage does: is the url that of its backend?", l.client.base)
}

func (l *listing) endless() error {
	return fmt.Errorf("%s repeats its pages, so that the listing has no end: does something between here and there cache answers?",
		l.client.base)
}
