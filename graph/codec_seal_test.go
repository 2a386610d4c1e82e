package graph

import (
	"encoding/binary"
	"hash/crc32"
)

// Seal puts a right header before the body in data, so that fuzzing gets past the checksum. Its first bytes are dropped.
func Seal(data []byte) []byte {
	body := data[min(len(data), documentHeader):]
	packed := binary.BigEndian.AppendUint32([]byte{documentFormat}, crc32.Checksum(body, castagnoli))
	return append(packed, body...)
}
