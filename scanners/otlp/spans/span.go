// Package spans is what the map needs of a span, whatever format it came in, and the readers that find it: in OTLP protobuf
// in place, without an allocation a span.
package spans

// TraceID and SpanID are as in OTLP. All zero = invalid, or for a parent none.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// Kind is the kind of a span, by its number in OTLP.
type Kind uint8

// The kinds.
const (
	KindUnspecified Kind = iota
	KindInternal
	KindServer
	KindClient
	KindProducer
	KindConsumer
)

// Status is that of a span, by its number in OTLP.
type Status uint8

// The statuses.
const (
	StatusUnset Status = iota
	StatusOK
	StatusError
)

// Span is one span. Its byte slices may point into the input: whoever keeps a Span copies what it needs of them. They have at
// most MaxText bytes (TraceState apart), and need not be UTF-8: they are as they were sent. Readers use one Span again for the
// next.
type Span struct {
	Resource   *Resource // never nil
	Origin     uint32    // which of the inputs it comes from, so that each can be told its counts; 0 where there is one
	TraceID    TraceID
	ID, Parent SpanID
	// BadTraceID and BadID say that the id was empty or had a wrong length; it is zero then.
	BadTraceID, BadID bool
	Kind              Kind
	Status            Status
	Start, End        uint64 // nanoseconds since 1970 UTC; 0 = unknown
	Name              []byte
	TraceState        []byte // W3C
	Links             []Link
	// RemoteParent: the flags say whether the parent is in another process.
	HasRemoteParent, IsRemoteParent bool
	// Weight is how many spans it stands for, where the format says so itself; 0 = TraceState or the configuration tells.
	Weight float64
	Attributes
}

// Link points to another span.
type Link struct {
	TraceID TraceID
	ID      SpanID
}

// Attributes are those that say whom a span calls and how that went, by what they mean: where old and new semantic
// conventions name it, the new name has won. Numbers that were written as text, and the other way round, are read all the same.
type Attributes struct {
	PeerService, PeerNamespace []byte // service.peer.name over peer.service; service.peer.namespace
	ServerAddress              []byte // server.address, net.peer.name, net.sock.peer.name, peer.hostname
	ServerPort                 uint16 // server.port, net.peer.port; 0 = unknown
	NetworkAddress             []byte // network.peer.address, net.sock.peer.addr, net.peer.ip, peer.ipv4
	NetworkPort                uint16
	URL                        []byte // url.full, http.url; without them http.host alone
	DBSystem                   []byte // db.system.name, db.system
	DBSystemOld                bool   // it was db.system that named it
	DBNamespace                []byte // db.namespace, db.name and the old names of single systems
	DBIndex                    []byte // db.redis.database_index, in digits
	DBTable                    []byte // first of aws.dynamodb.table_names, aws.table.name, db.collection.name
	DBConnectionString         []byte
	DBOperation                []byte // db.operation.name, db.operation
	RPCSystem                  []byte // rpc.system.name, rpc.system
	RPCMethod                  []byte // rpc.method, with rpc.service before it where that stands alone
	HTTPMethod                 []byte // http.request.method, http.method
	HTTPRoute                  []byte // http.route
	HTTPStatus                 int    // http.response.status_code, http.status_code; 0 = none
	HasGRPCStatus              bool
	GRPCStatus                 int // rpc.grpc.status_code, rpc.response.status_code of gRPC
	MessagingSystem            []byte
	MessagingDestination       []byte // messaging.destination.name, messaging.destination
	MessagingOperation         []byte // messaging.operation.type, then .name, then messaging.operation
	MessagingRoutingKey        []byte // messaging.rabbitmq.destination.routing_key, messaging.rabbitmq.routing_key
	MessagingBatch             int    // messaging.batch.message_count; 0 = none
	ErrorTag                   bool   // error=true, as Jaeger and Zipkin write it
}

// Resource is who made spans. It is shared between them and immutable.
type Resource struct {
	Service, Namespace string // service.name, service.namespace, as written; "" = none
	Environment        string // deployment.environment.name over deployment.environment; "" = none
	// What runs it in Kubernetes; "" = not said. WorkloadKind is deployment, statefulset, daemonset, cronjob, job or pod.
	Cluster, KubernetesNamespace, WorkloadKind, Workload string
	Function                                             string // cloud.resource_id (or faas.id) of a function; "" = none
}
