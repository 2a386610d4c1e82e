package health

import "github.com/orrery-catalog/orrery/catalog"

// perService judges each Service that leads to a workload, where that is written.
func perService(judge func(*workload, *catalog.Service) verdict) func(*workload) []verdict {
	return func(w *workload) []verdict {
		if len(w.facts.Services) == 0 {
			return one(notApplicable("no Service leads to it"))
		}
		list := make([]verdict, len(w.facts.Services))
		for i := range w.facts.Services {
			list[i] = judge(w, &w.facts.Services[i]).of(&w.facts.Services[i])
		}
		return list
	}
}

// of says that the verdict is about a Service, where that is written.
func (v verdict) of(s *catalog.Service) verdict {
	v.location, v.line = s.Location, s.Line
	return v
}
