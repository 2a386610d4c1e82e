package traffic

import "github.com/orrery-catalog/orrery/catalog"

// Hour numbers the hours since 1970 UTC; 0 = the time is unknown.
type Hour uint32

// Way says how one end of a flow needs the other.
type Way uint8

// The ways. From is always the one who needs.
const (
	Call    Way = iota + 1 // From calls To, and waits for the answer
	Publish                // From sends to the topic To
	Consume                // From gets its work from the topic To: asynchronous
	Receive                // From gets its work from the service To by a topic that nobody names: asynchronous
)

// FlowKey tells flows apart within a source.
type FlowKey struct {
	From catalog.Alias // a service
	To   catalog.Alias // a service, database, topic or host
	Way  Way
	// Environment that the spans name, as they write it; "" = none, so that of the source holds.
	Environment string
}

// ID names the flow to the rest of the program.
func (k FlowKey) ID() catalog.FlowID {
	return catalog.FlowOf("flow", string(k.From), string(k.To), string(rune('0'+k.Way)), k.Environment)
}

// Flow is what was counted of one FlowKey. Requests and Errors are corrected for sampling.
type Flow struct {
	Requests, Errors float64
	// Latency as the caller sees it where its span was seen, else the callee; empty where nobody measured.
	Latency Sketch
	// Protocol is a word such as http, grpc, postgresql, redis, kafka or rabbitmq; "" = unknown.
	Protocol string
	// Sampled says that some of it was seen in a sample only, and stands for more.
	Sampled     bool
	First, Last catalog.Instant // of the spans; 0 = unknown
	// Operations of the called, at most MaxOperations; what is more counts under OtherOperations.
	Operations map[string]Operation
	Together   Together
}

// Operation is one operation of the called: a route, a method of an RPC service, a kind of statement.
type Operation struct{ Requests, Errors float64 }

// MaxOperations is how many operations one flow tells apart.
const MaxOperations = 32

// OtherOperations stands for those that are not told apart.
const OtherOperations = "(other)"

// Together counts the requests to the caller during which it made such a call: by whether the last of the calls failed, and
// whether the request did. They are those that were seen, not corrected for sampling.
type Together struct {
	BothFailed, CallFailed, RequestFailed, NoneFailed uint64
}

// ServiceKey tells services apart within a source.
type ServiceKey struct {
	Alias       catalog.Alias
	Environment string // as in FlowKey
}

// Service is what was counted of one service itself.
type Service struct {
	// Requests that it served, and those of them that failed; Entries are those that began with it and are no reaction to a
	// message. All corrected for sampling.
	Requests, Errors, Entries float64
	Latency                   Sketch
	First, Last               catalog.Instant
	Aliases                   []catalog.Alias // other names of it that its telemetry states, sorted
}

// DeliveryKey is who got messages from whom by which topic.
type DeliveryKey struct {
	Consumer, Topic, Producer catalog.Alias
	Environment               string
}

// Delivery is what was counted of one DeliveryKey.
type Delivery struct {
	Messages    float64
	First, Last catalog.Instant
}

// ReachKey is an entry point and something that some of its requests touched, directly or not: a service, database, topic
// or host. What only reacts to messages counts too.
type ReachKey struct {
	Entry, Touched catalog.Alias
	Environment    string
}

// Counts are what one writer counted in one hour. The zero value is empty. It is not safe for use from several goroutines.
type Counts struct {
	Flows      map[FlowKey]*Flow
	Services   map[ServiceKey]*Service
	Deliveries map[DeliveryKey]*Delivery
	// Reach is how many of the Entries of the entry point touched it, each once.
	Reach map[ReachKey]float64
	// Lost counts spans, messages and requests that could not be used, by reason (see the Lost constants).
	Lost map[string]uint64
}

// The reasons why something of telemetry is lost. They are part of the public contract.
const (
	LostMissingParent    = "missing_parent"    // the parent span never came
	LostSelfCall         = "self_call"         // a service that called itself
	LostDuplicate        = "duplicate"         // a span that was there already
	LostInvalidID        = "invalid_id"        // a zero or empty trace or span id
	LostRejectedRequest  = "rejected_request"  // a malformed request or file
	LostNoServiceName    = "no_service_name"   // nothing names the service
	LostUnmatchedClient  = "unmatched_client"  // a call whose callee nothing names
	LostUnlinkedConsumer = "unlinked_consumer" // a message whose producer nothing names
	LostLate             = "late"              // a span that came after its trace was settled, and could not be used
	LostEvicted          = "evicted"           // pushed out of memory before its trace was settled
	LostRefused          = "refused"           // spans of requests that were turned away, to be sent again by the sender
	LostTooManyFlows     = "too_many_flows"    // calls beyond the limit of flows of a source
	LostTooManySpans     = "too_many_spans"    // spans beyond the limit of one trace
	LostTooManyServices  = "too_many_services" // spans of services beyond the limit of a source
	LostUnreadable       = "unreadable"        // parts of a file or answer that could not be read
	LostTooLarge         = "too_large"         // requests over the limit of size
)

// MaxMultiplier is the most that one span may stand for by configuration.
const MaxMultiplier = 1_000_000
