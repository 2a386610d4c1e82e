package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// The two ways in which GitHub sends a payload: as it is, or in a field of a form. What is signed is the body.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// errNoRoom says that other bodies fill the memory that there is for them.
var errNoRoom = errors.New("there is no room for the body")

// pieceBytes is how much of a body is read at a time.
const pieceBytes = 32 << 10

// read reads the body as far as there is room, which counts what has come: who sends slowly, or promises much, keeps nobody
// out. release gives the room back; it is never nil.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(readTime)) // a writer that knows no deadline is one of a test
	limited := http.MaxBytesReader(w, r.Body, h.maxBytes)
	held := int64(0)
	release = func() { h.memory.Release(held) }
	var all bytes.Buffer
	for {
		if !h.memory.TryAcquire(pieceBytes) {
			return nil, release, errNoRoom
		}
		held += pieceBytes
		switch n, err := io.CopyN(&all, limited, pieceBytes); {
		case errors.Is(err, io.EOF):
			_ = control.SetReadDeadline(time.Time{})
			return all.Bytes(), release, nil
		case err != nil:
			return nil, release, err
		case n < pieceBytes:
			return nil, release, io.ErrUnexpectedEOF
		}
	}
}

// parseSignature reads the header of a signature; false = it is none by SHA-256.
func parseSignature(header string) ([]byte, bool) {
	written, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(written) != hex.EncodedLen(sha256.Size) {
		return nil, false
	}
	signature, err := hex.DecodeString(written)
	return signature, err == nil
}

// signedFor are the targets by whose secret a body is signed. How long it takes tells nothing of the secrets.
func signedFor(targets []Target, signature, body []byte) []Target {
	verified := make(map[string]bool) // by secret
	for _, t := range targets {
		if _, known := verified[t.Secret]; t.Secret == "" || known {
			continue
		}
		mac := hmac.New(sha256.New, []byte(t.Secret))
		_, _ = mac.Write(body) // a hash takes everything
		verified[t.Secret] = hmac.Equal(mac.Sum(nil), signature)
	}
	var signed []Target
	for _, t := range targets {
		if verified[t.Secret] {
			signed = append(signed, t)
		}
	}
	return signed
}
