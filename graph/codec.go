package graph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/orrery-catalog/orrery/catalog"
)

// MaxDocumentBytes is the largest packed document that a store takes: far more than any descriptor a person wrote, and
// little enough that one row never decides how much memory is needed.
const MaxDocumentBytes = 16 << 20

// CorruptError says that a stored record cannot be read back, and which one it is.
type CorruptError struct {
	Document catalog.DocumentID // as far as it is known
	State    *State             // set instead where the record is a state document; without its Data
	Reason   error
}

func (e *CorruptError) Error() string {
	if e.State != nil {
		return fmt.Sprintf("the stored state %q of source %q is damaged: %v", e.State.Name, e.State.Source, e.Reason)
	}
	return fmt.Sprintf("the stored document %q of scope %q of source %q is damaged: %v",
		e.Document.Key, e.Document.Scope, e.Document.Source, e.Reason)
}

// Unwrap gives the reason.
func (e *CorruptError) Unwrap() error { return e.Reason }

// A packed document is a format byte, the CRC-32C of what follows it, and the document in CBOR (RFC 8949) under the
// numbers of its cbor tags, in core deterministic encoding: equal documents give equal bytes.
const (
	documentFormat = 1
	documentHeader = 1 + crc32.Size
)

// codec holds the two modes of the CBOR library, which are immutable and safe for many goroutines.
type codec struct {
	encoding cbor.EncMode
	decoding cbor.DecMode
}

var documentCodec = sync.OnceValues(func() (codec, error) {
	encoding, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return codec{}, err
	}
	decoding, err := cbor.DecOptions{
		// Every element takes a byte at least, so that what can be encoded can be decoded.
		MaxArrayElements:  MaxDocumentBytes,
		MaxMapPairs:       MaxDocumentBytes,
		MaxNestedLevels:   16, // a document has 9
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		// A file may be named by any bytes, and its name comes back as it was.
		UTF8: cbor.UTF8DecodeInvalid,
	}.DecMode()
	return codec{encoding, decoding}, err
})

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// EncodeDocument packs a document into the bytes that stores keep. Equal documents give equal bytes; an empty list or map
// counts as none. The error wraps [ErrTooLarge] over [MaxDocumentBytes].
func EncodeDocument(document *catalog.Document) ([]byte, error) {
	modes, err := documentCodec()
	if err != nil {
		return nil, err
	}
	body, err := modes.encoding.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("pack document %q: %w", document.ID.Key, err)
	}
	if size := documentHeader + len(body); size > MaxDocumentBytes {
		return nil, fmt.Errorf("document %q of scope %q has %d bytes: %w (at most %d)",
			document.ID.Key, document.ID.Scope, size, ErrTooLarge, MaxDocumentBytes)
	}
	packed := make([]byte, documentHeader, documentHeader+len(body))
	packed[0] = documentFormat
	binary.BigEndian.PutUint32(packed[1:], crc32.Checksum(body, castagnoli))
	return append(packed, body...), nil
}

// DecodeDocument reads what EncodeDocument packed; the document shares no memory with the bytes. Anything else is a
// *CorruptError, whose Document is the zero value: the caller knows where the bytes came from.
func DecodeDocument(packed []byte) (*catalog.Document, error) {
	modes, err := documentCodec()
	if err != nil {
		return nil, err
	}
	document := new(catalog.Document)
	if err := decodeDocument(modes.decoding, packed, document); err != nil {
		return nil, &CorruptError{Reason: err}
	}
	return document, nil
}

func decodeDocument(decoding cbor.DecMode, packed []byte, into *catalog.Document) error {
	switch {
	case len(packed) < documentHeader:
		return errors.New("it is cut off")
	case len(packed) > MaxDocumentBytes:
		return fmt.Errorf("it has %d bytes (at most %d)", len(packed), MaxDocumentBytes)
	case packed[0] != documentFormat:
		return fmt.Errorf("it has the unknown format %d", packed[0])
	}
	body := packed[documentHeader:]
	if binary.BigEndian.Uint32(packed[1:]) != crc32.Checksum(body, castagnoli) {
		return errors.New("its checksum is wrong")
	}
	return decoding.Unmarshal(body, into)
}
