package boltpeer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// magic opens a connection of Bolt; four proposals of versions follow.
const magic = 0x6060B017

// maxMessage bounds what is kept of one message.
const maxMessage = 256 << 20

// acceptHandshake reads a client's proposals and answers with the wanted version, if it is among them.
func acceptHandshake(conn io.ReadWriter, major, minor byte) error {
	var opening [20]byte
	if _, err := io.ReadFull(conn, opening[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(opening[:]) != magic {
		return fmt.Errorf("a client that does not speak Bolt: % x", opening[:4])
	}
	for proposal := opening[4:]; len(proposal) > 0; proposal = proposal[4:] {
		// A proposal stands for its minor version and so many below it; manifests (major 255) are left alone.
		if back, highest := proposal[1], proposal[2]; proposal[3] == major && minor <= highest && int(minor) >= int(highest)-int(back) {
			_, err := conn.Write([]byte{0, 0, minor, major})
			return err
		}
	}
	_, err := conn.Write(make([]byte, 4))
	if err == nil {
		err = fmt.Errorf("a client that does not speak Bolt %d.%d: % x", major, minor, opening[4:])
	}
	return err
}

// proposeHandshake asks a server for one version.
func proposeHandshake(conn io.ReadWriter, major, minor byte) error {
	opening := binary.BigEndian.AppendUint32(nil, magic)
	opening = append(opening, 0, 0, minor, major)
	if _, err := conn.Write(append(opening, make([]byte, 12)...)); err != nil {
		return err
	}
	var agreed [4]byte
	if _, err := io.ReadFull(conn, agreed[:]); err != nil {
		return err
	}
	if agreed != [4]byte{0, 0, minor, major} {
		return fmt.Errorf("the server speaks Bolt %d.%d, not %d.%d", agreed[3], agreed[2], major, minor)
	}
	return nil
}

// readMessage reads the chunks of one message.
func readMessage(r *bufio.Reader) ([]byte, error) {
	var message []byte
	for {
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return nil, err
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		switch {
		case n == 0 && len(message) > 0:
			return message, nil
		case len(message)+n > maxMessage:
			return nil, fmt.Errorf("a message of more than %d bytes", maxMessage)
		}
		start := len(message)
		message = append(message, make([]byte, n)...)
		if _, err := io.ReadFull(r, message[start:]); err != nil {
			return nil, err
		}
	}
}

// writeMessage writes a message in chunks.
func writeMessage(w *bufio.Writer, message []byte) error {
	for len(message) > 0 {
		n := min(len(message), math.MaxUint16)
		var size [2]byte
		binary.BigEndian.PutUint16(size[:], uint16(n))
		if _, err := w.Write(size[:]); err != nil {
			return err
		}
		if _, err := w.Write(message[:n]); err != nil {
			return err
		}
		message = message[n:]
	}
	_, err := w.Write([]byte{0, 0})
	return err
}
