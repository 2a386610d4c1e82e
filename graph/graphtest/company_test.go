package graphtest_test

import (
	"fmt"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// shape is what a test sees of a company.
type shape struct {
	kinds        map[string]int
	dependencies int // stated by Components
	backward     int // between Components, against the order of the services
	forward      int
	needs        map[catalog.Ref][]catalog.Ref // Components, through APIs to their providers
	fanIn        map[catalog.Ref]int
}

func shapeOf(company graphtest.Company) shape {
	s := shape{kinds: map[string]int{}, needs: map[catalog.Ref][]catalog.Ref{}, fanIn: map[catalog.Ref]int{}}
	position := map[catalog.Ref]int{}
	for i := range company.Services {
		position[company.ServiceRef(i)] = i
	}
	for document := range company.Documents() {
		claim := document.Claims[0]
		s.kinds[claim.Descriptor.Kind]++
		from := claim.Subject.Ref
		for _, edge := range claim.Edges {
			to := edge.Target.Ref
			switch {
			case edge.Type == catalog.ProvidesAPI:
				s.needs[to] = append(s.needs[to], from)
			case claim.Descriptor.Kind == catalog.KindComponent && (edge.Type == catalog.DependsOn || edge.Type == catalog.ConsumesAPI):
				s.dependencies++
				s.fanIn[to]++
				s.needs[from] = append(s.needs[from], to)
				if at, ok := position[to]; ok && at < position[from] {
					s.backward++
				} else if ok {
					s.forward++
				}
			}
		}
	}
	return s
}

// reachOf counts who needs the Ref, directly or not, itself left out.
func (s shape) reachOf(of catalog.Ref) int {
	neededBy := map[catalog.Ref][]catalog.Ref{}
	for from, targets := range s.needs {
		for _, to := range targets {
			neededBy[to] = append(neededBy[to], from)
		}
	}
	seen := map[catalog.Ref]bool{of: true}
	for queue := []catalog.Ref{of}; len(queue) > 0; queue = queue[1:] {
		for _, from := range neededBy[queue[0]] {
			if !seen[from] {
				seen[from] = true
				queue = append(queue, from)
			}
		}
	}
	return len(seen) - 1
}

func TestCompanyHasTheShapeItPromises(t *testing.T) {
	for _, company := range []graphtest.Company{
		{Services: 20, Edges: 20},
		{Services: 1000, Edges: 3000, Seed: 1},
		{Services: 1000, Edges: 12000, Seed: 2},
		{Services: 10000, Edges: 100000, Seed: 3},
	} {
		t.Run(fmt.Sprintf("%d services, %d edges", company.Services, company.Edges), func(t *testing.T) {
			s := shapeOf(company)
			if got := s.kinds[catalog.KindComponent]; got != company.Services {
				t.Errorf("%d services, want %d", got, company.Services)
			}
			if s.dependencies != company.Edges {
				t.Errorf("%d dependencies, want %d", s.dependencies, company.Edges)
			}
			for _, kind := range []string{"API", "Resource", "System", "Domain", "Group", "User", "Journey", "External"} {
				if s.kinds[kind] == 0 {
					t.Errorf("no %s", kind)
				}
			}
			if company.Services < 1000 {
				return
			}
			if share := float64(s.backward) / float64(s.backward+s.forward); share < 0.01 || share > 0.05 {
				t.Errorf("%.1f %% of the edges between services run backwards, want 1 to 5", 100*share)
			}
			if reach := s.reachOf(company.Hottest()); reach < company.Services/2 {
				t.Errorf("the hottest service is reached by %d of %d services", reach, company.Services)
			}
		})
	}
}

func TestCompanyIsTheSameForTheSameNumbers(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	company := graphtest.Company{Services: 60, Edges: 300, Seed: 7}
	for _, dir := range []string{a, b} {
		if err := company.WriteFiles(dir); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := readAll(t, a), readAll(t, b); first != second || first == "" {
		t.Error("two runs wrote different files")
	}
	company.Seed = 8
	other := t.TempDir()
	if err := company.WriteFiles(other); err != nil {
		t.Fatal(err)
	}
	if readAll(t, a) == readAll(t, other) {
		t.Error("another seed made the same company")
	}
}

func BenchmarkCompanyDocuments(b *testing.B) {
	for _, company := range []graphtest.Company{{Services: 100_000, Edges: 300_000}, {Services: 100_000, Edges: 1_000_000}} {
		b.Run(fmt.Sprintf("services=%d/edges=%d", company.Services, company.Edges), func(b *testing.B) {
			for b.Loop() {
				for document := range company.Documents() {
					_ = document
				}
			}
		})
	}
}
