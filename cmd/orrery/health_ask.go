package main

import "context"

// healthReport is the answer of `health`.
type healthReport struct {
	Services []serviceHealth `json:"services"`
	Problems []problem       `json:"problems"` // of the policy

	explain bool
	doubts  bool // also show what is unknown of checks that only warn
	checks  map[string]checkDefinition
}

type serviceHealth struct {
	Ref     string         `json:"ref"`
	Outcome string         `json:"outcome"`
	Owner   *string        `json:"owner"`
	Tier    *int           `json:"tier"`
	Checks  []healthResult `json:"checks"`
}

type healthResult struct {
	ID        string     `json:"id"`
	Outcome   string     `json:"outcome"`
	Severity  string     `json:"severity"`
	Workload  *string    `json:"workload"`
	Container *string    `json:"container"`
	Message   string     `json:"message"`
	Location  *string    `json:"location"`
	Line      *int       `json:"line"`
	Exemption *exemption `json:"exemption"`
}

type exemption struct {
	Reason  string  `json:"reason"`
	Expires *string `json:"expires"`
}

type checkDefinition struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Severity  string `json:"severity"`
	About     string `json:"about"`
	Rationale string `json:"rationale"`
	Fix       string `json:"fix"`
	Reference string `json:"reference"`
}

type healthNode struct {
	Entity struct {
		Ref   string
		Owner *refNode
		Tier  *int
	}
	Outcome string
	Checks  []struct {
		Check                      struct{ ID string }
		Outcome, Severity, Message string
		Workload                   *refNode
		Container, Location        *string
		Line                       *int
		Exemption                  *exemption
	}
}

const (
	healthFields = "entity { ref owner { ref } tier } outcome " +
		"checks { check { id } outcome severity workload { ref } container message location line exemption { reason expires } }"
	definitionFields = "definitions { id title severity about rationale fix reference }"
	// healthAtOnce is smaller than a full page, as each service brings all its checks.
	healthAtOnce = 300
)

func (n *healthNode) service() serviceHealth {
	s := serviceHealth{
		Ref: n.Entity.Ref, Outcome: n.Outcome, Owner: refOf(n.Entity.Owner), Tier: n.Entity.Tier, Checks: make([]healthResult, len(n.Checks)),
	}
	for i, c := range n.Checks {
		s.Checks[i] = healthResult{
			c.Check.ID, c.Outcome, c.Severity, refOf(c.Workload), c.Container, c.Message, c.Location, c.Line, c.Exemption,
		}
	}
	return s
}

func askHealth(ctx context.Context, on *pinned, q *healthQuestion) (*healthReport, error) {
	a := &healthReport{Services: []serviceHealth{}, explain: q.explain, doubts: q.doubts(), checks: make(map[string]checkDefinition)}
	const query = "query($first: Int!, $after: String, $filter: HealthFilter, $environment: String) { " +
		"health(filter: $filter, environment: $environment, first: $first, after: $after) { nodes { " + healthFields +
		" } pageInfo { hasNextPage endCursor } problems { " + problemFields + " } " + definitionFields + " } }"
	variables := map[string]any{"first": healthAtOnce, "filter": q.filter(), "environment": q.environment}
	for {
		var got struct {
			Health struct {
				Nodes       []healthNode
				PageInfo    pageInfo
				Problems    []problemNode
				Definitions []checkDefinition
			}
		}
		if err := on.ask(ctx, query, variables, &got); err != nil {
			return nil, err
		}
		page := &got.Health
		for i := range page.Nodes {
			a.Services = append(a.Services, page.Nodes[i].service())
		}
		a.Problems = problems(page.Problems)
		for _, definition := range page.Definitions {
			a.checks[definition.ID] = definition
		}
		if !page.PageInfo.HasNextPage || page.PageInfo.EndCursor == nil {
			return a, nil
		}
		variables["after"] = page.PageInfo.EndCursor
	}
}
