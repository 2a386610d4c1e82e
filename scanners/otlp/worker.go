package otlp

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// worker unpacks and reads one request at a time. There are as many as there are cores, so what they need is bounded.
type worker struct {
	reader *spans.Reader
	gzip   gzip.Reader
	zstd   *zstd.Decoder
}

// maxWindow is how far back zstd may refer: as much as its levels up to 19 do, and what every decoder must support.
const maxWindow = 8 << 20

func newWorker(resources *spans.Resources) (*worker, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("preparing to unpack zstd: %w", err)
	}
	return &worker{reader: spans.NewReader(resources), zstd: decoder}, nil
}

// packing is how a request is compressed.
type packing string

// The packings that are understood, as senders name them.
const (
	unpacked   packing = "identity"
	packedGzip packing = "gzip"
	packedZstd packing = "zstd"
)

func (p packing) known() bool { return p == unpacked || p == packedGzip || p == packedZstd }

// packedError says that a request cannot be unpacked.
type packedError struct {
	packing packing
	err     error
}

func (e *packedError) Error() string {
	return fmt.Sprintf("the request is not packed by %s: %v", e.packing, e.err)
}
func (e *packedError) Unwrap() error { return e.err }

// unpack gives the content of a request of at most limit bytes.
func (w *worker) unpack(request []byte, by packing, memory *memory, limit int64) (buffer, error) {
	const usualRatio = 6
	from := io.Reader(&w.gzip)
	var err error
	if by == packedGzip {
		err = w.gzip.Reset(bytes.NewReader(request))
	} else {
		from, err = w.zstd, w.zstd.Reset(bytes.NewReader(request))
	}
	if err != nil {
		return buffer{}, &packedError{by, err}
	}
	content, err := memory.readAll(unpacking{from, by}, limit, usualRatio*int64(len(request)))
	// They let go of the request; that there is nothing to unpack then is no matter.
	_, _ = w.zstd.Reset(nil), w.gzip.Reset(bytes.NewReader(nil))
	return content, err
}

// unpacking tells the errors of a decompressor from others.
type unpacking struct {
	io.Reader
	packing packing
}

func (u unpacking) Read(into []byte) (int, error) {
	n, err := u.Reader.Read(into)
	if err != nil && err != io.EOF {
		err = &packedError{u.packing, err}
	}
	return n, err
}
