package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/databases"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// serviceGraphMetrics is an expression for all names under which service graphs are counted: with the unit and the type as
// Prometheus adds them, and without, as some exporters keep them.
const serviceGraphMetrics = "traces_service_graph_request(_failed)?(_total){0,2}|" +
	"traces_service_graph_request_(client|server)(_seconds|_milliseconds)?(_bucket)?"

const graphPrefix = "traces_service_graph_request"

// The labels of a service graph: those of the edge, and what is told of either side where the maker of the metrics was
// configured to tell it ("dimensions").
var (
	edgeLabels      = []string{"client", "server", "connection_type", "virtual_node", "source"}
	sideLabels      = slices.Concat(namespaceLabels, clusterLabels, kubernetesNamespaceLabels, workloadLabels(), environmentLabels)
	calledLabels    = slices.Concat(systemLabels, databaseLabels, addressLabels, portLabels, brokerLabels, destinationLabels)
	namespaceLabels = []string{"service_namespace", "namespace"} // the latter by Beyla

	clusterLabels             = []string{"k8s_cluster_name", "k8s_cluster"}
	kubernetesNamespaceLabels = []string{"k8s_namespace_name", "k8s_namespace"}
	environmentLabels         = []string{"deployment_environment_name", "deployment_environment"}

	systemLabels      = []string{"db_system_name", "db_system"}
	databaseLabels    = []string{"db_namespace", "db_name"}
	addressLabels     = []string{"server_address", "net_peer_name", "network_peer_address", "net_peer_ip"}
	portLabels        = []string{"server_port", "net_peer_port", "network_peer_port"}
	brokerLabels      = []string{"messaging_system"}
	destinationLabels = []string{"messaging_destination_name", "messaging_destination"}
)

func workloadLabels() []string {
	var labels []string
	for _, kind := range catalog.WorkloadKinds() {
		labels = append(labels, "k8s_"+kind+"_name")
	}
	return labels
}

// graphLabels are those that edges are told apart by.
func graphLabels() []string {
	labels := slices.Clone(edgeLabels)
	for _, side := range []string{"client_", "server_"} {
		for _, label := range slices.Concat(sideLabels, calledLabels) {
			labels = append(labels, side+label)
		}
	}
	// Tempo leaves the side away unless it is told to name it.
	return append(labels, slices.Concat(systemLabels, databaseLabels, brokerLabels, destinationLabels)...)
}

// graphEdge is an edge by its labels.
type graphEdge struct {
	labels           model.Metric
	requests, errors float64
	latency          *traffic.Sketch
}

// serviceGraph counts one hour. What several observers of the same calls tell (Beyla beside Tempo) is not added up: of
// each edge the one that saw most counts.
func serviceGraph(ctx context.Context, h *hour) (*traffic.Counts, error) {
	var all *traffic.Counts
	for _, total := range []string{graphPrefix + "_total", graphPrefix, graphPrefix + "_total_total"} {
		if !h.has(total) {
			continue
		}
		edges, err := h.graphEdges(ctx, total)
		if err != nil {
			return nil, err
		}
		observers := make(map[model.LabelValue]*traffic.Counts)
		for _, e := range edges {
			source := e.labels["source"]
			if observers[source] == nil {
				observers[source] = new(traffic.Counts)
			}
			h.count(observers[source], e)
		}
		for _, counts := range observers {
			all = larger(all, counts)
		}
	}
	return all, nil
}

// graphEdges are those of which the metric grew.
func (h *hour) graphEdges(ctx context.Context, total string) ([]*graphEdge, error) {
	const step = time.Minute
	by := graphLabels()
	requests, err := h.increase(ctx, total, total, step, by)
	if err != nil {
		return nil, err
	}
	// The connector of OpenTelemetry tells failed requests apart by a label as well.
	failing := `{failed="true"}`
	failed := h.first(strings.Replace(total, "_request", "_request_failed", 1), graphPrefix+"_failed_total", graphPrefix+"_failed")
	if failed != "" {
		failing = ""
	} else {
		failed = total
	}
	failures, err := h.increase(ctx, failed+failing, total, step, by)
	if err != nil {
		return nil, err
	}
	edges := make(map[model.Fingerprint]*graphEdge, len(requests))
	var list []*graphEdge
	for _, r := range requests {
		e := &graphEdge{labels: r.labels, requests: r.value}
		edges[r.labels.Fingerprint()] = e
		list = append(list, e)
	}
	for _, r := range failures {
		if e := edges[r.labels.Fingerprint()]; e != nil {
			e.errors = min(r.value, e.requests)
		}
	}
	// As the caller sees it, else the callee.
	for _, side := range []string{"client", "server"} {
		if err := h.graphLatency(ctx, side, total, by, edges); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// graphLatency gives those edges a latency that have none. An answer that is too large costs the latency, not the edges.
func (h *hour) graphLatency(ctx context.Context, side, total string, by []string, edges map[model.Fingerprint]*graphEdge) error {
	histograms := []struct {
		name string
		unit time.Duration
	}{{"_seconds", time.Second}, {"", time.Second}, {"_milliseconds", time.Millisecond}}
	for _, histogram := range histograms {
		name := graphPrefix + "_" + side + histogram.name
		if h.first(name, name+"_bucket") == "" {
			continue
		}
		sketches, err := h.latency(ctx, name, total, histogram.unit, by)
		if errors.Is(err, polled.ErrTooLarge) {
			h.tell("latency-too-large", fmt.Sprintf("how long calls took is not read, as %s has too many series", name), "")
			continue
		}
		if err != nil {
			return err
		}
		for key, sketch := range sketches {
			if e := edges[key]; e != nil && e.latency == nil && !sketch.Empty() {
				e.latency = sketch
			}
		}
	}
	return nil
}

// count adds an edge.
func (h *hour) count(counts *traffic.Counts, e *graphEdge) {
	client, server := h.side(e.labels, "client"), h.side(e.labels, "server")
	kind := e.labels["connection_type"]
	n := uint64(e.requests + 0.5)
	first, last := polled.Seen(h.from, h.end, h.now)
	environment := client.environment
	if environment == "" {
		environment = server.environment
	}
	flow := func(from, to catalog.Alias, way traffic.Way) *traffic.Flow {
		if from == to {
			counts.Lose(traffic.LostSelfCall, n)
			return new(traffic.Flow)
		}
		f := counts.Flow(traffic.FlowKey{From: from, To: to, Way: way, Environment: environment})
		f.Requests += e.requests
		f.First, f.Last = first, last
		return f
	}
	about := func(s graphSide) {
		if len(s.aliases) > 0 {
			service := counts.Service(traffic.ServiceKey{Alias: s.alias, Environment: environment})
			service.AddAliases(s.aliases...)
			service.First, service.Last = first, last
		}
	}
	switch {
	case client.nobody && server.nobody, client.nobody && (server.virtual || kind == "database"):
		counts.Lose(traffic.LostNoServiceName, n)
		return
	case client.nobody && kind == "messaging_system":
		counts.Lose(traffic.LostUnlinkedConsumer, n)
		return
	case client.nobody && !client.user:
		counts.Lose(traffic.LostMissingParent, n)
		about(server)
		return
	case client.nobody:
		service := counts.Service(traffic.ServiceKey{Alias: server.alias, Environment: environment})
		service.Requests += e.requests
		service.Errors += e.errors
		service.Entries += e.requests
		service.First, service.Last = first, last
		about(server)
		return
	}
	about(client)
	if broker, topic := e.called(brokerLabels), e.called(destinationLabels); kind == "messaging_system" || broker != "" {
		h.message(counts, e, client, server, polled.Alias(catalog.WorldTopic, broker+":"+topic), flow)
		return
	}
	callee, protocol := server.alias, ""
	system := databases.System(e.called(systemLabels), e.called(systemLabels[:1]) == "")
	if kind == "database" || server.nobody || server.virtual {
		if callee = e.unseen(client.alias, system, string(e.labels["server"])); callee == "" {
			counts.Lose(traffic.LostUnmatchedClient, n)
			return
		}
		protocol = system
	} else {
		about(server)
	}
	f := flow(client.alias, callee, traffic.Call)
	f.Errors += e.errors
	if f.Protocol == "" {
		f.Protocol = protocol
	}
	if e.latency != nil {
		f.Latency.Merge(e.latency)
	}
}

// message counts messages: by the topic where it is known, else from the consumer to the producer, who is needed
// by it, not the other way round as the labels have it.
func (h *hour) message(counts *traffic.Counts, e *graphEdge, producer, consumer graphSide, topic catalog.Alias,
	flow func(from, to catalog.Alias, way traffic.Way) *traffic.Flow,
) {
	received := !consumer.nobody && !consumer.virtual
	switch {
	case topic != "":
		published := flow(producer.alias, topic, traffic.Publish)
		published.Protocol = e.called(brokerLabels)
		if !received {
			published.Errors += e.errors
			return
		}
		consumed := flow(consumer.alias, topic, traffic.Consume)
		consumed.Protocol = e.called(brokerLabels)
		consumed.Errors += e.errors
		if producer.alias != consumer.alias {
			d := counts.Delivery(traffic.DeliveryKey{Consumer: consumer.alias, Topic: topic, Producer: producer.alias})
			d.Messages += e.requests
			d.First, d.Last = polled.Seen(h.from, h.end, h.now)
		}
	case received:
		flow(consumer.alias, producer.alias, traffic.Receive).Errors += e.errors
	default:
		counts.Lose(traffic.LostUnmatchedClient, uint64(e.requests+0.5))
	}
}

// graphSide is the client or the server of an edge.
type graphSide struct {
	alias       catalog.Alias
	aliases     []catalog.Alias // other names
	environment string
	virtual     bool // it sent no telemetry itself
	user        bool // it stands for whoever is outside
	nobody      bool // its name stands for any number of things
}

func (h *hour) side(labels model.Metric, side string) graphSide {
	name := string(labels[model.LabelName(side)])
	of := func(names []string) string { return firstOf(labels, side+"_", names) }
	s := graphSide{
		alias: polled.Service(of(namespaceLabels), name), environment: of(environmentLabels),
		virtual: labels["connection_type"] == "virtual_node" && string(labels["virtual_node"]) == side,
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "user":
		// A service of that name is told from whoever calls from outside by the label, where there is one.
		s.user = side == "client" && (s.virtual || labels["virtual_node"] == "")
		s.nobody = s.user
	case "", "unknown", "unresolved", "incoming", "outgoing":
		s.nobody = true
	}
	s.nobody = s.nobody || s.alias == ""
	if namespace := of(kubernetesNamespaceLabels); namespace != "" && !s.nobody && !s.virtual {
		for _, kind := range catalog.WorkloadKinds() {
			if workload := of([]string{"k8s_" + kind + "_name"}); workload != "" {
				if alias := h.reader.workload(of(clusterLabels), namespace, kind, workload); alias != "" {
					s.aliases = append(s.aliases, alias)
				}
				break
			}
		}
	}
	return s
}

func firstOf(labels model.Metric, prefix string, names []string) string {
	for _, name := range names {
		if value := strings.TrimSpace(string(labels[model.LabelName(prefix+name)])); value != "" {
			return value
		}
	}
	return ""
}

// called is what the labels of either side, or of none, say about what is called.
func (e *graphEdge) called(names []string) string {
	for _, prefix := range []string{"client_", "", "server_"} {
		if value := firstOf(e.labels, prefix, names); value != "" {
			return value
		}
	}
	return ""
}

// unseen names a callee that sent no telemetry: a database by its host, port and name, never by its system alone; what has
// the name of a host by that; anything else by the name that somebody gave it. "" = nothing identifies it. The caller's own
// host is another one for each caller.
func (e *graphEdge) unseen(caller catalog.Alias, system, name string) catalog.Alias {
	address, port := firstOf(e.labels, "client_", addressLabels), firstOf(e.labels, "client_", portLabels)
	if address == "" {
		switch strings.ToLower(name) {
		case "", "unknown", "unresolved", "incoming", "outgoing":
			return ""
		}
		if databases.IsProduct(name) {
			return ""
		}
		host, ofHost, ok := hostOf(name)
		switch {
		case ok:
			address, port = host, ofHost
		case system != "":
			return polled.Alias(catalog.WorldDatabase, system+":"+name)
		default:
			return polled.Service("", name)
		}
	}
	if ip := net.ParseIP(address); strings.EqualFold(address, "localhost") || ip != nil && ip.IsLoopback() {
		if system == "" {
			return ""
		}
		address = "localhost@" + strings.TrimPrefix(string(caller), catalog.WorldOTel+":")
	}
	if system != "" {
		return database(system, address, port, e.called(databaseLabels))
	}
	if alias := polled.Alias(catalog.WorldDNS, address); alias != "" {
		return alias
	}
	return polled.Alias(catalog.WorldHost, address)
}

// larger is of two tellings of the same calls, edge by edge, the one that tells more.
func larger(a, b *traffic.Counts) *traffic.Counts {
	if a == nil {
		return b
	}
	for key, flow := range b.Flows {
		if there := a.Flows[key]; there == nil || flow.Requests > there.Requests {
			*a.Flow(key) = *flow
		}
	}
	for key, service := range b.Services {
		there := a.Service(key)
		aliases := there.Aliases
		if service.Entries >= there.Entries {
			*there = *service
		}
		there.AddAliases(aliases...)
		there.AddAliases(service.Aliases...)
	}
	for key, delivery := range b.Deliveries {
		if there := a.Delivery(key); delivery.Messages > there.Messages {
			*there = *delivery
		}
	}
	for reason, n := range b.Lost {
		if n > a.Lost[reason] {
			a.Lose(reason, n-a.Lost[reason])
		}
	}
	return a
}
