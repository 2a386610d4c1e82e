package recorded

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxLayers is how often a file may be packed.
	maxLayers = 3
	// maxWindow is the memory in bytes that unpacking may take.
	maxWindow = 128 << 20
	// headBytes is how much of a file its format is told by.
	headBytes = 4 << 10
)

var errBomb = errors.New("it unpacks to far more than traces do")

// input is a file as it is read.
type input struct {
	ctx    context.Context //nolint:containedctx // it is of one reading
	file   io.Reader
	failed error // of the file itself
	left   int64 // bytes that may still be read, unpacked
	digest hash.Hash
	*bufio.Reader
	close []func()
}

// unpacked opens what is in a file, however it is packed. whole bounds what is read where it is packed. It is to be ended after
// an error, too.
func unpacked(ctx context.Context, file io.Reader, whole int64) (*input, error) {
	in := &input{ctx: ctx, file: file, left: whole, digest: sha256.New()}
	reader := bufio.NewReaderSize(raw{in}, headBytes)
	packed := false
	for range maxLayers {
		next, err := in.layer(reader)
		if err != nil {
			return in, err
		}
		if next == nil {
			break
		}
		packed, reader = true, bufio.NewReaderSize(next, headBytes)
	}
	in.Reader = bufio.NewReaderSize(counted{in, reader, packed}, 16*headBytes)
	return in, nil
}

// layer is what is in the packed stream; nil = it is not packed.
func (in *input) layer(reader *bufio.Reader) (io.Reader, error) {
	head, _ := reader.Peek(len(magicZstd)) // what is wrong is told when it is read
	switch {
	case bytes.HasPrefix(head, []byte(magicGzip)):
		unpack, err := gzip.NewReader(reader)
		if err != nil {
			return nil, fmt.Errorf("it cannot be unpacked: %w", err)
		}
		return unpack, nil
	case bytes.HasPrefix(head, []byte(magicZstd)):
		unpack, err := zstd.NewReader(reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("it cannot be unpacked: %w", err)
		}
		in.close = append(in.close, unpack.Close)
		return unpack, nil
	}
	return nil, nil
}

// What packed files begin with.
const (
	magicGzip = "\x1f\x8b"
	magicZstd = "\x28\xb5\x2f\xfd"
)

// end gives back what unpacking holds.
func (in *input) end() {
	for _, closing := range in.close {
		closing()
	}
}

// sum is the digest of what was read, unpacked.
func (in *input) sum() (sum [sumBytes]byte) {
	copy(sum[:], in.digest.Sum(nil))
	return sum
}

// raw reads the file itself, and remembers what went wrong.
type raw struct{ in *input }

func (r raw) Read(p []byte) (int, error) {
	if err := r.in.ctx.Err(); err != nil {
		r.in.failed = err
		return 0, err
	}
	n, err := r.in.file.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.in.failed = err
	}
	return n, err
}

// counted bounds what comes out of a packed file.
type counted struct {
	in     *input
	from   io.Reader
	packed bool
}

func (c counted) Read(p []byte) (int, error) {
	if c.packed && c.in.left <= 0 {
		return 0, errBomb
	}
	n, err := c.from.Read(p)
	c.in.left -= int64(n)
	c.in.digest.Write(p[:n])
	return n, err
}

// unpackMessage is what is in a message that is packed by itself.
func (c *content) unpackMessage(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte(magicZstd)) {
		return data, nil
	}
	if c.messages == nil {
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(uint64(c.held))) //nolint:gosec // it is positive
		if err != nil {
			return nil, fmt.Errorf("it cannot be unpacked: %w", err)
		}
		c.messages = decoder
	}
	unpacked, err := c.messages.DecodeAll(data, nil)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, errBomb
	case err != nil:
		return nil, fmt.Errorf("it cannot be unpacked: %w", err)
	}
	return unpacked, nil
}

// end gives back what reading holds.
func (c *content) end() {
	if c.messages != nil {
		c.messages.Close()
	}
}
