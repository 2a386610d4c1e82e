package graph

import (
	"fmt"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// everyEnvironment stands in the property environments for all of them.
const everyEnvironment = "*"

// appendProjected appends what is written of one stated relation: the relation itself, and the needs that follow from it,
// by the rules of [application.deriveNeeds]. WrittenDependsOn is every need, so that whatever a failure reaches is reached
// over relations of this one type:
//   - a stated dependsOn is one need, and consumesApi and runsOn are one besides what is stated (a job keeps nothing running);
//   - from providesApi and partOf follows a need the other way: the API needs any of its providers, the whole any of its parts;
//   - who consumes a topic needs ASYNC those who publish to it, by way of one node for all of them.
func appendProjected(all []ProjectedRelation, edge *catalog.Edge, target kind) []ProjectedRelation {
	from, to := ProjectedEnd{ID: ProjectedID(string(edge.From))}, ProjectedEnd{ID: ProjectedID(string(edge.To))}
	key := edge.Type.String()
	if edge.Environment != "" {
		key += " in " + ProjectedID(edge.Environment)
	}
	add := func(relation string, from, to ProjectedEnd, properties Properties) {
		if from == to { // it carries no failure
			properties["counts"], properties["environments"] = false, []string{}
		}
		all = append(all, ProjectedRelation{Type: relation, From: from, To: to, Key: key, Properties: properties})
	}
	stated := statedProperties(edge)
	// need is one that follows from what is stated.
	need := func(from, to ProjectedEnd, strength catalog.Strength, anyOf string, via string) {
		p := beliefProperties(edge)
		p["relation"], p["derived"], p["strength"] = edge.Type.String(), true, strength.String()
		p.text("anyOf", anyOf)
		p.text("via", via)
		add(WrittenDependsOn, from, to, p)
	}
	switch edge.Type {
	case catalog.DependsOn:
		stated["relation"], stated["derived"] = edge.Type.String(), false
		stated["strength"] = strengthOf(edge).String()
		add(WrittenDependsOn, from, to, stated)
	case catalog.ConsumesAPI:
		add(WrittenConsumes, from, to, stated)
		need(from, to, strengthOf(edge), edge.AnyOf, "")
	case catalog.ProvidesAPI:
		add(WrittenProvides, from, to, stated)
		need(to, from, catalog.Hard, originNames[providers], "")
	case catalog.PartOf:
		add(WrittenPartOf, from, to, stated)
		need(to, from, catalog.Hard, originNames[parts], "")
	case catalog.RunsOn:
		add(WrittenRunsOn, from, to, stated)
		switch target {
		case kindJob:
		case kindWorkload:
			need(from, to, catalog.Hard, originNames[workloads], "")
		case kindNode:
			need(from, to, catalog.Hard, originNames[nodes], "")
		default:
			need(from, to, catalog.Hard, "", "")
		}
	case catalog.OwnedBy:
		add(WrittenOwnedBy, from, to, stated)
	case catalog.MemberOf:
		add(WrittenMemberOf, from, to, stated)
	}
	if isCall(edge) {
		hub := ProjectedEnd{ID: to.ID, Publishers: true}
		if edge.Role.Consumes() {
			need(from, hub, catalog.Async, "", to.ID)
		}
		if edge.Role.Publishes() {
			need(hub, from, catalog.Hard, "", to.ID)
		}
	}
	return all
}

// beliefProperties tell why and where a relation is believed.
func beliefProperties(edge *catalog.Edge) Properties {
	kinds := edge.KindsOfEvidence()
	environments := environmentsOf(edge)
	p := Properties{
		"declared": kinds.Has(catalog.Declared), "observed": kinds.Has(catalog.Observed), "inferred": kinds.Has(catalog.Inferred),
		"stale": edge.Stale, "environments": environments,
		"counts": slices.Contains(environments, everyEnvironment) || slices.Contains(environments, ProductionEnvironment),
	}
	p.text("environment", edge.Environment)
	return p
}

// environmentsOf are the environments in which a relation counts by evidence that has not gone stale, as the needs that
// follow from it do: see appendBelieved.
func environmentsOf(edge *catalog.Edge) []string {
	environments := []string{}
	for i := range edge.Evidence {
		evidence := &edge.Evidence[i]
		if !isFresh(edge, evidence) {
			continue
		}
		environment := environmentOf(edge, evidence)
		if environment == "" {
			environment = everyEnvironment
		}
		if environment = text(environment); !slices.Contains(environments, environment) {
			environments = append(environments, environment)
		}
	}
	slices.Sort(environments)
	return environments
}

// statedProperties are all that is known of a relation.
func statedProperties(edge *catalog.Edge) Properties {
	p := beliefProperties(edge)
	p.text("strength", edge.Strength.String())
	p.text("role", edge.Role.String())
	p.text("anyOf", edge.AnyOf)
	if d := edge.Details; d != nil {
		p.text("fallback", d.Fallback)
		p.float("callsPerRequest", d.CallsPerRequest)
		p.duration("timeout", d.Timeout)
		p.text("protocol", d.Protocol)
	}
	var sources, locations []string
	var first, last time.Time
	isCurrent := false // else every piece of evidence tells when it was seen last
	for i := range edge.Evidence {
		evidence := &edge.Evidence[i]
		if origin := evidence.Origin; origin != nil {
			sources = append(sources, origin.Source)
			if origin.Location != "" {
				locations = append(locations, locationText(origin.Location, evidence.Line))
			}
		}
		if seen := evidence.FirstSeen.Time(); !seen.IsZero() && (first.IsZero() || seen.Before(first)) {
			first = seen
		}
		seen := evidence.LastSeen.Time()
		isCurrent = isCurrent || seen.IsZero()
		if seen.After(last) {
			last = seen
		}
	}
	p["sources"], p["locations"] = texts(distinct(sources)), texts(distinct(locations))
	p.time("firstSeen", first)
	if !isCurrent {
		p.time("lastSeen", last)
	}
	return p
}

func locationText(location string, line int32) string {
	if line > 0 {
		return fmt.Sprintf("%s:%d", location, line)
	}
	return location
}

func distinct(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

// SourceProperties are what is written of a source. The node is known by its id.
func SourceProperties(source *Source) Properties {
	p := Properties{
		"id": ProjectedID(source.ID), "kind": text(source.Kind), "state": text(string(source.State)),
		"documents": int64(source.Documents), "staleDocuments": int64(source.Stale), "entities": int64(source.Entities),
		"scopes": int64(source.Scopes), "unconfigured": source.Unconfigured, "watched": source.Watched,
	}
	p.text("error", source.Error)
	p.text("watchError", source.WatchError)
	p.text("environment", source.Environment)
	p.text("schedule", source.Schedule)
	p.time("lastScan", source.LastScan)
	p.time("lastGood", source.LastGood)
	p.duration("lastDuration", source.Duration)
	if source.Held != nil {
		p.number("held", source.Held.Entities)
	}
	return p
}
