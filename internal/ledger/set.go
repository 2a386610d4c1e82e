package ledger

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// set is what one writer says of one hour, in pieces that each become a row. A piece has the entries whose key has its part
// of all hashes: with a size of n (a power of two) the entry with the hash h is in part n + h mod n. So rows of the same
// part, whoever wrote them, are of the same entries, and are compacted without looking at any other.
type set struct {
	writer string
	hour   traffic.Hour
	pieces map[uint16]*piece

	size uint16 // of what this process counts or reads itself; 0 = the rows came from the store
	// epoch is in which hour by the clock a live writer began to write it; 0 = nothing is written yet. No other writer's name
	// has one.
	epoch traffic.Hour
	tried bool // something of it may be in the store
	// hidden: rows in whose place it stands are in the sum still, and it is not counted until that is made anew.
	hidden bool
}

// piece is one row of a set.
type piece struct {
	counts   traffic.Counts
	weight   int    // of the entries
	bytes    int    // that it takes, about
	changes  int    // how often it was changed
	written  int    // how many of the changes are in the store
	tried    bool   // it was to be written, and may be in the store
	sequence uint64 // of the row, as far as it is known; 0 = not
}

func (p *piece) dirty() bool { return p.changes != p.written }

// The kinds of writers, by their names. "" and those with prefixSum are sums of others.
const (
	prefixLive     = "@" // a process: "@name@epoch.number"
	prefixReplaced = "=" // a file or query, whose rows are replaced
	prefixSum      = "~" // sums that did not fit into the row of ""
	prefixStands   = "#" // lists the writers that do not age
)

func replacedWriter(name string) string { return prefixReplaced + name }

func isSum(writer string) bool { return writer == "" || strings.HasPrefix(writer, prefixSum) }

func isReplaced(writer string) bool { return strings.HasPrefix(writer, prefixReplaced) }

func liveWriter(process string, epoch traffic.Hour, number int) string {
	return fmt.Sprintf("%s%s@%d.%d", prefixLive, process, epoch, number)
}

// epochOf is in which hour a live writer began to write; ok is false for others.
func epochOf(writer string) (epoch traffic.Hour, ok bool) {
	at := strings.LastIndexByte(writer, '@')
	if !strings.HasPrefix(writer, prefixLive) || at == 0 {
		return 0, false
	}
	hour, _, _ := strings.Cut(writer[at+1:], ".")
	n, err := strconv.ParseUint(hour, 10, 32)
	return traffic.Hour(n), err == nil
}

// writable is for how many hours after its epoch a live writer still writes, and final after how many all processes take
// for granted that it does not, whatever their clocks.
const (
	writable = 1
	final    = 8
)

// The weights of entries, and the most that a piece takes: so that it always fits into a row.
const (
	weighsFlow     = 8
	weighsService  = 8
	weighsDelivery = 3
	weighsReach    = 2
	maxWeight      = 800
	maxSize        = 1 << 14
)

// maxNameBytes is how long an alias of what is counted may be, and maxEnvironmentBytes the name of an environment.
const (
	maxNameBytes        = 400
	maxEnvironmentBytes = 128
)

// sizeFor is the size of a set that takes so much weight in pieces that are half full.
func sizeFor(weight int) uint16 {
	size := uint16(1)
	for size < maxSize && int(size)*maxWeight/2 < weight {
		size *= 2
	}
	return size
}

// part is the part of the entry with the hash in a set of the size.
func part(size uint16, hash uint64) uint16 {
	return size + uint16(hash%uint64(size)) //nolint:gosec // less than size, of which twice fits
}

func hashOf(kind byte, words ...string) uint64 {
	var digest xxhash.Digest
	digest.ResetWithSeed(uint64(kind))
	for _, word := range words {
		_, _ = digest.WriteString(word) // a hash takes everything
		_, _ = digest.Write([]byte{0})
	}
	return digest.Sum64()
}

func hashFlow(k traffic.FlowKey) uint64 {
	return hashOf(byte(k.Way), string(k.From), string(k.To), k.Environment)
}

func hashService(k traffic.ServiceKey) uint64 { return hashOf('s', string(k.Alias), k.Environment) }

func hashDelivery(k traffic.DeliveryKey) uint64 {
	return hashOf('d', string(k.Consumer), string(k.Topic), string(k.Producer), k.Environment)
}

func hashReach(k traffic.ReachKey) uint64 {
	return hashOf('r', string(k.Entry), string(k.Touched), k.Environment)
}

// own says whether this process counts or reads it.
func (t *set) own() bool { return t.size > 0 }

// late says whether others may have summed up by now what the process wrote of a set.
func (t *set) late(clock traffic.Hour) bool { return t.epoch > 0 && clock >= t.epoch+final/2 }

func (t *set) dirty() bool {
	for _, p := range t.pieces {
		if p.dirty() {
			return true
		}
	}
	return false
}

func (t *set) weight() int {
	weight := 0
	for _, p := range t.pieces {
		weight += p.weight
	}
	return weight
}

func (t *set) piece(part uint16) *piece {
	p := t.pieces[part]
	if p == nil {
		p = new(piece)
		t.pieces[part] = p
	}
	return p
}

// find yields the pieces that may have the entry with the hash.
func (t *set) find(hash uint64) func(yield func(*piece) bool) {
	return func(yield func(*piece) bool) {
		if t.own() {
			if p := t.pieces[part(t.size, hash)]; p != nil {
				yield(p)
			}
			return
		}
		for size := uint16(1); size <= maxSize; size *= 2 {
			if p := t.pieces[part(size, hash)]; p != nil && !yield(p) {
				return
			}
			if len(t.pieces) == 1 && t.pieces[1] != nil {
				return
			}
		}
	}
}

func weigh(c *traffic.Counts) int {
	return len(c.Flows)*weighsFlow + len(c.Services)*weighsService + len(c.Deliveries)*weighsDelivery + len(c.Reach)*weighsReach
}

func keyOf(source string, t *set, part uint16) graph.TrafficKey {
	return graph.TrafficKey{Source: source, Writer: t.writer, Hour: t.hour, Part: part}
}
