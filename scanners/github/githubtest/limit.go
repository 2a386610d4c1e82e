package githubtest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// budgetKey is what one budget is for.
type budgetKey struct{ who, resource string }

// budget is what is used of a limit until its reset.
type budget struct {
	limit, used int
	reset       time.Time
}

type paceKey struct {
	who    string
	minute int64
}

// pace counts the points of a minute.
type pace struct{ points int }

// budgetOf is the budget that a resource ("core", "search", "graphql") has now.
func (g *GitHub) budgetOf(p *principal, resource string) *budget {
	key := budgetKey{p.name(), resource}
	b := g.budgets[key]
	if b == nil {
		b = &budget{}
		g.budgets[key] = b
	}
	if now := g.now(); !now.Before(b.reset) {
		b.used, b.reset = 0, now.Add(time.Hour).Truncate(time.Second)
		if resource == "search" {
			b.reset = now.Add(time.Minute).Truncate(time.Second)
		}
	}
	switch {
	case resource == "graphql":
		b.limit = g.Limits.GraphQL
	case resource == "search":
		b.limit = g.Limits.Search
	case p.user == nil && p.app == nil && p.installation == nil && !g.open:
		b.limit = g.Limits.Anonymous
	default:
		b.limit = g.Limits.Core
	}
	return b
}

func (b *budget) remaining() int { return max(0, b.limit-b.used) }

// tell writes the budget into the headers of an answer.
func (b *budget) tell(header http.Header, resource string) {
	header.Set("X-RateLimit-Limit", strconv.Itoa(b.limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(b.remaining()))
	header.Set("X-RateLimit-Used", strconv.Itoa(b.used))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset.Unix(), 10))
	header.Set("X-RateLimit-Resource", resource)
}

// exhausted refuses by the primary limit.
func (p *principal) exhausted() *reply {
	return refuse(http.StatusForbidden, fmt.Sprintf("API rate limit exceeded for %s.", p.name()))
}

// SetUsed says how much of a resource ("core", "search", "graphql") the owner of a token has used until its reset.
func (g *GitHub) SetUsed(token, resource string, used int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.tokens[token]
	if p == nil {
		p = &principal{}
	}
	g.budgetOf(p, resource).used = used
}

// SetUsed says how much of a resource an installation has used until its reset.
func (i *Installation) SetUsed(resource string, used int) {
	i.app.hub.mu.Lock()
	defer i.app.hub.mu.Unlock()
	i.app.hub.budgetOf(&principal{installation: i}, resource).used = used
}

// Used is how much of a resource has been used by all together.
func (g *GitHub) Used(resource string) (used int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, b := range g.budgets {
		if key.resource == resource {
			used += b.used
		}
	}
	return used
}

// paced counts the points of the request, and refuses by the secondary limit.
func (g *GitHub) paced(p *principal, r *http.Request) *reply {
	if g.Limits.PointsAt == 0 {
		return nil
	}
	now := g.now()
	key := paceKey{p.name(), now.Unix() / 60}
	if g.pace[key] == nil {
		g.pace[key] = &pace{}
	}
	points := 5
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		points = 1
	}
	if g.pace[key].points += points; g.pace[key].points <= g.Limits.PointsAt {
		return nil
	}
	no := secondary(http.StatusForbidden)
	no.header.Set("Retry-After", strconv.FormatInt(60-now.Unix()%60, 10))
	return no
}

// secondary is the refusal by a secondary limit.
func secondary(status int) *reply {
	no := refuse(status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	no.body.(object)["documentation_url"] = "https://docs.github.com/free-pro-team@latest/rest/overview/" +
		"rate-limits-for-the-rest-api#about-secondary-rate-limits"
	return no
}

func (c *call) rateLimit() *reply {
	resources := object{}
	for _, resource := range []string{"core", "graphql", "search"} {
		b := c.budgetOf(c.who, resource)
		resources[resource] = object{"limit": b.limit, "used": b.used, "remaining": b.remaining(), "reset": b.reset.Unix()}
	}
	return ok(object{"resources": resources, "rate": resources["core"]})
}
