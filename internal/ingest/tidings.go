package ingest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"unicode/utf8"
)

// maxDeliveries is how many deliveries a source remembers: those that were heard last.
const maxDeliveries = 1000

// digest stands for the id of a delivery.
type digest [8]byte

func digestOf(delivery string) digest {
	sum := sha256.Sum256([]byte(delivery))
	return digest(sum[:])
}

// MarshalText implements encoding.TextMarshaler.
func (d digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *digest) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	if err == nil && len(decoded) != len(d) {
		err = hex.ErrLength
	}
	copy(d[:], decoded)
	return err
}

// tidings are what was heard of a source and is not scanned yet. Each has the number under which it was heard last, so that
// a scan answers what was heard until it began and nothing that came later. Their size is bounded: they fit in a document of
// state.
type tidings struct {
	Number     uint64            `json:"number,omitzero"` // of the newest, from 1; it never falls
	Whole      uint64            `json:"whole,omitzero"`  // anything may have changed; 0 = only the parts
	Parts      map[string]uint64 `json:"parts,omitempty"`
	Deliveries map[digest]uint64 `json:"deliveries,omitempty"` // by which it was heard
}

// hear adds what was heard; without parts, anything may have changed.
func (t *tidings) hear(parts []string, deliveries []digest) {
	t.Number++
	if t.Parts == nil {
		t.Parts = make(map[string]uint64)
	}
	if t.Deliveries == nil {
		t.Deliveries = make(map[digest]uint64)
	}
	size, whole := 0, t.Whole > 0 || len(parts) == 0
	for _, name := range parts {
		t.Parts[name] = t.Number
		whole = whole || !utf8.ValidString(name) // which JSON would change
	}
	for name := range t.Parts {
		size += len(name)
	}
	if whole || len(t.Parts) > maxParts || size > maxPartBytes {
		t.Whole = t.Number
		clear(t.Parts)
	}
	for _, id := range deliveries {
		t.Deliveries[id] = t.Number
	}
	if more := len(t.Deliveries) - maxDeliveries; more > 0 {
		for _, id := range t.delivered(t.Number)[:more] {
			delete(t.Deliveries, id)
		}
	}
}

// answer forgets what was heard up to a number.
func (t *tidings) answer(number uint64) {
	old := func(heard uint64) bool { return heard <= number }
	if old(t.Whole) {
		t.Whole = 0
	}
	maps.DeleteFunc(t.Parts, func(_ string, heard uint64) bool { return old(heard) })
	maps.DeleteFunc(t.Deliveries, func(_ digest, heard uint64) bool { return old(heard) })
}

// delivered are the deliveries up to a number, those that were heard first before the others.
func (t *tidings) delivered(number uint64) []digest {
	var ids []digest
	for id, heard := range t.Deliveries {
		if heard <= number {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b digest) int {
		return cmp.Or(cmp.Compare(t.Deliveries[a], t.Deliveries[b]), slices.Compare(a[:], b[:]))
	})
	return ids
}

func (t *tidings) none() bool { return t.Whole == 0 && len(t.Parts) == 0 && len(t.Deliveries) == 0 }

func (t tidings) clone() tidings {
	t.Parts, t.Deliveries = maps.Clone(t.Parts), maps.Clone(t.Deliveries)
	return t
}

// delivered is the state document of the deliveries that scans have answered: their digests, the oldest first.
type delivered []byte

const digestBytes = len(digest{})

func decodeDelivered(data []byte) delivered {
	if len(data)%digestBytes != 0 {
		return nil
	}
	return data
}

func (d delivered) has(id digest) bool {
	for each := range slices.Chunk(d, digestBytes) {
		if digest(each) == id {
			return true
		}
	}
	return false
}

// with are the deliveries with more, of which the oldest are forgotten.
func (d delivered) with(more []digest) delivered {
	d = slices.Clone(d)
	for _, id := range more {
		if !d.has(id) {
			d = append(d, id[:]...)
		}
	}
	return d[max(0, len(d)-maxDeliveries*digestBytes):]
}
