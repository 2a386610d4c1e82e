package graphtest

import (
	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// Traffic are numbers beside a snapshot that a test makes up. The zero value has none. Nothing may be changed once a
// snapshot has it.
type Traffic struct {
	Flows      map[FlowName]*graph.FlowNumbers
	Services   map[traffic.ServiceKey]*graph.ServiceNumbers
	Deliveries map[traffic.DeliveryKey]*traffic.Delivery
	Reached    map[traffic.ReachKey]float64
	Losses     map[string]map[string]uint64 // by source
	Number     uint64                       // the version
}

// FlowName tells the flows of all sources apart.
type FlowName struct {
	Source string
	ID     catalog.FlowID
}

var _ graph.Traffic = (*Traffic)(nil)

// Count adds numbers of a flow and tells its id.
func (t *Traffic) Count(source string, numbers *graph.FlowNumbers) catalog.FlowID {
	if t.Flows == nil {
		t.Flows = map[FlowName]*graph.FlowNumbers{}
	}
	id := numbers.ID()
	t.Flows[FlowName{source, id}] = numbers
	return id
}

// Flow implements [graph.Traffic].
func (t *Traffic) Flow(source string, id catalog.FlowID) *graph.FlowNumbers {
	return t.Flows[FlowName{source, id}]
}

// Service implements [graph.Traffic].
func (t *Traffic) Service(environment string, alias catalog.Alias) *graph.ServiceNumbers {
	return t.Services[traffic.ServiceKey{Alias: alias, Environment: environment}]
}

// Delivery implements [graph.Traffic].
func (t *Traffic) Delivery(environment string, consumer, topic, producer catalog.Alias) *traffic.Delivery {
	return t.Deliveries[traffic.DeliveryKey{Consumer: consumer, Topic: topic, Producer: producer, Environment: environment}]
}

// Reach implements [graph.Traffic].
func (t *Traffic) Reach(environment string, entry, touched catalog.Alias) float64 {
	return t.Reached[traffic.ReachKey{Entry: entry, Touched: touched, Environment: environment}]
}

// Lost implements [graph.Traffic].
func (t *Traffic) Lost(source string) map[string]uint64 { return t.Losses[source] }

// Version implements [graph.Traffic].
func (t *Traffic) Version() uint64 { return t.Number }
