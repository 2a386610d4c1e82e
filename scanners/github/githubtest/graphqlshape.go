package githubtest

import (
	"slices"
	"strings"
)

// resolver answers one field of an object.
type resolver func(x *execution, on any, args arguments) (any, error)

// shape is one type of GitHub's schema: the fields that are answered.
type shape struct {
	name       string
	interfaces []string
	fields     map[string]resolver
}

func (s *shape) is(condition string) bool {
	return condition == "" || condition == s.name || slices.Contains(s.interfaces, condition)
}

// The values that objects of GraphQL are made of, beside *Repository, *Account and *Team.
type (
	queryRoot struct{}
	rateLimit struct{ budget budget }
	gitCommit struct {
		in *Repository
		*commit
	}
	gitTree struct {
		in  *Repository
		oid string
	}
	gitBlob struct {
		in  *Repository
		oid string
	}
	gitEntry struct {
		in   *Repository
		path string
		treeEntry
	}
	gitRef struct {
		in        *Repository
		name, oid string
	}
	gitActor struct{ commit *commit }
	topic    struct {
		in   *Repository
		name string
	}
	topicName struct{ name string }
	pageEnds  struct {
		from, to, total int
	}
	edge struct {
		fields map[string]resolver
		cursor string
		node   any
		of     string
	}
)

// shapeOf is the shape of a value, nil where it is a scalar.
func shapeOf(value any) *shape {
	switch v := value.(type) {
	case queryRoot:
		return &queryShape
	case rateLimit:
		return &rateLimitShape
	case *Repository:
		return &repositoryShape
	case *Account:
		if v.organization {
			return &organizationShape
		}
		return &userShape
	case *Team:
		return &teamShape
	case gitCommit:
		return &commitShape
	case gitTree:
		return &treeShape
	case gitBlob:
		return &blobShape
	case gitEntry:
		return &entryShape
	case gitRef:
		return &refShape
	case gitActor:
		return &actorShape
	case topic:
		return &topicShape
	case topicName:
		return &topicNameShape
	case *window:
		return windowShape(v)
	case pageEnds:
		return &pageInfoShape
	case edge:
		return edgeShape(v)
	}
	return nil
}

// plain makes a resolver of what needs no arguments and cannot fail.
func plain[T any](of func(T) any) resolver {
	return func(_ *execution, on any, _ arguments) (any, error) { return of(on.(T)), nil }
}

// asked makes a resolver of what needs to know who asks.
func asked[T any](of func(x *execution, on T, args arguments) (any, error)) resolver {
	return func(x *execution, on any, args arguments) (any, error) { return of(x, on.(T), args) }
}

func windowShape(w *window) *shape {
	s := &shape{name: w.name, fields: map[string]resolver{
		"totalCount": plain(func(w *window) any { return len(w.items) }),
		"nodes":      plain(func(w *window) any { return w.items[w.from:w.to] }),
		"pageInfo":   plain(func(w *window) any { return pageEnds{w.from, w.to, len(w.items)} }),
		"edges": plain(func(w *window) any {
			edges := []any{}
			for i, item := range w.items[w.from:w.to] {
				edges = append(edges, edge{w.edges, cursor(w.from + i + 1), item, strings.TrimSuffix(w.name, "Connection") + "Edge"})
			}
			return edges
		}),
	}}
	if w.name == "RepositoryConnection" {
		s.fields["totalDiskUsage"] = plain(func(*window) any { return 0 })
	}
	return s
}

var pageInfoShape = shape{name: "PageInfo", fields: map[string]resolver{
	"hasNextPage":     plain(func(p pageEnds) any { return p.to < p.total }),
	"hasPreviousPage": plain(func(p pageEnds) any { return p.from > 0 }),
	"startCursor":     plain(func(p pageEnds) any { return p.cursor(p.from + 1) }),
	"endCursor":       plain(func(p pageEnds) any { return p.cursor(p.to) }),
}}

func (p pageEnds) cursor(number int) any {
	if p.from == p.to {
		return nil
	}
	return cursor(number)
}

func edgeShape(e edge) *shape {
	s := &shape{name: e.of, fields: map[string]resolver{
		"cursor": plain(func(e edge) any { return e.cursor }),
		"node":   plain(func(e edge) any { return e.node }),
	}}
	for name, resolve := range e.fields {
		s.fields[name] = func(x *execution, on any, args arguments) (any, error) { return resolve(x, on.(edge).node, args) }
	}
	return s
}

func anyOf[T any](list []T) []any {
	items := make([]any, 0, len(list))
	for _, item := range list {
		items = append(items, item)
	}
	return items
}
