package traffic

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// Sketch sums up durations, so that quantiles can be told of any number of them. The zero value is empty. A copy shares
// what it holds: see Clone. Reading from several goroutines is safe while nobody adds.
//
// It is a DDSketch, of the buckets and the mapping of DataDog's sketches-go: the bounds of the buckets are fixed and their
// width is a share of the duration, so that sketches of any writers add up bucket by bucket, in any order, to the same.
// Histograms that adapt their scale merge to the coarsest of all, and t-digests to something that depends on the order. All
// durations fit into some 500 buckets, so that none is collapsed in memory; Encode makes them coarser where the bytes do not
// suffice.
type Sketch struct {
	packed []byte            // what is held while open is nil; shared, never written to
	open   *store.DenseStore // by the index of scale
}

// MaxSketchBytes is the most that an encoded Sketch takes.
const MaxSketchBytes = 256

// The durations that are told apart, in seconds. Others count as the nearest of these.
const (
	ShortestDuration = 1e-5
	LongestDuration  = 3600
)

// Accuracy is by which share a quantile of a Sketch may be wrong. Once encoded it may be PackedAccuracy, where the durations
// span so much, in such numbers, that the bytes do not suffice: a hundred occupied buckets, which reach from a millisecond
// to fifty, always fit.
const (
	Accuracy       = 0.02
	PackedAccuracy = 0.11
)

// scale gives each duration its bucket. It is immutable.
var scale, _ = mapping.NewCubicallyInterpolatedMapping(Accuracy) // the only error is an accuracy out of range

// The buckets of the shortest and the longest duration, and how many there are.
var (
	firstBucket = scale.Index(ShortestDuration)
	buckets     = scale.Index(LongestDuration) - firstBucket + 1
)

// The weights that are told apart: sums of any number of them are finite, and none is lost.
const minWeight, maxWeight = 1e-15, 1e15

// Add adds a duration that stands for as many as its weight says. Weights that are not positive numbers are passed over;
// a duration that is none counts as the shortest.
func (s *Sketch) Add(seconds, weight float64) {
	if !(weight > 0) { // NaN too
		return
	}
	if s.open == nil {
		s.unpack()
	}
	s.open.AddWithCount(bucketOf(seconds), min(max(weight, minWeight), maxWeight))
}

// AddBucket adds a bucket of a histogram: as many durations as its weight says, evenly spread from low to high. Those of a
// bucket without an end count as low, as Prometheus takes them.
func (s *Sketch) AddBucket(low, high, weight float64) {
	if !(low > 0) {
		low = 0
	}
	if !(weight > 0) || !(high > low) || math.IsInf(high, 1) {
		s.Add(low, weight)
		return
	}
	before := 0.0
	for i, last := bucketOf(low), bucketOf(high); i <= last; i++ {
		upTo := 1.0
		if i < last {
			upTo = min(1, max(before, (scale.LowerBound(i+1)-low)/(high-low)))
		}
		s.Add(scale.Value(i), weight*(upTo-before))
		before = upTo
	}
}

func bucketOf(seconds float64) int {
	if !(seconds > ShortestDuration) { // NaN too
		return firstBucket
	}
	return scale.Index(min(seconds, LongestDuration))
}

// Merge adds what the other holds, which stays as it is.
func (s *Sketch) Merge(other *Sketch) {
	switch {
	case other.Empty():
	case s.Empty() && other.open == nil:
		s.packed, s.open = other.packed, nil
	default:
		if s.open == nil {
			s.unpack()
		}
		if other.open != nil {
			s.open.MergeWith(other.open)
		} else {
			unpackInto(s.open, other.packed)
		}
	}
}

// Empty says whether nothing was added.
func (s *Sketch) Empty() bool {
	return len(s.packed) == 0 && (s.open == nil || s.open.IsEmpty())
}

// Size is about how many bytes of memory the sketch takes.
func (s *Sketch) Size() int {
	const header, spare = 64, 128 // buckets that the store has beside those in use
	if s.open == nil {
		return len(s.packed)
	}
	first, err := s.open.MinIndex()
	last, lastErr := s.open.MaxIndex()
	if err != nil || lastErr != nil { // it is empty
		return header
	}
	return header + 8*(last-first+spare)
}

// Count is how many durations the sketch stands for. Encoding rounds it.
func (s *Sketch) Count() float64 {
	if s.open != nil {
		return s.open.TotalCount()
	}
	count := 0.0
	_ = decode(s.packed, func(_ int, n float64) { count += n }) // it was checked
	return count
}

// Quantile is the duration that the share q (0 to 1) of all does not exceed, in seconds; ok is false where there are none.
func (s *Sketch) Quantile(q float64) (seconds float64, ok bool) {
	if s.Empty() {
		return 0, false
	}
	open := s.open
	if open == nil {
		open = store.NewDenseStore()
		unpackInto(open, s.packed)
	}
	if !(q > 0) {
		q = 0
	}
	return scale.Value(open.KeyAtRank(min(q, 1) * (open.TotalCount() - 1))), true
}

// Clone is a copy that shares nothing that changes.
func (s *Sketch) Clone() Sketch {
	if s.open == nil {
		return *s
	}
	return Sketch{open: s.open.Copy().(*store.DenseStore)} //nolint:forcetypeassert // it copies itself
}

// Packed is a copy that takes no more memory than its encoded form, and is as exact.
func (s *Sketch) Packed() Sketch { return Sketch{packed: s.Encode()} }

func (s *Sketch) unpack() {
	s.open = store.NewDenseStore()
	unpackInto(s.open, s.packed)
	s.packed = nil
}

func unpackInto(open *store.DenseStore, packed []byte) {
	_ = decode(packed, open.AddWithCount) // it was checked
}

// An encoded sketch is: how often the buckets were halved in number; the unit of the counts, as a power of two; the first
// bucket that is not empty; and for each from there to the last its count in units. A count of 0 is followed by how many
// more are empty.

// The greatest count keeps at least so many bits, less one, and buckets are halved in number at most so often. That always
// fits into MaxSketchBytes: two bytes for each of a fourth of the buckets.
const (
	countBits  = 13
	maxHalving = 2
)

// The units that are taken, as powers of two, and the greatest count of a bucket: what no sum of weights ever comes to.
const (
	minUnit, maxUnit = -1020, 128
	maxCount         = 1e30
)

// bins are the counts of buckets, as they are packed. Those outside of first to last are 0.
type bins struct {
	counts      [maxBuckets]float64
	first, last int // from firstBucket on
	any         bool
}

// maxBuckets is a bound of buckets that is known beforehand.
const maxBuckets = 512

func (b *bins) add(index int, count float64) {
	i := index - firstBucket
	switch {
	case !b.any:
		b.first, b.last, b.any = i, i, true
	case i < b.first:
		b.first = i
	case i > b.last:
		b.last = i
	}
	b.counts[i] += count
}

func (b *bins) addSketch(s *Sketch) {
	if s.open == nil {
		_ = decode(s.packed, b.add) // it was checked
		return
	}
	s.open.ForEach(func(index int, count float64) bool {
		b.add(index, count)
		return false
	})
}

// halve unites each two buckets.
func (b *bins) halve() {
	first, last := b.first/2, b.last/2
	for i := first; i <= last; i++ {
		sum := b.counts[2*i]
		if 2*i+1 < maxBuckets {
			sum += b.counts[2*i+1]
		}
		b.counts[i] = sum
	}
	clear(b.counts[last+1 : min(b.last+1, maxBuckets)])
	b.first, b.last = first, last
}

// Encode packs the sketch into at most MaxSketchBytes, nil if it is empty. The caller may not change them.
func (s *Sketch) Encode() []byte {
	if s.open == nil {
		return s.packed
	}
	var b bins
	b.addSketch(s)
	return b.encode()
}

// Sum adds up sketches, and packs the sum. It is much faster than merging packed ones.
func Sum(sketches ...*Sketch) Sketch {
	var b bins
	var only *Sketch
	several := false
	for _, s := range sketches {
		if !s.Empty() {
			several = several || only != nil
			only = s
			b.addSketch(s)
		}
	}
	if only != nil && !several {
		return only.Packed()
	}
	return Sketch{packed: b.encode()}
}

func (b *bins) encode() []byte {
	if !b.any {
		return nil
	}
	var buffer [MaxSketchBytes]byte
	for halved := 0; halved <= maxHalving; halved++ {
		greatest, whole := 0.0, true
		for _, n := range b.counts[b.first : b.last+1] {
			greatest = max(greatest, n)
			whole = whole && n == math.Trunc(n)
		}
		_, coarsest := math.Frexp(greatest)
		coarsest -= countBits
		unit := coarsest
		if whole {
			unit, coarsest = 0, max(coarsest, 0)
		}
		for ; unit <= coarsest; unit++ {
			if packed, ok := b.encodeIn(buffer[:0], halved, unit); ok {
				return slices.Clone(packed)
			}
		}
		b.halve()
	}
	return nil // cannot be
}

// encodeIn appends the sketch in counts of a unit, if it fits into the capacity.
func (b *bins) encodeIn(to []byte, halved, unit int) (packed []byte, ok bool) {
	limit, scale := cap(to), math.Ldexp(1, -unit)
	started, empty := false, uint64(0)
	for i := b.first; i <= b.last; i++ {
		n := uint64(math.RoundToEven(b.counts[i] * scale))
		switch {
		case n == 0:
			empty++
			continue
		case !started:
			to = append(to, byte(halved))
			to = binary.AppendVarint(to, int64(unit))
			to = binary.AppendUvarint(to, uint64(i)) //nolint:gosec // it counts
			started = true
		case empty > 0:
			to = append(to, 0)
			to = binary.AppendUvarint(to, empty-1)
		}
		empty = 0
		if to = binary.AppendUvarint(to, n); len(to) > limit {
			return nil, false
		}
	}
	return to, true
}

var errSketch = errors.New("not a packed sketch")

// DecodeSketch reads what Encode wrote. It keeps the data, which may not change.
func DecodeSketch(data []byte) (Sketch, error) {
	if len(data) > MaxSketchBytes {
		return Sketch{}, fmt.Errorf("%w: %d bytes", errSketch, len(data))
	}
	if err := decode(data, func(int, float64) {}); err != nil {
		return Sketch{}, err
	}
	if len(data) == 0 {
		data = nil
	}
	return Sketch{packed: data}, nil
}

// decode tells what each bucket holds, in its middle where buckets were united.
func decode(data []byte, each func(index int, count float64)) error {
	if len(data) == 0 {
		return nil
	}
	halved := int(data[0])
	unit, n := binary.Varint(data[1:])
	if halved > maxHalving || n <= 0 || unit < minUnit || unit > maxUnit {
		return errSketch
	}
	data = data[1+n:]
	first, n := binary.Uvarint(data)
	if n <= 0 || first >= uint64(buckets) {
		return errSketch
	}
	data = data[n:]
	if len(data) == 0 || data[0] == 0 {
		return errSketch
	}
	one := math.Ldexp(1, int(unit))
	for i := int(first); len(data) > 0; i++ {
		index := i<<halved + 1<<halved/2
		count, n := binary.Uvarint(data)
		if n <= 0 || i<<halved >= buckets {
			return errSketch
		}
		data = data[n:]
		if count == 0 {
			empty, n := binary.Uvarint(data)
			if n <= 0 || n == len(data) || empty >= uint64(buckets) {
				return errSketch
			}
			data = data[n:]
			i += int(empty)
			continue
		}
		each(firstBucket+min(index, buckets-1), min(float64(count)*one, maxCount))
	}
	return nil
}
