package traffic

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/orrery-catalog/orrery/catalog"
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
		Flows: packFlows(w, c.Flows), Services: packServices(w, c.Services), Deliveries: packDeliveries(w, c.Deliveries), Reach: packReach(w, c.Reach),
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

var errPacked = errors.New("not packed counts")

// Unpack reads what Pack wrote.
func Unpack(data []byte) (*Counts, error) {
	if len(data) == 0 {
		return &Counts{}, nil
	}
	if len(data) > MaxPackedBytes {
		return nil, fmt.Errorf("%w: %d bytes are more than %d", errPacked, len(data), MaxPackedBytes)
	}
	modes, err := countsCodec()
	if err != nil {
		return nil, err
	}
	var packed columns
	if err := modes.decoding.Unmarshal(data, &packed); err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	r := &reading{words: packed.Words}
	counts := &Counts{
		Flows: r.flows(&packed.Flows), Services: r.services(&packed.Services), Deliveries: r.deliveries(&packed.Deliveries), Reach: r.reach(&packed.Reach),
	}
	length(r, len(packed.Reasons), packed.Lost)
	if r.err != nil {
		return nil, r.err
	}
	for i, reason := range packed.Reasons {
		counts.Lose(r.word(reason), at(packed.Lost, i))
	}
	return counts, r.err
}

// reading reads columns; the first thing that is wrong with them is kept.
type reading struct {
	words []cbor.ByteString
	err   error
}

func (r *reading) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errPacked, what)
	}
}

func (r *reading) word(number uint32) string {
	switch {
	case number == 0:
		return ""
	case int(number) > len(r.words):
		r.fail("a word is missing")
		return ""
	}
	return string(r.words[number-1])
}

// number reads an amount.
func (r *reading) number(n float64) float64 {
	if !(n >= 0) || math.IsInf(n, 1) {
		r.fail("an amount is no number")
		return 0
	}
	return n
}

func (r *reading) sketch(data []byte) Sketch {
	s, err := DecodeSketch(data)
	if err != nil {
		r.fail(err.Error())
	}
	return s
}

// length checks that columns that are there have so many values.
func length[T any](r *reading, want int, columns ...[]T) {
	for _, column := range columns {
		if len(column) > 0 && len(column) != want {
			r.fail("its columns differ in length")
		}
	}
}

// at is a value of a column that may have been left out.
func at[T any](column []T, i int) T {
	if len(column) == 0 {
		var zero T
		return zero
	}
	return column[i]
}

func (r *reading) flows(c *flowColumns) map[FlowKey]*Flow {
	n, operations := len(c.From), total(r, c.Operations, MaxOperations)
	length(r, n, c.To, c.Environment, c.Protocol, c.First, c.Last, c.Operations)
	length(r, n, c.Requests, c.Errors)
	length(r, n, c.BothFailed, c.CallFailed, c.RequestFailed, c.NoneFailed)
	length(r, n, c.Way, c.Sampled)
	length(r, n, c.Latency)
	length(r, operations, c.OperationName)
	length(r, operations, c.OperationRequests, c.OperationErrors)
	if r.err != nil || n == 0 {
		return nil
	}
	flows, block := make(map[FlowKey]*Flow, n), make([]Flow, n)
	next := 0
	for i := range n {
		f := &block[i]
		*f = Flow{
			Requests: r.number(at(c.Requests, i)), Errors: r.number(at(c.Errors, i)), Latency: r.sketch(at(c.Latency, i)),
			Protocol: r.word(at(c.Protocol, i)), Sampled: at(c.Sampled, i) != 0, First: catalog.Instant(at(c.First, i)), Last: catalog.Instant(at(c.Last, i)),
			Together: Together{
				BothFailed: at(c.BothFailed, i), CallFailed: at(c.CallFailed, i), RequestFailed: at(c.RequestFailed, i), NoneFailed: at(c.NoneFailed, i),
			},
		}
		if has := int(at(c.Operations, i)); has > 0 {
			f.Operations = make(map[string]Operation, has)
			for range has {
				f.Operations[r.word(at(c.OperationName, next))] = Operation{r.number(at(c.OperationRequests, next)), r.number(at(c.OperationErrors, next))}
				next++
			}
		}
		flows[FlowKey{
			From: catalog.Alias(r.word(c.From[i])), To: catalog.Alias(r.word(at(c.To, i))), Way: Way(at(c.Way, i)), Environment: r.word(at(c.Environment, i)),
		}] = f
	}
	return flows
}

func (r *reading) services(c *serviceColumns) map[ServiceKey]*Service {
	n, aliases := len(c.Alias), total(r, c.Aliases, MaxAliases)
	length(r, n, c.Environment, c.First, c.Last, c.Aliases)
	length(r, n, c.Requests, c.Errors, c.Entries)
	length(r, n, c.Latency)
	length(r, aliases, c.Named)
	if r.err != nil || n == 0 {
		return nil
	}
	services, next := make(map[ServiceKey]*Service, n), 0
	for i := range n {
		s := &Service{
			Requests: r.number(at(c.Requests, i)), Errors: r.number(at(c.Errors, i)), Entries: r.number(at(c.Entries, i)),
			Latency: r.sketch(at(c.Latency, i)), First: catalog.Instant(at(c.First, i)), Last: catalog.Instant(at(c.Last, i)),
		}
		for range at(c.Aliases, i) {
			s.AddAliases(catalog.Alias(r.word(at(c.Named, next))))
			next++
		}
		services[ServiceKey{Alias: catalog.Alias(r.word(c.Alias[i])), Environment: r.word(at(c.Environment, i))}] = s
	}
	return services
}

func (r *reading) deliveries(c *deliveryColumns) map[DeliveryKey]*Delivery {
	n := len(c.Consumer)
	length(r, n, c.Topic, c.Producer, c.Environment, c.First, c.Last)
	length(r, n, c.Messages)
	if r.err != nil || n == 0 {
		return nil
	}
	deliveries := make(map[DeliveryKey]*Delivery, n)
	for i := range n {
		deliveries[DeliveryKey{
			Consumer: catalog.Alias(r.word(c.Consumer[i])), Topic: catalog.Alias(r.word(at(c.Topic, i))),
			Producer: catalog.Alias(r.word(at(c.Producer, i))), Environment: r.word(at(c.Environment, i)),
		}] = &Delivery{
			Messages: r.number(at(c.Messages, i)), First: catalog.Instant(at(c.First, i)), Last: catalog.Instant(at(c.Last, i)),
		}
	}
	return deliveries
}

func (r *reading) reach(c *reachColumns) map[ReachKey]float64 {
	n := len(c.Entry)
	length(r, n, c.Touched, c.Environment)
	length(r, n, c.Requests)
	if r.err != nil || n == 0 {
		return nil
	}
	reach := make(map[ReachKey]float64, n)
	for i := range n {
		reach[ReachKey{
			Entry: catalog.Alias(r.word(c.Entry[i])), Touched: catalog.Alias(r.word(at(c.Touched, i))), Environment: r.word(at(c.Environment, i)),
		}] = r.number(at(c.Requests, i))
	}
	return reach
}

// total is the sum of how many each has, none more than allowed.
func total(r *reading, each []uint32, most uint32) int {
	sum := 0
	for _, n := range each {
		if n > most {
			r.fail("too much of one")
			return 0
		}
		sum += int(n)
	}
	return sum
}
