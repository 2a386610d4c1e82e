package recorded

import (
	"bytes"
	"context"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

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
	in, err := unpacked(ctx, bytes.NewReader(data), max(packedLeast, packedMost*int64(len(data))))
	if err != nil {
		c.broken(err)
		return c.lost, c.told(), c.found, nil
	}
	defer in.end()
	if err = c.read(in); err == nil {
		err = c.tellZipkin()
	}
	return c.lost, c.told(), c.found, err
}
