package githubtest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// page is the part of a list that the query asks for, and the Link header that leads to the others.
func page[T any](c *call, all []T) ([]T, string) {
	query := c.r.URL.Query()
	size, number := 30, 1
	if n, err := strconv.Atoi(query.Get("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 0 {
		number = n
	}
	last := max(1, (len(all)+size-1)/size)
	var links []string
	link := func(rel string, to int) {
		query.Set("page", strconv.Itoa(to))
		at := url.URL{Path: c.r.URL.Path, RawQuery: query.Encode()}
		links = append(links, fmt.Sprintf(`<%s%s>; rel="%s"`, c.base, at.String(), rel))
	}
	if number > 1 {
		link("prev", min(number-1, last))
	}
	if number < last {
		link("next", number+1)
		link("last", last)
	}
	if number > 1 {
		link("first", 1)
	}
	from := min((number-1)*size, len(all))
	return all[from:min(from+size, len(all))], strings.Join(links, ", ")
}

// paged answers a page of a list, each of its items made by render.
func paged[T any](c *call, all []T, render func(T) object) *reply {
	part, links := page(c, all)
	items := make([]object, 0, len(part))
	for _, item := range part {
		items = append(items, render(item))
	}
	a := ok(items)
	if links != "" {
		a.header.Set("Link", links)
	}
	return a
}
