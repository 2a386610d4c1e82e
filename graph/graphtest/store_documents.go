package graphtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// storedDocument is a document of middling size; equal arguments make equal ones.
func storedDocument(number, version int) *catalog.Document {
	name := fmt.Sprintf("service-%06d", number)
	ref := catalog.NewRef("component", "", name)
	claim := catalog.Claim{
		Subject: catalog.Subject{Ref: ref}, Line: 1,
		Descriptor: &catalog.Descriptor{
			Ref: ref, Kind: "Component", Namespace: "default", Name: name, Description: fmt.Sprintf("version %d", version),
			Type: "service", Lifecycle: "production", Owner: "group:default/team", Labels: map[string]string{"b": "2", "a": "1"},
			SLO: &catalog.SLO{Availability: 99.9, Window: 30 * 24 * time.Hour},
		},
	}
	if number%4 == 0 {
		claim.Found, claim.Facts = true, &catalog.Facts{Workload: &catalog.Workload{
			Cluster: "eu", Kind: "deployment", Name: name, Version: fmt.Sprint(version), Wanted: new(int32),
			Containers: []catalog.Container{{Name: "main", Image: "acme/" + name, Liveness: &catalog.Probe{Handler: catalog.ProbeTCP}}},
		}}
	}
	for i := range number % 5 {
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Ref: catalog.NewRef("component", "", fmt.Sprintf("service-%06d", number*7+i))},
			Type:   catalog.DependsOn, Strength: catalog.Soft, Evidence: catalog.Declared, Line: int32(10 + i),
		})
	}
	return &catalog.Document{
		ID:       storedID(number),
		Priority: 100, Location: "/srv/" + name + ".yaml", Stale: version%2 == 1,
		Claims:   []catalog.Claim{claim},
		Problems: []catalog.Problem{{Location: name, Line: 2, Severity: catalog.Warning, Code: "c", Message: "m", Ref: ref}},
	}
}

// storedID spreads the documents over sources and scopes.
func storedID(number int) catalog.DocumentID {
	return catalog.DocumentID{
		Source: fmt.Sprintf("source-%d", number%3),
		Scope:  fmt.Sprintf("scope-%d", number/3%4),
		Key:    fmt.Sprintf("component:default/service-%06d", number),
	}
}

// storedDocuments are the documents from first to before end.
func storedDocuments(first, end, version int) []*catalog.Document {
	documents := make([]*catalog.Document, 0, end-first)
	for number := first; number < end; number++ {
		documents = append(documents, storedDocument(number, version))
	}
	return documents
}

func birth(number int) graph.FieldChange {
	return graph.FieldChange{
		Ref: catalog.NewRef("component", "", fmt.Sprintf("service-%06d", number)), Source: fmt.Sprintf("source-%d", number%3),
	}
}

// randomChange makes a change of a few of 40 documents and 6 states, each named once, over and over.
func randomChange(random *rand.Rand) graph.Change {
	var change graph.Change
	for number := range 40 {
		switch random.IntN(8) {
		case 0:
			change.Put = append(change.Put, storedDocument(number, random.IntN(100)))
			change.Recorded = append(change.Recorded, birth(number))
		case 1:
			change.Remove = append(change.Remove, storedID(number))
			change.Recorded = append(change.Recorded, graph.FieldChange{
				Ref: birth(number).Ref, Field: "spec.owner", Old: "a", New: fmt.Sprint(random.IntN(100)), Source: "source",
			})
		}
	}
	for number := range 6 {
		state := graph.State{Source: fmt.Sprintf("source-%d", number%2), Name: fmt.Sprintf("name-%d", number)}
		switch random.IntN(5) {
		case 0:
			state.Data = make([]byte, random.IntN(2000))
			for i := range state.Data {
				state.Data[i] = byte(random.Uint32())
			}
			change.States = append(change.States, state)
		case 1:
			change.States = append(change.States, state)
		}
	}
	random.Shuffle(len(change.Put), func(i, j int) { change.Put[i], change.Put[j] = change.Put[j], change.Put[i] })
	return change
}
