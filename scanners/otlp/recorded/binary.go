package recorded

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// tagResourceSpans is how the first field of a request of OTLP begins in protobuf; every field of it is one of these.
const tagResourceSpans = 0x0a

// all reads a file to its end.
func (c *content) all(in *input) error {
	if err := c.read(in); err != nil {
		return err
	}
	return c.tellZipkin()
}

// read reads a file in whatever format it is. Spans of Zipkin may wait after it.
func (c *content) read(in *input) error {
	head, _ := in.Peek(headBytes) // what is wrong is told when it is read
	switch {
	case len(head) == 0:
		if _, err := in.ReadByte(); err != nil && !errors.Is(err, io.EOF) {
			c.broken(err)
		}
		c.found = true // nothing is nothing wrong
		return nil
	case isText(head):
		return c.text(in)
	case isFramed(head):
		return c.frames(in, fixedLength)
	case isMessage(head):
		return c.message(in)
	case isDelimited(head):
		return c.frames(in, binary.ReadUvarint)
	}
	return nil
}

// isText says whether a file is JSON: that it begins as such, and has no character that no text has.
func isText(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	begin := bytes.TrimLeft(head, " \t\r\n")
	if len(begin) == 0 {
		return true // nothing but space
	}
	if begin[0] != '{' && begin[0] != '[' {
		return false
	}
	return bytes.IndexFunc(head, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' }) < 0
}

// begins says whether what follows the length of a message is one: of protobuf, JSON, or packed.
func begins(message []byte) bool {
	return len(message) > 0 && (message[0] == tagResourceSpans || message[0] == '{' ||
		bytes.HasPrefix(message, []byte(magicZstd)))
}

// isFramed says whether messages follow each other with the length of each in four bytes before it, as collectors write.
func isFramed(head []byte) bool {
	const length = 4
	return len(head) > length && head[0] < tagResourceSpans && binary.BigEndian.Uint32(head) > 0 && begins(head[length:])
}

// isMessage says whether the file is one message of protobuf.
func isMessage(head []byte) bool {
	if head[0] != tagResourceSpans {
		return false
	}
	length, n := binary.Uvarint(head[1:])
	if n <= 0 {
		return false
	}
	inner := head[1+n:]
	return length == 0 || len(inner) > 0 && (inner[0] == 0x0a || inner[0] == 0x12 || inner[0] == 0x1a)
}

// isDelimited says whether messages follow each other with the length of each as a varint before it, as libraries of
// protobuf write streams.
func isDelimited(head []byte) bool {
	length, n := binary.Uvarint(head)
	return n > 0 && length > 0 && begins(head[n:])
}

// fixedLength reads the length of a message; io.EOF = there is no other one.
func fixedLength(from io.ByteReader) (uint64, error) {
	var length uint64
	for i := range 4 {
		b, err := from.ReadByte()
		if err != nil {
			if i > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		length = length<<8 | uint64(b)
	}
	return length, nil
}

// frames reads messages that follow each other, each after its length.
func (c *content) frames(in *input, lengthOf func(io.ByteReader) (uint64, error)) error {
	c.found = true
	for number := 1; ; number++ {
		at := place{field: fmt.Sprintf("message %d", number)}
		length, err := lengthOf(in)
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		var data []byte
		if err == nil {
			data, err = c.take(in, length, at)
		}
		if err != nil {
			c.cutOff(at, err)
			return nil
		}
		if err := c.packedMessage(data, at); err != nil {
			return err
		}
	}
}

// take reads as many bytes; nil = they are more than is held in memory, and were passed over.
func (c *content) take(from io.Reader, length uint64, at place) ([]byte, error) {
	if length > uint64(c.held) { //nolint:gosec // it is positive
		passed, err := io.CopyN(io.Discard, from, int64(min(length, 1<<62))) //nolint:gosec // as bounded
		if err == nil {
			c.wrong(at, codeLarge, fmt.Sprintf("this message of %d bytes is larger than can be read", passed), fixLarge)
			c.lost[lostTooLarge]++
		}
		return nil, err
	}
	data, err := readUpTo(from, int(length)) //nolint:gosec // as bounded
	if errors.Is(err, errLong) || length == 0 {
		return data, nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}

// cutOff tells of a message that is not there as a whole.
func (c *content) cutOff(at place, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.wrong(at, codeCutOff, "the last message is not whole yet", "nothing, if it is still being written; else take it out")
		return
	}
	c.broken(err)
}

// broken tells that the file cannot be read to its end.
func (c *content) broken(err error) {
	c.found = true
	c.lost[lostUnreadable]++
	if errors.Is(err, errBomb) {
		c.wrong(place{}, codeLarge, err.Error()+": the rest was not read", "look at what it is, or leave it out by exclude")
		return
	}
	c.wrong(place{}, codeMalformed, fmt.Sprintf("it cannot be read to its end: %v", err), "write it again, or leave it out by exclude")
}

// packedMessage reads one message of any form.
func (c *content) packedMessage(data []byte, at place) error {
	data, err := c.unpackMessage(data)
	switch {
	case errors.Is(err, errBomb):
		c.wrong(at, codeLarge, "this message is larger than can be read", fixLarge)
		c.lost[lostTooLarge]++
		return nil
	case err != nil:
		c.rejected(at, "this message", err)
		return nil
	case len(data) > 0 && data[0] == '{':
		if !valid(data) {
			c.rejected(at, "this message", whyInvalid(data))
			return nil
		}
		return c.value(data, at, 0)
	}
	return c.protobuf(data, at)
}

// protobuf reads a request of OTLP. Of a malformed one nothing counts.
func (c *content) protobuf(data []byte, at place) error {
	var refused error
	err := c.reader.Protobuf(data, func(s *spans.Span) error {
		refused = c.each(s)
		return refused
	})
	if refused != nil {
		return refused
	}
	if err != nil {
		c.rejected(at, "this request", plain(err))
	}
	return nil
}

// message reads a file that is one request in protobuf. One that is larger than what is held in memory is read by the
// resources in it, and what stands before something malformed counts.
func (c *content) message(in *input) error {
	c.found = true
	head, err := readUpTo(in, c.held)
	if err == nil {
		return c.protobuf(head, place{})
	}
	if !errors.Is(err, errLong) {
		c.broken(err)
		return nil
	}
	rest := bufio.NewReader(io.MultiReader(bytes.NewReader(head), in))
	for number := 1; ; number++ {
		at := place{field: fmt.Sprintf("resourceSpans[%d]", number-1)}
		tag, err := rest.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && tag != tagResourceSpans {
			c.rejected(at, "this request", errors.New("it has another field than those of a request"))
			return nil
		}
		var length uint64
		if err == nil {
			length, err = binary.ReadUvarint(rest)
		}
		var data []byte
		if err == nil {
			data, err = c.take(rest, length, at)
		}
		if err != nil {
			c.cutOff(at, err)
			return nil
		}
		one := binary.AppendUvarint([]byte{tagResourceSpans}, uint64(len(data)))
		if err := c.protobuf(append(one, data...), at); err != nil {
			return err
		}
	}
}
