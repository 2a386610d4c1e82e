package catalog

import (
	"crypto/sha256"
	"encoding/binary"
)

// FlowID names the traffic of one source from one subject to another in one way and environment. The numbers of a flow
// change all the time and make no revision, so they are kept beside the documents, by this id. It is never 0.
type FlowID uint64

// FlowOf is the id for what tells the flow apart within its source. It follows from the words alone, so that every
// process gives the same.
func FlowOf(words ...string) FlowID {
	hash := sha256.New()
	var length [8]byte
	for _, word := range words {
		binary.BigEndian.PutUint64(length[:], uint64(len(word)))
		hash.Write(length[:])
		hash.Write([]byte(word))
	}
	return FlowID(binary.BigEndian.Uint64(hash.Sum(nil)) | 1)
}

// Entry says whether requests enter the system at a service: whether traces begin there.
type Entry uint8

// What is known of entries. The order is that of what wins where claims differ.
const (
	EntryUnknown Entry = iota // it was not traced
	EntryInner                // it was traced, and nothing began there
	EntryPoint                // requests, or jobs of its own, begin there
)
