package health

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Endpoint is a health endpoint that a container declares for a probe, as it can be reached from within its cluster.
type Endpoint struct {
	Workload  catalog.Ref
	Container string
	Purpose   string // READINESS or LIVENESS
	Handler   catalog.ProbeHandler
	Host      string // of a Service: name.namespace.svc
	Port      int32  // to connect to
	Path      string // of HTTP, with a slash before it, and the query
	Scheme    string // of HTTP: "HTTP" or "HTTPS"
	Service   string // of GRPC
	Timeout   time.Duration
}

// Endpoints lists the health endpoints of a cluster that a Service leads to, by workload, container and purpose. Where a
// Service leads to other workloads as well, nobody could tell which one answers, so it is passed over; so is a probe that
// asks another host, or with a value that is not known here.
func Endpoints(s *graph.Snapshot, cluster string) []Endpoint {
	var workloads []*catalog.Entity
	shared := map[[2]string]int{} // how many workloads a Service leads to, by namespace and name
	for entity := range s.Entities("workload:") {
		if entity.Ref.Kind() != "workload" {
			break
		}
		if !isWorkload(entity) || !strings.EqualFold(entity.Facts.Workload.Cluster, cluster) {
			continue
		}
		workloads = append(workloads, entity)
		for i := range entity.Facts.Services {
			shared[serviceKey(&entity.Facts.Services[i])]++
		}
	}
	var endpoints []Endpoint
	for _, entity := range workloads {
		services := slices.DeleteFunc(slices.Clone(entity.Facts.Services), func(service catalog.Service) bool {
			return shared[serviceKey(&service)] > 1
		})
		for i := range entity.Facts.Workload.Containers {
			c := &entity.Facts.Workload.Containers[i]
			if c.Role == catalog.InitContainer {
				continue
			}
			for _, p := range []purposed{{readiness, c.Readiness}, {liveness, c.Liveness}} {
				if endpoint, ok := endpointOf(services, c, p); ok {
					endpoint.Workload = entity.Ref
					endpoints = append(endpoints, endpoint)
				}
			}
		}
	}
	return endpoints
}

func serviceKey(service *catalog.Service) [2]string {
	return [2]string{service.Namespace, service.Name}
}

func endpointOf(services []catalog.Service, c *catalog.Container, p purposed) (Endpoint, bool) {
	if p.Probe == nil || p.Handler == catalog.ProbeExec || p.Host != "" || strings.Contains(p.Path, "="+catalog.MaskedValue) {
		return Endpoint{}, false
	}
	number, ok := portOf(c, p.Probe)
	if !ok {
		return Endpoint{}, false
	}
	for i := range services {
		service := &services[i]
		port, ok := portBefore(service, c, number)
		if !ok {
			continue
		}
		endpoint := Endpoint{
			Container: c.Name, Purpose: strings.ToUpper(string(p.purpose)), Handler: p.Handler,
			Host: service.Name + "." + service.Namespace + ".svc", Port: port, Service: p.Service,
			Timeout: time.Duration(p.Timeout) * time.Second,
		}
		if p.Handler == catalog.ProbeHTTP {
			endpoint.Path, endpoint.Scheme = requestPath(p.Probe), scheme(p.Probe)
		}
		return endpoint, true
	}
	return Endpoint{}, false
}

// portBefore is the port of a Service by which a port of a container is reached. The name of a headless one stands for the
// pods themselves.
func portBefore(service *catalog.Service, c *catalog.Container, number int32) (int32, bool) {
	if service.Type == "ExternalName" {
		return 0, false
	}
	for _, port := range service.Ports {
		if cmp.Or(port.Protocol, "TCP") != "TCP" {
			continue
		}
		target, err := strconv.ParseInt(port.Target, 10, 32)
		named := func(declared catalog.ContainerPort) bool {
			return declared.Name == port.Target && declared.Number == number
		}
		switch {
		case err == nil && int32(target) != number:
		case err != nil && !slices.ContainsFunc(c.Ports, named):
		case service.Headless:
			return number, true
		default:
			return port.Port, true
		}
	}
	return 0, false
}
