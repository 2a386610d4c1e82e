package traffic

import (
	"cmp"
	"strings"
)

// Compare orders keys.
func (k FlowKey) Compare(other FlowKey) int {
	return cmp.Or(strings.Compare(string(k.From), string(other.From)), strings.Compare(string(k.To), string(other.To)),
		cmp.Compare(k.Way, other.Way), strings.Compare(k.Environment, other.Environment))
}

// Compare orders keys.
func (k ServiceKey) Compare(other ServiceKey) int {
	return cmp.Or(strings.Compare(string(k.Alias), string(other.Alias)), strings.Compare(k.Environment, other.Environment))
}

// Compare orders keys.
func (k DeliveryKey) Compare(other DeliveryKey) int {
	return cmp.Or(strings.Compare(string(k.Consumer), string(other.Consumer)), strings.Compare(string(k.Topic), string(other.Topic)),
		strings.Compare(string(k.Producer), string(other.Producer)), strings.Compare(k.Environment, other.Environment))
}

// Compare orders keys.
func (k ReachKey) Compare(other ReachKey) int {
	return cmp.Or(strings.Compare(string(k.Entry), string(other.Entry)), strings.Compare(string(k.Touched), string(other.Touched)),
		strings.Compare(k.Environment, other.Environment))
}
