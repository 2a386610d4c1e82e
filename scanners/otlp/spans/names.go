package spans

// meaning is what an attribute says, whatever it is named.
type meaning uint8

const (
	nothing meaning = iota
	peerService
	peerNamespace
	serverAddress
	serverPort
	networkAddress
	networkPort
	fullURL
	dbSystem
	dbNamespace
	dbIndex
	dbTable
	dbConnectionString
	dbOperation
	rpcSystem
	rpcService
	rpcMethod
	httpMethod
	httpRoute
	httpStatus
	grpcStatus
	messagingSystem
	messagingDestination
	messagingOperation
	messagingRoutingKey
	messagingBatch
	errorTag
	meanings
)

// The ranks of names: of two that say the same, the lower one wins.
const (
	newName    uint8 = iota + 1 // as the semantic conventions are now
	oldName                     // as they were before they became stable
	olderName                   // as they were before that, or of a single system
	oldestName                  // as OpenTracing had it
	lastName                    // no name of the thing, but next to it
)

// nameOf is what an attribute of the name says, and the rank of the name. The names are those of the OpenTelemetry semantic
// conventions, their deprecated ones included, and of OpenTracing's.
//
// peer.address is not among them: Envoy writes who called it there, on the spans of its calls too.
func nameOf[K string | []byte](key K) (meaning, uint8) {
	switch string(key) {
	case "service.peer.name":
		return peerService, newName
	case "peer.service":
		return peerService, oldName
	case "service.peer.namespace":
		return peerNamespace, newName

	case "server.address":
		return serverAddress, newName
	case "net.peer.name":
		return serverAddress, oldName
	case "net.sock.peer.name", "server.socket.domain":
		return serverAddress, olderName
	case "peer.hostname":
		return serverAddress, oldestName
	case "server.port":
		return serverPort, newName
	case "net.peer.port":
		return serverPort, oldName
	case "peer.port":
		return serverPort, oldestName
	case "network.peer.address":
		return networkAddress, newName
	case "net.sock.peer.addr", "server.socket.address":
		return networkAddress, oldName
	case "net.peer.ip":
		return networkAddress, olderName
	case "peer.ipv4", "peer.ipv6":
		return networkAddress, oldestName
	case "network.peer.port":
		return networkPort, newName
	case "net.sock.peer.port", "server.socket.port":
		return networkPort, oldName

	case "url.full":
		return fullURL, newName
	case "http.url":
		return fullURL, oldName
	case "http.host": // which was given beside http.target where there was no http.url
		return fullURL, lastName
	case "http.request.method":
		return httpMethod, newName
	case "http.method":
		return httpMethod, oldName
	case "http.route":
		return httpRoute, newName
	case "url.template":
		return httpRoute, oldName
	case "http.response.status_code":
		return httpStatus, newName
	case "http.status_code":
		return httpStatus, oldName

	case "rpc.system.name":
		return rpcSystem, newName
	case "rpc.system":
		return rpcSystem, oldName
	case "rpc.service":
		return rpcService, newName
	case "rpc.method":
		return rpcMethod, newName
	case "rpc.response.status_code":
		return grpcStatus, newName
	case "rpc.grpc.status_code":
		return grpcStatus, oldName
	case "rpc.connect_rpc.error_code":
		return grpcStatus, olderName
	case "grpc.status_code":
		return grpcStatus, oldestName

	case "error":
		return errorTag, newName
	default:
		if len(key) > 3 && (key[0] == 'd' || key[0] == 'a') {
			return nameOfDatabase(key)
		}
		if len(key) > 3 && key[0] == 'm' {
			return nameOfMessaging(key)
		}
		return nothing, 0
	}
}

func nameOfDatabase[K string | []byte](key K) (meaning, uint8) {
	switch string(key) {
	case "db.system.name":
		return dbSystem, newName
	case "db.system":
		return dbSystem, oldName
	case "db.namespace":
		return dbNamespace, newName
	case "db.name":
		return dbNamespace, oldName
	case "db.cassandra.keyspace", "db.hbase.namespace", "db.elasticsearch.cluster.name":
		return dbNamespace, olderName
	case "db.instance":
		return dbNamespace, oldestName
	case "db.redis.database_index":
		return dbIndex, oldName
	case "aws.dynamodb.table_names":
		return dbTable, newName
	case "aws.table.name":
		return dbTable, oldName
	case "db.collection.name":
		return dbTable, olderName
	case "db.connection_string":
		return dbConnectionString, oldName
	case "db.operation.name":
		return dbOperation, newName
	case "db.operation":
		return dbOperation, oldName
	default:
		return nothing, 0
	}
}

func nameOfMessaging[K string | []byte](key K) (meaning, uint8) {
	switch string(key) {
	case "messaging.system":
		return messagingSystem, newName
	case "messaging.destination.name":
		return messagingDestination, newName
	case "messaging.destination":
		return messagingDestination, oldName
	case "messaging.source.name":
		return messagingDestination, olderName
	case "message_bus.destination":
		return messagingDestination, oldestName
	case "messaging.destination.template":
		return messagingDestination, lastName
	case "messaging.operation.type":
		return messagingOperation, newName
	case "messaging.operation.name":
		return messagingOperation, oldName
	case "messaging.operation":
		return messagingOperation, olderName
	case "messaging.rabbitmq.destination.routing_key":
		return messagingRoutingKey, newName
	case "messaging.rabbitmq.routing_key":
		return messagingRoutingKey, oldName
	case "messaging.batch.message_count":
		return messagingBatch, newName
	default:
		return nothing, 0
	}
}
