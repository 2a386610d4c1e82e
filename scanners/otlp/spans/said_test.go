package spans_test

import (
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// said are attributes, read the slow and plain way: name by name.
type said struct{ pcommon.Map }

// first is the first value of the names, newer ones before older ones, of which use can be made.
func (s said) first(use func(pcommon.Value) bool, names ...string) (rank int) {
	for rank, name := range names {
		for key, value := range s.All() {
			if value.Type() == pcommon.ValueTypeSlice {
				if value.Slice().Len() == 0 {
					continue
				}
				value = value.Slice().At(0)
			}
			if key == name && use(value) {
				return rank
			}
		}
	}
	return -1
}

func (s said) text(names ...string) (said string) {
	s.first(func(value pcommon.Value) bool { said = text(letters(value)); return said != "" }, names...)
	return said
}

func (s said) bytes(names ...string) []byte { return []byte(s.text(names...)) }

func (s said) number(least, most int64, names ...string) (said int) {
	s.first(func(value pcommon.Value) bool {
		n, err := strconv.ParseInt(letters(value), 10, 64)
		if err != nil || n < least || n > most || value.Type() == pcommon.ValueTypeBool {
			return false
		}
		said = int(n)
		return true
	}, names...)
	return said
}

// letters are those of a value as a person would write it.
func letters(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return value.Str()
	case pcommon.ValueTypeInt:
		return strconv.FormatInt(value.Int(), 10)
	case pcommon.ValueTypeBool:
		return strconv.FormatBool(value.Bool())
	case pcommon.ValueTypeDouble:
		if n := value.Double(); n == math.Trunc(n) && math.Abs(n) <= 1<<53 {
			return strconv.FormatFloat(n+0, 'f', 0, 64) // +0 for what would be -0
		}
		return strconv.FormatFloat(value.Double(), 'g', -1, 64)
	default:
		return ""
	}
}

// text is as much of s as is read.
func text(s string) string { return s[:min(len(s), spans.MaxText)] }

func attributesSaid(s said) spans.Attributes {
	a := spans.Attributes{
		PeerService:   s.bytes("service.peer.name", "peer.service"),
		PeerNamespace: s.bytes("service.peer.namespace"),
		ServerAddress: s.bytes("server.address", "net.peer.name", "net.sock.peer.name", "peer.hostname"),
		ServerPort:    uint16(s.number(1, 65535, "server.port", "net.peer.port", "peer.port")),
		NetworkAddress: s.bytes("network.peer.address", "net.sock.peer.addr", "server.socket.address", "net.peer.ip", "peer.ipv4",
			"peer.ipv6"),
		NetworkPort:        uint16(s.number(1, 65535, "network.peer.port", "net.sock.peer.port")),
		URL:                s.bytes("url.full", "http.url", "http.host"),
		DBNamespace:        s.bytes("db.namespace", "db.name", "db.cassandra.keyspace", "db.instance"),
		DBIndex:            s.bytes("db.redis.database_index"),
		DBTable:            s.bytes("aws.dynamodb.table_names", "aws.table.name", "db.collection.name"),
		DBConnectionString: s.bytes("db.connection_string"),
		DBOperation:        s.bytes("db.operation.name", "db.operation"),
		RPCSystem:          s.bytes("rpc.system.name", "rpc.system"),
		RPCMethod:          s.bytes("rpc.method"),
		HTTPMethod:         s.bytes("http.request.method", "http.method"),
		HTTPRoute:          s.bytes("http.route", "url.template"),
		HTTPStatus:         s.number(100, 999, "http.response.status_code", "http.status_code"),
		MessagingSystem:    s.bytes("messaging.system"),
		MessagingDestination: s.bytes("messaging.destination.name", "messaging.destination", "messaging.source.name",
			"message_bus.destination", "messaging.destination.template"),
		MessagingOperation:  s.bytes("messaging.operation.type", "messaging.operation.name", "messaging.operation"),
		MessagingRoutingKey: s.bytes("messaging.rabbitmq.destination.routing_key", "messaging.rabbitmq.routing_key"),
		MessagingBatch:      s.number(1, 1_000_000, "messaging.batch.message_count"),
	}
	rank := s.first(func(value pcommon.Value) bool { a.DBSystem = []byte(text(letters(value))); return len(a.DBSystem) > 0 },
		"db.system.name", "db.system")
	a.DBSystemOld = rank == 1
	s.first(func(value pcommon.Value) bool {
		said := letters(value)
		a.ErrorTag = strings.EqualFold(said, "true") || value.Type() == pcommon.ValueTypeInt && said != "0" ||
			value.Type() == pcommon.ValueTypeDouble && said != "0" && said != "NaN"
		return a.ErrorTag
	}, "error")
	if service := s.text("rpc.service"); service != "" && len(a.RPCMethod) > 0 && !strings.Contains(string(a.RPCMethod), "/") {
		if whole := service + "/" + string(a.RPCMethod); len(whole) <= spans.MaxText {
			a.RPCMethod = []byte(whole)
		}
	}
	s.first(func(value pcommon.Value) bool {
		said := letters(value)
		for code, name := range []string{
			"ok", "cancelled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied",
			"resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable",
			"data_loss", "unauthenticated",
		} {
			if n, err := strconv.Atoi(said); strings.EqualFold(said, name) || err == nil && n == code {
				a.GRPCStatus, a.HasGRPCStatus = code, true
			}
		}
		return a.HasGRPCStatus
	}, "rpc.response.status_code", "rpc.grpc.status_code", "rpc.connect_rpc.error_code", "grpc.status_code")
	return a
}

func resourceSaid(s said) spans.Resource {
	name := func(names ...string) string {
		for _, name := range names {
			if said := s.text(name); said != "" {
				return strings.ToValidUTF8(said[:min(len(said), spans.MaxResourceText)], "\uFFFD")
			}
		}
		return ""
	}
	r := spans.Resource{
		Service: name("service.name"), Namespace: name("service.namespace"),
		Environment: name("deployment.environment.name", "deployment.environment"),
		Cluster:     name("k8s.cluster.name"), KubernetesNamespace: name("k8s.namespace.name"),
	}
	for _, kind := range []string{"deployment", "statefulset", "daemonset", "cronjob", "job", "pod"} {
		if said := name("k8s." + kind + ".name"); said != "" && r.Workload == "" && (kind != "pod" || !made(said)) {
			r.WorkloadKind, r.Workload = kind, said
		}
	}
	if platform := name("cloud.platform"); platform == "" || platform == "aws_lambda" {
		r.Function = name("cloud.resource_id", "faas.id")
	}
	return r
}

// made says whether the name of a pod is one that controllers make.
func made(pod string) bool {
	_, last, found := cutLast(pod, "-")
	number := strings.Trim(last, "0123456789") == "" && len(last) >= 1 && len(last) <= 5
	letters := strings.Trim(last, "bcdfghjklmnpqrstvwxz2456789") == "" && len(last) == 5
	return found && (number || letters)
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}
