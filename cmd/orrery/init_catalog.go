package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/onboard"
)

// askedCatalog asks by GraphQL what a draft wants to know, wherever the catalog is.
type askedCatalog struct {
	*client
	revision int64 // of the last answer
}

var _ onboard.Catalog = (*askedCatalog)(nil)

type knownNode struct {
	Ref, Kind, Name         string
	Title, Type             *string
	Owner, System           *refNode
	Discovered, Placeholder bool
	Source                  *placed
	Profile                 *profile
	Aliases                 []struct{ Alias string }
	Annotations             []pair
}

const knownFields = "ref kind name title type owner { ref } system { ref } discovered placeholder profile { email } " +
	"aliases { alias } annotations { key value } source { location line }"

func (n *knownNode) known() *onboard.Known {
	k := &onboard.Known{
		Ref: catalog.Ref(n.Ref), Kind: n.Kind, Name: n.Name, Title: shown(n.Title), Type: shown(n.Type), Discovered: n.Discovered,
		Placeholder: n.Placeholder, Annotations: map[string]string{},
	}
	if n.Owner != nil {
		k.Owner = catalog.Ref(n.Owner.Ref)
	}
	if n.System != nil {
		k.System = catalog.Ref(n.System.Ref)
	}
	if n.Source != nil && !n.Discovered && !n.Placeholder {
		k.Location = shown(n.Source.Location)
	}
	if n.Profile != nil {
		k.Email = shown(n.Profile.Email)
	}
	for _, a := range n.Aliases {
		k.Aliases = append(k.Aliases, catalog.Alias(a.Alias))
	}
	for _, a := range n.Annotations {
		k.Annotations[a.Key] = a.Value
	}
	return k
}

// Find asks for an entity; that there is none, or several, is an answer.
func (c *askedCatalog) Find(ctx context.Context, text string) (*onboard.Known, error) {
	var answer struct{ Entity *knownNode }
	revision, err := c.ask(ctx, "query($ref: String!) { entity(ref: $ref) { "+knownFields+" } }", map[string]any{"ref": text}, &answer)
	var refused *refusal
	switch {
	case errors.As(err, &refused) && (refused.code == "NOT_FOUND" || refused.code == "BAD_INPUT"):
		return nil, nil
	case err != nil || answer.Entity == nil:
		return nil, err
	}
	c.revision = revision
	return answer.Entity.known(), nil
}

// askWhole asks all pages, on one revision.
func askWhole[A any](ctx context.Context, c *askedCatalog, query string, variables map[string]any, lists func(*A) map[string]list) (got *A, err error) {
	err = c.consistently(func(q *pinned) error {
		got, err = askAll(ctx, q, query, variables, lists)
		c.revision = q.revision
		return err
	})
	return got, err
}

// Groups asks for all groups that are described.
func (c *askedCatalog) Groups(ctx context.Context) ([]onboard.Known, error) {
	type result struct{ Entities connection[knownNode] }
	query := "query(" + pageVariables("entities") + ") { " +
		page("entities(filter: {kinds: [\"Group\"], placeholder: false}, %s)", "entities", knownFields) + " }"
	got, err := askWhole(ctx, c, query, nil, func(r *result) map[string]list { return map[string]list{"entities": &r.Entities} })
	if err != nil {
		return nil, err
	}
	groups := make([]onboard.Known, len(got.Entities.Nodes))
	for i := range got.Entities.Nodes {
		groups[i] = *got.Entities.Nodes[i].known()
	}
	return groups, nil
}

// Needs asks for the relations that nobody declares.
func (c *askedCatalog) Needs(ctx context.Context, ref catalog.Ref) ([]onboard.Need, error) {
	type node struct {
		To                      struct{ Ref, Kind string }
		Type                    string
		Strength, Behaves, Role *string
		Environment             *string
		Stale                   bool
		Evidence                []evidence
		Traffic                 *struct {
			Requests  float64
			FirstSeen *time.Time
		}
	}
	type result struct {
		Entity struct{ Relations connection[node] }
	}
	query := "query(" + pageVariables("relations") + ", $ref: String!) { entity(ref: $ref) { " +
		page("relations(direction: OUT, types: [DEPENDS_ON, CONSUMES_API], %s)", "relations",
			"to { ref kind } type strength behaves role environment stale "+evidenceFields+" traffic { requests firstSeen }") + " } }"
	got, err := askWhole(ctx, c, query, map[string]any{"ref": string(ref)}, func(r *result) map[string]list {
		return map[string]list{"relations": &r.Entity.Relations}
	})
	if err != nil {
		return nil, err
	}
	var needs []onboard.Need
	for i := range got.Entity.Relations.Nodes {
		r := &got.Entity.Relations.Nodes[i]
		has := func(kind string) int {
			return slices.IndexFunc(r.Evidence, func(e evidence) bool { return e.Kind == kind })
		}
		if r.Stale || has("DECLARED") >= 0 || r.To.Ref == string(ref) || r.Environment != nil && *r.Environment != "production" {
			continue
		}
		n := onboard.Need{To: catalog.Ref(r.To.Ref), Kind: r.To.Kind, Observed: has("OBSERVED") >= 0, Type: catalog.DependsOn}
		if r.Type == "CONSUMES_API" {
			n.Type = catalog.ConsumesAPI
		}
		strength := r.Strength
		if r.Behaves != nil {
			strength = r.Behaves
		}
		if err := n.Strength.UnmarshalText([]byte(shown(strength))); err != nil {
			return nil, fmt.Errorf("%s gives answers that this version does not understand: %w", c.name, err)
		}
		if err := n.Role.UnmarshalText([]byte(shown(r.Role))); err != nil {
			return nil, fmt.Errorf("%s gives answers that this version does not understand: %w", c.name, err)
		}
		if r.Traffic != nil {
			n.Requests = r.Traffic.Requests
			if r.Traffic.FirstSeen != nil {
				n.Since = *r.Traffic.FirstSeen
			}
		}
		if i := has("INFERRED"); i >= 0 {
			n.Location = shown(r.Evidence[i].Location)
		}
		needs = append(needs, n)
	}
	slices.SortStableFunc(needs, func(a, b onboard.Need) int { return strings.Compare(string(a.To), string(b.To)) })
	return needs, nil
}
