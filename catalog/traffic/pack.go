package traffic

import (
	"cmp"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// MaxPackedBytes is the most that Unpack takes.
const MaxPackedBytes = 1 << 20

// Packed Counts are columns in CBOR (RFC 8949): for each field of all flows, services and so on an array, in the order of
// their keys. It takes half the room of an object for each, and unpacks several times as fast. A column is left out where
// it is zero throughout. Words stand once, and the columns number them, from 1; 0 = "". The numbers of the tags are the
// stored format: none is ever used again for another meaning. What an older version does not know it passes over.
type (
	columns struct {
		Words      []cbor.ByteString `cbor:"1,keyasint,omitempty"`
		Flows      flowColumns       `cbor:"2,keyasint,omitzero"`
		Services   serviceColumns    `cbor:"3,keyasint,omitzero"`
		Deliveries deliveryColumns   `cbor:"4,keyasint,omitzero"`
		Reach      reachColumns      `cbor:"5,keyasint,omitzero"`
		Reasons    []uint32          `cbor:"6,keyasint,omitempty"`
		Lost       []uint64          `cbor:"7,keyasint,omitempty"`
	}
	flowColumns struct {
		From              []uint32  `cbor:"1,keyasint,omitempty"`
		To                []uint32  `cbor:"2,keyasint,omitempty"`
		Way               []byte    `cbor:"3,keyasint,omitempty"`
		Environment       []uint32  `cbor:"4,keyasint,omitempty"`
		Requests          []float64 `cbor:"5,keyasint,omitempty"`
		Errors            []float64 `cbor:"6,keyasint,omitempty"`
		Latency           [][]byte  `cbor:"7,keyasint,omitempty"`
		Protocol          []uint32  `cbor:"8,keyasint,omitempty"`
		Sampled           []byte    `cbor:"9,keyasint,omitempty"`
		First             []uint32  `cbor:"10,keyasint,omitempty"`
		Last              []uint32  `cbor:"11,keyasint,omitempty"`
		Operations        []uint32  `cbor:"12,keyasint,omitempty"` // how many each has of the next columns
		OperationName     []uint32  `cbor:"13,keyasint,omitempty"`
		OperationRequests []float64 `cbor:"14,keyasint,omitempty"`
		OperationErrors   []float64 `cbor:"15,keyasint,omitempty"`
		BothFailed        []uint64  `cbor:"16,keyasint,omitempty"`
		CallFailed        []uint64  `cbor:"17,keyasint,omitempty"`
		RequestFailed     []uint64  `cbor:"18,keyasint,omitempty"`
		NoneFailed        []uint64  `cbor:"19,keyasint,omitempty"`
	}
	serviceColumns struct {
		Alias       []uint32  `cbor:"1,keyasint,omitempty"`
		Environment []uint32  `cbor:"2,keyasint,omitempty"`
		Requests    []float64 `cbor:"3,keyasint,omitempty"`
		Errors      []float64 `cbor:"4,keyasint,omitempty"`
		Entries     []float64 `cbor:"5,keyasint,omitempty"`
		Latency     [][]byte  `cbor:"6,keyasint,omitempty"`
		First       []uint32  `cbor:"7,keyasint,omitempty"`
		Last        []uint32  `cbor:"8,keyasint,omitempty"`
		Aliases     []uint32  `cbor:"9,keyasint,omitempty"` // how many each has of the next column
		Named       []uint32  `cbor:"10,keyasint,omitempty"`
	}
	deliveryColumns struct {
		Consumer    []uint32  `cbor:"1,keyasint,omitempty"`
		Topic       []uint32  `cbor:"2,keyasint,omitempty"`
		Producer    []uint32  `cbor:"3,keyasint,omitempty"`
		Environment []uint32  `cbor:"4,keyasint,omitempty"`
		Messages    []float64 `cbor:"5,keyasint,omitempty"`
		First       []uint32  `cbor:"6,keyasint,omitempty"`
		Last        []uint32  `cbor:"7,keyasint,omitempty"`
	}
	reachColumns struct {
		Entry       []uint32  `cbor:"1,keyasint,omitempty"`
		Touched     []uint32  `cbor:"2,keyasint,omitempty"`
		Environment []uint32  `cbor:"3,keyasint,omitempty"`
		Requests    []float64 `cbor:"4,keyasint,omitempty"`
	}
)

func (c flowColumns) IsZero() bool     { return len(c.From) == 0 }
func (c serviceColumns) IsZero() bool  { return len(c.Alias) == 0 }
func (c deliveryColumns) IsZero() bool { return len(c.Consumer) == 0 }
func (c reachColumns) IsZero() bool    { return len(c.Entry) == 0 }

// codec holds the modes of the CBOR library, which are immutable.
type codec struct {
	encoding cbor.EncMode
	decoding cbor.DecMode
}

var countsCodec = sync.OnceValues(func() (codec, error) {
	encoding, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return codec{}, err
	}
	decoding, err := cbor.DecOptions{
		MaxArrayElements: MaxPackedBytes, // an element takes a byte at least
		MaxMapPairs:      64,
		MaxNestedLevels:  8,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		UTF8:             cbor.UTF8DecodeInvalid,
	}.DecMode()
	return codec{encoding, decoding}, err
})

// words numbers words in the order in which they come.
type words struct {
	list    []cbor.ByteString
	numbers map[string]uint32
}

func (w *words) number(word string) uint32 {
	if word == "" {
		return 0
	}
	number, known := w.numbers[word]
	if !known {
		w.list = append(w.list, cbor.ByteString(word))
		number = uint32(len(w.list)) //nolint:gosec // as many as there is memory for
		w.numbers[word] = number
	}
	return number
}

// Pack packs Counts. Equal Counts give equal bytes, and empty ones nil.
func Pack(c *Counts) ([]byte, error) {
	if c.Empty() {
		return nil, nil
	}
	modes, err := countsCodec()
	if err != nil {
		return nil, err
	}
	w := &words{numbers: make(map[string]uint32)}
	packed := columns{
		Flows: packFlows(w, c.Flows), Services: packServices(w, c.Services),
		Deliveries: packDeliveries(w, c.Deliveries), Reach: packReach(w, c.Reach),
	}
	for _, reason := range sorted(c.Lost, cmp.Compare) {
		packed.Reasons = append(packed.Reasons, w.number(reason))
		packed.Lost = append(packed.Lost, c.Lost[reason])
	}
	packed.Words = w.list
	return modes.encoding.Marshal(&packed)
}

func packFlows(w *words, flows map[FlowKey]*Flow) flowColumns {
	var c flowColumns
	for _, key := range sorted(flows, FlowKey.Compare) {
		f := flows[key]
		c.From = append(c.From, w.number(string(key.From)))
		c.To = append(c.To, w.number(string(key.To)))
		c.Way = append(c.Way, byte(key.Way))
		c.Environment = append(c.Environment, w.number(key.Environment))
		c.Requests = append(c.Requests, f.Requests)
		c.Errors = append(c.Errors, f.Errors)
		c.Latency = append(c.Latency, f.Latency.Encode())
		c.Protocol = append(c.Protocol, w.number(f.Protocol))
		c.Sampled = append(c.Sampled, bit(f.Sampled))
		c.First = append(c.First, uint32(f.First))
		c.Last = append(c.Last, uint32(f.Last))
		c.Operations = append(c.Operations, uint32(len(f.Operations))) //nolint:gosec // at most MaxOperations
		for _, name := range sorted(f.Operations, cmp.Compare) {
			c.OperationName = append(c.OperationName, w.number(name))
			c.OperationRequests = append(c.OperationRequests, f.Operations[name].Requests)
			c.OperationErrors = append(c.OperationErrors, f.Operations[name].Errors)
		}
		c.BothFailed = append(c.BothFailed, f.Together.BothFailed)
		c.CallFailed = append(c.CallFailed, f.Together.CallFailed)
		c.RequestFailed = append(c.RequestFailed, f.Together.RequestFailed)
		c.NoneFailed = append(c.NoneFailed, f.Together.NoneFailed)
	}
	dropZero(&c.To, &c.Environment, &c.Protocol, &c.First, &c.Last, &c.Operations, &c.OperationName)
	dropZero(&c.Requests, &c.Errors, &c.OperationRequests, &c.OperationErrors)
	dropZero(&c.BothFailed, &c.CallFailed, &c.RequestFailed, &c.NoneFailed)
	dropZero(&c.Way, &c.Sampled)
	dropEmpty(&c.Latency)
	return c
}

func packServices(w *words, services map[ServiceKey]*Service) serviceColumns {
	var c serviceColumns
	for _, key := range sorted(services, ServiceKey.Compare) {
		s := services[key]
		c.Alias = append(c.Alias, w.number(string(key.Alias)))
		c.Environment = append(c.Environment, w.number(key.Environment))
		c.Requests = append(c.Requests, s.Requests)
		c.Errors = append(c.Errors, s.Errors)
		c.Entries = append(c.Entries, s.Entries)
		c.Latency = append(c.Latency, s.Latency.Encode())
		c.First = append(c.First, uint32(s.First))
		c.Last = append(c.Last, uint32(s.Last))
		c.Aliases = append(c.Aliases, uint32(len(s.Aliases))) //nolint:gosec // at most MaxAliases
		for _, alias := range s.Aliases {
			c.Named = append(c.Named, w.number(string(alias)))
		}
	}
	dropZero(&c.Environment, &c.First, &c.Last, &c.Aliases, &c.Named)
	dropZero(&c.Requests, &c.Errors, &c.Entries)
	dropEmpty(&c.Latency)
	return c
}

func packDeliveries(w *words, deliveries map[DeliveryKey]*Delivery) deliveryColumns {
	var c deliveryColumns
	for _, key := range sorted(deliveries, DeliveryKey.Compare) {
		d := deliveries[key]
		c.Consumer = append(c.Consumer, w.number(string(key.Consumer)))
		c.Topic = append(c.Topic, w.number(string(key.Topic)))
		c.Producer = append(c.Producer, w.number(string(key.Producer)))
		c.Environment = append(c.Environment, w.number(key.Environment))
		c.Messages = append(c.Messages, d.Messages)
		c.First = append(c.First, uint32(d.First))
		c.Last = append(c.Last, uint32(d.Last))
	}
	dropZero(&c.Topic, &c.Producer, &c.Environment, &c.First, &c.Last)
	dropZero(&c.Messages)
	return c
}

func packReach(w *words, reach map[ReachKey]float64) reachColumns {
	var c reachColumns
	for _, key := range sorted(reach, ReachKey.Compare) {
		c.Entry = append(c.Entry, w.number(string(key.Entry)))
		c.Touched = append(c.Touched, w.number(string(key.Touched)))
		c.Environment = append(c.Environment, w.number(key.Environment))
		c.Requests = append(c.Requests, reach[key])
	}
	dropZero(&c.Touched, &c.Environment)
	dropZero(&c.Requests)
	return c
}

func sorted[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compare)
	return keys
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// dropZero leaves columns out that are zero throughout.
func dropZero[T comparable](columns ...*[]T) {
	var zero T
	for _, column := range columns {
		if !slices.ContainsFunc(*column, func(value T) bool { return value != zero }) {
			*column = nil
		}
	}
}

func dropEmpty(column *[][]byte) {
	if !slices.ContainsFunc(*column, func(value []byte) bool { return len(value) > 0 }) {
		*column = nil
	}
}
