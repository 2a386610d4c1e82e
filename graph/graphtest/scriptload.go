package graphtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// load makes the documents that the lines say, merges them, and builds the snapshot.
func (s *script) load(b block) {
	l := loading{documents: map[catalog.DocumentID]*catalog.Document{}}
	for _, line := range b.lines {
		if err := l.read(line); err != nil {
			s.fail(line.number, "%v", err)
		}
	}
	model := catalog.Merge(maps.Values(l.documents), catalog.MergeOptions{})
	s.snapshot = graph.Build(graph.Input{Revision: 1, Model: model})
}

// loading gathers claims into documents: one for each entity that a line describes, and one for each way in which
// relations are known (declared, seen in an environment, stale ...).
type loading struct {
	documents map[catalog.DocumentID]*catalog.Document
}

func (l *loading) document(id catalog.DocumentID, ordinal int) *catalog.Document {
	id.Source = "script"
	document := l.documents[id]
	if document == nil {
		document = &catalog.Document{ID: id, Ordinal: ordinal, Location: "script/" + id.Scope}
		l.documents[id] = document
	}
	return document
}

func (l *loading) read(line line) error {
	w := &words{left: strings.Fields(line.text)}
	if w.accept("entity") {
		return l.entity(w, line.number)
	}
	return l.relation(w, line.number)
}

// entity reads: entity REF [tier N] [owner REF] [oncall TARGET].
func (l *loading) entity(w *words, number int) error {
	ref := w.ref()
	descriptor := &catalog.Descriptor{
		Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name(),
		Annotations: map[string]string{},
	}
	claim := catalog.Claim{Subject: catalog.Subject{Ref: ref}, Line: int32(number), Descriptor: descriptor}
	for len(w.left) > 0 && w.err == nil {
		switch word := w.next(); word {
		case "tier":
			descriptor.Annotations["orrery.dev/tier"] = w.next()
		case "oncall":
			descriptor.Annotations["orrery.dev/oncall"] = w.next()
		case "owner":
			descriptor.Owner = w.ref()
			claim.Edges = append(claim.Edges, catalog.EdgeClaim{
				Target: catalog.Subject{Ref: descriptor.Owner}, Type: catalog.OwnedBy, Evidence: catalog.Declared, Line: int32(number),
			})
		default:
			return fmt.Errorf("%q is not understood", word)
		}
	}
	document := l.document(catalog.DocumentID{Scope: "entities", Key: string(ref)}, number)
	document.Claims = append(document.Claims, claim)
	return w.done()
}

// relation reads: REF VERB REF [words].
func (l *loading) relation(w *words, number int) error {
	from := w.ref()
	verb := w.next()
	edge := catalog.EdgeClaim{Target: catalog.Subject{Ref: w.ref()}, Evidence: catalog.Declared, Line: int32(number)}
	types := map[string]catalog.RelationType{
		"->": catalog.DependsOn, "consumes": catalog.ConsumesAPI, "provides": catalog.ProvidesAPI, "partOf": catalog.PartOf,
		"runsOn": catalog.RunsOn, "memberOf": catalog.MemberOf, "ownedBy": catalog.OwnedBy,
	}
	if edge.Type = types[verb]; edge.Type == 0 {
		return fmt.Errorf("%q is no relation (one of %s)", verb, strings.Join(slices.Sorted(maps.Keys(types)), " "))
	}
	stale, environment := false, ""
	for len(w.left) > 0 && w.err == nil {
		switch word := w.next(); word {
		case "hard", "soft", "async":
			w.err = edge.Strength.UnmarshalText([]byte(word))
		case "publish":
			edge.Role |= catalog.Publish
		case "consume":
			edge.Role |= catalog.Consume
		case "declared", "observed", "inferred":
			w.err = edge.Evidence.UnmarshalText([]byte(word))
		case "anyOf":
			edge.AnyOf = w.next()
		case "stale":
			stale = true
		case "in":
			environment = w.next()
		default:
			return fmt.Errorf("%q is not understood", word)
		}
	}
	if environment == "" && edge.Evidence != catalog.Declared {
		environment = graph.ProductionEnvironment
	}
	scope := fmt.Sprintf("%s in %q, stale %t", edge.Evidence, environment, stale)
	document := l.document(catalog.DocumentID{Scope: scope, Key: string(from)}, number)
	document.Stale, document.Environment = stale, environment
	document.Claims = append(document.Claims, catalog.Claim{
		Subject: catalog.Subject{Ref: from}, Line: int32(number), Edges: []catalog.EdgeClaim{edge},
	})
	return w.done()
}
