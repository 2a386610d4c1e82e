package resolve

import (
	"context"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/schema/gen"
)

func (entityResolver) Workloads(ctx context.Context, e *catalog.Entity, environment *string, first *int, after *string,
) (*gen.EntityConnection, error) {
	var refs []catalog.Ref
	out, _ := snapshotOf(ctx).Relations(e.Ref)
	for edge := range out {
		holds := environment == nil || edge.Environment == "" || edge.Environment == *environment
		if edge.Type == catalog.RunsOn && edge.To.Kind() == "workload" && holds {
			refs = append(refs, edge.To)
		}
	}
	slices.Sort(refs)
	return refsPage(ctx, slices.Compact(refs), first, after)
}

func (entityResolver) RunsOn(ctx context.Context, e *catalog.Entity, first *int, after *string) (*gen.EntityConnection, error) {
	return refsPage(ctx, targets(ctx, e.Ref, catalog.RunsOn), first, after)
}

func (entityResolver) Runs(ctx context.Context, e *catalog.Entity, first *int, after *string) (*gen.EntityConnection, error) {
	return refsPage(ctx, subjects(ctx, e.Ref, catalog.RunsOn), first, after)
}

func (entityResolver) Node(_ context.Context, e *catalog.Entity) (*gen.KubernetesNode, error) {
	if e.Facts == nil || e.Facts.Node == nil {
		return nil, nil
	}
	n := e.Facts.Node
	return &gen.KubernetesNode{
		Cluster: n.Cluster, Name: n.Name, Zone: known(n.Zone), Region: known(n.Region), Ready: n.Ready,
	}, nil
}

func (entityResolver) Workload(_ context.Context, e *catalog.Entity) (*gen.Workload, error) {
	if e.Facts == nil || e.Facts.Workload == nil {
		return nil, nil
	}
	f, w := e.Facts, e.Facts.Workload
	shown := &gen.Workload{
		Cluster: w.Cluster, Namespace: w.Namespace, Kind: w.Kind, Name: w.Name, Version: known(w.Version),
		Replicas: &gen.Replicas{
			Wanted: number(w.Wanted), Ready: number(w.Ready), Nodes: known(int(w.Nodes)), Zones: known(int(w.Zones)),
		},
		Recreate: w.Recreate, HostNetwork: w.HostNetwork, GracePeriodSeconds: known(int(w.GracePeriod)),
		Spread: each(w.Spread, spread), Containers: each(w.Containers, container), Services: each(f.Services, service),
		Routes: each(f.Routes, route), Autoscalers: pointersOf(f.Autoscalers), Budgets: each(f.Budgets, budgetOf),
		Probed: each(f.Probed, probed), Logs: each(f.Logs, logSample),
	}
	if e.Found && e.Origin != nil {
		shown.Environment = known(e.Origin.Environment)
	}
	return shown, nil
}

// each shows all elements of a list.
func each[T, S any](list []T, show func(*T) *S) []*S {
	shown := make([]*S, len(list))
	for i := range list {
		shown[i] = show(&list[i])
	}
	return shown
}

func pointersOf[T any](list []T) []*T { return each(list, func(element *T) *T { return element }) }

func number(n *int32) *int {
	if n == nil {
		return nil
	}
	wide := int(*n)
	return &wide
}

// textsOf is a list, never null.
func textsOf(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func spread(s *catalog.Spread) *gen.Spread {
	return &gen.Spread{TopologyKey: s.TopologyKey, Required: s.Required, MaxSkew: known(int(s.MaxSkew))}
}

func container(c *catalog.Container) *gen.Container {
	return &gen.Container{
		Name: c.Name, Image: known(c.Image), Role: c.Role, Line: known(int(c.Line)),
		Ports: each(c.Ports, func(p *catalog.ContainerPort) *gen.ContainerPort {
			return &gen.ContainerPort{Name: known(p.Name), Number: int(p.Number), Protocol: known(p.Protocol)}
		}),
		Liveness: probe(c.Liveness), Readiness: probe(c.Readiness), Startup: probe(c.Startup),
	}
}

func probe(p *catalog.Probe) *gen.Probe {
	if p == nil {
		return nil
	}
	return &gen.Probe{
		Handler: p.Handler, Port: known(p.Port), Path: known(p.Path), Scheme: known(p.Scheme), Host: known(p.Host),
		Headers: textsOf(p.Headers), Service: known(p.Service), Command: known(p.Command), Calls: textsOf(p.Calls),
		InitialDelaySeconds: int(p.InitialDelay), PeriodSeconds: int(p.Period), TimeoutSeconds: int(p.Timeout),
		SuccessThreshold: int(p.SuccessThreshold), FailureThreshold: int(p.FailureThreshold), Line: known(int(p.Line)),
	}
}

func service(s *catalog.Service) *gen.KubernetesService {
	return &gen.KubernetesService{
		Namespace: s.Namespace, Name: s.Name, Type: known(s.Type), Headless: s.Headless,
		Ports: each(s.Ports, func(p *catalog.ServicePort) *gen.ServicePort {
			return &gen.ServicePort{
				Name: known(p.Name), Port: int(p.Port), Target: known(p.Target), Protocol: known(p.Protocol),
				AppProtocol: known(p.AppProtocol),
			}
		}),
		ReadyEndpoints: number(s.ReadyEndpoints), PublishNotReady: s.PublishNotReady, Location: known(s.Location),
		Line: known(int(s.Line)),
	}
}

func route(r *catalog.Route) *gen.Route {
	return &gen.Route{
		Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Hosts: textsOf(r.Hosts), Paths: textsOf(r.Paths),
		Services: textsOf(r.Services), Location: known(r.Location), Line: known(int(r.Line)),
	}
}

func budgetOf(b *catalog.DisruptionBudget) *gen.DisruptionBudget {
	return &gen.DisruptionBudget{Name: b.Name, MinAvailable: known(b.MinAvailable), MaxUnavailable: known(b.MaxUnavailable)}
}

func probed(p *catalog.ProbeResult) *gen.ProbeResult {
	return &gen.ProbeResult{
		Container: p.Container, Purpose: p.Purpose, Endpoint: p.Endpoint, Healthy: p.Healthy, Failures: textsOf(p.Failures),
		Status: known(int(p.Status)), LatencyUnderMillis: known(int(p.LatencyUnder)),
	}
}

func logSample(l *catalog.LogSample) *gen.LogSample {
	return &gen.LogSample{
		Container: l.Container, Format: known(l.Format), Missing: textsOf(l.Missing), Unreadable: known(l.Unreadable),
	}
}
