package recorded

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// BombFactor is how many times what is held in memory ReadSpans takes from a packed file.
const BombFactor = 64

// ReadSpans reads one file, with at most held bytes in memory, without putting spans together.
func ReadSpans(ctx context.Context, location string, data []byte, held int, each func(*spans.Span) error) (
	lost map[string]uint64, problems []catalog.Problem, found bool, err error,
) {
	resources := spans.NewResources(resourceBytes)
	c := &content{
		location: location, held: held, resources: resources, reader: spans.NewReader(resources),
		ids: identities{file: location}, lost: make(map[string]uint64), each: each,
	}
	defer c.end()
	in, err := unpacked(ctx, bytes.NewReader(data), int64(held)*BombFactor)
	defer in.end()
	if err != nil {
		c.broken(err)
		return c.lost, c.told(), c.found, nil
	}
	err = c.all(in)
	return c.lost, c.told(), c.found, err
}

// KeptState is what is left of a state of so many files, once it was encoded, and how many bytes that takes.
func KeptState(here, gone, told int) (bytes, keptHere, keptGone, keptTold int, listed bool, err error) {
	s := &state{Version: stateVersion, Listing: []byte("listing"), Files: make(map[string]known)}
	number := func(prefix string, i int) string {
		sum := sha256.Sum256([]byte(strconv.Itoa(i)))
		return prefix + hex.EncodeToString(sum[:])
	}
	for i := range here {
		s.Files[number("here/", i)] = known{Sum: [sumBytes]byte(sha256.New().Sum([]byte(number("", i)))[:sumBytes])}
	}
	for i := range gone {
		s.Files[number("gone/", i)] = known{Gone: true}
	}
	for i := range told {
		s.Told = append(s.Told, number("told/", i))
	}
	data, err := s.encode()
	if err != nil {
		return 0, 0, 0, 0, false, err
	}
	kept := readState(data)
	for _, file := range kept.Files {
		if file.Gone {
			keptGone++
		} else {
			keptHere++
		}
	}
	return len(data), keptHere, keptGone, len(kept.Told), kept.Listing != nil, nil
}
