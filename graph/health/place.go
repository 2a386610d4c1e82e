package health

import (
	"cmp"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// placed is a workload that an entity runs on, with where that is written.
type placed struct {
	entity   *catalog.Entity // has Facts.Workload
	location string
	line     int32
}

// runsOn lists the workloads that an entity answers for in an environment, by Ref: those that it runs on, or itself, where
// it is a workload that belongs to nobody.
func runsOn(s *graph.Snapshot, entity *catalog.Entity, environment string) []placed {
	if isWorkload(entity) {
		if belongs(s, entity) || !isIn(s, entity, environment) {
			return nil
		}
		location, line := written(entity)
		return []placed{{entity, location, line}}
	}
	var list []placed
	out, _ := s.Relations(entity.Ref)
	for edge := range out {
		if edge.Type != catalog.RunsOn || edge.Environment != "" && edge.Environment != environment {
			continue
		}
		on, err := s.Entity(edge.To)
		if err != nil || !isWorkload(on) || len(list) > 0 && list[len(list)-1].entity == on {
			continue
		}
		p := placed{entity: on}
		for _, evidence := range edge.Evidence {
			if evidence.Origin.Environment == "" || evidence.Origin.Environment == environment {
				p.location, p.line = evidence.Origin.Location, evidence.Line
				break
			}
		}
		list = append(list, p)
	}
	return list
}

func isWorkload(entity *catalog.Entity) bool {
	return entity.Facts != nil && entity.Facts.Workload != nil
}

// belongs says whether another entity runs on a workload, in whatever environment.
func belongs(s *graph.Snapshot, workload *catalog.Entity) bool {
	_, in := s.Relations(workload.Ref)
	for edge := range in {
		if edge.Type == catalog.RunsOn && edge.From != workload.Ref {
			return true
		}
	}
	return false
}

// written is where the workload is written, by the document that states its alias.
func written(workload *catalog.Entity) (location string, line int32) {
	if workload.Origin != nil {
		return workload.Origin.Location, workload.Line
	}
	for _, alias := range workload.Aliases {
		if alias.Origin != nil && strings.HasPrefix(string(alias.Alias), "k8s:") {
			return alias.Origin.Location, alias.Line
		}
	}
	return "", 0
}

// isIn says whether what a cluster found belongs to an environment: by the sources that state its aliases or its
// placement. What nothing tells of belongs to all.
func isIn(s *graph.Snapshot, entity *catalog.Entity, environment string) bool {
	told := false
	is := func(of string) bool {
		told = told || of != ""
		return of == environment
	}
	for _, alias := range entity.Aliases {
		if alias.Origin != nil && is(alias.Origin.Environment) {
			return true
		}
	}
	out, in := s.Relations(entity.Ref)
	relations := out
	if entity.Ref.Kind() == "cluster" {
		relations = in
	}
	for edge := range relations {
		if edge.Type == catalog.RunsOn && is(cmp.Or(edge.Environment, edge.Evidence[0].Origin.Environment)) {
			return true
		}
	}
	for _, source := range s.Sources() { // a cluster is called like the source that reads it, unless configured otherwise
		if entity.Ref == catalog.ClusterRef(source.ID) && is(source.Environment) {
			return true
		}
	}
	return !told
}
