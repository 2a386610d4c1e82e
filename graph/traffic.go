package graph

import (
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// Traffic are the numbers beside a Snapshot: what was counted by all sources, up to a time. It is immutable. A Snapshot
// without it has no numbers. Every implementation must answer each method in about the time of a lookup.
type Traffic interface {
	// Flow is what a source counted of a flow; nil = nothing that is kept.
	Flow(source string, id catalog.FlowID) *FlowNumbers
	// Service is what all sources counted of a service, by one of its names, in an environment; nil = nothing.
	Service(environment string, alias catalog.Alias) *ServiceNumbers
	// Delivery is what all sources counted of messages; nil = nothing.
	Delivery(environment string, consumer, topic, producer catalog.Alias) *traffic.Delivery
	// Reach is how many requests that began at the entry point touched something; 0 = none.
	Reach(environment string, entry, touched catalog.Alias) float64
	// Lost is what a source could not use, by reason; nil = it counts none.
	Lost(source string) map[string]uint64
	// Version identifies the state: equal values give equal answers.
	Version() uint64
}

// FlowNumbers are what is known of one flow. It is shared; nobody may change it.
type FlowNumbers struct {
	traffic.FlowKey
	Requests, Errors float64 // of all hours that are kept, corrected for sampling
	First, Last      time.Time
	Sampled          bool
	Together         traffic.Together
	Recent           Recent
	Operations       []OperationNumbers // of all hours that are kept, by requests
}

// OperationNumbers are those of one operation of the called.
type OperationNumbers struct {
	Name             string
	Requests, Errors float64
}

// ServiceNumbers are what is known of one service.
type ServiceNumbers struct {
	Requests, Errors, Entries float64
	First, Last               time.Time
	Recent                    Recent
}

// Recent is the traffic of the newest day or two, which rates and latencies are told of.
type Recent struct {
	Since, Until     time.Time // of what is summed up; zero = nothing
	Requests, Errors float64
	Latency          traffic.Sketch
}
