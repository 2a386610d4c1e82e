package traffic

import (
	"errors"
	"fmt"
	"math"

	"github.com/fxamacker/cbor/v2"

	"github.com/orrery-catalog/orrery/catalog"
)

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
		Flows: r.flows(&packed.Flows), Services: r.services(&packed.Services),
		Deliveries: r.deliveries(&packed.Deliveries), Reach: r.reach(&packed.Reach),
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
			Protocol: r.word(at(c.Protocol, i)), Sampled: at(c.Sampled, i) != 0,
			First: catalog.Instant(at(c.First, i)), Last: catalog.Instant(at(c.Last, i)),
			Together: Together{
				BothFailed: at(c.BothFailed, i), CallFailed: at(c.CallFailed, i),
				RequestFailed: at(c.RequestFailed, i), NoneFailed: at(c.NoneFailed, i),
			},
		}
		if has := int(at(c.Operations, i)); has > 0 {
			f.Operations = make(map[string]Operation, has)
			for range has {
				f.Operations[r.word(at(c.OperationName, next))] = Operation{
					r.number(at(c.OperationRequests, next)), r.number(at(c.OperationErrors, next)),
				}
				next++
			}
		}
		flows[FlowKey{
			From: catalog.Alias(r.word(c.From[i])), To: catalog.Alias(r.word(at(c.To, i))), Way: Way(at(c.Way, i)),
			Environment: r.word(at(c.Environment, i)),
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
			Entry: catalog.Alias(r.word(c.Entry[i])), Touched: catalog.Alias(r.word(at(c.Touched, i))),
			Environment: r.word(at(c.Environment, i)),
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
