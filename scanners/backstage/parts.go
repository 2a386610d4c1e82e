package backstage

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// apiFields are what is asked for of an API: everything but its definition, which may be larger than all else together.
const apiFields = "apiVersion,kind,metadata,relations,status," +
	"spec.type,spec.lifecycle,spec.owner,spec.system,spec.remotes,spec.dependencies,spec.slo,spec.capacity"

// part is a piece of the catalog that is listed by itself.
type part struct {
	filters []string // of which an entity must fit one; none = all entities
	fields  string   // to ask for; "" = whole entities
}

func (p part) query() url.Values {
	query := url.Values{}
	for _, filter := range p.filters {
		query.Add("filter", filter)
	}
	if p.fields != "" {
		query.Set("fields", p.fields)
	}
	return query
}

// partsOf divides what the filters fit into the APIs and all else. The API cannot leave fields out, only name those that
// it wants, and what is written in spec is free but for APIs. There is one part where there are no APIs, where a filter
// is about kinds itself, and where an older backend cannot tell which kinds there are.
func partsOf(ctx context.Context, client *client, filters []string) ([]part, error) {
	whole := part{filters: filters}
	for _, filter := range filters {
		for term := range strings.SplitSeq(filter, ",") {
			if key, _, _ := strings.Cut(term, "="); strings.EqualFold(strings.TrimSpace(key), "kind") {
				return []part{whole}, nil
			}
		}
	}
	query := whole.query()
	query.Set("facet", "kind")
	var answer struct {
		Facets struct {
			Kind []struct {
				Value string `json:"value"`
			} `json:"kind"`
		} `json:"facets"`
	}
	if err := client.get(ctx, "entity-facets", query, &answer); errors.Is(err, errNoRoute) {
		return []part{whole}, nil
	} else if err != nil {
		return nil, err
	}
	apis, others := false, ""
	for _, kind := range answer.Facets.Kind {
		switch {
		case strings.ContainsAny(kind.Value, ",="):
			return []part{whole}, nil
		case strings.EqualFold(kind.Value, catalog.KindAPI):
			apis = true
		default:
			others += ",kind=" + kind.Value // terms of one key are alternatives
		}
	}
	if !apis {
		return []part{whole}, nil
	}
	parts := []part{{filters: narrowed(filters, ",kind="+catalog.KindAPI), fields: apiFields}}
	if others != "" {
		parts = append(parts, part{filters: narrowed(filters, others)})
	}
	return parts, nil
}

// narrowed adds terms, each with a comma before it, to every filter.
func narrowed(filters []string, terms string) []string {
	if len(filters) == 0 {
		return []string{terms[1:]}
	}
	out := make([]string, len(filters))
	for i, filter := range filters {
		out[i] = filter + terms
	}
	return out
}
