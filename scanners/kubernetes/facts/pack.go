package facts

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/orrery-catalog/orrery/catalog"
)

// What is derived is kept packed: it is compared often, asked for rarely, and takes a third of the memory.
type codec struct {
	encoding cbor.EncMode
	decoding cbor.DecMode
}

var documentCodec = sync.OnceValues(func() (codec, error) {
	encoding, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return codec{}, err
	}
	// What comes back is what this package packed, so that only honest lengths are to be expected.
	decoding, err := cbor.DecOptions{
		MaxArrayElements: 1 << 24, MaxMapPairs: 1 << 24, UTF8: cbor.UTF8DecodeInvalid,
	}.DecMode()
	return codec{encoding, decoding}, err
})

// pack makes bytes that are equal for equal documents.
func pack(documents []*catalog.Document) ([]byte, error) {
	modes, err := documentCodec()
	if err != nil {
		return nil, err
	}
	return modes.encoding.Marshal(documents)
}

func unpack(packed []byte) ([]*catalog.Document, error) {
	modes, err := documentCodec()
	if err != nil {
		return nil, err
	}
	var documents []*catalog.Document
	if err := modes.decoding.Unmarshal(packed, &documents); err != nil {
		return nil, fmt.Errorf("unpack documents: %w", err)
	}
	return documents, nil
}

// store keeps what scopes say, and what of it changed.
type store struct {
	packed  map[string][]byte
	changed map[string]bool
}

// set makes a scope say the documents; none take it away.
func (s *store) set(name string, documents []*catalog.Document) {
	before, had := s.packed[name]
	if len(documents) == 0 {
		if had {
			delete(s.packed, name)
			s.changed[name] = true
		}
		return
	}
	packed, err := pack(documents)
	if err != nil {
		// Documents are plain values, which always pack. If one did not, what was said before would stand.
		return
	}
	if !had || !bytes.Equal(before, packed) {
		s.packed[name] = packed
		s.changed[name] = true
	}
}
