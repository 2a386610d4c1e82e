package health_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// world is a snapshot under construction.
type world struct {
	model   catalog.Model
	sources []graph.Source
}

func (w *world) entity(ref catalog.Ref) *catalog.Entity {
	e := &catalog.Entity{Descriptor: catalog.Descriptor{Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name()}}
	w.model.Entities = append(w.model.Entities, e)
	return e
}

func (w *world) relate(from catalog.Ref, relation catalog.RelationType, to catalog.Ref, environment string) {
	w.model.Edges = append(w.model.Edges, catalog.Edge{
		From: from, To: to, Type: relation, Strength: catalog.Hard, Environment: environment,
		Evidence: []catalog.Evidence{{
			Kind: catalog.Declared, Line: 3, Origin: &catalog.Origin{Source: "m", Location: to.Name() + ".yaml", Environment: environment},
		}},
	})
}

func (w *world) snapshot() *graph.Snapshot {
	slices.SortFunc(w.model.Entities, func(a, b *catalog.Entity) int { return cmp.Compare(a.Ref, b.Ref) })
	slices.SortFunc(w.model.Edges, func(a, b catalog.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Environment, b.Environment))
	})
	return graph.Build(graph.Input{Revision: 1, Model: &w.model, Sources: w.sources})
}

// facts of a workload with the containers, which one replica runs.
func facts(containers ...catalog.Container) *catalog.Facts {
	wanted := int32(1)
	return &catalog.Facts{Workload: &catalog.Workload{
		Cluster: "prod", Namespace: "shop", Kind: "deployment", Name: "web", Wanted: &wanted, Containers: containers,
	}}
}

// edited is facts after an edit.
func edited(f *catalog.Facts, edit func(*catalog.Facts)) *catalog.Facts {
	edit(f)
	return f
}

// replicas are facts of so many.
func replicas(n int32) *catalog.Facts {
	return edited(facts(serving()), func(f *catalog.Facts) { f.Workload.Wanted = &n })
}

// serving is a container that declares a port.
func serving(edits ...func(*catalog.Container)) catalog.Container {
	c := catalog.Container{Name: "main", Image: "shop/web:1.2", Ports: []catalog.ContainerPort{{Name: "http", Number: 8080, Protocol: "TCP"}}}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

// silent is a container without ports.
func silent(edits ...func(*catalog.Container)) catalog.Container {
	return serving(append([]func(*catalog.Container){func(c *catalog.Container) { c.Ports = nil }}, edits...)...)
}

func named(name string) func(*catalog.Container) {
	return func(c *catalog.Container) { c.Name = name }
}

func role(role catalog.ContainerRole) func(*catalog.Container) {
	return func(c *catalog.Container) { c.Role = role }
}

func live(p *catalog.Probe) func(*catalog.Container) {
	return func(c *catalog.Container) { c.Liveness = p }
}

func ready(p *catalog.Probe) func(*catalog.Container) {
	return func(c *catalog.Container) { c.Readiness = p }
}

func started(p *catalog.Probe) func(*catalog.Container) {
	return func(c *catalog.Container) { c.Startup = p }
}

// probe has the defaults of Kubernetes.
func probe(handler catalog.ProbeHandler, edits ...func(*catalog.Probe)) *catalog.Probe {
	p := &catalog.Probe{Handler: handler, Period: 10, Timeout: 1, SuccessThreshold: 1, FailureThreshold: 3}
	for _, edit := range edits {
		edit(p)
	}
	return p
}

func get(port, path string, edits ...func(*catalog.Probe)) *catalog.Probe {
	return probe(catalog.ProbeHTTP, append([]func(*catalog.Probe){func(p *catalog.Probe) {
		p.Port, p.Path, p.Scheme = port, path, "HTTP"
	}}, edits...)...)
}

func tcp(port string) *catalog.Probe {
	return probe(catalog.ProbeTCP, func(p *catalog.Probe) { p.Port = port })
}

func grpc(port, service string) *catalog.Probe {
	return probe(catalog.ProbeGRPC, func(p *catalog.Probe) { p.Port, p.Service = port, service })
}

func run(command string, calls ...string) *catalog.Probe {
	return probe(catalog.ProbeExec, func(p *catalog.Probe) { p.Command, p.Calls = command, calls })
}

func timed(delay, period, timeout, failures int32) func(*catalog.Probe) {
	return func(p *catalog.Probe) {
		p.InitialDelay, p.Period, p.Timeout, p.FailureThreshold = delay, period, timeout, failures
	}
}

func host(name string) func(*catalog.Probe) { return func(p *catalog.Probe) { p.Host = name } }

// service leads to the targets by ports from 80 up.
func service(name string, targets ...string) catalog.Service {
	s := catalog.Service{Namespace: "shop", Name: name, Type: "ClusterIP", Location: "service.yaml", Line: 9}
	for i, target := range targets {
		s.Ports = append(s.Ports, catalog.ServicePort{Port: int32(80 + i), Target: target, Protocol: "TCP"})
	}
	return s
}

func behind(services ...catalog.Service) func(*catalog.Facts) {
	return func(f *catalog.Facts) { f.Services = services }
}

// judgement is a case of a check: want is its results as "container OUTCOME SEVERITY", the severity where it is FAIL, by
// container; "; " between them.
type judgement struct {
	facts  *catalog.Facts
	others []*catalog.Facts // of other workloads of the entity
	tier   int
	policy health.Policy
	want   string
	says   string // a part of the first message
}

// judge runs the cases of one check.
func judge(t *testing.T, check string, cases map[string]judgement) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Helper()
			var lines []string
			for _, r := range resultsOf(t, check, c) {
				line := r.Container + " " + r.Outcome.String()
				if r.Outcome == graph.OutcomeFail {
					line += " " + r.Severity.String()
				}
				if len(lines) == 0 && !strings.Contains(r.Message, c.says) {
					t.Errorf("the message is %q, which does not say %q", r.Message, c.says)
				}
				if r.Message == "" {
					t.Error("a result says nothing")
				}
				lines = append(lines, strings.TrimSpace(line))
			}
			if diff := gocmp.Diff(c.want, strings.Join(lines, "; ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func resultsOf(t *testing.T, check string, c judgement) []health.Result {
	t.Helper()
	w := &world{}
	e := w.entity("component:shop/web")
	if c.tier > 0 {
		e.Annotations = map[string]string{catalog.AnnotationTier: fmt.Sprint(c.tier)}
	}
	for i, f := range append([]*catalog.Facts{c.facts}, c.others...) {
		on := w.entity(catalog.NewRef("workload", "shop", fmt.Sprintf("prod.deployment.web-%d", i)))
		on.Found, on.Facts = true, f
		w.relate(e.Ref, catalog.RunsOn, on.Ref, "production")
	}
	j, err := health.NewJudge(c.policy)
	if err != nil {
		t.Fatal(err)
	}
	s, err := j.One(w.snapshot(), e.Ref, "", noon)
	if err != nil {
		t.Fatal(err)
	}
	var results []health.Result
	for _, r := range s.Results {
		if r.Check.ID == check && strings.HasSuffix(string(r.Workload), "-0") {
			results = append(results, r)
		}
	}
	return results
}
