package recorded

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"
)

const (
	// sumBytes is how much is kept of the digest of a file.
	sumBytes = 16
	// maxState is how large the state may be, in bytes.
	maxState = 1 << 20
	// stateVersion is of the form of the state and of what files are taken for: another one makes them be read again.
	stateVersion = 1
)

// state is what is known of the files that were read.
type state struct {
	Version int `cbor:"1,keyasint"`
	// Listing is the digest of the names, sizes and times of the files: while it is the same nothing is read.
	Listing []byte `cbor:"2,keyasint"`
	// Files are those that were read, also those that are gone since, by writer. It is nil where there are too many.
	Files map[string]known `cbor:"3,keyasint,omitempty"`
	// Told are the scopes of which something is told.
	Told []string `cbor:"4,keyasint,omitempty"`
}

// known is a file that was read.
type known struct {
	Sum  [sumBytes]byte `cbor:"1,keyasint"`           // of the content, unpacked
	Gone bool           `cbor:"2,keyasint,omitempty"` // it is not there any more
}

// readState reads what state.encode wrote. What cannot be read, or another version wrote, is forgotten: then all files are
// read again.
func readState(data []byte) *state {
	fresh := &state{Version: stateVersion}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64*maxState))
	if err != nil {
		return fresh
	}
	defer decoder.Close()
	plain, err := decoder.DecodeAll(data, nil)
	if err != nil {
		return fresh
	}
	var held state
	if cbor.Unmarshal(plain, &held) != nil || held.Version != stateVersion {
		return fresh
	}
	return &held
}

// encode is the state in at most maxState bytes: files that are gone are forgotten first, then all. Where not even what is
// told fits in, everything is read again the next time.
func (s *state) encode() ([]byte, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("keep the state of recorded traces: %w", err)
	}
	defer func() { _ = encoder.Close() }() // nothing is written by it
	for _, forget := range []func(){
		func() {}, s.forgetGone, func() { s.Files = nil }, func() { s.Told, s.Listing = nil, nil },
	} {
		forget()
		plain, err := cbor.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("keep the state of recorded traces: %w", err)
		}
		if data := encoder.EncodeAll(plain, nil); len(data) <= maxState {
			return data, nil
		}
	}
	return nil, errors.New("keep the state of recorded traces: it is too large")
}

func (s *state) forgetGone() {
	for writer, file := range s.Files {
		if file.Gone {
			delete(s.Files, writer)
		}
	}
}

// listing is the digest of what can be told of files without reading them.
func listing(all *found) []byte {
	hash := sha256.New()
	var number [8]byte
	for _, f := range all.files {
		for _, n := range [...]int64{int64(len(f.writer)), f.size, f.changed.UnixNano()} {
			binary.BigEndian.PutUint64(number[:], uint64(n)) //nolint:gosec // only to tell them apart
			hash.Write(number[:])
		}
		hash.Write([]byte(f.writer))
	}
	for _, problem := range all.refused {
		hash.Write([]byte(problem.String()))
	}
	return hash.Sum(nil)
}
