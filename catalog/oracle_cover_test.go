package catalog_test

import (
	"cmp"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// oracleCover moves what is seen onto the declared paths that cover it.
func oracleCover(edges []catalog.Edge) []catalog.Edge {
	declared := func(e catalog.Edge) bool { return e.KindsOfEvidence().Has(catalog.Declared) }
	paths := make([][]int, len(edges)) // of what is seen: the declared edges that cover it
	for i, seen := range edges {
		if seen.Type != catalog.DependsOn || declared(seen) || seen.From == seen.To {
			continue
		}
		wholes := oracleWholes(edges, seen.To)
		for j, first := range edges {
			if first.From != seen.From || first.To == first.From || !declared(first) ||
				first.Type != catalog.DependsOn && first.Type != catalog.ConsumesAPI {
				continue
			}
			covers := slices.Contains(wholes, first.To)
			for _, second := range edges {
				if second.From != seen.To || second.To != first.To || !declared(second) {
					continue
				}
				switch second.Type {
				case catalog.ProvidesAPI:
					covers = true
				case catalog.DependsOn, catalog.ConsumesAPI:
					covers = covers || first.Role.Consumes() && second.Role.Publishes() || first.Role.Publishes() && second.Role.Consumes()
				}
			}
			if covers {
				paths[i] = append(paths[i], j)
			}
		}
	}
	// Alternatives go together.
	whole := slices.Clone(paths)
	for i, member := range edges {
		for j, other := range edges {
			if member.AnyOf != "" && other.From == member.From && other.AnyOf == member.AnyOf && paths[j] == nil {
				whole[i] = nil
			}
		}
	}
	var left []catalog.Edge
	for i := range edges {
		if whole[i] == nil {
			left = append(left, oracleWithSeen(edges, whole, i))
		}
	}
	return left
}

// oracleWholes is what something is, and is declared to be part of, by any number of steps.
func oracleWholes(edges []catalog.Edge, part catalog.Ref) []catalog.Ref {
	wholes := []catalog.Ref{part}
	for i := 0; i < len(wholes); i++ {
		for _, edge := range edges {
			if edge.From == wholes[i] && edge.Type == catalog.PartOf && edge.KindsOfEvidence().Has(catalog.Declared) &&
				!slices.Contains(wholes, edge.To) {
				wholes = append(wholes, edge.To)
			}
		}
	}
	return wholes
}

// oracleWithSeen is an edge with the evidence of what it covers.
func oracleWithSeen(edges []catalog.Edge, paths [][]int, at int) catalog.Edge {
	edge := edges[at]
	edge.Evidence = slices.Clone(edge.Evidence)
	var details catalog.EdgeDetails
	if edge.Details != nil {
		details = *edge.Details
	}
	for i, seen := range edges {
		if !slices.Contains(paths[i], at) {
			continue
		}
		for _, e := range seen.Evidence {
			edge.Evidence = addEvidence(edge.Evidence, e)
		}
		if seen.Details != nil {
			details.Fallback = cmp.Or(details.Fallback, seen.Details.Fallback)
			details.CallsPerRequest = cmp.Or(details.CallsPerRequest, seen.Details.CallsPerRequest)
			details.Timeout = cmp.Or(details.Timeout, seen.Details.Timeout)
			details.Protocol = cmp.Or(details.Protocol, seen.Details.Protocol)
		}
	}
	if details != (catalog.EdgeDetails{}) {
		edge.Details = &details
	}
	sortEvidence(edge.Evidence)
	edge.Stale = !slices.ContainsFunc(edge.Evidence, func(e catalog.Evidence) bool { return !e.Stale })
	return edge
}
