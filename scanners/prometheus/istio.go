package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// istioMetrics is an expression for the names of the metrics that are read.
const istioMetrics = "istio_requests_total|istio_request_duration_milliseconds(_bucket)?|" +
	"istio_tcp_(connections_(opened|closed)|(sent|received)_bytes)_total"

// istioStep is coarser than that of service graphs: there are many more series, and a proxy that begins anew is mostly a
// new pod, with series of its own.
const istioStep = 15 * time.Minute

// istioEnds are the labels for who calls whom, as the reporter of the series saw it.
func istioEnds() []string {
	return []string{
		"reporter", "source_cluster", "source_workload_namespace", "source_workload",
		"destination_cluster", "destination_workload_namespace", "destination_workload",
		"destination_service", "destination_service_name",
	}
}

// reporters in the order of whom to believe: the proxy of the caller sees what never arrives; a waypoint stands between
// the two; that of the callee is asked where nobody else saw the calls.
var reporters = []string{"source", "waypoint", "destination"}

// meshEdge is an edge as each of the reporters saw it.
type meshEdge struct {
	from, to catalog.Alias
	byHTTP   bool
	sides    map[string]*traffic.Flow
}

type mesh struct {
	*hour
	counts *traffic.Counts
	edges  map[[2]catalog.Alias]*meshEdge
	// behind lists what works behind the hosts of services, so that calls that reached none of it are known to have been meant for it.
	behind map[string]map[catalog.Alias]bool
	lost   map[string]map[string]float64 // by reason and reporter
}

// istio counts one hour.
func istio(ctx context.Context, h *hour) (*traffic.Counts, error) {
	m := &mesh{
		hour: h, counts: new(traffic.Counts), edges: make(map[[2]catalog.Alias]*meshEdge),
		behind: make(map[string]map[catalog.Alias]bool), lost: make(map[string]map[string]float64),
	}
	if err := m.requests(ctx); err != nil {
		return nil, err
	}
	if err := m.connections(ctx); err != nil {
		return nil, err
	}
	m.settle()
	return m.counts, nil
}

// requests counts HTTP and gRPC.
func (m *mesh) requests(ctx context.Context) error {
	const metric = "istio_requests_total"
	if !m.has(metric) {
		return nil
	}
	rows, err := m.increase(ctx, metric, metric, istioStep, append(istioEnds(), "request_protocol", "response_code", "grpc_response_status", "response_flags"))
	if err != nil {
		return err
	}
	m.learn(rows)
	for _, r := range rows {
		flow := m.flow(r, true)
		if flow == nil {
			continue
		}
		flow.Requests += r.value
		if failed(r.labels) {
			flow.Errors += r.value
		}
		if protocol := string(r.labels["request_protocol"]); protocol == "http" || protocol == "grpc" {
			flow.Protocol = protocol
		}
	}
	const duration = "istio_request_duration_milliseconds"
	if m.first(duration, duration+"_bucket") == "" {
		return nil
	}
	sketches, err := m.latency(ctx, duration, metric, time.Millisecond, istioEnds())
	if errors.Is(err, polled.ErrTooLarge) {
		m.tell("latency-too-large", fmt.Sprintf("how long requests took is not read, as %s has too many series", duration), "")
		return nil
	}
	if err != nil {
		return err
	}
	done := make(map[model.Fingerprint]bool)
	for _, r := range rows {
		ends := make(model.Metric)
		for _, label := range istioEnds() {
			if value, ok := r.labels[model.LabelName(label)]; ok {
				ends[model.LabelName(label)] = value
			}
		}
		key := ends.Fingerprint()
		if sketch := sketches[key]; sketch != nil && !done[key] {
			done[key] = true
			if flow := m.flow(row{labels: ends}, true); flow != nil {
				flow.Latency.Merge(sketch)
			}
		}
	}
	return nil
}

// connections counts what is neither HTTP nor gRPC. Connections that were opened are its requests; one that was opened before
// and still carries something shows the edge.
func (m *mesh) connections(ctx context.Context) error {
	const opened = "istio_tcp_connections_opened_total"
	for _, part := range []struct {
		metric, matchers string
		add              func(flow *traffic.Flow, n float64)
	}{
		{opened, "", func(flow *traffic.Flow, n float64) { flow.Requests += n }},
		{
			"istio_tcp_connections_closed_total", fmt.Sprintf("{response_flags=~%q}", "(.*,)?("+strings.Join(failureFlags, "|")+")(,.*)?"),
			func(flow *traffic.Flow, n float64) { flow.Errors += n },
		},
		{"istio_tcp_sent_bytes_total", "", func(*traffic.Flow, float64) {}},
		{"istio_tcp_received_bytes_total", "", func(*traffic.Flow, float64) {}},
	} {
		if !m.has(part.metric) {
			continue
		}
		rows, err := m.increase(ctx, part.metric+part.matchers, part.metric, istioStep, istioEnds())
		if err != nil {
			return err
		}
		m.learn(rows)
		for _, r := range rows {
			n := r.value
			if part.metric != opened {
				r.value = 0 // what is lost is lost once
			}
			if flow := m.flow(r, false); flow != nil {
				part.add(flow, n)
			}
		}
	}
	return nil
}

// learn notes which workloads are behind the services.
func (m *mesh) learn(rows []row) {
	for _, r := range rows {
		service, workload := string(r.labels["destination_service"]), m.workload(r.labels, "destination")
		if service == "" || workload == "" {
			continue
		}
		if m.behind[service] == nil {
			m.behind[service] = make(map[catalog.Alias]bool)
		}
		m.behind[service][workload] = true
	}
}

// flow is where what a reporter saw of an edge is counted; nil where an end is not known, which is noted.
func (m *mesh) flow(r row, byHTTP bool) *traffic.Flow {
	reporter := string(r.labels["reporter"])
	from := m.workload(r.labels, "source")
	if from == "" {
		if !isProxy(string(r.labels["source_workload"])) {
			m.lose(traffic.LostMissingParent, reporter, r.value)
		}
		return nil
	}
	to := m.callee(r.labels)
	switch to {
	case "":
		m.lose(traffic.LostUnmatchedClient, reporter, r.value)
		return nil
	case from:
		m.lose(traffic.LostSelfCall, reporter, r.value)
		return nil
	}
	key := [2]catalog.Alias{from, to}
	e := m.edges[key]
	if e == nil {
		e = &meshEdge{from: from, to: to, byHTTP: byHTTP, sides: make(map[string]*traffic.Flow)}
		m.edges[key] = e
	}
	if e.byHTTP && !byHTTP {
		return nil // the connection that carried the requests
	}
	if e.sides[reporter] == nil {
		e.sides[reporter] = &traffic.Flow{Protocol: "tcp"}
		if byHTTP {
			e.sides[reporter].Protocol = "http"
		}
	}
	return e.sides[reporter]
}

func (m *mesh) lose(reason, reporter string, n float64) {
	if m.lost[reason] == nil {
		m.lost[reason] = make(map[string]float64)
	}
	m.lost[reason][reporter] += n
}

// settle takes of each edge what the reporter saw that is to be believed.
func (m *mesh) settle() {
	first, last := polled.Seen(m.from, m.end, m.now)
	for _, e := range m.edges {
		for _, reporter := range reporters {
			flow := e.sides[reporter]
			if flow == nil {
				continue
			}
			flow.First, flow.Last = first, last
			flow.Errors = min(flow.Errors, flow.Requests)
			*m.counts.Flow(traffic.FlowKey{From: e.from, To: e.to, Way: traffic.Call}) = *flow
			break
		}
	}
	for reason, sides := range m.lost {
		most := 0.0
		for _, n := range sides {
			most = max(most, n)
		}
		m.counts.Lose(reason, uint64(math.Round(most)))
	}
}

// isProxy says whether the workload is a part of an ambient mesh, and nobody's caller or callee.
func isProxy(workload string) bool { return workload == "waypoint" || workload == "ztunnel" }

func isUnknown(s string) bool { return s == "" || s == "unknown" }

// workload is the source or destination by what runs it; "" = it is not known. Istio names no kind of workload: most are
// Deployments.
func (m *mesh) workload(labels model.Metric, side string) catalog.Alias {
	of := func(label string) string { return string(labels[model.LabelName(side+"_"+label)]) }
	name, namespace := of("workload"), of("workload_namespace")
	if isUnknown(name) || isUnknown(namespace) || isProxy(name) {
		return ""
	}
	return m.reader.workload(of("cluster"), namespace, "deployment", name)
}

// workload is the alias of a workload in a cluster as the metrics name it.
func (r *Reader) workload(cluster, namespace, kind, name string) catalog.Alias {
	const istioDefault = "Kubernetes"
	if translated, ok := r.config.Clusters[cluster]; ok {
		cluster = translated
	} else if isUnknown(cluster) || cluster == istioDefault {
		cluster = r.config.Cluster
		if cluster == "" {
			cluster = istioDefault
		}
	}
	return polled.Alias(catalog.WorldKubernetes, strings.Join([]string{cluster, namespace, kind, name}, "/"))
}

// callee is whom a call was meant for: the workload that took it, else the only one that takes those of the service, else the
// service, a Kubernetes one or a host outside. Where the mesh lets everything pass that it does not know, or nothing, the
// names it has for that stand for any number of hosts; an address alone is that of a pod which the proxy did not know yet.
func (m *mesh) callee(labels model.Metric) catalog.Alias {
	if workload := m.workload(labels, "destination"); workload != "" {
		return workload
	}
	service := strings.TrimSuffix(string(labels["destination_service"]), ".")
	if behind := m.behind[service]; len(behind) == 1 {
		for workload := range behind {
			return workload
		}
	}
	if isUnknown(service) || strings.HasSuffix(service, "Cluster") {
		return ""
	}
	if host, _, err := net.SplitHostPort(service); err == nil {
		service = host
	}
	service = strings.TrimPrefix(service, "*.")
	if net.ParseIP(strings.Trim(service, "[]")) != nil || !strings.Contains(service, ".") {
		return ""
	}
	if alias := polled.Alias(catalog.WorldDNS, service); alias != "" {
		return alias
	}
	return polled.Alias(catalog.WorldHost, service)
}

// failureFlags say that Envoy could not get an answer of the callee: no healthy upstream, failed, reset, overflowing and
// timed out connections, no route or cluster. Others tell what the caller did, or which rule turned it away.
var failureFlags = []string{"UH", "UF", "UO", "UC", "UT", "URX", "UR", "LR", "LH", "NR", "NC", "UPE", "UMSDR", "DT", "SI"}

// failed says whether the requests of a series failed: no answer (0), a 5xx, a gRPC status that says that the callee is at
// fault, or a flag.
func failed(labels model.Metric) bool {
	code := string(labels["response_code"])
	if code == "0" || len(code) == 3 && code[0] == '5' {
		return true
	}
	switch string(labels["grpc_response_status"]) {
	case "2", "4", "12", "13", "14", "15": // unknown, deadline, unimplemented, internal, unavailable, data loss
		return true
	}
	for flag := range strings.SplitSeq(string(labels["response_flags"]), ",") {
		for _, failure := range failureFlags {
			if flag == failure {
				return true
			}
		}
	}
	return false
}
