package otlp

import (
	"errors"
	"io"
	"sync/atomic"
)

// memory counts the bytes that requests take while they are read.
type memory struct {
	most int64
	used atomic.Int64
}

var (
	// errTooLarge says that a request is larger than any may be.
	errTooLarge = errors.New("the request is too large: send fewer spans at a time")
	// errNoMemory says that other requests take all the memory that there is for them.
	errNoMemory = errors.New("too many requests are being read now: send it again")
)

func (m *memory) reserve(bytes int64) bool {
	if m.used.Add(bytes) > m.most {
		m.used.Add(-bytes)
		return false
	}
	return true
}

// buffer is bytes for which memory is reserved, until release.
type buffer struct {
	memory   *memory
	data     []byte
	reserved int64
}

// release gives the memory back; what was released has none.
func (b *buffer) release() {
	if b.memory == nil {
		return
	}
	b.memory.used.Add(-b.reserved)
	*b = buffer{}
}

const (
	firstRead = 16 << 10 // how much is read before more is reserved
	maxHint   = 1 << 20  // what a sender says of the size is believed up to here; what is more must arrive first
)

// readAll reads at most limit bytes (errTooLarge), as far as there is memory (errNoMemory). hint is how many are expected;
// what is not sent takes no memory.
func (m *memory) readAll(from io.Reader, limit, hint int64) (buffer, error) {
	b := buffer{memory: m}
	size := min(max(firstRead, min(hint, maxHint)+1), limit+1) // one more, to see the end
	for {
		if !m.reserve(size) {
			b.release()
			return buffer{}, errNoMemory
		}
		grown := make([]byte, len(b.data), size)
		copy(grown, b.data)
		m.used.Add(-b.reserved)
		b.data, b.reserved = grown, size
		for int64(len(b.data)) < size {
			n, err := from.Read(b.data[len(b.data):size])
			b.data = b.data[:len(b.data)+n]
			if errors.Is(err, io.EOF) {
				if int64(len(b.data)) <= limit {
					return b, nil
				}
				err = errTooLarge
			}
			if err != nil {
				b.release()
				return buffer{}, err
			}
		}
		if size > limit {
			b.release()
			return buffer{}, errTooLarge
		}
		size = min(2*size, limit+1)
	}
}
