package spans_test

import (
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// names are those of attributes that a span may have, some of which mean nothing.
var names = strings.Fields(`
	service.peer.name peer.service service.peer.namespace server.address net.peer.name net.sock.peer.name peer.hostname
	server.port net.peer.port peer.port network.peer.address net.sock.peer.addr net.peer.ip peer.ipv4 network.peer.port
	net.sock.peer.port url.full http.url http.host db.system.name db.system db.namespace db.name db.cassandra.keyspace db.instance
	db.redis.database_index aws.dynamodb.table_names aws.table.name db.collection.name db.connection_string
	db.operation.name db.operation rpc.system.name rpc.system rpc.method rpc.service rpc.response.status_code
	rpc.grpc.status_code rpc.connect_rpc.error_code grpc.status_code http.request.method http.method http.route url.template
	http.response.status_code http.status_code messaging.system messaging.destination.name messaging.destination
	messaging.source.name message_bus.destination messaging.destination.template messaging.operation.type
	messaging.operation.name messaging.operation messaging.rabbitmq.destination.routing_key messaging.rabbitmq.routing_key
	messaging.batch.message_count error d db db. m messaging. url.path user_agent.original thread.id`)

var resourceNames = strings.Fields(`
	service.name service.namespace deployment.environment.name deployment.environment k8s.cluster.name k8s.namespace.name
	k8s.deployment.name k8s.statefulset.name k8s.daemonset.name k8s.cronjob.name k8s.job.name k8s.pod.name cloud.resource_id
	faas.id cloud.platform host.name k8s.pod.uid`)

func randomTraces(rng *rand.Rand) ptrace.Traces {
	traces := ptrace.NewTraces()
	for range rng.Intn(4) {
		resourceSpans := traces.ResourceSpans().AppendEmpty()
		randomAttributes(rng, resourceSpans.Resource().Attributes(), resourceNames)
		for range rng.Intn(3) {
			scopeSpans := resourceSpans.ScopeSpans().AppendEmpty()
			scopeSpans.Scope().SetName("scope")
			for range rng.Intn(6) {
				randomSpan(rng, scopeSpans.Spans().AppendEmpty())
			}
		}
	}
	return traces
}

func randomSpan(rng *rand.Rand, span ptrace.Span) {
	some := func() bool { return rng.Intn(4) > 0 }
	if some() {
		span.SetTraceID(randomTraceID(rng))
	}
	if some() {
		span.SetSpanID(randomSpanID(rng))
	}
	if some() {
		span.SetParentSpanID(randomSpanID(rng))
	}
	if some() {
		span.SetName(randomText(rng))
	}
	if some() {
		span.SetKind(ptrace.SpanKind(rng.Intn(8)))
		span.Status().SetCode(ptrace.StatusCode(rng.Intn(4)))
	}
	if some() {
		span.SetStartTimestamp(pcommon.Timestamp(rng.Uint64()))
		span.SetEndTimestamp(pcommon.Timestamp(rng.Uint64()))
		span.SetFlags(rng.Uint32())
	}
	if rng.Intn(4) == 0 {
		span.TraceState().FromRaw("ot=th:c")
		for range rng.Intn(3) {
			link := span.Links().AppendEmpty()
			link.SetTraceID(randomTraceID(rng))
			link.SetSpanID(randomSpanID(rng))
			link.Attributes().PutStr("server.address", "of the link")
		}
		span.Events().AppendEmpty().Attributes().PutStr("server.address", "of the event")
	}
	randomAttributes(rng, span.Attributes(), names)
}

func randomAttributes(rng *rand.Rand, into pcommon.Map, names []string) {
	for range rng.Intn(16) {
		randomValue(rng, into.PutEmpty(names[rng.Intn(len(names))]), 2)
	}
}

func randomValue(rng *rand.Rand, into pcommon.Value, depth int) {
	switch rng.Intn(12) {
	case 0:
		into.SetBool(rng.Intn(2) == 0)
	case 1, 2:
		into.SetInt(int64(rng.Intn(2000) - 100))
	case 3:
		into.SetInt(int64(rng.Uint64()))
	case 4:
		into.SetDouble(float64(rng.Intn(600)))
	case 5:
		into.SetDouble([]float64{math.NaN(), math.Inf(1), 0.5, -1, 1e300, math.Copysign(0, -1)}[rng.Intn(6)])
	case 6:
		if depth > 0 {
			slice := into.SetEmptySlice()
			for range rng.Intn(3) {
				randomValue(rng, slice.AppendEmpty(), 0)
			}
		}
	case 7:
		into.SetEmptyMap().PutStr("server.address", "of the map")
	case 8:
		into.SetEmptyBytes().FromRaw([]byte("bytes"))
	default:
		into.SetStr(randomText(rng))
	}
}

func randomText(rng *rand.Rand) string {
	switch rng.Intn(12) {
	case 0:
		return ""
	case 1:
		return fmt.Sprint(rng.Intn(100000))
	case 2:
		return []string{"NOT_FOUND", "not_found", "true", "TRUE", "False", "aws_lambda", "aws_ec2"}[rng.Intn(7)]
	case 3:
		return strings.Repeat("é", spans.MaxText/2-2+rng.Intn(4)) + "x"
	case 4:
		return "no UTF-8: \xff\xfe" + strings.Repeat("\xf0", rng.Intn(1000))
	case 5:
		return strings.Repeat("long", 100+rng.Intn(1000))
	case 6:
		return "bank.v1.Accounts/Get"
	default:
		return string(rune('a' + rng.Intn(26)))
	}
}

func randomTraceID(rng *rand.Rand) (id pcommon.TraceID) {
	rng.Read(id[:])
	return id
}

func randomSpanID(rng *rand.Rand) (id pcommon.SpanID) {
	rng.Read(id[:])
	return id
}

func marshal(t testing.TB, traces ptrace.Traces) []byte {
	t.Helper()
	request, err := ptraceotlp.NewExportRequestFromTraces(traces).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// damage is the request with something wrong.
func damage(rng *rand.Rand, request []byte) []byte {
	damaged := append([]byte(nil), request...)
	if len(damaged) == 0 {
		return damaged
	}
	switch rng.Intn(4) {
	case 0:
		return damaged[:rng.Intn(len(damaged))]
	case 1:
		at := rng.Intn(len(damaged))
		return append(damaged[:at:at], damaged[min(at+1+rng.Intn(3), len(damaged)):]...)
	default:
		for range 1 + rng.Intn(3) {
			damaged[rng.Intn(len(damaged))] ^= 1 << rng.Intn(8)
		}
		return damaged
	}
}

func newReader() *spans.Reader { return spans.NewReader(spans.NewResources(1 << 20)) }
